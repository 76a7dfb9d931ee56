// What the configuration says of HTTP/2 reaches the plan.

import Admin
import Balancing
import Basics
import Configuration
import HTTP
import Logging
import Resolvers
import Rules
import TLS
import Testing

@testable import Proxy

@Suite struct HTTP2PlanTests {
    private static let language = Language(
        keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table + LoggingKeywords.table
            + ResolversKeywords.table + TLSKeywords.table + AdminKeywords.table,
        parameterGroups: [])

    /// The plan of a file, and its errors.
    private func load(_ text: String) -> (plan: Plan?, problems: [String]) {
        let loaded = Self.language.load(text: text, named: "t.cfg")
        var facts = ProcessFacts()
        facts.descriptorsLimit = 1_000
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections, logger: Logger(rings: 1),
            workers: 1,
            facts: facts, now: Instant(nanoseconds: 1))
        let plan = builder.build()
        let errors = (loaded.problems + builder.problems).filter { $0.severity == .error }
        return (errors.isEmpty ? plan : nil, errors.map { "\($0.message); \($0.expected ?? "")" })
    }

    private func plan(global lines: String...) throws -> HTTP2Plan {
        let text = "global\n" + lines.map { "    \($0)\n" }.joined() + "listen l\n"
        let (plan, problems) = load(text)
        return try #require(plan, "\(problems)").settings.http2
    }

    // MARK: Limits

    @Test func `without a word both sides have the defaults`() throws {
        let plan = try plan()
        #expect(plan == HTTP2Plan())
        #expect(plan.frontend == HTTP2Limits() && plan.backend == HTTP2Limits())
    }

    @Test func `each side has its own numbers, and those of both where it has none`() throws {
        let plan = try plan(
            global: "tune.h2.initial-window-size 70000", "tune.h2.fe.initial-window-size 0",
            "tune.h2.max-concurrent-streams 50", "tune.h2.be.max-concurrent-streams 7",
            "tune.h2.fe.glitches-threshold 100", "tune.h2.be.glitches-threshold 200",
            "tune.h2.fe.max-total-streams 300", "tune.h2.fe.max-rst-at-once 4", "tune.h2.fe.max-frames-at-once 5",
            "tune.h2.be.max-frames-at-once 6", "tune.h2.header-table-size 8192")
        var frontend = HTTP2Limits()
        frontend.initialWindow = 0
        frontend.maxConcurrentStreams = 50
        frontend.glitchesMax = 100
        frontend.totalStreamsMax = 300
        frontend.resetsAtOnceMax = 4
        frontend.framesAtOnceMax = 5
        frontend.headerTableSize = 8_192
        #expect(plan.frontend == frontend)
        var backend = HTTP2Limits()
        backend.initialWindow = 70_000
        backend.maxConcurrentStreams = 7
        backend.glitchesMax = 200
        backend.framesAtOnceMax = 6
        backend.headerTableSize = 8_192
        #expect(plan.backend == backend)
    }

    @Test func `what is said of clients' streams may be followed by words about the load`() throws {
        #expect(
            try plan(global: "tune.h2.fe.max-concurrent-streams 30 rq-load ignore min 5").frontend.maxConcurrentStreams
                == 30)
        #expect(
            load("global\n  tune.h2.fe.max-concurrent-streams 30 most 5\nlisten l\n").problems
                == ["unexpected word 'most'; rq-load, min or nothing"])
    }

    @Test func `no limit of streams is the greatest number`() throws {
        #expect(
            try plan(global: "tune.h2.max-concurrent-streams 0").backend.maxConcurrentStreams
                == HTTP2Limits.unlimitedStreams)
    }

    @Test func `no frame is longer than a buffer, unless buffers are shorter than any frame may be`() throws {
        #expect(try plan(global: "tune.bufsize 65536").frontend.maxFrameSize == 65_536)
        #expect(try plan(global: "tune.bufsize 65536", "tune.h2.max-frame-size 32768").backend.maxFrameSize == 32_768)
        #expect(try plan(global: "tune.h2.max-frame-size 32768").frontend.maxFrameSize == 16_384)
        #expect(try plan(global: "tune.bufsize 8192").frontend.maxFrameSize == 16_384)
        #expect(try plan(global: "tune.bufsize 16777216").frontend.maxFrameSize == 16_777_215)
    }

    @Test func `what is received fills whole buffers, one for each stream at least`() throws {
        #expect(try plan().frontend.receiveBytesMax == 100 * 16_384)
        #expect(try plan(global: "tune.h2.fe.rxbuf 3m").frontend.receiveBytesMax == 3 << 20)
        #expect(try plan(global: "tune.h2.fe.rxbuf 1638401").frontend.receiveBytesMax == 101 * 16_384)
        #expect(
            try plan(global: "tune.h2.be.rxbuf 1", "tune.h2.be.max-concurrent-streams 3").backend.receiveBytesMax
                == 3 * 16_384)
        #expect(
            try plan(global: "tune.h2.be.rxbuf 1", "tune.h2.max-concurrent-streams 0").backend.receiveBytesMax == 16_384
        )
    }

    @Test func `errors, glitches and WebSockets are as the lines have them`() throws {
        let plan = try plan(
            global: "tune.h2.log-errors connection", "tune.glitches.kill.cpu-usage 80",
            "h2-workaround-bogus-websocket-clients")
        #expect(plan.loggedErrors == .connection && plan.glitchesBusyPercent == 80 && !plan.announcesWebSockets)
        #expect(
            try self.plan(
                global: "h2-workaround-bogus-websocket-clients", "no h2-workaround-bogus-websocket-clients"
            ).announcesWebSockets)
    }

    @Test(arguments: [
        ("tune.h2.header-table-size 65537", "65537 is out of range; a number from 4096 to 65536"),
        ("tune.h2.max-frame-size 16383", "16383 is out of range; a number from 16384 to 16777215"),
        ("tune.h2.initial-window-size 2147483648", "2147483648 is out of range; a number from 0 to 2147483647"),
        ("tune.h2.fe.max-concurrent-streams 10 min 11", "11 is out of range; a number of streams from 1 to 10"),
        ("tune.h2.be.rxbuf 5g", "5368709120 bytes are too many; 4g at most"),
        ("tune.h2.log-errors some", "unknown kind of errors 'some'; one of none, connection, stream"),
        ("tune.glitches.kill.cpu-usage 101", "101 is out of range; a percentage from 0 to 100"),
    ])
    func `a number out of range is refused with the range`(line: String, problem: String) {
        #expect(load("global\n  \(line)\nlisten l\n").problems == [problem])
    }

    // MARK: Counts

    @Test func `what is counted of HTTP/2 is in the rows of frontend and backend`() throws {
        let (plan, problems) = load("listen l\n  mode http\n  bind :1001\n  server s 127.0.0.1:1\n")
        let site = try #require(plan, "\(problems)")
        for (counters, amount) in [(site.frontends[0].http2, 10), (site.backends[0].http2, 20)] {
            for (index, counter) in HTTP2Counter.allCases.enumerated() {
                counters.add(counter, UInt64(amount + index), worker: 0)
            }
            counters.openConnection(worker: 0)
            counters.openStream(worker: 0)
            counters.openStream(worker: 0)
            counters.closeStream()
        }
        let row = try #require(site.snapshot(now: Instant(nanoseconds: 2)).proxies.first)
        func numbers(_ stats: HTTP2Stats?) -> [UInt64] {
            guard let stats else { return [] }
            return [
                stats.headersReceived, stats.dataReceived, stats.settingsReceived, stats.resetsReceived,
                stats.goAwaysReceived, stats.connectionErrors, stats.streamErrors, stats.resetsSent, stats.goAwaysSent,
                stats.connectionsTotal, stats.streamsTotal, UInt64(stats.connectionsCurrent),
                UInt64(stats.streamsCurrent),
            ]
        }
        #expect(numbers(row.frontend?.http2) == [10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 1, 1])
        #expect(numbers(row.backend?.http2) == [20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 32, 1, 1])
        site.frontends[0].http2.closeConnection()
        #expect(site.snapshot(now: Instant(nanoseconds: 2)).proxies.first?.frontend?.http2.connectionsCurrent == 0)
    }

    // MARK: What ALPN has to say

    @Test func `what is offered is what the line's protocol and the mode of its section leave`() throws {
        func draft(_ mode: ProxyMode) -> Draft {
            var draft = Draft(kind: .listen, name: "l", range: SourceRange(file: "t.cfg", line: 1))
            draft[ProxySettings.self].mode = mode
            return draft
        }
        func word(_ text: String) throws -> ProtocolWord {
            let loaded = Self.language.load(text: "backend b\n  server s 127.0.0.1:1 proto \(text)\n", named: "t.cfg")
            return try #require(loaded.proxies.first?[BalancingSettings.self].servers.first?.protocolWord)
        }
        func names(_ spoken: SpokenProtocols?) -> [String]? {
            spoken?.standard.map { String(decoding: $0, as: UTF8.self) }
        }
        let http = draft(.http)
        #expect(PlanBuilder.protocolsWithClients(draft(.tcp), nil) == nil)
        #expect(PlanBuilder.protocolsWithServers(draft(.tcp), nil) == nil)
        let both = PlanBuilder.speaksHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        #expect(names(PlanBuilder.protocolsWithClients(http, nil)) == both)
        #expect(try names(PlanBuilder.protocolsWithClients(http, word("h1"))) == ["http/1.1"])
        // A server is offered what its line says, and something without `alpn` only where HTTP/2 is all that it may speak.
        let servers = try #require(PlanBuilder.protocolsWithServers(http, nil))
        #expect(names(servers) == [])
        #expect(servers.contains(SpokenProtocols.http2) == PlanBuilder.speaksHTTP2)
        #expect(servers.contains(SpokenProtocols.http11))
        let onlyHTTP1 = try #require(try PlanBuilder.protocolsWithServers(http, word("h1")))
        #expect(!onlyHTTP1.contains(SpokenProtocols.http2) && onlyHTTP1.contains(SpokenProtocols.http10))
        if PlanBuilder.speaksHTTP2 {
            #expect(try names(PlanBuilder.protocolsWithClients(http, word("h2"))) == ["h2"])
            #expect(try names(PlanBuilder.protocolsWithServers(http, word("h2"))) == ["h2"])
        }
    }

    // MARK: proto, ws and the preface

    @Test func `a listener speaks what its line says, and takes the preface unless told not to`() throws {
        let text = """
            frontend f
                mode http
                bind :1001
                bind :1002 proto h2
                bind :1003 proto h1
            frontend g
                mode http
                option disable-h2-upgrade
                bind :1004
            frontend t
                bind :1005 proto none
            """
        let (plan, problems) = load(text)
        let site = try #require(plan, "\(problems)")
        #expect(site.binds.map(\.protocolChoice) == [.negotiated, .http2, .http1, .negotiated, .negotiated])
        #expect(site.binds.map(\.frontend.name) == ["f", "f", "f", "g", "t"])
        #expect(site.frontends.map(\.takesPriorKnowledge) == [true, false, false])
    }

    @Test func `a server speaks what its line says, or a default-server line; ALPN is for TLS alone`() throws {
        let text = """
            backend b
                mode http
                server a 127.0.0.1:1
                server b 127.0.0.1:2 proto h2 ws h1
                default-server proto h2 ws h2
                server c 127.0.0.1:3
                server d 127.0.0.1:4 proto h1 ws auto
                server e 127.0.0.1:5 proto none
            """
        let (none, problems) = load(text)
        #expect(none == nil)
        #expect(problems == ["'proto none' passes bytes on, and mode http reads them as HTTP; proto h1 or proto h2"])
        let (plan, _) = load(text.replacing("    server e 127.0.0.1:5 proto none", with: ""))
        let servers = try #require(plan).backends[0].backend.servers
        // Without ALPN there is nothing to negotiate.
        #expect(servers.map(\.protocolChoice) == [.http1, .http2, .http2, .http1])
        #expect(servers.map(\.webSocketProtocol) == [.automatic, .http1, .http2, .automatic])
    }

    @Test(arguments: [
        ("mode tcp\n  bind :1001 proto h2", "'proto h2' reads HTTP, and mode tcp does not; proto none, or HTTP"),
        (
            "mode http\n  bind :1001 proto none",
            "'proto none' passes bytes on, and mode http reads them as HTTP; proto h1 or proto h2"
        ),
        (
            "mode tcp\n  server s 127.0.0.1:1 proto h1",
            "'proto h1' reads HTTP, and mode tcp does not; proto none, or HTTP"
        ),
        (
            "mode http\n  server s 127.0.0.1:1 check check-proto h2",
            "'check-proto h2' reads HTTP, and a check without 'option httpchk' does not; check-proto none, or HTTP"
        ),
        (
            "mode http\n  option httpchk\n  server s 127.0.0.1:1 check check-proto none",
            "'check-proto none' passes bytes on, and 'option httpchk' reads them as HTTP; check-proto h1 or check-proto h2"
        ),
    ])
    func `a protocol that the section cannot speak is refused`(lines: String, problem: String) {
        #expect(load("listen l\n  \(lines)\n").problems == [problem])
    }
}
