// Compression of heads: the examples of RFC 7541 appendix C, which fields enter no table, sizes of tables, and that both sides' tables
// stay in step.

import Chance
import Testing

@testable import HTTP

@Suite struct HeaderCompressionTests {
    private let decoder = HeaderDecoder()
    private let encoder = HeaderEncoder()

    private func block(_ head: borrowing RequestHead, _ content: ContentLength = .none) -> [UInt8] {
        var block: [UInt8] = []
        encoder.append(head, content: content, scheme: "https", to: &block)
        return block
    }

    private func request(_ fields: (String, String)...) -> RequestHead {
        var head = RequestHead()
        head.setTarget(Array("/".utf8).bytes)
        head.fields.append(.host, "a")
        for (name, value) in fields { head.fields.append(name: name, value) }
        return head
    }

    private func expectUndecodable(_ block: [UInt8], _ decoder: HeaderDecoder = HeaderDecoder()) {
        #expect(decoder.request(block) == ["undecodable"])
    }

    // MARK: - RFC 7541 appendix C

    @Test(arguments: [
        // C.3, without Huffman codes
        [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ],
        // C.4, with them
        [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ],
    ])
    func requestsOfTheStandard(blocks: [String]) {
        let expected = [
            ["GET /", "host: www.example.com"], ["GET /", "host: www.example.com", "cache-control: no-cache"],
            ["GET /index.html", "host: www.example.com", "custom-key: custom-value"],
        ]
        for (block, expected) in zip(blocks, expected) { #expect(decoder.request(HeaderBlock.hex(block)) == expected) }
    }

    /// The examples suppose a table of 256 bytes, which the first block says here.
    @Test(arguments: [
        // C.5, without Huffman codes
        [
            """
            3fe1 01
            4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d
            546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d
            """, "4803 3330 37c1 c0bf",
            """
            88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
            6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
            2076 6572 7369 6f6e 3d31
            """,
        ],
        // C.6, with them
        [
            """
            3fe1 01
            4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
            8f0b 97c8 e9ae 82ae 43d3
            """, "4883 640e ffc1 c0bf",
            """
            88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
            dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07
            """,
        ],
    ])
    func responsesOfTheStandard(blocks: [String]) {
        let location = "location: https://www.example.com"
        let date = "date: Mon, 21 Oct 2013 20:13:21 GMT"
        let expected = [
            ["302 Found", "cache-control: private", date, location],
            ["307 Temporary Redirect", "cache-control: private", date, location],
            [
                "200 OK", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:22 GMT", location,
                "content-encoding: gzip",
                "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ],
        ]
        for (block, expected) in zip(blocks, expected) { #expect(decoder.response(HeaderBlock.hex(block)) == expected) }
    }

    /// Appendix C.2: a field that enters the table, and one that must never.
    @Test func fieldsOfTheStandard() {
        let custom = HeaderBlock.hex("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572")
        #expect(decoder.trailers(custom) == #"custom-key: custom-header\r\n\r\n"#)
        let password = HeaderBlock.hex("1008 7061 7373 776f 7264 0673 6563 7265 74")
        #expect(decoder.trailers(password) == #"password: secret\r\n\r\n"#)
        #expect(decoder.trailers(HeaderBlock.tableEntry(0)) == #"custom-key: custom-header\r\n\r\n"#)
        #expect(decoder.trailers(HeaderBlock.tableEntry(1)) == "undecodable")
    }

    @Test func requestsAreWrittenAsInTheStandard() {
        var head = RequestHead()
        head.setTarget(Array("/".utf8).bytes)
        head.fields.append(.host, "www.example.com")
        var block: [UInt8] = []
        encoder.append(head, content: .none, scheme: "http", to: &block)
        #expect(block == HeaderBlock.hex("8286 418c f1e3 c2e5 f23a 6ba0 ab90 f4ff 84"))
        head.fields.append(.cacheControl, "no-cache")
        block.removeAll()
        encoder.append(head, content: .none, scheme: "http", to: &block)
        #expect(block == HeaderBlock.hex("8286 be84 5886 a8eb 1064 9cbf"))
    }

    // MARK: - Blocks that cannot be decompressed

    @Test(arguments: [
        "80", "ff", "be", "ff80808080808080808080", "40", "400161", "0001", "00017a7fffffffffff7f", "418cf1e3c2",
        "3fe120",
        "82863fe101", "418100", "4182ffff", "4184ffffffff",
    ])
    func undecodableBlocks(hex: String) { expectUndecodable(HeaderBlock.hex(hex)) }

    @Test func nothingIsReadBehindAnUndecodableBlock() {
        #expect(decoder.skips(HeaderBlock.hex("80")) == false)
        #expect(decoder.skips(HeaderBlock.hex("82")) == false)
        expectUndecodable(HeaderBlock.of(HeadRefusal.get), decoder)
    }

    // MARK: - Tables

    @Test func skippedBlocksCount() {
        #expect(decoder.skips(HeaderBlock.of(HeadRefusal.get + ["x-a=1"], isIndexed: true)))
        #expect(decoder.trailers(HeaderBlock.tableEntry(0)) == #"x-a: 1\r\n\r\n"#)
    }

    /// All fields of a refused head enter the table, also those behind the fault.
    @Test(arguments: HeadRefusal.all)
    func theTableStaysInStepAfterARefusedHead(refusal: HeadRefusal) {
        let block = HeaderBlock.of(refusal.fields + ["x-last=1"], isIndexed: true)
        let result = refusal.result(decoder, block)
        #expect(result.hasPrefix("malformed"), "\(result)")
        let entries = HeaderBlock.tableEntry(0) + HeaderBlock.of(["x-more=2"])
        #expect(decoder.trailers(entries) == #"x-last: 1\r\nx-more: 2\r\n\r\n"#)
    }

    @Test func theTableStaysInStepAfterALimit() {
        let fields = (0..<10).map { "x-\($0)=\($0)" }
        let few = HeadLimits(headBytesMax: 15_360, fieldsMax: 3)
        let result = decoder.request(HeaderBlock.of(HeadRefusal.get + fields, isIndexed: true), limits: few)
        #expect(result == ["\(HeadResult.malformed(.tooManyFields))"])
        #expect(decoder.trailers(HeaderBlock.tableEntry(0)) == #"x-9: 9\r\n\r\n"#)
    }

    @Test func aTableIsNoLargerThanAllowed() {
        // A change to 4,097 bytes is more than the initial limit.
        expectUndecodable(HeaderBlock.hex("3fe21f"))
        #expect(HeaderDecoder(tableBytes: 8_192).skips(HeaderBlock.hex("3fe21f")))
        let small = HeaderDecoder(tableBytes: 0)
        // The peer has to say that it has understood.
        #expect(HeaderDecoder(tableBytes: 0).skips(HeaderBlock.hex("82")) == false)
        #expect(small.skips(HeaderBlock.hex("20") + HeaderBlock.of(["a=b"], isIndexed: true)))
        #expect(small.trailers(HeaderBlock.tableEntry(0)) == "undecodable")
    }

    @Test func thePeersLimitIsObeyed() {
        let head = request(("x-long", String(repeating: "abc", count: 30)))
        let first = block(head)
        #expect(block(head).count < first.count / 2, "the second time it is in the table")
        encoder.setTableLimit(0)
        encoder.setTableLimit(0)
        #expect(block(head).first == 0x20, "the change is told")
        #expect(block(head).count >= first.count, "there is no table")
        #expect(block(head).first == 0x82, "the change is told once")
        encoder.setTableLimit(1 << 20)
        // 4,096: 31 and 4,065 (RFC 7541 section 5.1).
        #expect(block(head).starts(with: [0x3F, 0xE1, 0x1F]), "more than 4,096 is not used")
        #expect(block(head).count < first.count / 2)
    }

    /// RFC 7541 section 6.2.3: a literal with the bits 0001, and the name's index in the static table.
    @Test(
        arguments: [
            ("authorization", "Basic c2VjcmV0OnNlY3JldDpzZWNyZXQ=", [0x1F, 0x08]),
            ("proxy-authorization", "Basic x", [0x1F, 0x22]),
            ("cookie", "short=0123456789", [0x1F, 0x11]),
        ] as [(String, String, [UInt8])])
    func secretsEnterNoTable(name: String, value: String, literal: [UInt8]) {
        let head = request((name, value))
        for _ in 0..<2 {
            let block = block(head)
            let found = block.indices.contains { block[$0...].starts(with: literal) }
            #expect(found, "\(block)")
            #expect(decoder.request(block).last == "\(name): \(value)")
        }
    }

    @Test func aLongCookieEntersTheTable() {
        let head = request(("cookie", "session=0123456789abcdef"))
        let first = block(head)
        #expect(block(head).count < first.count - 10)
    }

    // MARK: - Random heads

    /// What one side writes, the other reads, whatever the sizes of the tables become.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func randomRequestsArriveAsTheyWere(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for round in 0..<500 {
            if random.oneIn(20) { encoder.setTableLimit(random.number(0...6_000)) }
            var head = RequestHead()
            let method = ["GET", "POST", "HEAD", "PURGE", "OPTIONS"][random.number(0...4)]
            head.setMethod(Array(method.utf8).bytes)
            head.setTarget(Array("/\(Self.text(&random))?\(Self.text(&random))".utf8).bytes)
            head.fields.append(.host, "h\(random.number(1...3)).example:8443")
            let lines = Self.appendFields(to: &head.fields, &random)
            var expected = ["\(method) \(escaped(head.target.copy))"] + head.fields.lines.prefix(1) + lines
            let length = UInt64(random.number(0...1_000_000))
            let content: ContentLength = random.oneIn(2) ? .known(length) : .unknown
            if content != .unknown { expected.append("content-length: \(length)") }
            if random.oneIn(3) {
                let cookies = (0...random.number(0...3)).map { "c\($0)=\(Self.text(&random))" }.joined(separator: "; ")
                head.fields.append(.cookie, cookies)
                expected.append("cookie: \(cookies)")
            }
            var facts = HTTP2RequestFacts()
            #expect(decoder.request(block(head, content), facts: &facts) == expected, "seed \(seed) round \(round)")
            #expect(facts.contentLength == (content == .unknown ? nil : length))
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func randomResponsesArriveAsTheyWere(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for round in 0..<500 {
            if random.oneIn(20) { encoder.setTableLimit(random.number(0...6_000)) }
            var head = ResponseHead()
            head.setStatus(random.number(200...599))
            let lines = Self.appendFields(to: &head.fields, &random)
            var block: [UInt8] = [0xFF]
            encoder.append(head, content: .unknown, isTunnel: false, to: &block)
            #expect(block.first == 0xFF, "what was there stays")
            let expected = ["\(head.status) \(escaped(head.reason.copy))"] + lines
            #expect(decoder.response(Array(block.dropFirst())) == expected, "seed \(seed) round \(round)")
        }
    }

    private static func text(_ random: inout SeededRandom) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789-._~!*")
        return String((0...random.number(0...40)).map { _ in letters[random.number(0...letters.count - 1)] })
    }

    /// Appends fields, many of them the same each time, and returns their lines.
    private static func appendFields(to fields: inout HeaderFields, _ random: inout SeededRandom) -> [String] {
        var lines: [String] = []
        for _ in 0..<random.number(0...12) {
            let name = [
                "accept", "user-agent", "x-\(random.number(1...30))", "authorization", "date", "etag", "location",
                "vary",
                "x-empty", "set-cookie",
            ][random.number(0...9)]
            let value = name == "x-empty" ? "" : random.oneIn(2) ? "always the same \(name)" : text(&random)
            fields.append(name: name, value)
            lines.append("\(name): \(value)")
        }
        return lines
    }

    /// Arbitrary bytes, and blocks with some bytes changed: nothing traps, and a head that is accepted can be sent on.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func arbitraryBytesAreReadOrRefused(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var accepted = 0
        for _ in 0..<2_000 {
            let decoder = HeaderDecoder()
            let refusal = HeadRefusal.all[random.number(0...HeadRefusal.all.count - 1)]
            var block = HeaderBlock.of(random.oneIn(2) ? HeadRefusal.get : refusal.fields, isIndexed: random.oneIn(2))
            for _ in 0..<random.number(0...2) where !block.isEmpty {
                block[random.number(0...block.count - 1)] = UInt8(random.number(0...255))
            }
            if random.oneIn(4) { block = (0..<random.number(0...60)).map { _ in UInt8(random.number(0...255)) } }
            var head = RequestHead()
            var facts = HTTP2RequestFacts()
            if decoder.readRequest(block.bytes, limits: HeadLimits(), into: &head, facts: &facts) == .whole {
                accepted += 1
                let sent = self.block(head)
                #expect(self.decoder.request(sent).first?.hasPrefix("malformed") == false, "seed \(seed): \(block)")
            }
            _ = decoder.response(block)
            _ = decoder.trailers(block)
            _ = decoder.skip(block.bytes)
        }
        #expect(accepted > 100)
    }
}
