// The report that SIGHUP logs: a line for every server and proxy, in HAProxy's words.

/// The states of proxies and their servers, for logs.
public enum StatusReport {
    /// The lines about one proxy, its servers first.
    public static func lines(of proxy: ProxyStats) -> [String] {
        proxy.servers.map { server in
            "Server \(proxy.name)/\(server.name) is \(server.isUsable ? "UP" : "DOWN"). Conn: \(server.sessionsCurrent) act, "
                + "\(server.queueCurrent) pend, \(server.sessionsTotal) tot."
        } + [summary(of: proxy)]
    }

    private static func summary(of proxy: ProxyStats) -> String {
        let active = proxy.servers.reduce(0) { $0 + $1.activeServers }
        let backup = proxy.servers.reduce(0) { $0 + $1.backupServers }
        let state =
            proxy.servers.isEmpty
            ? "has no servers."
            : active + backup == 0
                ? "has no server available !"
                : active == 0
                    ? "is running on \(backup) backup servers."
                    : "has \(active) active servers and \(backup) backup servers available."
        let front = proxy.frontend
        let back = proxy.backend
        let pending = back?.queueCurrent ?? 0
        let unassigned = pending - proxy.servers.reduce(0) { $0 + $1.queueCurrent }
        return
            "Proxy \(proxy.name) \(state) Conn: act(FE+BE): \(front?.sessionsCurrent ?? 0)+\(back?.sessionsCurrent ?? 0), "
            + "\(pending) pend (\(max(0, unassigned)) unass), "
            + "tot(FE+BE): \(front?.sessionsTotal ?? 0)+\(back?.sessionsTotal ?? 0)."
    }
}

extension StatsRow {
    fileprivate var isUsable: Bool {
        switch state {
        case .up, .goingDown, .noCheck, .drain, .stopping: true
        default: false
        }
    }
}
