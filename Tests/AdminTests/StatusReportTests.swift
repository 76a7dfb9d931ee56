// The lines logged on SIGHUP.

import Admin
import Testing

@Suite struct StatusReportTests {
    @Test func serversComeBeforeTheirProxy() {
        var proxy = ProxyStats(name: "app", id: 2)
        var up = StatsRow(kind: .server, name: "s1", id: 1)
        up.sessionsCurrent = 2
        up.sessionsTotal = 10
        up.activeServers = 1
        var down = StatsRow(kind: .server, name: "s2", id: 2)
        down.state = .down
        proxy.servers = [up, down]
        proxy.backend = StatsRow(kind: .backend)
        proxy.backend?.sessionsCurrent = 2
        proxy.backend?.queueCurrent = 3
        proxy.backend?.sessionsTotal = 11
        #expect(
            StatusReport.lines(of: proxy) == [
                "Server app/s1 is UP. Conn: 2 act, 0 pend, 10 tot.",
                "Server app/s2 is DOWN. Conn: 0 act, 0 pend, 0 tot.",
                "Proxy app has 1 active servers and 0 backup servers available. Conn: act(FE+BE): 0+2, 3 pend (3 unass), "
                    + "tot(FE+BE): 0+11.",
            ])
    }

    @Test func aFrontendHasNoServers() {
        var proxy = ProxyStats(name: "www", id: 2)
        proxy.frontend = StatsRow(kind: .frontend)
        #expect(
            StatusReport.lines(of: proxy) == [
                "Proxy www has no servers. Conn: act(FE+BE): 0+0, 0 pend (0 unass), tot(FE+BE): 0+0."
            ])
    }
}
