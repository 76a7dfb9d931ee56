// `show servers state`: a line a server, in the layout that HAProxy's tools and state files have (manual, "show servers state").

internal import Balancing
internal import Basics

public enum ShowServersState: RuntimeCommand {
    public static let name = "show servers state"
    public static let usage = "show servers state [<backend>]"
    public static let summary = "report where servers are and how they are (filter: a backend)"

    public static func run(_ call: inout CommandCall) {
        let source = call.context.statistics
        let name = call.words.first
        if let name {
            let isBackend = (0..<source.proxyCount).contains { proxy in
                source.identity(ofProxy: proxy).name == name
                    && source.backend(ofProxy: proxy, at: call.context.now) != nil
            }
            guard isBackend else { return call.fail("Can't find backend.") }
        }
        call.say("1")
        call.say("# " + ServerStateLine.columns)
        var filter = RowFilter()
        filter.kinds = .server
        if let name { filter.scope = [name] }
        call.say(inPieces: ServerStateLines(source: source, filter: filter))
    }
}

/// The lines of all servers.
private struct ServerStateLines: PieceProducer {
    let source: any StatsSource
    let filter: RowFilter
    var cursor = RowCursor()

    mutating func next(into out: inout [UInt8], at now: Instant) -> Bool {
        guard let (proxy, server) = cursor.next(in: source, filter, at: now) else { return false }
        out.append(ServerStateLine.text(of: server, in: proxy))
        out.append(0x0A)
        return true
    }
}

/// One line of version 1 of the format.
enum ServerStateLine {
    static let columns =
        "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
        + "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
        + "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr "
        + "srv_agent_port"

    static func text(of server: StatsRow, in proxy: ProxyIdentity) -> String {
        let place =
            "\(proxy.id) \(proxy.name) \(server.id) \(server.name) \(server.endpoint?.ip.map { "\($0)" } ?? "-")"
        let state = "\(server.operationalState) \(server.administrativeState)"
        let weights =
            "\(server.weightConfigured) \(server.weightOfLine) \((server.stateAge?.nanoseconds ?? 0) / 1_000_000_000)"
        // Configured (2), enabled (4), and of an agent (16).
        let check = "\(checkNumbers(of: server)) \(server.agentPort == 0 ? 0 : 22)"
        let port = server.endpoint?.port.map { Int($0) } ?? server.servicePort
        let names = "\(proxy.hasOwnID ? 1 : 0) \(server.hasOwnID ? 1 : 0) \(server.hostName ?? "-") \(port)"
        let service = "\(server.serviceName ?? "-") \(server.isEncrypted ? 1 : 0)"
        let checkPlace = "\(server.checkPort) \(server.checkAddress.map { "\($0)" } ?? "-")"
        let agentPlace = "\(server.agentAddress.map { "\($0)" } ?? "-") \(server.agentPort)"
        return
            "\(place) \(state) \(weights) \(check) \(names) \(service) \(checkPlace) \(agentPlace)"
    }

    /// Status, result, health and state of the check, as the numbers that HAProxy has for them.
    private static func checkNumbers(of server: StatsRow) -> String {
        guard server.checkRise > 0 else { return "1 0 \(server.isInMaintenance ? 0 : 1) 0" }
        // Configured (2) and enabled (4), and perhaps paused (8).
        let state = server.isInMaintenance ? 14 : 6
        guard let last = server.check else { return "1 0 \(server.checkHealth) \(state)" }
        let status = statuses.firstIndex(of: last.code) ?? 0
        return "\(status) \(last.code.hasSuffix("OK") ? 3 : 2) \(server.checkHealth) \(state)"
    }

    /// The short codes at the places of HAProxy's numbers.
    private static let statuses = [
        "UNK", "INI", "", "", "HANA", "SOCKERR", "L4OK", "L4TOUT", "L4CON", "L6OK", "L6TOUT", "L6RSP", "L7TOUT",
        "L7RSP", "",
        "L7OK", "L7OKC", "L7STS", "PROCERR", "PROCTOUT", "PROCOK",
    ]
}

extension StatsRow {
    /// 0: takes no requests. 2: takes them, if only those that name it.
    fileprivate var operationalState: Int { serverState.isUsable ? 2 : 0 }

    /// HAProxy's bits, several of which may be set. 1: maintenance. 2 and 16: maintenance and drain of the server that it tracks. 4: the configuration has `disabled`, whatever was decided since.
    /// 8: drain. 32: its host name has no address.
    fileprivate var administrativeState: Int {
        let decided =
            switch serverState.administrative {
            case .ready: 0
            case .maintenance: 1
            case .drain: 8
            }
        let inherited =
            switch serverState.inherited {
            case .ready: 0
            case .maintenance: 2
            case .drain: 16
            }
        return decided + inherited + (startedInMaintenance ? 4 : 0) + (serverState.name == .unresolved ? 32 : 0)
    }

    /// HAProxy calls a server without an address one in maintenance too.
    fileprivate var isInMaintenance: Bool {
        serverState.decided == .maintenance || serverState.name == .unresolved
    }
}
