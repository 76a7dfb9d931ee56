// Every time-out, on the simulated clock: which side is closed when, with which status, and which two letters the log
// has for it (HAProxy's manual, section 8.5). `timeout queue`, `tarpit` and `check` are tested with their subjects.

import Testing

private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
private let halfAPost = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0123456789"

@Suite struct RequestTimeoutTests {
    @Test("A client that says nothing gets 408 after timeout http-request")
    func silence() {
        let played = play("timeout http-request 3s", "timeout client 60s", client: [])
        #expect(played.end == "408 cR")
        #expect(played.endedForClient(at: 3))
        #expect(played.clientGot.hasPrefix("HTTP/1.1 408 "))
        #expect(played.isAllOver)
    }

    @Test("A head that comes slowly is cut by timeout http-request, however often its client moves")
    func slowHead() {
        let slow = "GET /" + String(repeating: "a", count: 100) + " HTTP/1.1\r\n"
        let played = play("timeout http-request 5s", "timeout client 2s", client: [.drips(slow, every: 0.9)])
        #expect(played.end == "408 cR")
        #expect(played.lasted == 5)
    }

    @Test("Without timeout http-request, timeout client bounds the head if it is the shorter one")
    func headBoundedByClient() {
        let played = play("timeout client 4s", client: [.says("GET / HT")])
        #expect(played.end == "408 cR")
        #expect(played.endedForClient(at: 4))
    }

    @Test("timeout http-request is for the head alone: a body may take its time")
    func bodyIsNotBounded() {
        let body = String(repeating: "b", count: 90)
        let played = play(
            "timeout http-request 2s", "timeout client 5s", "timeout server 60s",
            client: [.says(halfAPost), .drips(body, every: 1), .hears("ok"), .leaves],
            server: [.hears("0123456789\(body)"), .says(ok)])
        #expect(played.end == "200 --")
        #expect(played.clientEnded.map { $0 > 80 } == true)
    }

    @Test("With option http-buffer-request it bounds the body too: a slow one is cut with 408")
    func slowBody() {
        let played = play(
            "timeout http-request 5s", "timeout client 60s", "option http-buffer-request",
            client: [.says(halfAPost), .drips(String(repeating: "b", count: 90), every: 1)])
        #expect(played.end == "408 cR")
        #expect(played.lasted == 5)
        #expect(played.serversEnded.isEmpty)
    }

    @Test("Between requests timeout http-keep-alive counts, and its end is worth no line")
    func keepAlive() {
        let played = play(
            "timeout http-keep-alive 7s", "timeout http-request 2s", "timeout client 60s", "timeout server 60s",
            client: [.says(get), .hears("ok"), .waits(6), .says(get), .hears("ok")],
            server: [.hears("\r\n\r\n"), .says(ok), .hears("\r\n\r\n"), .says(ok)])
        #expect(played.log.map { $0.prefix(6) } == ["200 --", "200 --"])
        #expect(played.endedForClient(at: 13))
        #expect(played.clientGot.hasSuffix("ok"), "no 408: there was no request")
    }

    @Test(
        "Where it is not set, timeout http-request takes its place, or timeout client",
        arguments: [
            (["timeout http-request 3s", "timeout client 60s"], 3.0), (["timeout client 5s"], 5.0),
        ])
    func keepAliveUnset(words: [String], seconds: Double) {
        let played = play(
            words.joined(separator: "\n    "), client: [.says(get), .hears("ok")],
            server: [.hears("\r\n\r\n"), .says(ok)])
        #expect(played.end == "200 --")
        #expect(played.endedForClient(at: seconds))
    }

    /// Regression: an extra line end after a POST counted as the start of a request: 408 after timeout http-request.
    @Test(
        "Line ends behind a body begin no request: timeout http-keep-alive goes on",
        arguments: ["\r\n", "\r\n\r\n\r", "\r"])
    func strayLineEnds(text: String) {
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
        let played = play(
            "timeout http-keep-alive 9s", "timeout http-request 2s", "timeout client 60s", "timeout server 60s",
            client: [.says(post), .hears("ok"), .says(text), .waits(5)], server: [.hears("ab"), .says(ok)])
        #expect(played.end == "200 --")
        #expect(played.endedForClient(at: 9))
        #expect(played.clientGot.hasSuffix("ok"), "no 408: there was no request")
    }

    @Test("The request behind stray line ends has all its time")
    func requestBehindStrayLineEnds() {
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\r"
        let played = play(
            "timeout http-keep-alive 9s", "timeout http-request 2s", "timeout client 60s", "timeout server 60s",
            client: [.says(post), .hears("ok"), .waits(3), .says("\n"), .waits(3), .says(get), .hears("ok")],
            server: [.hears("\r\n\r\n"), .says(ok), .hears("\r\n\r\n"), .says(ok)])
        #expect(played.log.map { $0.prefix(6) } == ["200 --", "200 --"])
    }

    @Test("The next request's head is bounded from its first byte")
    func secondHead() {
        let played = play(
            "timeout http-keep-alive 60s", "timeout http-request 3s", "timeout client 60s",
            client: [.says(get), .hears("ok"), .waits(20), .says("GET /second")],
            server: [.hears("\r\n\r\n"), .says(ok)])
        #expect(played.log.map { $0.prefix(6) } == ["200 --", "408 cR"])
        #expect(played.endedForClient(at: 23))
    }
}

@Suite struct ClientTimeoutTests {
    @Test("A client that stops in the middle of its body gets 408, and the server is let go")
    func stalledBody() {
        let played = play(
            "timeout client 5s", "timeout server 60s", client: [.waits(1), .says(halfAPost)], server: [])
        #expect(played.end == "408 cH")
        #expect(played.endedForClient(at: 6))
        #expect(played.serversEnded.map { $0.map { $0 < 6.1 } } == [true])
    }

    @Test("Every byte of its body gives it new time")
    func everyByteCounts() {
        let played = play(
            "timeout client 5s", "timeout server 60s",
            client: [.says(halfAPost), .drips("bbb", every: 4)], server: [])
        #expect(played.end == "408 cH")
        #expect(played.endedForClient(at: 17))
    }

    @Test("If the answer has begun there is nothing more to say: the connection is cut, cD")
    func stalledBodyBehindAnAnswer() {
        let played = play(
            "timeout client 5s", "timeout server 60s", client: [.says(halfAPost)],
            server: [.hears("0123456789"), .says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")])
        #expect(played.end == "200 cD")
        #expect(played.endedForClient(at: 5))
    }

    @Test("A client that does not read is cut by timeout client: 200 cD", arguments: ["", "response-buffer 1m"])
    func doesNotRead(buffer: String) {
        let big = "HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + String(repeating: "x", count: 500_000)
        let played = play(
            "timeout client 5s", "timeout server 60s", backend: buffer, client: [.says(get), .stopsReading],
            server: [.hears("\r\n\r\n"), .says(big)])
        #expect(played.end == "200 cD")
        #expect(played.lasted.map { $0 >= 5 && $0 < 5.1 } == true)
        #expect(played.serversEnded.map { $0.map { $0 < 5.2 } } == [true])
    }

    @Test("One that reads slowly, but reads, is not")
    func readsSlowly() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + String(repeating: "x", count: 100_000)
        let played = play(
            "timeout client 5s", "timeout server 60s", client: [.says(get), .sips(5_000, every: 4)],
            server: [.hears("\r\n\r\n"), .says(answer)])
        #expect(played.end == "200 --")
        #expect(played.clientGot.count == 100_000 + 40)
        #expect(played.clientEnded.map { $0 > 40 } == true)
    }

    @Test("While the server thinks, nobody waits for the client")
    func serverThinks() {
        let played = play(
            "timeout client 2s", "timeout server 30s", client: [.says(get), .hears("ok"), .leaves],
            server: [.hears("\r\n\r\n"), .waits(20), .says(ok)])
        #expect(played.end == "200 --")
    }
}

@Suite struct ServerTimeoutTests {
    @Test("A server that does not answer in timeout server: 504 sH")
    func silence() {
        let played = play("timeout client 2s", "timeout server 10s", client: [.says(get)], server: [.hears("\r\n\r\n")])
        #expect(played.end == "504 sH")
        #expect(played.clientGot.hasPrefix("HTTP/1.1 504 "))
        #expect(played.endedForServer(at: 10))
    }

    @Test("Its time begins when the request is with it, and a head in pieces is bounded as a whole")
    func slowHead() {
        let played = play(
            "timeout client 60s", "timeout server 10s",
            client: [.says(halfAPost), .waits(30), .says(String(repeating: "b", count: 90))],
            server: [
                .hears("bbb"), .says("HTTP/1.1 200 OK\r\n"), .drips(String(repeating: "X: y\r\n", count: 99), every: 1),
            ])
        #expect(played.end == "504 sH")
        #expect(played.endedForServer(at: 40))
    }

    @Test("One that stops in its body is cut off, and the client sees that something is missing: 200 sD")
    func stopsInBody() {
        let played = play(
            "timeout client 60s", "timeout server 10s", client: [.says(get)],
            server: [
                .hears("\r\n\r\n"), .says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok"), .waits(3), .says("ok"),
            ])
        #expect(played.end == "200 sD")
        #expect(played.endedForClient(at: 13))
        #expect(played.clientGot.hasSuffix("okok"))
    }

    @Test("One that does not read the request is a silent one: 504 sH")
    func doesNotRead() {
        let post =
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + String(repeating: "b", count: 500_000)
        let played = play("timeout client 60s", "timeout server 10s", client: [.says(post)], server: [.stopsReading])
        #expect(played.end == "504 sH")
        #expect(played.endedForServer(at: 10))
    }

    @Test("A server that cannot be reached: timeout connect for each attempt, then 503 sC")
    func connect() {
        let played = play(
            "timeout client 60s", "timeout server 60s", "timeout connect 4s", "retries 2",
            client: [.says(get), .hears("503"), .leaves],
            server: [.neverAccepts])
        #expect(played.end == "503 sC")
        #expect(played.log.first?.contains(" 2 ") == true, "two retries")
        #expect(played.serversEnded.map { $0.map { ($0 + 0.05) / 4 } }.map { Int($0 ?? 0) } == [1, 2, 3])
        #expect(played.endedForClient(at: 12))
    }

    @Test("One that refuses is asked again after a second, and then it is 503 SC")
    func refused() {
        let played = play(
            "timeout client 60s", "timeout server 60s", "timeout connect 4s", "retries 2",
            client: [.says(get), .hears("503"), .leaves],
            server: [.refuses])
        #expect(played.end == "503 SC")
        #expect(played.endedForClient(at: 2))
    }
}
