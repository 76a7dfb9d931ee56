// Blocks of compressed fields for tests, also such as no sender should make, and what was read from them in words.

import Testing

@testable import HTTP

/// Fields as `name=value`, without Huffman codes (RFC 7541 section 6.2).
enum HeaderBlock {
    /// - Parameter isIndexed: whether each field enters the table.
    static func of(_ fields: [String], isIndexed: Bool = false) -> [UInt8] {
        var block: [UInt8] = []
        for field in fields {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            block.append(isIndexed ? 0x40 : 0x00)
            for part in parts { append(unescaped(String(part)), to: &block) }
        }
        return block
    }

    /// The only field of the block's table with this index, counted from the last one that entered it.
    static func tableEntry(_ index: Int) -> [UInt8] { [0x80 | UInt8(62 + index)] }

    private static func append(_ text: [UInt8], to block: inout [UInt8]) {
        // A length with a prefix of seven bits (RFC 7541 section 5.1).
        if text.count < 127 {
            block.append(UInt8(text.count))
        } else {
            block.append(127)
            var rest = text.count - 127
            while rest >= 128 {
                block.append(UInt8(rest & 127) | 128)
                rest >>= 7
            }
            block.append(UInt8(rest))
        }
        block += text
    }

    /// The bytes that hexadecimal digits name; spaces are left out.
    static func hex(_ text: String) -> [UInt8] {
        let digits = text.utf8.map(hexValue).filter { $0 < 16 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

extension HeaderDecoder {
    /// The method, the target and the field lines of a request, or what is wrong with it.
    func request(
        _ block: [UInt8], limits: HeadLimits = HeadLimits(), facts: inout HTTP2RequestFacts
    ) -> [String] {
        var head = RequestHead()
        let result = readRequest(block.bytes, limits: limits, into: &head, facts: &facts)
        guard result == .whole else { return ["\(result)"] }
        #expect(head.version == .http2)
        return ["\(escaped(head.methodName.copy)) \(escaped(head.target.copy))"] + head.fields.lines
    }

    func request(_ block: [UInt8], limits: HeadLimits = HeadLimits()) -> [String] {
        var facts = HTTP2RequestFacts()
        return request(block, limits: limits, facts: &facts)
    }

    func request(_ fields: [String], limits: HeadLimits = HeadLimits()) -> [String] {
        request(HeaderBlock.of(fields), limits: limits)
    }

    /// The status, the reason and the field lines of a response, or what is wrong with it.
    func response(_ block: [UInt8], limits: HeadLimits = HeadLimits(), length: inout UInt64?) -> [String] {
        var head = ResponseHead()
        let result = readResponse(block.bytes, limits: limits, into: &head, contentLength: &length)
        guard result == .whole else { return ["\(result)"] }
        #expect(head.version == .http2)
        return ["\(head.status) \(escaped(head.reason.copy))"] + head.fields.lines
    }

    func response(_ block: [UInt8], limits: HeadLimits = HeadLimits()) -> [String] {
        var length: UInt64?
        return response(block, limits: limits, length: &length)
    }

    func response(_ fields: [String], limits: HeadLimits = HeadLimits()) -> [String] {
        response(HeaderBlock.of(fields), limits: limits)
    }

    func skips(_ block: [UInt8]) -> Bool { skip(block.bytes) }

    /// The trailer section, or what is wrong with it.
    func trailers(_ block: [UInt8]) -> String {
        var section: [UInt8] = []
        let result = readTrailers(block.bytes, into: &section)
        guard result == .whole else {
            #expect(section.isEmpty)
            return "\(result)"
        }
        return escaped(section)
    }
}

/// A message that RFC 9113 section 8 calls malformed.
struct HeadRefusal: Sendable, CustomTestStringConvertible {
    enum Kind { case request, response, trailers }

    let kind: Kind
    let fault: MessageFault
    let fields: [String]

    var testDescription: String { "\(kind) \(fields)" }

    /// What a decoder says of the block.
    func result(_ decoder: HeaderDecoder, _ block: [UInt8]) -> String {
        switch kind {
        case .request: decoder.request(block).joined(separator: "\n")
        case .response: decoder.response(block).joined(separator: "\n")
        case .trailers: decoder.trailers(block)
        }
    }

    var expected: String { "\(HeadResult.malformed(fault))" }

    static let all: [HeadRefusal] =
        requests.map { HeadRefusal(kind: .request, fault: $0, fields: $1) }
        + fields.map { HeadRefusal(kind: .request, fault: $0, fields: get + [$1]) }
        + responses.map { HeadRefusal(kind: .response, fault: $0, fields: $1) }
        + trailers.map { HeadRefusal(kind: .trailers, fault: $0, fields: $1) }

    static let get = [":method=GET", ":scheme=https", ":authority=a.example", ":path=/"]
    private static let webSocket = [
        ":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority=a.example", ":path=/",
    ]

    private static func get(without name: String, and more: String...) -> [String] {
        get.filter { !$0.hasPrefix("\(name)=") } + more
    }

    private static let requests: [(MessageFault, [String])] = [
        (.missingPseudoHeader, []), (.missingPseudoHeader, ["a=b"]),
        (.missingPseudoHeader, get(without: ":method")), (.missingPseudoHeader, get(without: ":scheme")),
        (.missingPseudoHeader, get(without: ":path")),
        (.missingPseudoHeader, webSocket.filter { !$0.hasPrefix(":scheme") }),
        (.missingPseudoHeader, webSocket.filter { !$0.hasPrefix(":path") }),
        (.missingPseudoHeader, webSocket.filter { !$0.hasPrefix(":authority") }),
        (.repeatedPseudoHeader, get + [":path=/"]), (.repeatedPseudoHeader, get + [":method=GET"]),
        (.repeatedPseudoHeader, get + [":authority=a.example"]), (.repeatedPseudoHeader, get + [":scheme=https"]),
        (.unknownPseudoHeader, get + [":version=2"]), (.unknownPseudoHeader, get + [":=2"]),
        (.unknownPseudoHeader, get + [":Path=/"]), (.unknownPseudoHeader, get + ["a=b", ":x=/"]),
        (.missingPseudoHeader, get(without: ":path", and: "a=b", ":path=/")),
        (.latePseudoHeader, get + ["a=b", ":path=/"]),
        (.unsuitablePseudoHeader, get + [":status=200"]), (.unsuitablePseudoHeader, get + [":protocol=websocket"]),
        (.invalidMethod, get(without: ":method", and: ":method=G T")), (.invalidMethod, [":method="]),
        (.invalidScheme, get(without: ":scheme", and: ":scheme=")),
        (.invalidScheme, get(without: ":scheme", and: ":scheme=1a")),
        (.invalidScheme, get(without: ":scheme", and: ":scheme=ht/tp")),
        (.invalidPath, get(without: ":path", and: ":path=")), (.invalidPath, get(without: ":path", and: ":path=a")),
        (.invalidPath, get(without: ":path", and: ":path=https://a.example/")),
        (.invalidPath, get(without: ":path", and: ":path=*/")),
        (.invalidPath, [":method=OPTIONS", ":scheme=https", ":authority=a", ":path=**"]),
        (.unsuitableTarget, get(without: ":path", and: ":path=*")),
        (.invalidTarget, get(without: ":path", and: ":path=/a b")),
        (.invalidTarget, get(without: ":path", and: #":path=/\xc3\xa4"#)),
        (.fragmentInTarget, get(without: ":path", and: ":path=/a#b")),
        (.controlCharacter, get(without: ":path", and: #":path=/a\r\nb"#)),
        (.spaceAroundValue, get(without: ":path", and: ":path=/ ")),
        (.malformedConnect, [":method=CONNECT"]), (.malformedConnect, [":method=CONNECT", "host=a:443"]),
        (.malformedConnect, [":method=CONNECT", ":authority=a:443", ":path=/"]),
        (.malformedConnect, [":method=CONNECT", ":authority=a:443", ":scheme=https"]),
        (.unsuitableTarget, [":method=CONNECT", ":authority=a"]),
        (.userInfoInTarget, [":method=CONNECT", ":authority=u@a:443"]),
        (.hostDisagrees, [":method=CONNECT", ":authority=a:443", "host=b:443"]),
        (.contentInConnect, [":method=CONNECT", ":authority=a:443", "content-length=5"]),
        (.contentInConnect, webSocket + ["content-length=5"]),
        (.unsupportedProtocol, webSocket.map { $0 == ":protocol=websocket" ? ":protocol=h2c" : $0 }),
        (.invalidHost, get(without: ":authority", and: ":authority=")),
        (.invalidHost, get(without: ":authority", and: ":authority=a/b")),
        (.invalidHost, get(without: ":authority", and: ":authority=a:99999")),
        (.userInfoInTarget, get(without: ":authority", and: ":authority=u:p@a")),
        (.invalidHost, get(without: ":authority", and: "host=")),
        (.userInfoInTarget, get(without: ":authority", and: "host=u@a")),
        (.repeatedHost, get(without: ":authority", and: "host=a", "host=a")),
        (.repeatedHost, get + ["host=a.example", "host=a.example"]),
        (.differingContentLengths, get + ["content-length=5", "content-length=6"]),
    ]

    /// In a request that is right without this field.
    private static let fields: [(MessageFault, String)] = [
        (.upperCaseFieldName, "Accept=*"), (.upperCaseFieldName, "x-A=1"), (.emptyFieldName, "=1"),
        (.invalidFieldName, "a b=1"), (.invalidFieldName, "a:b=1"), (.invalidFieldName, #"a\r\nb=1"#),
        (.invalidFieldName, #"\xc3\xa4=1"#), (.invalidFieldName, #"a\0=1"#),
        (.controlCharacter, #"a=b\r\nc: d"#), (.controlCharacter, #"a=b\nc"#), (.controlCharacter, #"a=b\rc"#),
        (.controlCharacter, #"a=b\0c"#), (.controlCharacter, #"a=\x01"#), (.controlCharacter, #"a=\x7f"#),
        (.spaceAroundValue, "a= b"), (.spaceAroundValue, "a=b "), (.spaceAroundValue, #"a=\tb"#),
        (.spaceAroundValue, #"a=b\t"#), (.spaceAroundValue, "a= "),
        (.connectionSpecificField, "connection=close"), (.connectionSpecificField, "keep-alive=timeout=5"),
        (.connectionSpecificField, "proxy-connection=keep-alive"),
        (.connectionSpecificField, "transfer-encoding=chunked"), (.connectionSpecificField, "upgrade=websocket"),
        (.connectionSpecificField, "http2-settings=AA"),
        (.invalidTE, "te=gzip"), (.invalidTE, "te=trailers, gzip"), (.invalidTE, "te="),
        (.hostDisagrees, "host=b.example"), (.hostDisagrees, "host=a.example:80"),
        (.invalidContentLength, "content-length=x"), (.invalidContentLength, "content-length=-1"),
        (.invalidContentLength, "content-length="), (.differingContentLengths, "content-length=5, 6"),
    ]

    private static let responses: [(MessageFault, [String])] = [
        (.missingPseudoHeader, []), (.missingPseudoHeader, ["a=b"]), (.missingPseudoHeader, ["a=b", ":status=200"]),
        (.invalidStatus, [":status="]), (.invalidStatus, [":status=20"]), (.invalidStatus, [":status=2000"]),
        (.invalidStatus, [":status=2x0"]), (.invalidStatus, [":status=099"]), (.invalidStatus, [":status=200 OK"]),
        (.switchInHTTP2, [":status=101"]), (.repeatedPseudoHeader, [":status=200", ":status=200"]),
        (.unsuitablePseudoHeader, [":status=200", ":path=/"]), (.unknownPseudoHeader, [":status=200", ":reason=OK"]),
        (.latePseudoHeader, [":status=200", "a=b", ":status=200"]),
        (.connectionSpecificField, [":status=200", "connection=close"]),
        (.connectionSpecificField, [":status=200", "transfer-encoding=chunked"]),
        (.connectionSpecificField, [":status=200", "te=trailers"]),
        (.upperCaseFieldName, [":status=200", "Date=x"]), (.controlCharacter, [":status=200", #"a=b\r\nc: d"#]),
        (.invalidContentLength, [":status=200", "content-length=x"]),
        (.differingContentLengths, [":status=200", "content-length=1", "content-length=2"]),
    ]

    private static let trailers: [(MessageFault, [String])] = [
        (.unsuitablePseudoHeader, [":status=200"]), (.unsuitablePseudoHeader, ["a=b", ":path=/"]),
        (.unsuitablePseudoHeader, [":x=/"]), (.upperCaseFieldName, ["A=b"]), (.emptyFieldName, ["=b"]),
        (.invalidFieldName, ["a b=c"]), (.controlCharacter, [#"a=b\r\nc: d"#]), (.spaceAroundValue, ["a= b"]),
        (.connectionSpecificField, ["a=b", "connection=close"]), (.connectionSpecificField, ["te=trailers"]),
        (.trailersTooLarge, ["a=\(String(repeating: "b", count: 8_190))"]),
    ]
}
