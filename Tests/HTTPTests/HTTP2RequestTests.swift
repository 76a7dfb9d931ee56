// Heads of requests of HTTP/2: the shape that they get, what is refused, the limits; and the way back, out of that shape.

import Basics
import Testing

@testable import HTTP

@Suite struct HTTP2RequestTests {
    private let decoder = HeaderDecoder()

    private func expect(_ fields: [String], _ lines: [String], limits: HeadLimits = HeadLimits()) {
        #expect(decoder.request(fields, limits: limits) == lines)
    }

    // MARK: - Reading

    @Test func aRequestLooksLikeOneOfHTTP1() {
        expect(
            [
                ":method=POST", ":scheme=https", ":path=/a?b", ":authority=A.example:8443", "x=1", "te=trailers",
                "trailer=y",
            ],
            ["POST /a?b", "host: A.example:8443", "x: 1", "te: trailers", "trailer: y"])
        expect([":method=OPTIONS", ":scheme=http", ":authority=a", ":path=*"], ["OPTIONS *", "host: a"])
        expect([":method=PURGE", ":scheme=ws", ":authority=[::1]:80", ":path=/"], ["PURGE /", "host: [::1]"])
        expect([":method=CONNECT", ":authority=a:443", "x=1"], ["CONNECT a:443", "host: a:443", "x: 1"])
        expect([":method=CONNECT", ":authority=a:443", "host=a"], ["CONNECT a:443", "host: a:443"])
        expect([":method=GET", ":scheme=https", ":path=/", "x=1", "host=a"], ["GET /", "x: 1", "host: a"])
        expect(
            HeadRefusal.get + ["x=", #"y=a\tb"#, #"z=\xff"#],
            ["GET /", "host: a.example", "x: ", #"y: a\tb"#, #"z: \xff"#])
    }

    @Test func hostAndAuthorityMayDifferInWritingOnly() {
        let expected = ["GET /", "host: a.example"]
        for host in ["a.example", "A.Example", "a.example:443"] { expect(HeadRefusal.get + ["host=\(host)"], expected) }
    }

    @Test func cookiesAreJoined() {
        expect(
            HeadRefusal.get + ["cookie=a=1", "x=1", "cookie=b=2; c=3", "cookie=", "cookie=d=4"],
            ["GET /", "host: a.example", "x: 1", "cookie: a=1; b=2; c=3; d=4"])
        expect(HeadRefusal.get + ["cookie=", "cookie=a=1"], ["GET /", "host: a.example", "cookie: a=1"])
        expect(HeadRefusal.get + ["cookie="], ["GET /", "host: a.example", "cookie: "])
        // Nothing is left from the head before.
        expect(HeadRefusal.get, ["GET /", "host: a.example"])
    }

    @Test func theLengthOfTheContentIsTold() {
        for (fields, expected) in [
            ([], nil), (["content-length=0"], 0), (["content-length=18446744073709551615"], .max),
            (["content-length=5", "content-length=5"], 5), (["content-length=5, 5"], 5),
        ] as [([String], UInt64?)] {
            var facts = HTTP2RequestFacts()
            facts.contentLength = 1
            #expect(decoder.request(HeaderBlock.of(HeadRefusal.get + fields), facts: &facts).first == "GET /")
            #expect(facts.contentLength == expected)
            #expect(facts.isExtendedConnect == false)
        }
    }

    @Test func aTunnelHasNoLength() {
        for fields in [
            [":method=CONNECT", ":authority=a:443"],
            [":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority=a", ":path=/"],
        ] {
            var facts = HTTP2RequestFacts()
            #expect(decoder.request(HeaderBlock.of(fields + ["content-length=0"]), facts: &facts).count > 2)
            #expect(facts.contentLength == nil)
        }
    }

    @Test func anExtendedConnectBecomesAnUpgrade() {
        let fields = [
            ":method=CONNECT", ":protocol=websocket", ":scheme=https", ":path=/chat", ":authority=a",
            "origin=https://a",
            "sec-websocket-version=13", "sec-websocket-key=the client's",
        ]
        var keys: Set<String> = []
        for _ in 0..<50 {
            var facts = HTTP2RequestFacts()
            var head = RequestHead()
            let block = HeaderBlock.of(fields)
            #expect(decoder.readRequest(block.bytes, limits: HeadLimits(), into: &head, facts: &facts) == .whole)
            #expect(facts.isExtendedConnect)
            #expect(head.method == .get)
            #expect(head.upgradeRequested == true)
            let key = head.fields.first(.secWebSocketKey) ?? 0
            #expect(head.fields.next(.secWebSocketKey, from: key + 1) == nil)
            let text = head.fields.value(key).copy
            // Sixteen bytes in base64: four bits of the last character, and two characters, are padding.
            #expect(text.count == 24 && text.suffix(2) == [0x3D, 0x3D] && "AQgw".utf8.contains(text[21]), "\(text)")
            keys.insert(escaped(text))
            head.fields.remove(.secWebSocketKey)
            #expect(
                head.fields.lines == [
                    "host: a", "connection: upgrade", "upgrade: websocket", "origin: https://a",
                    "sec-websocket-version: 13",
                ])
        }
        #expect(keys.count == 50)
        #expect(MessageFault.unsupportedProtocol.status == 501)
    }

    @Test(arguments: HeadRefusal.all)
    func refuses(refusal: HeadRefusal) {
        #expect(refusal.result(decoder, HeaderBlock.of(refusal.fields)) == refusal.expected)
        // The next head is not concerned.
        expect(HeadRefusal.get, ["GET /", "host: a.example"])
    }

    @Test func limits() {
        let fields = HeadRefusal.get + ["cookie=a=1", "x=1", "cookie=b=2"]
        let lines = ["GET /", "host: a.example", "x: 1", "cookie: a=1; b=2"]
        // As HTTP/1.1 writes it.
        let size = "GET / HTTP/1.1\r\nhost: a.example\r\nx: 1\r\ncookie: a=1; b=2\r\n\r\n".utf8.count
        expect(fields, lines, limits: HeadLimits(headBytesMax: size, fieldsMax: 3))
        expect(
            fields, ["\(HeadResult.malformed(.headTooLarge))"], limits: HeadLimits(headBytesMax: size - 1, fieldsMax: 3)
        )
        expect(
            fields, ["\(HeadResult.malformed(.tooManyFields))"], limits: HeadLimits(headBytesMax: size, fieldsMax: 2))
        for field in [":method", ":path", ":authority"] {
            let long = HeadRefusal.get.map { $0.hasPrefix(field) ? $0 + String(repeating: "a", count: 100) : $0 }
            expect(long, ["\(HeadResult.malformed(.headTooLarge))"], limits: HeadLimits(headBytesMax: 120))
        }
    }

    /// A few bytes stand for the same long field again and again.
    @Test func aBlockThatGrowsIsBounded() {
        let long = HeaderBlock.of(HeadRefusal.get + ["x=\(String(repeating: "a", count: 3_000))"], isIndexed: true)
        let block = long + Array([[UInt8]](repeating: HeaderBlock.tableEntry(0), count: 10_000).joined())
        #expect(decoder.request(block) == ["\(HeadResult.malformed(.headTooLarge))"])
        #expect(decoder.trailers(HeaderBlock.tableEntry(0)).hasPrefix("x: aaa"))
    }

    @Test func unusualTargetsAreAcceptedOnDemand() {
        let fields = [":method=GET", ":scheme=https", ":authority=a", #":path=/\xe4#b"#]
        expect(fields, [#"GET /\xe4#b"#, "host: a"], limits: HeadLimits(acceptInvalid: true))
    }

    // MARK: - Version

    @Test func theVersionIsShown() {
        var head = RequestHead()
        head.version = .http2
        #expect(escaped(head.versionName.copy) == "HTTP/2.0")
        var number: [UInt8] = []
        head.appendVersionNumber(to: &number)
        #expect(escaped(number) == "2.0")
        #expect(HTTPVersion.http11.name.bytes.equals("HTTP/1.1") && HTTPVersion.http11.number.bytes.equals("1.1"))
        #expect(HTTPVersion.http10.name.bytes.equals("HTTP/1.0") && HTTPVersion.http10.number.bytes.equals("1.0"))
    }

    @Test func whatHTTP10DoesNotHaveHTTP2Has() {
        var head = RequestHead()
        head.version = .http2
        head.fields.append(.expect, "100-continue")
        head.fields.append(.te, "trailers")
        #expect(head.wantsKeepAlive == true)
        #expect(head.expectsContinue == true)
        #expect(head.acceptsTrailers == true)
        #expect(head.bodyFraming() == .success(.none))
        head.fields.append(.contentLength, "5")
        #expect(head.bodyFraming() == .success(.length(5)))
    }

    // MARK: - Writing

    /// The fields of the block that `text`, a request of HTTP/1, becomes.
    private func sent(
        _ text: String, _ content: ContentLength = .none, _ change: (inout RequestHead) -> Void = { _ in }
    ) -> [String] {
        var head = RequestHead()
        var consumed = 0
        var parser = RequestParser(limits: HeadLimits())
        #expect(parser.parse(unescaped(text + #"\r\n\r\n"#).bytes, into: &head, consumed: &consumed) == .complete)
        change(&head)
        var block: [UInt8] = []
        HeaderEncoder().append(head, content: content, scheme: "https", to: &block)
        return fields(of: block)
    }

    @Test func aRequestOfHTTP1IsSentAsOneOfHTTP2() {
        #expect(
            sent(#"GET /a?b HTTP/1.1\r\nX: 1\r\nHost: A\r\nY: 2"#)
                == [":method=GET", ":scheme=https", ":authority=A", ":path=/a?b", "x=1", "y=2"])
        for (target, path) in [
            ("GET http://a/b?c", "/b?c"), ("GET http://a", "/"), ("GET http://a?c", "/?c"), ("OPTIONS http://a", "*"),
            ("OPTIONS http://a/", "/"), ("OPTIONS *", "*"),
        ] {
            #expect(sent("\(target) HTTP/1.1\\r\\nHost: a").dropFirst(2) == [":authority=a", ":path=\(path)"])
        }
        #expect(sent("GET http://a:80/ HTTP/1.0").dropFirst(2) == [":authority=a:80", ":path=/"])
        #expect(sent("GET / HTTP/1.0") == [":method=GET", ":scheme=https", ":path=/"])
        #expect(sent(#"CONNECT a:443 HTTP/1.1\r\nHost: a"#, .known(0)) == [":method=CONNECT", ":authority=a:443"])
        let changed = sent(#"CONNECT a:443 HTTP/1.1\r\nHost: a"#) { $0.setMethod(Method.get.name.bytes) }
        #expect(changed == [":method=GET", ":scheme=https", ":authority=a", ":path=/"])
    }

    @Test func fieldsOfTheConnectionAreLeftOut() {
        #expect(
            sent(
                #"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n"#
                    + #"Upgrade: h3\r\nHTTP2-Settings: AA\r\nTE: gzip\r\nTransfer-Encoding: chunked\r\nTrailer: x"#
            ).dropFirst(4) == ["trailer=x"])
        #expect(sent(#"GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers"#).dropFirst(4) == ["te=trailers"])
    }

    @Test func theContentDecidesOnItsLength() {
        let get = #"GET / HTTP/1.1\r\nHost: a"#
        let length = #"\r\nContent-Length: 7"#
        let post = #"POST / HTTP/1.1\r\nHost: a"#
        for (text, content, expected) in [
            (get, .none, []), (get, .known(0), []), (get + length, .known(0), ["content-length=0"]),
            (get, .known(5), ["content-length=5"]), (post, .known(0), ["content-length=0"]),
            (post + length, .unknown, []),
            (post + length, .none, []), (post + length, .known(9), ["content-length=9"]),
        ] as [(String, ContentLength, [String])] {
            #expect(sent(text, content).dropFirst(4) == expected[...], "\(text) \(content)")
        }
    }

    @Test func cookiesAreSplit() {
        #expect(
            sent(#"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1; b=2;c=3;;  d=4; "#).dropFirst(4)
                == ["cookie=a=1", "cookie=b=2", "cookie=c=3", "cookie=d=4"])
    }

    @Test func anUpgradeToWebSocketBecomesAnExtendedConnect() {
        let fields =
            #"\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13"#
        #expect(
            sent("GET /chat HTTP/1.1" + fields, .known(0)) == [
                ":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority=a", ":path=/chat",
                "sec-websocket-version=13",
            ])
        // Other methods cannot ask for it: the key is a field like others.
        #expect(sent("POST /chat HTTP/1.1" + fields).contains("sec-websocket-key=x"))
    }

    @Test func aRequestOfHTTP2IsSentAsOneOfHTTP1() {
        var head = RequestHead()
        var facts = HTTP2RequestFacts()
        let block = HeaderBlock.of(HeadRefusal.get + ["te=trailers", "content-length=5"])
        #expect(decoder.readRequest(block.bytes, limits: HeadLimits(), into: &head, facts: &facts) == .whole)
        head.fields.removeHopByHop()
        let pool = BufferPool(blockBytes: 4_096)
        var out = ByteBuffer()
        out.acquire(from: pool)
        #expect(MessageWriter.write(head, framing: .length(5), connection: .none, to: &out))
        #expect(escaped(out.readable.copy) == #"GET / HTTP/1.1\r\nhost: a.example\r\ncontent-length: 5\r\n\r\n"#)
        out.release(to: pool)
    }
}
