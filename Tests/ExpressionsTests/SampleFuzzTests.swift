// Every sample meets random messages and random bytes: it yields something or nothing, comes to an end, and never traps.

import Basics
import Chance
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct SampleFuzzTests {
    /// Arguments for those that need some.
    private static let arguments: [String: [String]] = [
        "bool": ["(1)"], "int": ["(-7)"], "bin": ["(00ff)"], "meth": ["(GET)"], "ipv4": ["(192.0.2.1)"],
        "ipv6": ["(::1)"], "env": ["(HOME)"], "var": ["(txn.x)", "(proc.x,y)"], "date": ["", "(-5,us)"],
        "rand": ["", "(7)"],
        "fc_pp_tlv": ["(2)", "(SSL)"], "req.payload": ["(0,0)", "(3,2)", "(900,1)"], "res.payload": ["(0,4)"],
        "payload": ["(1,0)"],
        "req.payload_lv": ["(0,1)", "(3,2)", "(0,8,+3)", "(2,1,-2)"], "res.payload_lv": ["(1,2,0)"],
        "payload_lv": ["(0,4)"], "capture.req.hdr": ["(0)", "(1023)"], "capture.res.hdr": ["(0)"],
        "http_auth": ["(people)"], "http_auth_group": ["(people)"], "http_auth_bearer": ["", "(x)"],
        "urlp": ["", "(a)", "(a,;)", "(,/)"], "url_param": ["", "(b,?)"], "urlp_val": ["(a)"], "urlp_ip": ["", "(a)"],
        "req.body_param": ["", "(a)"], "fe_conn": ["(www)"],
        "acl": ["(TRUE,!METH_GET)"],
    ]

    private func expressions() -> [String] {
        SampleRow.table.flatMap { row -> [String] in
            let texts: [String]
            if let known = Self.arguments[row.name] {
                texts = known
            } else if row.arguments.contains("<server>") {
                texts = ["(shop/s1)"]
            } else if row.arguments.contains("<name>") {
                texts = ["(a)", "(x)"] + (row.arguments.hasPrefix("([") ? ["", "(host)"] : [])
            } else {
                texts = [""] + (row.arguments.contains("<delim") ? ["(;)"] : [])
            }
            return texts.map { row.name + $0 }
        }
    }

    @Test func `Random messages and bytes meet every sample`() throws {
        var table = ExpressionTable()
        var compiled: [Expression] = []
        for text in expressions() {
            var expression = ExpressionText(Word(text, at: SourceRange(file: "fuzz", line: 1)))
            compiled.append(try Expression(&expression, &table))
            #expect(expression.isAtEnd, "\(text)")
        }
        let lists = UserLists([
            try Section(.userlist, "user a insecure-password b groups g\ngroup g\nuser c insecure-password d").draft
        ])
        for place in table.userLists.indices { table.userLists[place].list = lists["test"] }
        let program = ExpressionProgram(table)
        #expect(Set(compiled.map(\.rowIndex)).count == SampleRow.table.count)

        var random = SeededRandom(seed: 11)
        let context = ExchangeContext()
        context.site = TestSite()
        for _ in 0..<1_500 {
            fill(context, &random)
            for expression in compiled {
                context.side = Bool.random(using: &random) ? .request : .response
                context.withScratch {
                    if let value = expression.evaluate(context, program) { touch(value, context) }
                    var cursor = SampleCursor(isIterating: true)
                    var count = 0
                    repeat {
                        cursor.hasMore = false
                        if let value = expression.next(context, program, &cursor) { touch(value, context) }
                        count += 1
                    } while cursor.hasMore && count < 10_000
                    #expect(count < 10_000, "\(expression.row.name) does not end")
                }
            }
            #expect(context.scratch.isEmpty)
        }
    }

    /// Whatever a value says of itself is there.
    private func touch(_ value: SampleValue, _ context: ExchangeContext) {
        let bytes = value.bytes(context)
        #expect(context.withBytes(bytes) { $0.byteCount } == bytes.count)
    }

    private func fill(_ context: ExchangeContext, _ random: inout SeededRandom) {
        context.clear()
        context.backendIndex = Bool.random(using: &random) ? 0 : nil
        context.serverNumber = context.backendIndex
        context.mayGrow = Bool.random(using: &random)
        context.client = Bool.random(using: &random) ? .ip(.v6(1, 2), port: 3) : .path("/x")
        let target = "/" + text("ab/?.:;=&%*", upTo: 20, &random)
        let isAbsolute = Int.random(in: 0...3, using: &random) == 0
        if Int.random(in: 0...9, using: &random) > 0 {
            let whole = isAbsolute ? "http://\(text("12.:[]", upTo: 9, &random))\(target)" : target
            _ = unsafe context.request.setTarget(Array(whole.utf8).span.bytes)
            context.captureRequestLine()
        }
        for name in ["host", "cookie", "set-cookie", "authorization", "x", "a", "content-length"] {
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                var value = text("ab=;,\" \\:.[]0123456789", upTo: 24, &random)
                if name == "authorization" {
                    value = ["Basic ", "Bearer ", ""].randomElement(using: &random).map { $0 + value } ?? ""
                }
                if name == "authorization", Bool.random(using: &random) {
                    value =
                        ["Basic YTpi", "Basic YzpkZA==", "basic YTo=", "Basic ="].randomElement(using: &random) ?? ""
                }
                _ = context.request.fields.append(name: name, value)
                _ = context.response.fields.append(name: name, value)
            }
        }
        context.requestBody = Array(text("ab=&;", upTo: 20, &random).utf8)
        context.requestPayload = payload(&random)
        context.responsePayload = payload(&random)
    }

    private func payload(_ random: inout SeededRandom) -> [UInt8] {
        var bytes: [UInt8]
        switch Int.random(in: 0...4, using: &random) {
        case 0: bytes = []
        case 1:
            bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        case 2: bytes = Hello(ticket: [1]).bytes
        case 3: bytes = Array("GET /x HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        default:
            bytes =
                [3, 0, 0, 43, 38, 0xE0, 0, 0, 0, 0, 0] + Array("Cookie: mstshash=user1\r\n".utf8) + [
                    1, 0, 8, 0, 3, 0, 0, 0,
                ]
        }
        if Bool.random(using: &random), !bytes.isEmpty {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
        return bytes
    }

    private func text(_ letters: String, upTo count: Int, _ random: inout SeededRandom) -> String {
        String(
            (0..<Int.random(in: 0...count, using: &random)).compactMap { _ in letters.randomElement(using: &random) })
    }
}
