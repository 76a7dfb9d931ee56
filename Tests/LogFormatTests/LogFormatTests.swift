// Log formats: every variable, flags, spaces, escapes; the stock formats byte for byte as HAProxy 2.6 writes them.

import Basics
import Configuration
import Foundation
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct LogFormatTests {
    init() {
        unsafe setenv("TZ", "UTC", 1)
        tzset()
    }

    /// 2026-11-21 07:15:25.196 UTC, and an exchange with every stage a different time apart.
    private func finished() throws -> ExchangeContext {
        let context = try exchange("GET /hello?a=b&c=%22 HTTP/1.1\nHost: 127.0.0.1:5580\nUser-Agent: ag\"e\\n]t é\n\n")
        context.client = .ip(.v4(0x7F00_0001), port: 52_974)
        context.local = .ip(.v4(0x7F00_0001), port: 5_580)
        context.serverAddress = .ip(.v4(0x7F00_0001), port: 5_999)
        context.sourceAddress = .ip(.v4(0x7F00_0001), port: 44_598)
        context.connection.listener = ListenerIdentity(frontendName: "www")
        context.backendName = "shop"
        context.serverName = "s1"
        context.outcome.status = 404
        context.outcome.bytesToClient = 500
        context.outcome.bytesFromClient = 87
        context.outcome.retries = 2
        context.requestCounter = 1
        context.logCounter = 7
        context.uniqueID = Array("id".utf8)
        context.requestCookie = Array("SRV=1".utf8)
        context.outcome.counts.process = 1
        context.outcome.counts.frontend = 2
        context.outcome.counts.backend = 3
        context.outcome.counts.server = 4
        context.outcome.counts.serverQueue = 5
        context.outcome.counts.backendQueue = 6
        context.outcome.termination = Termination(.server, .data)
        context.outcome.termination.clientCookie = .valid
        context.outcome.termination.serverCookie = .notSet
        context.timers = timers(handshake: 1, idle: 2, request: 4, queue: 8, connect: 16, response: 32, data: 64)
        return context
    }

    @Test(arguments: [
        ("%ci:%cp", "127.0.0.1:52974"), ("%fi:%fp", "127.0.0.1:5580"), ("%si:%sp", "127.0.0.1:5999"),
        ("%bi:%bp", "127.0.0.1:44598"), ("%f %ft %b %s", "www www shop s1"),
        ("%t", "21/Nov/2026:07:15:25.196"), ("%tr", "21/Nov/2026:07:15:25.199"), ("%T", "21/Nov/2026:07:15:25 +0000"),
        ("%Tl", "21/Nov/2026:07:15:25 +0000"), ("%trg", "21/Nov/2026:07:15:25 +0000"),
        ("%trl", "21/Nov/2026:07:15:25 +0000"), ("%Ts", "1795245325"), ("%ms", "196"),
        ("%Th/%Ti/%TR/%Tw/%Tc/%Tr/%Td", "1/2/4/8/16/32/64"), ("%Tq/%Ta/%Tt/%Tu", "7/124/127/125"),
        ("%ST %B %U", "404 500 87"), ("%CC %CS", "SRV=1 -"), ("%ts %tsc", "SD SDVN"),
        ("%ac/%fc/%bc/%sc/%rc %sq/%bq", "1/2/3/4/2 5/6"),
        ("%r", "GET /hello?a=b&c=%22 HTTP/1.1"), ("%HM", "GET"), ("%HU", "/hello?a=b&c=%22"), ("%HP", "/hello"),
        ("%HPO", "/hello"), ("%HQ", "?a=b&c=%22"), ("%HV", "HTTP/1.1"), ("%rt %lc %ID", "1 7 id"),
        ("%sslv %sslc", "- -"), ("%OG %{+Q}OG", "txn_close \"txn_close\""),
        ("%(who)ci %(who:str){+Q}ci %(:sint)[src_port]", "127.0.0.1 \"127.0.0.1\" 52974"),
        ("%%", "%"), ("%[src]:%[path]", "127.0.0.1:/hello"), ("%[req.hdr(none)]", "-"),
        ("%{+Q}[req.hdr(none)]", "\"\""),
        ("%{+Q}[req.hdr(user-agent)]", "\"ag\"e\\n]t é\""), ("%{+E}[req.hdr(user-agent)]", "ag\\\"e\\\\n\\]t é"),
        ("%{+X}ci:%{+X}cp", "7F000001:CEEE"), ("%{+X}Ts", "6B01450D"), ("%{+X}rt", "0001"),
        ("%{+Q}ci %{+Q}f %{+Q}CS %CS", "\"127.0.0.1\" \"www\" \"\" -"), ("%{+Q}ST %{+Q}tsc", "404 SDVN"),
        ("%{+Q}o %f %{-Q}b %s", "\"www\" shop \"s1\""), ("%{+Q}r", "\"GET /hello?a=b&c=%22 HTTP/1.1\""),
        ("%{+Q,+E}[path]", "\"/hello\""), ("%{+Q,-Q}f", "www"),
        ("a  b   c", "a b c"), (" a", "a"), ("a %hr b", "a b"), ("%hr|%hs|%hrl|%hsl|", "||||"), ("", ""),
    ])
    func `A format makes what HAProxy makes of it`(format: String, expected: String) throws {
        #expect(try rendered(format, finished()) == expected)
    }

    @Test func `A request of HTTP/2 is logged with its version`() throws {
        let context = try finished()
        context.request.version = .http2
        context.response.version = .http2
        context.captureRequestLine()
        #expect(
            try rendered("%r|%HV|%[req.ver] %[capture.req.ver] %[res.ver] %[capture.res.ver]", context)
                == "GET /hello?a=b&c=%22 HTTP/2.0|HTTP/2.0|2.0 HTTP/2.0 2.0 HTTP/2.0")
    }

    @Test func `This machine and this process have their variables`() throws {
        #expect(try rendered("%pid", finished()) == "\(getpid())")
        #expect(try rendered("%H", finished()).isEmpty == false)
    }

    @Test func `Every variable has a test here`() throws {
        let tested = String(decoding: try contentsOfFile(#filePath), as: UTF8.self)
        for variable in LogVariable.allCases {
            let name = variable.rawValue
            #expect(tested.contains("%\(name)") || tested.contains("}\(name)"), "%\(name)")
        }
    }

    @Test func `In a message every space counts, and what is missing is nothing`() throws {
        let context = try finished()
        #expect(try rendered(" a  %[req.hdr(none)]b %[path] ", context, for: .message) == " a  b /hello ")
        #expect(try rendered("%CS.", context, for: .message) == ".")
    }

    @Test func `An encrypted connection has its mark`() throws {
        let context = try finished()
        context.isTLS = true
        #expect(try rendered("%ft %f %{+Q}ft", context) == "www~ www \"www~\"")
    }

    @Test func `A redispatched request has its mark`() throws {
        let context = try finished()
        context.outcome.isRedispatched = true
        #expect(try rendered("%rc", context) == "+2")
    }

    @Test func `What goes on has a plus sign`() throws {
        let context = try finished()
        context.timers.ended = nil
        #expect(try rendered("%Ta %Tt %B", context) == "+60 +63 +500")
        // Not so in rules, which always run before the end.
        #expect(try rendered("%Ta %Tt %B %Tu", context, for: .message) == "60 63 500 61")
    }

    /// It was -1 until the response's head had been sent.
    @Test func `In rules on responses %ST is the response's status`() throws {
        let context = try exchange()
        #expect(try rendered("%ST", context, for: .message) == "-1")
        #expect(try value("status", context) == nil)
        context.side = .response
        context.response.setStatus(418)
        #expect(try rendered("%ST", context, for: .message) == "418")
        #expect(try value("status", context) == "418")
        context.outcome.status = 502
        #expect(try rendered("%ST", context) == "502")
    }

    @Test(arguments: ["%r", "%HM", "%HU", "%HP", "%HPO", "%HQ", "%HV", "%hr", "%hs", "%hrl", "%hsl"])
    func `A rule that asks for what logs keep has it kept`(format: String) throws {
        for rule in ["http-request set-header x", "http-after-response set-header x", "use_backend"] {
            #expect(try Section(.frontend, "\(rule) a\(format)").draft.looksAtCaptures)
        }
        #expect(try Section(.frontend, "unique-id-format \(format)").draft.looksAtCaptures)
        #expect(try !Section(.frontend, "http-request set-header x %ci").draft.looksAtCaptures)
    }

    @Test func `IPv6 and unix sockets`() throws {
        let context = try finished()
        context.client = .ip(try #require(IPAddress("2001:db8::7")), port: 9)
        #expect(try rendered("%ci:%cp", context) == "2001:db8::7:9")
        #expect(try rendered("%{+X}ci:%{+X}cp", context) == "20010DB8000000000000000000000007:0009")
        context.client = .path("/run/x")
        context.serverAddress = nil
        #expect(try rendered("%ci:%cp %si:%sp", context) == "unix:0 -:-")
    }

    @Test func `A request that was none is <BADREQ> in all its parts`() throws {
        let context = try finished()
        context.clear()
        for part in ["r", "HM", "HU", "HP", "HPO", "HQ", "HV"] {
            #expect(try rendered("%\(part)", context) == "<BADREQ>")
        }
        #expect(
            try rendered("%{+Q}r %TR/%Tw/%Tc/%Tr %ST %s %[path]", context) == "\"<BADREQ>\" -1/-1/-1/-1 -1 <NOSRV> -")
    }

    @Test(arguments: [
        (
            "GET http://foo.bar/ab?c=d\"{}|#%A HTTP/1.0\nHost: foo.bar", "%HP %HPO %HQ %HV",
            "http://foo.bar/ab /ab ?c=d#22{}|#23%A HTTP/1.0"
        ),
        ("GET http://foo.bar?x HTTP/1.1\nHost: foo.bar", "%HP|%HPO|%HQ", "http://foo.bar||?x"),
        ("OPTIONS * HTTP/1.1\nHost: x", "%HM|%HP|%HU|%HQ|%HPO|", "OPTIONS|*|*|||"),
        ("GET /é HTTP/1.1\nHost: x", "%r", "GET /#C3#A9 HTTP/1.1"),
    ])
    func `Odd request lines are taken apart and encoded as HAProxy does`(
        request: String, format: String, expected: String
    ) throws {
        #expect(try rendered(format, exchange("\(request)\n\n")) == expected)
    }

    @Test func `A request of HTTP/2 says so`() throws {
        let context = try exchange("GET /x HTTP/1.1\nHost: a\n\n")
        context.request.version = .http2
        context.captureRequestLine()
        #expect(try rendered("%HV|%r", context) == "HTTP/2.0|GET /x HTTP/2.0")
    }

    @Test func `A request line of any length is cut, and still has its parts`() throws {
        let context = try exchange("GET /\(String(repeating: "x", count: 3_000)) HTTP/1.1\nHost: a\n\n")
        #expect(try rendered("%r", context).utf8.count == 1_023)
        #expect(try rendered("%HM %HV|", context) == "GET |")
    }

    @Test func `A value cannot end a line or a field`() throws {
        let context = try finished()
        context.uniqueID = Array("a\r\nb: c\u{7F}\td".utf8)
        #expect(try rendered("%[unique-id]", context) == "a#0D#0Ab: c#7F#09d")
        #expect(try rendered("%[unique-id]", context, for: .message) == "a%0D%0Ab: c%7F\td")
    }

    @Test func `A line says at which point it is written`() throws {
        let context = try exchange()
        #expect(try rendered("%OG", context) == "txn_response")
        #expect(try rendered("%OG", context, for: .message) == "unspec")
        context.requestProbe = RequestProbe(limits: HeadLimits())
        #expect(try rendered("%OG", context) == "txn_connect")
        context.timers.ended = context.timers.accepted
        #expect(try rendered("%OG", context) == "txn_close")
    }

    @Test func `A wrong format says what is wrong, and where`() throws {
        let unknown = try problem("log-format \"%ci %cpx\"")
        #expect(unknown.message == "unknown log-format variable '%cpx'")
        #expect(unknown.suggestion == "%cp")
        #expect(unknown.range?.column == 17)
        #expect(unknown.range?.length == 4)
        #expect(try problem("log-format %CI").suggestion == "%ci")
        #expect(try problem("log-format 100%").message == "'%' stands before no variable")
        #expect(
            try problem("log-format \"5 % x\"").expected
                == "a variable such as %ci, %[<sample>], or %% for a percent sign")
        #expect(try problem("log-format %{+Z}ci").message == "unknown log-format flag 'Z'")
        let encoding = try problem("log-format %{+json,+Q}o")
        #expect(encoding.message == "the log-format flag 'json' is known to HAProxy, but Portico does not do it yet")
        #expect(encoding.range?.column == 15 && encoding.range?.length == 4)
        #expect(try problem("log-format %{-cbor}ci").message.contains("'cbor' is known"))
        #expect(try problem("log-format %(a)").message == "'%' stands before no variable")
        #expect(try problem("log-format %(a").message == "'(' is not closed")
        #expect(try problem("log-format %(a:number)ci").message == "'number' is no type of a log-format item")
        #expect(try problem("log-format %{+Q").message == "'{' is not closed")
        #expect(try problem("log-format %[src").message == "'%[' is not closed")
        #expect(try problem("log-format").message == "'log-format' lacks an argument")
    }
}

/// Timers whose stages are so many milliseconds apart; the wall clock begins at 2026-11-21 07:15:25.196 UTC.
func timers(
    handshake: UInt64, idle: UInt64, request: UInt64, queue: UInt64, connect: UInt64, response: UInt64, data: UInt64
) -> ExchangeTimers {
    var timers = ExchangeTimers()
    timers.accepted = Instant(nanoseconds: 5_000_000_123)
    timers.acceptDate = WallTime(seconds: 1_795_245_325, microseconds: 196_000)
    var now = timers.accepted
    func after(_ milliseconds: UInt64) -> Instant {
        now = now + .milliseconds(milliseconds)
        return now
    }
    timers.handshakeDone = after(handshake)
    timers.requestBegun = after(idle)
    timers.requestDone = after(request)
    timers.queueLeft = after(queue)
    timers.connected = after(connect)
    timers.responseHeadDone = after(response)
    timers.ended = after(data)
    return timers
}

@Suite struct ExchangeTimersTests {
    @Test func `Each time is -1 until its stage is reached`() {
        var timers = timers(handshake: 0, idle: 1, request: 2, queue: 3, connect: 4, response: 5, data: 6)
        #expect(timers.dataTime == 6)
        timers.responseHeadDone = nil
        #expect((timers.responseTime, timers.dataTime, timers.connectTime) == (-1, -1, 4))
        timers.connected = nil
        #expect((timers.connectTime, timers.queueTime) == (-1, 3))
        timers.queueLeft = nil
        #expect((timers.queueTime, timers.requestTime) == (-1, 2))
        timers.requestDone = nil
        #expect((timers.requestTime, timers.requestCompleteTime, timers.idleTime) == (-1, -1, 1))
        timers.requestBegun = nil
        #expect((timers.idleTime, timers.activeTime, timers.totalTime) == (-1, 21, 21))
    }

    @Test func `Parts of milliseconds never add up to one too many`() {
        var timers = ExchangeTimers()
        func at(_ microseconds: UInt64) -> Instant { Instant(nanoseconds: microseconds * 1_000) }
        timers.requestBegun = at(900)
        timers.requestDone = at(1_800)
        timers.queueLeft = at(2_700)
        timers.connected = at(3_600)
        timers.responseHeadDone = at(4_500)
        timers.ended = at(5_400)
        let parts =
            timers.handshakeTime + timers.idleTime + timers.requestTime + timers.queueTime + timers.connectTime
            + timers.responseTime + timers.dataTime
        #expect(parts == timers.totalTime)
        #expect(timers.totalTime == 5)
    }

    @Test func `In TCP mode all is data behind the connection`() {
        var timers = ExchangeTimers()
        timers.queueLeft = Instant(nanoseconds: 1_000_000)
        timers.connected = Instant(nanoseconds: 3_000_000)
        timers.ended = Instant(nanoseconds: 10_000_000)
        #expect((timers.queueTime, timers.connectTime, timers.dataTime, timers.totalTime) == (1, 2, 7, 10))
    }
}
