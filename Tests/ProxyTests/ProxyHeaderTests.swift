// Connections that start with a PROXY protocol header: the resulting client address, clients that send none, and the
// time-out for it. Log lines are compared with HAProxy 2.6.

import Balancing
import Basics
import KernelSimulation
import ProxyProtocol
import Testing

@testable import Proxy

@Suite struct ProxyHeaderTests {
    private static let server = "server s1 127.0.0.1:9001"
    private static let request = Array("GET /a HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    private static let line = Array("PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n".utf8)

    /// `line` as a version 2 header, followed by TLVs.
    private static func block(_ values: (type: UInt8, text: String)...) -> [UInt8] {
        var bytes = ProxyHeader.bytes(
            .two,
            ProxyHeader.Ends(
                source: .ip(.v4(0x0102_0304), port: 1_111), destination: .ip(.v4(0x0506_0708), port: 2_222)))
        var all = TypedValues()
        for value in values { all.append(value.type, value.text.utf8) }
        bytes[15] += UInt8(all.bytes.count)
        return bytes + all.bytes
    }

    /// A site whose responses contain the client's address.
    private static let ends = """
        http-request return status 200 content-type text/plain lf-string \
        "%[src]:%[src_port] %[dst]:%[dst_port] %ci:%cp %fi:%fp %[fc_src] %[fc_dst]:%[fc_dst_port] %[fc_rcvd_proxy]"
        """

    private func text(_ client: PlayedClient) -> String {
        String(
            client.received[(client.received.ranges(of: "\r\n\r\n").last?.upperBound ?? client.received.endIndex)...])
    }

    // MARK: Client address

    @Test("The client is who the header says; the connection comes from whom it comes", arguments: [1, 2])
    func announced(version: Int) throws {
        let site = try PlayedSite(bind: "accept-proxy", Self.ends)
        let client = site.client((version == 1 ? Self.line : Self.block()) + Self.request)
        site.run(for: 10)
        #expect(
            text(client)
                == "1.2.3.4:1111 5.6.7.8:2222 1.2.3.4:1111 5.6.7.8:2222 127.0.0.2 127.0.0.1:80 1")
        site.end()
    }

    @Test(
        "A proxy that speaks for itself, or cannot say for whom, is the client itself",
        arguments: [
            Array("PROXY UNKNOWN\r\n".utf8), Array("PROXY UNKNOWN ::1 ::2 1 2\r\n".utf8), ProxyHeader.bytes(.two, nil),
        ])
    func ownEnds(header: [UInt8]) throws {
        let site = try PlayedSite(bind: "accept-proxy", Self.ends)
        let client = site.client(header + Self.request)
        site.run(for: 10)
        let words = text(client).split(separator: " ")
        try #require(words.count == 7, "\(client.received)")
        #expect(words[0].hasPrefix("127.0.0.2:") && words[0] == words[2])
        #expect(words[1...].joined(separator: " ").hasSuffix("127.0.0.2 127.0.0.1:80 1"))
        site.end()
    }

    @Test("Each request of the connection comes from this client, the server is told, and so is the log")
    func keptAlive() throws {
        let site = try PlayedSite(
            bind: "accept-proxy", "option forwardfor", "log-format \"%ci:%cp %fi:%fp %U\"", Self.server)
        let server = site.server(1) { _ in .answer(PlayedServer.ok()) }
        let client = site.client(Self.line + Self.request)
        site.run(for: 10)
        client.send(Self.request)
        site.run(for: 10)
        #expect(server.requests.count == 2)
        for request in server.requests {
            #expect(request.hasPrefix("GET /a HTTP/1.1\r\n") && request.contains("\r\nx-forwarded-for: 1.2.3.4\r\n"))
        }
        // The header is not counted as part of the request.
        let entry = "1.2.3.4:1111 5.6.7.8:2222 \(Self.request.count)"
        #expect(site.log() == [entry, entry])
        #expect(site.plan.frontends[0].traffic.total(.bytesIn) == UInt64(2 * Self.request.count))
        // A header is expected only once.
        client.send(Self.line)
        site.run(for: 10)
        #expect(client.status == 400)
        site.end()
    }

    @Test("Wherever the bytes are cut, the header is read and the request behind it is whole", arguments: [1, 2])
    func cut(version: Int) throws {
        let bytes = (version == 1 ? Self.line : Self.block((2, "example.com"))) + Self.request
        let site = try PlayedSite(bind: "accept-proxy", Self.ends)
        for place in 1..<bytes.count {
            let client = site.client(Array(bytes[..<place]))
            site.run(for: 3)
            #expect(client.received.isEmpty)
            client.send(Array(bytes[place...]))
            site.run(for: 3)
            #expect(text(client).hasPrefix("1.2.3.4:1111 "), "cut at byte \(place)")
            client.finish()
        }
        let client = site.client("")
        for byte in bytes {
            client.send([byte])
            site.run(for: 1)
        }
        site.run(for: 3)
        #expect(text(client).hasPrefix("1.2.3.4:1111 "))
        site.end()
    }

    @Test("Values of the header can be asked for in each request; another connection has none of them")
    func values() throws {
        let site = try PlayedSite(
            bind: "accept-proxy",
            "http-request return status 200 content-type text/plain lf-string "
                + "\"%[fc_pp_authority],%[fc_pp_unique_id],%[fc_pp_tlv(0xE0)],%[fc_err],%[fc_err_str]\"")
        let header = Self.block((2, "example.com"), (5, "id-1"), (0xE0, "own"))
        let client = site.client(header + Self.request)
        let other = site.client(Self.line + Self.request)
        site.run(for: 10)
        #expect(text(client) == "example.com,id-1,own,0,Success")
        #expect(text(other) == ",,,0,Success")
        client.send(Self.request)
        site.run(for: 10)
        #expect(client.received.ranges(of: "example.com,id-1,own").count == 2)
        site.end()
    }

    // MARK: Rules

    @Test("expect-proxy asks some clients for a header, and takes others as they are")
    func someClients() throws {
        for (condition, hasHeader) in [("if { src 127.0.0.2 }", true), ("unless { src 127.0.0.2 }", false)] {
            let site = try PlayedSite("tcp-request connection expect-proxy layer4 \(condition)", Self.ends)
            let client = site.client((hasHeader ? Self.line : []) + Self.request)
            site.run(for: 10)
            #expect(text(client).hasPrefix(hasHeader ? "1.2.3.4:1111 " : "127.0.0.2:"))
            #expect(text(client).hasSuffix(hasHeader ? " 1" : " 0"))
            let other = site.client((hasHeader ? [] : Self.line) + Self.request)
            site.run(for: 10)
            #expect(hasHeader ? other.received.isEmpty && other.wasReset : other.status == 400)
            site.end()
        }
    }

    @Test("Rules about the connection see where it comes from, those about the session whom the header names")
    func beforeAndBehind() throws {
        let site = try PlayedSite(
            bind: "accept-proxy",
            "tcp-request connection set-var(sess.before) src",
            "tcp-request connection set-var(sess.had) fc_rcvd_proxy",
            "tcp-request session set-var(sess.behind) src",
            "tcp-request session set-var(sess.has) fc_rcvd_proxy",
            "http-request return status 200 content-type text/plain lf-string "
                + "\"%[var(sess.before)] %[var(sess.had)] %[var(sess.behind)] %[var(sess.has)]\"")
        let client = site.client(Self.line + Self.request)
        site.run(for: 10)
        #expect(text(client) == "127.0.0.2 0 1.2.3.4 1")
        site.end()
    }

    @Test("The announced address can be refused, and the one that announces it before a byte was read")
    func rejected() throws {
        let site = try PlayedSite(bind: "accept-proxy", "tcp-request session reject if { src 1.2.3.4 }", Self.server)
        let client = site.client(Self.line + Self.request)
        site.run(for: 10)
        #expect(client.isClosed && client.received.isEmpty)
        let traffic = site.plan.frontends[0].traffic
        #expect(traffic.total(.deniedSessions) == 1 && traffic.total(.sessions) == 0)
        #expect(site.log() == [])
        site.end()

        let strict = try PlayedSite(bind: "accept-proxy", "tcp-request connection reject if { src 127.0.0.2 }")
        let stranger = strict.client("")
        strict.run(for: 10)
        #expect(stranger.isClosed)
        #expect(strict.plan.frontends[0].traffic.total(.deniedConnections) == 1)
        strict.end()
    }

    @Test("Another source that session rules set is not the connection's own (fc_src); one of connection rules is")
    func otherSources() throws {
        let answer =
            "http-request return status 200 content-type text/plain lf-string \"%[src] %[fc_src] %[src_port]\""
        let plain = try PlayedSite("tcp-request session set-src str(9.9.9.9)", answer)
        let client = plain.client(Self.request)
        plain.run(for: 10)
        #expect(text(client).hasPrefix("9.9.9.9 127.0.0.2 "))
        plain.end()

        let site = try PlayedSite(
            bind: "accept-proxy", "tcp-request connection set-src str(8.8.8.8)",
            "tcp-request session set-src-port int(99)", answer)
        let other = site.client(Self.line + Self.request)
        site.run(for: 10)
        #expect(text(other) == "1.2.3.4 8.8.8.8 99")
        site.end()
    }

    // MARK: TCP

    @Test("In mode tcp the server gets what is behind the header, and rules look at that")
    func tunnel() throws {
        let site = try PlayedSite(
            mode: "tcp", bind: "accept-proxy", "tcp-request inspect-delay 5s",
            "tcp-request content set-var(sess.first) req.payload(0,3)",
            "tcp-request content accept if { req.len gt 3 }",
            "log-format \"%ci:%cp %U %ts %[var(sess.first)]\"", Self.server)
        let server = site.server(1) { _ in .close(saying: "bye") }
        let client = site.client(Array(Self.block((4, "pad"))[..<20]))
        site.run(for: 100)
        #expect(server.connectionCount == 0)
        client.send(Array(Self.block((4, "pad"))[20...]) + Self.request)
        site.run(for: 100)
        #expect(server.requests == [String(decoding: Self.request, as: UTF8.self)])
        client.finish()
        site.run(for: 100)
        #expect(site.log() == ["1.2.3.4:1111 \(Self.request.count) -- GET"])
        site.end()
    }

    // MARK: Clients without a header

    struct Failure: Sendable, CustomTestStringConvertible {
        let sent: [UInt8]
        var end = End.waits
        let message: String
        enum End: Sendable { case waits, finishes, resets }
        var testDescription: String { "\(message): \(String(decoding: sent, as: UTF8.self).prefix(30))" }
    }

    static let failures = [
        Failure(sent: request, message: "Received something which does not look like a PROXY protocol header"),
        Failure(
            sent: Array("PROXY TCP5 1.2.3.4 5.6.7.8 1111 2222\r\n".utf8) + request,
            message: "Received an unhandled protocol in the PROXY protocol header"),
        Failure(
            sent: Array("PROXY TCP4 1.2.3.4 5.6.7.8 1111\r\n".utf8) + request,
            message: "Received an invalid PROXY protocol header"),
        Failure(sent: block((3, "abcd")) + request, message: "Received an invalid PROXY protocol header"),
        Failure(
            sent: Array(block()[..<14]) + [0xFF, 0xFF], message: "Truncated PROXY protocol header received"),
        Failure(
            sent: Array(line[..<20]), end: .finishes, message: "Truncated PROXY protocol header received"),
        Failure(sent: [], end: .finishes, message: "Connection closed while waiting for PROXY protocol header"),
        Failure(sent: [], end: .resets, message: "Connection error while waiting for PROXY protocol header"),
        Failure(sent: Array(line[..<20]), message: "Timeout while waiting for PROXY protocol header"),
        Failure(sent: [], message: "Timeout while waiting for PROXY protocol header"),
    ]

    @Test(
        "A client that sends no header, or no whole one, is closed without a word and has a line of its own",
        arguments: failures, ["http", "tcp"])
    func failed(_ failure: Failure, mode: String) throws {
        let site = try PlayedSite(mode: mode, bind: "accept-proxy name public", "timeout client 3s", Self.server)
        let server = site.server(1) { _ in .answer(PlayedServer.ok()) }
        let client = site.client(failure.sent)
        site.run(for: 10)
        switch failure.end {
        case .waits: site.run(for: 4_000)
        case .finishes: client.finish()
        case .resets: client.reset()
        }
        site.run(for: 10)
        #expect(client.received.isEmpty)
        if failure.end != .resets { #expect(client.isClosed && client.wasReset == !failure.sent.isEmpty) }
        #expect(site.log() == ["site/public: \(failure.message)"])
        let traffic = site.plan.frontends[0].traffic
        #expect(traffic.total(.connections) == 1 && traffic.total(.sessions) == 0)
        #expect(traffic.total(.requests) == 0 && traffic.total(.badRequests) == 0 && traffic.total(.bytesIn) == 0)
        #expect(server.connectionCount == 0)
        #expect(site.plan.site.admission.connections.current == 0)
        site.end()
    }

    @Test("option dontlognull leaves out those who sent nothing", arguments: failures)
    func unsaid(_ failure: Failure) throws {
        let site = try PlayedSite(bind: "accept-proxy", "timeout client 3s", "option dontlognull", Self.server)
        let client = site.client(failure.sent)
        site.run(for: 10)
        if failure.end == .finishes { client.finish() }
        if failure.end == .resets { client.reset() }
        site.run(for: 4_000)
        #expect(site.log().count == (failure.sent.isEmpty ? 0 : 1))
        site.end()
    }

    @Test("error-log-format says it in other words, with the real address, the variables and a number")
    func otherWords() throws {
        let site = try PlayedSite(
            bind: "accept-proxy", "tcp-request connection set-var(sess.from) src",
            "error-log-format \"%ci %[fc_err] %ST %ts %Tt %lc %rt %[var(sess.from)] %[fc_rcvd_proxy]\"", Self.server)
        _ = site.client("nonsense")
        site.run(for: 10)
        _ = site.client(Self.line + Array("nonsense\r\n\r\n".utf8))
        site.run(for: 10)
        #expect(site.log() == ["127.0.0.2 15 0 PR 0 0 0 127.0.0.2 0", "1.2.3.4 0 400 PR 0 1 1 127.0.0.2 1"])
        site.end()
    }

    // MARK: Time-outs

    @Test("The header has `timeout client`, however slowly it comes; what is behind it has its own time from there on")
    func time() throws {
        let site = try PlayedSite(bind: "accept-proxy", "timeout client 3s", "timeout http-request 1s", Self.server)
        let slow = site.client("")
        for byte in Self.line.prefix(30) {
            slow.send([byte])
            site.run(for: 99)
        }
        #expect(!slow.isClosed)
        site.run(for: 100)
        #expect(slow.isClosed && site.log() == ["site/1: Timeout while waiting for PROXY protocol header"])

        let other = site.client("")
        site.run(for: 2_900)
        other.send(Self.line)
        site.run(for: 950)
        #expect(!other.isClosed)
        site.run(for: 100)
        #expect(other.status == 408)
        // From the accept: 2900 for the header and 1000 for the request.
        #expect(site.log().map { $0.hasPrefix("site site/<NOSRV> -1/-1/-1/-1/3900 408 ") } == [true])
        site.end()
    }

    @Test("The header's time is the handshake's in the log (%Th), of the first request only")
    func handshakeTime() throws {
        let site = try PlayedSite(
            bind: "accept-proxy", "log-format \"%Th %Ti %TR %Tt\"", "http-request return status 200")
        let client = site.client("")
        site.run(for: 300)
        client.send(Self.line)
        site.run(for: 200)
        client.send(Self.request)
        site.run(for: 100)
        client.send(Self.request)
        site.run(for: 50)
        #expect(site.log() == ["300 200 0 500", "0 100 0 100"])
        site.end()
    }

    @Test("Who waits with half a header holds one buffer, who has sent nothing holds none")
    func memory() throws {
        let site = try PlayedSite(bind: "accept-proxy", "timeout client 60s", Self.server)
        let silent = site.client("")
        site.run(for: 10)
        #expect(site.worker.holdings.buffers == 0)
        silent.send(Array(Self.line[..<10]))
        site.run(for: 10)
        #expect(site.worker.holdings.buffers == 1)
        silent.send(Array(Self.line[10...]))
        site.run(for: 10)
        #expect(site.worker.holdings == (2, 0, 0))
        site.end()
    }

    // MARK: Failures

    @Test(
        "Behind headers, exchanges under every misfortune end once and leak nothing", arguments: [ProxyMode.http, .tcp])
    func misfortune(mode: ProxyMode) {
        for seed in 1...6 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: 3, mode: mode) {
                for index in $0.binds.indices { $0.binds[index].options.acceptsProxyHeader = true }
            }
            site.header = String(decoding: Self.line, as: UTF8.self)
            site.addClients(20, requestsEach: 3)
            site.runToTheEnd()
            #expect(site.worker.holdings == (0, 0, 0), "seed \(seed)")
            #expect(site.kernel.openCount == 0 && site.plan.site.admission.connections.current == 0, "seed \(seed)")
            #expect(site.plan.frontends[0].sessions.current == 0, "seed \(seed)")
        }
    }

    @Test("Well-behaved clients behind headers get every answer, however the bytes are cut")
    func everyAnswerArrives() {
        for seed in 1...5 {
            let site = SimulatedSite(seed: UInt64(seed), faultOneIn: .max) {
                for index in $0.binds.indices { $0.binds[index].options.acceptsProxyHeader = true }
            }
            site.header = String(decoding: Self.line, as: UTF8.self)
            site.addClients(10, requestsEach: 4)
            site.runToTheEnd()
            #expect(site.worker.holdings == (0, 0, 0), "seed \(seed)")
            for client in site.clients {
                let text = String(decoding: client.received, as: UTF8.self)
                #expect(client.requestCount == text.ranges(of: "HTTP/1.1 2").count, "seed \(seed)")
            }
        }
    }
}
