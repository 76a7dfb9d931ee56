// Random bytes go through every action that writes into a message: what is sent is one message with as many fields as
// were meant, whose framing no rule has touched.

import Basics
import Chance
import Configuration
import Foundation
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct RuleSplittingFuzzTests {
    /// Where bytes of a client come from: some of these yield any byte there is.
    private static let sources = [
        "%[req.body]", "%[var(txn.any)]", "%[req.hdr(x-text)]", "%[req.hdr(x-text),url_dec]",
        "%[req.hdr(x-base64),b64dec]", "%[req.cook(c),url_dec]", "%[urlp(q),url_dec]", "%[path]", "%[url,url_dec]",
        "a%[req.body]b%[var(txn.any)]",
    ]

    /// A line for each action, with a source in the place of `@`, and how many fields it adds.
    private static let requestRules: [(rule: String, fields: Int)] = [
        ("set-header x-new @", 1), ("set-header x-text @", 0), ("add-header x-text @", 1), ("add-header x-new @", 1),
        ("set-header host @", 0), ("set-header cookie @", 0),
        ("replace-header x-text .+ @", 0), ("replace-header x-text (.*) \\1@\\1", 0),
        ("replace-value x-text [^,]+ @", 0), ("replace-header cookie c @", 0),
        ("replace-path .* /@", 0), ("replace-path (.*) @\\1", 0), ("replace-pathq .* /@", 0), ("replace-uri .* /@", 0),
        ("replace-uri .* http://h/@", 0), ("replace-uri .* @", 0),
        ("set-path /@", 0), ("set-path @", 0), ("set-pathq /@", 0), ("set-pathq @", 0), ("set-query @", 0),
        ("set-uri /@", 0), ("set-uri @", 0), ("set-uri http://@/x", 0), ("set-method @", 0), ("set-method A@", 0),
        ("normalize-uri path-merge-slashes", 0), ("normalize-uri path-strip-dotdot full", 0),
        ("normalize-uri path-strip-dot", 0), ("normalize-uri percent-decode-unreserved", 0),
        ("normalize-uri percent-to-uppercase", 0), ("normalize-uri query-sort-by-name", 0),
        ("normalize-uri fragment-strip", 0), ("normalize-uri fragment-encode", 0),
    ]

    private static let responseRules: [(rule: String, fields: Int)] = [
        ("set-header x-new @", 1), ("add-header set-cookie @", 1), ("set-header server @", 0),
        ("replace-header server .+ @", 0), ("replace-value server [^,]+ @", 0),
        ("set-status 200 reason \"any reason\"", 0), ("set-status 503", 0),
    ]

    /// Lines that answer, and how many fields the answer has beside its length; fewer where a value cannot be one.
    private static let answers: [(rule: String, fields: ClosedRange<Int>)] = [
        ("redirect location @", 1...3), ("redirect location http://h/@ code 301", 1...3),
        ("redirect prefix http://h@", 1...3), ("redirect prefix @ drop-query", 1...3),
        ("redirect scheme @", 1...3), ("redirect location / set-cookie-fmt a=@", 1...4),
        ("redirect location /@ keep-query", 1...3),
        ("return hdr x-a @ hdr x-b @", 0...2), ("return content-type text/plain lf-string @ hdr x-a @", 1...2),
        ("deny content-type text/plain lf-string @ hdr x-a @", 1...2), ("tarpit hdr x-a @", 0...1),
    ]

    private var random = SeededRandom(seed: 44)
    private let variable: RuleSet
    private let pool = BufferPool(blockBytes: 65_536)

    init() throws {
        variable = try Section(.listen, "http-request set-var(txn.any) req.body").rules.ruleSet(.httpRequest)
    }

    // MARK: The tests

    @Test mutating func `A request that rules have changed is one request`() throws {
        var sent = 0
        for (rule, fields) in Self.requestRules {
            for source in rule.contains("@") ? someSources() : [""] {
                let text = rule.replacing("@", with: "'\(source)'")
                let rules = try Section(.listen, "http-request \(text)").rules.ruleSet(.httpRequest)
                for _ in 0..<12 {
                    let context = try someExchange()
                    let count = context.request.fields.count
                    guard case .proceed = rules.run(on: context) else { continue }
                    sent += 1
                    #expect(context.scratch.isEmpty)
                    check(context, fields: count + fields, "\(text)")
                }
            }
        }
        #expect(sent > 1_000, "\(sent)")
    }

    @Test mutating func `A response that rules have changed is one response`() throws {
        var sent = 0
        for (rule, fields) in Self.responseRules {
            for source in rule.contains("@") ? ["%[var(txn.any)]", "%[res.hdr(x-base64),b64dec]"] : [""] {
                for family in [RuleFamily.httpResponse, .httpAfterResponse] {
                    let lines = "\(family.rawValue) \(rule.replacing("@", with: "'\(source)'"))"
                    let rules = try Section(.listen, lines).rules.ruleSet(family)
                    for _ in 0..<20 {
                        let context = try someExchange()
                        try answer(
                            "HTTP/1.1 200 OK\nServer: s, t\nX-Base64: \(base64())\nContent-Length: 5\n\n", context)
                        let count = context.response.fields.count
                        guard case .proceed = rules.run(on: context) else { continue }
                        sent += 1
                        check(context.response, .length(5), fields: count + fields...count + fields, lines)
                    }
                }
            }
        }
        #expect(sent > 250, "\(sent)")
    }

    @Test mutating func `An answer that rules make is one response`() throws {
        for (rule, fields) in Self.answers {
            for source in someSources() {
                let text = rule.replacing("@", with: "'\(source)'")
                let rules = try Section(.listen, "http-request \(text)").rules.ruleSet(.httpRequest)
                for _ in 0..<12 {
                    let context = try someExchange()
                    switch rules.run(on: context) {
                    case .answer(let response), .deny(let response), .tarpit(let response):
                        response.apply(to: &context.response)
                        let length = UInt64(response.body.count)
                        check(
                            context.response, .length(length), fields: fields.lowerBound + 1...fields.upperBound + 1,
                            text
                        )
                    case .proceed, .rewriteFailed, .refused: break
                    default: Issue.record("no answer: \(text)")
                    }
                }
            }
        }
    }

    @Test mutating func `Early hints are one interim response`() throws {
        for source in Self.sources {
            let rules = try Section(.listen, "http-request early-hint Link '\(source)'\nhttp-request early-hint X-A a")
                .rules.ruleSet(.httpRequest)
            for _ in 0..<20 {
                let context = try someExchange()
                guard case .proceed = rules.run(on: context) else { continue }
                context.response.clear()
                context.response.setStatus(103)
                for hint in context.directives.earlyHints {
                    unsafe context.response.fields.append(name: hint.name.span.bytes, value: hint.value.span.bytes)
                }
                check(context.response, .none, fields: 1...2, source)
            }
        }
    }

    @Test mutating func `A unique ID is one field of one request`() throws {
        for source in Self.sources where !source.contains("body") && !source.contains("var(") {
            let section = try Section(.frontend, "unique-id-format '\(source)'\nunique-id-header X-ID")
            let id = try #require(section.draft.uniqueID)
            for _ in 0..<20 {
                let context = try someExchange()
                let count = context.request.fields.count
                id.name(context)
                id.addField(context)
                check(context, fields: count + (context.uniqueID.isEmpty ? 0 : 1), source)
            }
        }
    }

    // MARK: What is sent

    private func check(_ context: ExchangeContext, fields: Int, _ rule: String) {
        let bytes = written { MessageWriter.write(context.request, framing: .length(7), connection: .close, to: &$0) }
        // The two of ours are written anew, whatever was there.
        let own = context.request.fields.contains(.contentLength) ? 1 : 0
        checkLines(bytes, lines: fields - own + 2, rule)
        // What rules make of Host need not be a name; a server refuses it then.
        if rule.hasPrefix("set-header host") { return }
        var head = RequestHead()
        var parser = RequestParser(limits: HeadLimits(headBytesMax: 60_000))
        var consumed = 0
        let progress = unsafe parser.parse(bytes.span.bytes, into: &head, consumed: &consumed)
        #expect(progress == .complete && consumed == bytes.count, "\(rule): \(text(bytes))")
        let count = context.request.fields.count
        #expect(count == fields, "\(rule): \(text(bytes))")
        let received = head.fields.count
        #expect(received == fields - own + 2, "\(rule): \(text(bytes))")
        #expect(values(head.fields, "content-length") == ["7"] && values(head.fields, "connection") == ["close"])
        let isChunked = head.fields.contains(.transferEncoding)
        #expect(!isChunked, "\(rule)")
    }

    private func check(
        _ response: borrowing ResponseHead, _ framing: BodyFraming, fields: ClosedRange<Int>, _ rule: String
    ) {
        let bytes = written { MessageWriter.write(response, framing: framing, connection: .close, to: &$0) }
        var head = ResponseHead()
        var parser = ResponseParser(limits: HeadLimits(headBytesMax: 60_000))
        var consumed = 0
        let progress = unsafe parser.parse(bytes.span.bytes, into: &head, consumed: &consumed)
        #expect(progress == .complete && consumed == bytes.count, "\(rule): \(text(bytes))")
        #expect(fields.contains(head.fields.count - 1), "\(rule): \(text(bytes))")
        if case .length(let length) = framing { #expect(values(head.fields, "content-length") == ["\(length)"]) }
        let isChunked = head.fields.contains(.transferEncoding)
        #expect(values(head.fields, "connection") == ["close"] && !isChunked, "\(rule)")
        checkLines(bytes, lines: head.fields.count, rule)
    }

    private func written(_ write: (inout ByteBuffer) -> Bool) -> [UInt8] {
        var out = ByteBuffer()
        out.acquire(from: pool)
        let fits = write(&out)
        #expect(fits)
        var bytes: [UInt8] = []
        bytes.append(out.readable)
        out.release(to: pool)
        return bytes
    }

    /// No line is ended but where one ends: the start line's, each field's, and the empty one.
    private func checkLines(_ bytes: [UInt8], lines: Int, _ rule: String) {
        let isClean = bytes.count { $0 == 0x0D } == lines + 2 && bytes.count { $0 == 0x0A } == lines + 2
        #expect(isClean && !bytes.contains(0), "\(rule): \(text(bytes))")
    }

    private func values(_ fields: borrowing HeaderFields, _ name: String) -> [String] {
        (0..<fields.count).filter { fields.name($0).text == name }.map { fields.value($0).text }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }

    // MARK: What comes in

    /// A request whose parts are as bad as a parser lets them be, and a body and a variable that are worse.
    private mutating func someExchange() throws -> ExchangeContext {
        let target = "/" + targetText() + (Bool.random(using: &random) ? "?q=" + targetText() : "")
        let context = try exchange(
            """
            POST \(target) HTTP/1.1
            Host: h
            X-Text: \(escaped())
            X-Base64: \(base64())
            Cookie: c=\(escaped())
            Content-Length: 9


            """)
        context.requestBody = bytes()
        _ = variable.run(on: context)
        context.requestBody = bytes()
        return context
    }

    /// Bytes of which those that matter are many.
    private mutating func bytes() -> [UInt8] {
        let telling = Array("\r\n\0\r\n\r\n: ,;=%\"\\\t\u{7F}HTTP/1.1 GET transfer-encoding: chunked\r\n".utf8)
        return (0..<Int.random(in: 0...24, using: &random)).map { _ in
            Bool.random(using: &random)
                ? telling.randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255, using: &random)
        } + (Int.random(in: 0..<4, using: &random) == 0 ? Array("\r\ncontent-length: 0\r\n\r\nGET /".utf8) : [])
    }

    private mutating func someSources() -> [String] { Array(Self.sources.shuffled(using: &random).prefix(5)) }

    private mutating func escaped() -> String {
        bytes().map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private mutating func base64() -> String {
        Array(bytes()).base64Text
    }

    private mutating func targetText() -> String {
        let pieces = [
            "a", "..", "/", "//", ".", "%0d%0a", "%00", "%0A", "%7e", "%", "%zz", "&", "=", ";", "%41", "b,c",
        ]
        return (0..<Int.random(in: 0...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            .joined()
    }
}

extension [UInt8] {
    fileprivate var base64Text: String { Data(self).base64EncodedString() }
}
