// The output of each format, equal to HAProxy 2.6's for the same line.

import Basics
import Glibc
import Testing

@testable import Logging

@Suite struct LogHeaderTests {
    /// 2026-11-21 06:57:51.112000 UTC.
    private let time = WallTime(seconds: 1_795_244_271, microseconds: 112_000)

    init() {
        unsafe setenv("TZ", "UTC", 1)
        tzset()
    }

    private func line(
        _ format: LogLineFormat, _ text: String = "GET / HTTP/1.1", level: LogLevel = .info,
        content: LogContent = .text,
        at time: WallTime? = nil, _ change: (inout LogDestination) -> Void = { _ in }
    ) throws -> String {
        var destination = LogDestination(
            target: .network(host: "127.0.0.1", port: 514), format: format,
            facility: try #require(LogFacility(named: "local0")))
        change(&destination)
        var writer = LogLineWriter(programName: "portico", machineName: "box", processID: 71)
        var out: [UInt8] = []
        let record = LogRecord(targets: 1, level: level, content: content, time: time ?? self.time)
        writer.append(Array(text.utf8), record, for: destination, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func `Every format has its header`() throws {
        #expect(try line(.local) == "<134>Nov 21 06:57:51 portico[71]: GET / HTTP/1.1\n")
        #expect(try line(.rfc3164) == "<134>Nov 21 06:57:51 box portico[71]: GET / HTTP/1.1\n")
        #expect(
            try line(.rfc5424) == "<134>1 2026-11-21T06:57:51.112000+00:00 - portico 71 - - GET / HTTP/1.1\n")
        #expect(try line(.priority) == "<134>GET / HTTP/1.1\n")
        #expect(try line(.short) == "<6>GET / HTTP/1.1\n")
        #expect(try line(.timed) == "<6>2026-11-21T06:57:51.112000+00:00 GET / HTTP/1.1\n")
        #expect(try line(.iso) == "2026-11-21T06:57:51.112000+00:00 GET / HTTP/1.1\n")
        #expect(try line(.raw) == "GET / HTTP/1.1\n")
    }

    @Test func `Structured data stands in rfc5424 alone, and only where there is some`() throws {
        let data = "[a@1 x=1]"
        let structured = "\0\u{9}\(data)text"
        let header = "<134>1 2026-11-21T06:57:51.112000+00:00 - portico 71 - "
        #expect(try line(.rfc5424, structured, content: .structured) == header + "\(data) text\n")
        #expect(try line(.rfc5424, "\0\0text", content: .structured) == header + "- text\n")
        #expect(try line(.raw, structured, content: .structured) == "text\n")
        #expect(try line(.rfc5424, structured, content: .structured) { $0.lengthMax = 80 }.utf8.count <= 80)
    }

    @Test func `Tag and host name stand where the file puts them`() throws {
        let named: (inout LogDestination) -> Void = {
            $0.tag = "www"
            $0.hostname = "front"
        }
        #expect(try line(.local, "x", named) == "<134>Nov 21 06:57:51 www[71]: x\n")
        #expect(try line(.rfc3164, "x", named) == "<134>Nov 21 06:57:51 front www[71]: x\n")
        #expect(try line(.rfc5424, "x", named) == "<134>1 2026-11-21T06:57:51.112000+00:00 front www 71 - - x\n")
    }

    @Test func `A day of one digit keeps its column`() throws {
        #expect(try line(.local, "x", at: WallTime(seconds: 1_793_494_671)).hasPrefix("<134>Nov  1 "))
    }

    @Test func `A graver line than the minimum level is sent as of that level`() throws {
        #expect(try line(.short, "x", level: .emerg) == "<0>x\n")
        #expect(try line(.short, "x", level: .emerg) { $0.minimumLevel = .notice } == "<5>x\n")
        #expect(try line(.short, "x", level: .info) { $0.minimumLevel = .notice } == "<6>x\n")
    }

    @Test func `A long line is cut to its length, header and line end included`() throws {
        let long = String(repeating: "x", count: 200)
        let cut = try line(.local, long) { $0.lengthMax = 80 }
        #expect(cut.utf8.count == 80)
        #expect(cut.hasSuffix("x\n"))
        #expect(try line(.local, String(repeating: "x", count: 3_000)).utf8.count == 1_024)
        #expect(try line(.raw, String(repeating: "x", count: 3_000)) { $0.target = .descriptor(1) }.utf8.count == 3_001)
    }

    @Test func `An event is one line whatever it says`() throws {
        #expect(try line(.raw, "a\nb\u{7F}", content: .event) == "a#0Ab#7F\n")
        // On standard output, no other program adds the date.
        let event = try line(.raw, "event", content: .event) { $0.target = .descriptor(1) }
        #expect(event.contains(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d event\n$/))
        let cut = try line(.raw, String(repeating: "\n", count: 50), content: .event) { $0.lengthMax = 80 }
        #expect(cut.utf8.count == 80)
    }

    @Test func `An event for a JSON destination is an object`() throws {
        #expect(
            try line(.json, "server \"a\\b\"\n is down é", level: .alert, content: .event)
                == "{\"time\":\"2026-11-21T06:57:51.112000+00:00\",\"level\":\"alert\","
                + "\"message\":\"server \\\"a\\\\b\\\"\\u000A is down é\"}\n")
        #expect(try line(.json, "{\"a\":1}", content: .json) == "{\"a\":1}\n")
    }
}
