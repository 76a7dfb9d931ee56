// Which exchanges a frontend logs, and the stock formats byte for byte: the expected lines are HAProxy 2.6's own.

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

@Suite struct ExchangeLogTests {
    init() {
        unsafe setenv("TZ", "UTC", 1)
        tzset()
    }

    private func log(_ lines: String, isHTTP: Bool = true) throws -> ExchangeLog {
        try Section(.frontend, lines).draft[ExchangeLogSettings.self].exchangeLog(isHTTP: isHTTP)
    }

    private func line(_ log: ExchangeLog, _ context: ExchangeContext) -> String {
        var out: [UInt8] = []
        log.render(context, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// What a `return` rule answered: nothing beyond the request was reached.
    private func answered() throws -> ExchangeContext {
        let context = try exchange(
            "GET /hello HTTP/1.1\nHost: 127.0.0.1:5580\nUser-Agent: agent \"x\" {a|b} #é\nX: one, two\n\n")
        context.client = .ip(.v4(0x7F00_0001), port: 52_702)
        context.connection.listener = ListenerIdentity(frontendName: "www")
        context.backendName = "www"
        context.timers = timers(handshake: 0, idle: 0, request: 0, queue: 0, connect: 0, response: 0, data: 0)
        context.timers.queueLeft = nil
        context.timers.connected = nil
        context.timers.responseHeadDone = nil
        context.outcome.status = 200
        context.outcome.bytesToClient = 76
        context.outcome.termination = Termination(.local, .request)
        context.outcome.counts.process = 1
        context.outcome.counts.frontend = 1
        return context
    }

    @Test func `option httplog, with and without captures`() throws {
        let context = try answered()
        let start =
            "127.0.0.1:52702 [21/Nov/2026:07:15:25.196] www www/<NOSRV> 0/-1/-1/-1/0 200 76 - - LR-- 1/1/0/0/0 0/0 "
        #expect(try line(log("option httplog"), context) == start + "\"GET /hello HTTP/1.1\"")

        let capturing = try log(
            """
            option httplog
            capture request header Host len 15
            capture request header User-Agent len 30
            capture response header Content-Type len 15
            """)
        capturing.captureRequest(context)
        #expect(
            line(capturing, context)
                == start + "{127.0.0.1:5580|agent #22x#22 #7Ba#7Cb#7D #23#C3#A9} {} \"GET /hello HTTP/1.1\"")
        try answer("HTTP/1.1 200 OK\nContent-Type: application/json\n\n", context)
        capturing.captureResponse(context)
        #expect(line(capturing, context).contains("#C3#A9} {application/jso} \"GET"))
    }

    @Test func `A captured field is the last line of its name, whole and then cut`() throws {
        let log = try log("option httplog\ncapture request header X len 6\ncapture request header Y len 6")
        let context = try exchange("GET / HTTP/1.1\nHost: a\nX: first\nX: a, b, c, d\n\n")
        log.captureRequest(context)
        #expect(line(log, context).contains(" {a, b, |} \"GET"))
        try receive("GET / HTTP/1.1\nHost: a\n\n", context)
        log.captureRequest(context)
        #expect(line(log, context).contains(" {|} \"GET"))
    }

    @Test func `A request that was none has no captures`() throws {
        let log = try log("option httplog\ncapture request header X len 6\ncapture response header Y len 6")
        let context = try answered()
        log.captureRequest(context)
        context.clear()
        context.outcome.status = 400
        context.outcome.termination = Termination(.proxy, .request)
        #expect(
            line(log, context).hasSuffix(" www www/<NOSRV> -1/-1/-1/-1/+0 400 +0 - - PR-- 0/0/0/0/0 0/0 \"<BADREQ>\""))
    }

    @Test func `option httplog clf`() throws {
        let context = try answered()
        #expect(
            try line(log("option httplog clf"), context)
                == "127.0.0.1 - - [21/Nov/2026:07:15:25 +0000] \"GET /hello HTTP/1.1\" 200 76 \"\" \"\" 52702 196 "
                + "\"www\" \"www\" \"<NOSRV>\" 0 -1 -1 -1 0 LR-- 1 1 0 0 0 0 0 \"\" \"\" ")
    }

    @Test func `option tcplog, also where a frontend in TCP mode says httplog`() throws {
        let context = ExchangeContext()
        context.connection.listener = ListenerIdentity(frontendName: "in")
        context.client = .ip(.v4(0x0A00_0001), port: 1_000)
        context.clear()
        context.backendName = "out"
        context.serverName = "s1"
        context.timers = timers(handshake: 0, idle: 0, request: 0, queue: 1, connect: 2, response: 0, data: 5_007)
        context.timers.requestBegun = nil
        context.timers.requestDone = nil
        context.timers.responseHeadDone = nil
        context.outcome.bytesToClient = 212
        context.outcome.counts.process = 1
        let expected = "10.0.0.1:1000 [21/Nov/2026:07:15:25.196] in out/s1 1/2/5010 212 -- 1/0/0/0/0 0/0"
        #expect(try line(log("option tcplog", isHTTP: false), context) == expected)
        #expect(try line(log("option httplog", isHTTP: false), context) == expected)
    }

    @Test func `Without any option there is a line when the client connects`() throws {
        let log = try log("")
        #expect(log.logsAtConnect)
        #expect(try line(log, answered()) == "Connect from 127.0.0.1:52702 to 192.168.0.1:80 (www/HTTP)")
        #expect(try line(self.log("", isHTTP: false), answered()).hasSuffix("(www/TCP)"))
        #expect(try !self.log("option httplog").logsAtConnect)
    }

    @Test func `The last line about the format counts`() throws {
        #expect(try line(log("option httplog\nlog-format %f"), answered()) == "www")
    }

    @Test func `A line of JSON has every key, whatever is in the values`() throws {
        let log = try log("capture request header User-Agent len 99\ncapture request header Nobody len 9")
        let context = try answered()
        context.backendName = "quote\"back\\slash\u{1}"
        log.captureRequest(context)
        var out: [UInt8] = []
        log.renderJSON(context, into: &out)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(out)) as? [String: Any])
        #expect(object["time"] as? String == "2026-11-21T07:15:25.196+00:00")
        #expect(object["client"] as? String == "127.0.0.1")
        #expect(object["client_port"] as? Int == 52_702)
        #expect(object["backend"] as? String == "quote\"back\\slash\u{1}")
        #expect(object["server"] is NSNull)
        #expect(object["method"] as? String == "GET")
        #expect(object["target"] as? String == "/hello")
        #expect(object["version"] as? String == "HTTP/1.1")
        #expect(object["host"] as? String == "127.0.0.1:5580")
        #expect(object["status"] as? Int == 200)
        #expect(object["request_ms"] as? Int == 0)
        #expect(object["queue_ms"] is NSNull)
        #expect(object["termination"] as? String == "LR--")
        #expect(object["request_headers"] as? [String: String] == ["User-Agent": "agent \"x\" {a|b} #é"])
        #expect(!out.contains(0x0A))

        context.clear()
        context.client = .path("/x")
        out = []
        log.renderJSON(context, into: &out)
        let empty = try #require(try JSONSerialization.jsonObject(with: Data(out)) as? [String: Any])
        #expect(Set(object.keys).subtracting(["unique_id"]) == Set(empty.keys))
        #expect(empty["client"] is NSNull)
        #expect(empty["method"] is NSNull)
        #expect(empty["status"] is NSNull)
    }

    @Test func `Bytes that are no text make no line unreadable`() throws {
        let context = try answered()
        context.uniqueID = [0x61, 0xFF, 0xC3, 0x0A, 0x22]
        var out: [UInt8] = []
        try log("").renderJSON(context, into: &out)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(out)) as? [String: Any])
        #expect((object["unique_id"] as? String)?.hasPrefix("a\u{FFFD}") == true)
    }

    @Test func `In TCP mode there is no request in the object`() throws {
        var out: [UInt8] = []
        try log("", isHTTP: false).renderJSON(answered(), into: &out)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(out)) as? [String: Any])
        #expect(object["method"] == nil)
        #expect(object["termination"] as? String == "LR")
    }

    @Test func `Which exchanges are logged, and how loudly`() throws {
        let all = "option dontlognull\noption dontlog-normal\noption log-separate-errors"
        let normal = try answered()
        normal.outcome.bytesFromClient = 100
        #expect(try log("").verdict(normal) == .info)
        #expect(try log(all).verdict(normal) == .skip)
        #expect(try log("\(all)\nno option dontlog-normal").verdict(normal) == .info)

        let changes: [(ExchangeContext) -> Void] = [
            { $0.outcome.status = 503 }, { $0.outcome.termination = Termination(.client, .data) },
            { $0.outcome.termination = Termination(.proxy, .request) }, { $0.outcome.isRedispatched = true },
            {
                $0.outcome.termination = Termination()
                $0.outcome.retries = 1
            },
        ]
        for change in changes {
            let failed = try answered()
            failed.outcome.bytesFromClient = 100
            change(failed)
            #expect(try log(all).verdict(failed) == .error)
            #expect(try log("option dontlog-normal").verdict(failed) == .info)
        }

        let probe = ExchangeContext()
        probe.outcome.termination = Termination(.client, .request)
        #expect(try log("option dontlognull").verdict(probe) == .skip)
        #expect(try log("").verdict(probe) == .info)
        #expect(try log("option dontlognull\nno option dontlognull").verdict(probe) == .info)
    }

    @Test func `option httpslog says of an unencrypted connection what HAProxy says`() throws {
        let context = try answered()
        #expect(
            try line(log("option httpslog"), context) == line(log("option httplog"), context) + " 0/-/-/-/0 -/-/-")
        #expect(try line(log("option httpslog", isHTTP: false), context).hasSuffix("0/0"))
    }

    @Test func `error-log-format is for clients that made no request`() throws {
        let log = try log("log-format request:%ST\nerror-log-format none:%ST")
        let context = try answered()
        #expect(line(log, context) == "request:200")
        context.timers.requestDone = nil
        #expect(line(log, context) == "none:200")
    }

    @Test func `Lines are numbered only where a format asks for it`() throws {
        #expect(try !log("option httplog").numbersLines)
        #expect(try log("log-format %lc").numbersLines)
        #expect(try log("error-log-format %lc").numbersLines)
    }

    @Test func `Rules fill captures of their own and declared ones, each cut to its length`() throws {
        let section = try Section(
            .frontend,
            """
            log-format %hr%hs
            capture request header Host len 4
            http-request capture path len 3
            declare capture request len 9
            http-request capture method id 2
            http-request capture path id 7
            declare capture response len 2
            http-response capture status id 0
            """)
        let log = section.draft[ExchangeLogSettings.self].exchangeLog(isHTTP: true)
        let context = try answered()
        log.captureRequest(context)
        _ = section.rules.ruleSet(.httpRequest).run(on: context)
        try answer("HTTP/1.1 404 None\n\n", context)
        log.captureResponse(context)
        _ = section.rules.ruleSet(.httpResponse).run(on: context)
        #expect(line(log, context) == "{127.|/he|GET}{40}")
        #expect(try problem("http-request capture path len 3", in: .backend).message.contains("a declared capture"))
        #expect(try problem("http-request capture status len 3").message.contains("status"))
    }

    @Test func `A capture that was not declared is refused, but in a backend, whose frontends nobody knows`() throws {
        func problems(_ lines: String, in kind: SectionKind = .frontend) throws -> [ConfigProblem] {
            var section = try Section(kind, lines)
            return section.draft.resolve(UserLists([]))
        }
        let wrong = try problems("http-request capture path len 9\nhttp-request capture path id 1")
        #expect(wrong.map(\.message) == ["'test' has no request capture 1"])
        #expect(wrong.first?.range?.line == 2)
        #expect(try problems("http-response capture status id 0\ndeclare capture request len 9").count == 1)
        #expect(try problems("http-response capture status id 0\ndeclare capture response len 9").isEmpty)
        #expect(try problems("http-response capture status id 9", in: .backend).isEmpty)
    }

    @Test func `A request gets a name, once, for logs, rules and the server`() throws {
        let section = try Section(
            .frontend, "unique-id-format %ci:%cp-%[path]\nunique-id-header X-ID\nlog-format %ID")
        let id = try #require(section.draft.uniqueID)
        let context = try answered()
        id.name(context)
        id.addField(context)
        let log = section.draft[ExchangeLogSettings.self].exchangeLog(isHTTP: true)
        #expect(line(log, context) == "127.0.0.1:52702-/hello")
        #expect(try value("unique-id", context) == "127.0.0.1:52702-/hello")
        #expect(lines(context.request.fields).last == "x-id: 127.0.0.1:52702-/hello")
        #expect(try Section(.frontend, "unique-id-header X-ID").draft.uniqueID == nil)
        #expect(try problem("unique-id-header Content-Length").message.contains("cannot be the name"))
    }

    @Test func `A client's own name for its request is replaced, a rule's stays`() throws {
        let section = try Section(.frontend, "unique-id-format %ci-%[path]\nunique-id-header X-ID")
        let id = try #require(section.draft.uniqueID)
        let context = try exchange("GET / HTTP/1.1\nHost: h\nX-ID: mine\nA: b\nx-id: and mine\n\n")
        context.receivedFields = context.request.fields.mark
        id.name(context)
        id.addField(context)
        #expect(lines(context.request.fields) == ["host: h", "a: b", "x-id: 10.0.1.7-/"])

        try receive("GET / HTTP/1.1\nHost: h\nX-ID: mine\n\n", context)
        context.receivedFields = context.request.fields.mark
        id.name(context)
        context.request.fields.append(name: "X-ID", "rule's")
        id.addField(context)
        #expect(lines(context.request.fields) == ["host: h", "x-id: rule's"])
    }

    @Test func `option logasap`() throws {
        #expect(try log("option logasap").logsEarly)
        #expect(try !log("option httplog").logsEarly)
    }

    @Test(arguments: [
        ("capture request header", "'capture request header' lacks an argument"),
        ("capture request header a b len 3", "unknown length 'b'"),
        ("capture request header a len 0", "0 is out of range"),
        ("capture response header a:b len 3", "'a:b' cannot be a field name"),
        ("option httplog cfl", "unexpected 'cfl'"),
        ("option tcplog clf", "unexpected 'clf'"),
        ("option dontlognull x", "unexpected 'x'"),
        ("option dontlog-normal x", "unexpected 'x'"),
        ("option log-separate-errors x", "unexpected 'x'"),
        ("option logasap x", "unexpected 'x'"),
    ])
    func `A wrong line says what is wrong`(line: String, message: String) throws {
        #expect(try problem(line).message == message)
    }
}
