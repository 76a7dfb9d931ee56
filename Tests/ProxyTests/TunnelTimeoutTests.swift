// The time-outs of tunnels, and of half-closed tunnels, on the simulated clock.

import Testing

private let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
private let switched = "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"

@Suite struct TunnelTimeoutTests {
    /// A tunnel of either kind, in which each side sends some bytes and then follows its script.
    private func tunnel(
        _ words: String..., isTCP: Bool, client: [Step] = [], server: [Step] = []
    ) -> Played {
        play(
            words.joined(separator: "\n    "), mode: isTCP ? "tcp" : "http",
            client: [.says(isTCP ? "hello" : upgrade), .hears("world")] + client,
            server: [.hears(isTCP ? "hello" : "\r\n\r\n"), .says((isTCP ? "" : switched) + "world")] + server)
    }

    private func status(_ isTCP: Bool) -> String { isTCP ? "0" : "101" }

    @Test(
        "Silence in a tunnel is bounded by timeout tunnel, not by those of client and server", arguments: [true, false])
    func silence(isTCP: Bool) {
        let played = tunnel(
            "timeout tunnel 60s", "timeout client 5s", "timeout server 3s", isTCP: isTCP,
            client: [.waits(50), .says("again")])
        #expect(played.end == "\(status(isTCP)) cD")
        #expect(played.endedForClient(at: 110))
        #expect(played.isAllOver)
    }

    @Test("Without it the shorter of timeout client and timeout server", arguments: [true, false])
    func unset(isTCP: Bool) {
        let byClient = tunnel("timeout client 5s", "timeout server 8s", isTCP: isTCP)
        #expect(byClient.end == "\(status(isTCP)) cD")
        #expect(byClient.endedForClient(at: 5))
        let byServer = tunnel("timeout client 8s", "timeout server 5s", isTCP: isTCP)
        #expect(byServer.end == "\(status(isTCP)) sD")
        #expect(byServer.endedForClient(at: 5))
    }

    @Test("When the client has finished, timeout server-fin bounds the wait for the server", arguments: [true, false])
    func serverFin(isTCP: Bool) {
        let played = tunnel(
            "timeout server-fin 2s", "timeout client-fin 1s", "timeout tunnel 60s", "timeout client 30s",
            "timeout server 30s", isTCP: isTCP, client: [.finishes, .waits(1_000)], server: [.waits(1_000)])
        #expect(played.end == "\(status(isTCP)) sD")
        #expect(played.endedForClient(at: 2))
    }

    @Test("When the server has finished, timeout client-fin bounds the wait for the client", arguments: [true, false])
    func clientFin(isTCP: Bool) {
        let played = tunnel(
            "timeout server-fin 2s", "timeout client-fin 1s", "timeout tunnel 60s", "timeout client 30s",
            "timeout server 30s", isTCP: isTCP, client: [.waits(100)], server: [.finishes, .waits(1_000)])
        #expect(played.end == "\(status(isTCP)) cD")
        #expect(played.endedForServer(at: 1))
    }

    @Test("They may also be longer than timeout tunnel", arguments: [true, false])
    func longFin(isTCP: Bool) {
        let played = tunnel(
            "timeout server-fin 30s", "timeout tunnel 2s", "timeout client 5s", "timeout server 5s", isTCP: isTCP,
            client: [.finishes, .waits(1_000)], server: [.waits(1_000)])
        #expect(played.end == "\(status(isTCP)) sD")
        #expect(played.endedForClient(at: 30))
    }

    @Test("Without them only the side that may still speak counts", arguments: [true, false])
    func halfClosed(isTCP: Bool) {
        let byServer = tunnel(
            "timeout client 2s", "timeout server 9s", isTCP: isTCP, client: [.finishes, .waits(1_000)],
            server: [.waits(1_000)])
        #expect(byServer.end == "\(status(isTCP)) sD")
        #expect(byServer.endedForClient(at: 9))
        let byClient = tunnel(
            "timeout client 9s", "timeout server 2s", isTCP: isTCP, client: [.waits(100)],
            server: [.finishes, .waits(1_000)])
        #expect(byClient.end == "\(status(isTCP)) cD")
        #expect(byClient.endedForServer(at: 9))
    }

    @Test("What a server says in one piece with its agreement to a tunnel is passed on at once")
    func wordsInOnePieceWithTheHead() {
        let played = play(
            "timeout client 30s", "timeout server 30s", client: [.says(upgrade), .hears("world"), .leaves],
            server: [.hears("\r\n\r\n"), .says(switched + "world"), .waits(1_000)])
        #expect(played.endedForClient(at: 0), "and not when somebody speaks again")
    }

    @Test("A half-closed tunnel in which the other half still speaks goes on", arguments: [true, false])
    func halfClosedAndBusy(isTCP: Bool) {
        let played = tunnel(
            "timeout server-fin 2s", "timeout client 30s", "timeout server 30s", isTCP: isTCP,
            client: [.finishes, .hears("still here")],
            server: [.drips("still here", every: 1.5), .leaves])
        #expect(played.end == "\(status(isTCP)) --")
        #expect(played.clientGot.hasSuffix("still here"))
    }
}

@Suite struct TimeoutWordTests {
    @Test(
        "A time has a unit, and without one it is milliseconds",
        arguments: [
            ("2500", 2.5), ("2500ms", 2.5), ("2500000us", 2.5), ("4s", 4), ("2m", 120), ("3h", 10_800), ("2d", 172_800),
        ])
    func units(time: String, seconds: Double) {
        let played = play("timeout http-request \(time)", "timeout client 20d", client: [])
        #expect(played.end == "408 cR")
        #expect(played.endedForClient(at: seconds))
    }

    @Test("Zero switches a time-out off, as in HAProxy")
    func zero() {
        let played = play(
            "timeout server 0", "timeout client 60s",
            client: [.says("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), .waits(100_000), .leaves],
            server: [])
        #expect(played.clientEnded.map { $0 >= 100_000 } == true)
    }

    @Test("Where nothing is set, safe times apply and are said")
    func defaults() {
        let silent = play(client: [])
        #expect(silent.end == "408 cR")
        #expect(silent.endedForClient(at: 10))
        for (name, seconds) in [("client", 60), ("http-request", 10), ("connect", 5), ("server", 60)] {
            let remark = silent.remarks.first { $0.contains("'timeout \(name)'") }
            #expect(remark?.contains("\(seconds)s") == true, "timeout \(name)")
        }
        let slowServer = play(client: [.says("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), .hears("504"), .leaves], server: [])
        #expect(slowServer.end == "504 sH")
        #expect(slowServer.endedForClient(at: 60))
        let noServer = play(
            client: [.says("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), .hears("503"), .leaves], server: [.neverAccepts])
        #expect(noServer.end == "503 sC")
        #expect(noServer.endedForClient(at: 20), "a try and three retries of 5 s")
        let slowBody = play(client: [.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")], server: [])
        #expect(slowBody.end == "408 cH")
        #expect(slowBody.endedForClient(at: 60))
    }

    @Test("The bound on a head that is shorter than timeout client is said as well")
    func shorterThanClient() {
        #expect(play("timeout client 30s", client: []).remarks.contains { $0.contains("'timeout http-request'") })
        #expect(!play("timeout client 9s", client: []).remarks.contains { $0.contains("'timeout http-request'") })
    }
}
