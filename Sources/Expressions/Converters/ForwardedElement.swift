// An element of a Forwarded field (RFC 7239 section 4): `for=192.0.2.43;proto=http;by="[::1]:80"`. Parsed strictly,
// because rules use the result as an address.

public import Basics

public enum ForwardedElement {
    public enum Name: String, CaseIterable, Sendable {
        case proto, host
        case forNode = "for"
        case byNode = "by"
    }

    /// Whether all of its parameters are known, right, and there once.
    static func isValid(_ text: RawSpan) -> Bool {
        var seen: UInt8 = 0
        var i = 0
        while i < text.byteCount {
            guard let (name, _) = next(text, &i) else { return false }
            let bit: UInt8 =
                switch name {
                case .proto: 1
                case .host: 2
                case .forNode: 4
                case .byNode: 8
                }
            guard seen & bit == 0 else { return false }
            seen |= bit
        }
        return seen != 0
    }

    /// Whether the value of a Forwarded field has only valid elements; empty ones between commas do not count.
    public static func isValidList(_ text: RawSpan) -> Bool {
        var start = 0
        while start < text.byteCount {
            var isQuoted = false
            let end = text.firstIndex(from: start) { byte in
                if byte == 0x22 { isQuoted.toggle() }
                return byte == 0x2C && !isQuoted
            }
            var element = start..<end
            while let first = element.first, text[first] == 0x20 || text[first] == 0x09 { element.removeFirst() }
            while let last = element.last, text[last] == 0x20 || text[last] == 0x09 { element.removeLast() }
            if !element.isEmpty, !isValid(text.extracting(element)) { return false }
            start = end + 1
        }
        return true
    }

    /// Where the value of a parameter stands, without quotes; nil if it is not there, or what comes before it is wrong.
    public static func value(of name: Name, in text: RawSpan) -> Range<Int>? {
        var i = 0
        while i < text.byteCount {
            guard let (found, value) = next(text, &i) else { return nil }
            if found == name { return value }
        }
        return nil
    }

    /// Takes a parameter and the semicolon behind it, which has to have another one behind it.
    private static func next(_ text: RawSpan, _ i: inout Int) -> (Name, Range<Int>)? {
        let equals = text.firstIndex(from: i) { $0 == 0x3D }
        guard equals < text.byteCount, let name = name(text.extracting(i..<equals)) else { return nil }
        let isQuoted = equals + 1 < text.byteCount && text[equals + 1] == 0x22
        let start = isQuoted ? equals + 2 : equals + 1
        var end = text.firstIndex(from: start) { isQuoted ? $0 == 0x22 : !isTokenByte($0) }
        let range = start..<end
        if isQuoted {
            guard end < text.byteCount else { return nil }
            end += 1
        }
        guard isRight(text.extracting(range), for: name) else { return nil }
        if end < text.byteCount {
            guard text[end] == 0x3B, end + 1 < text.byteCount else { return nil }
            end += 1
        }
        i = end
        return (name, range)
    }

    private static func name(_ text: RawSpan) -> Name? {
        if text.equalsIgnoringCase("for") { return .forNode }
        if text.equalsIgnoringCase("by") { return .byNode }
        if text.equalsIgnoringCase("host") { return .host }
        if text.equalsIgnoringCase("proto") { return .proto }
        return nil
    }

    private static func isRight(_ value: RawSpan, for name: Name) -> Bool {
        switch name {
        case .proto: value.equalsIgnoringCase("http") || value.equalsIgnoringCase("https")
        case .host: isHost(value)
        case .forNode, .byNode: ForwardedNode(value) != nil
        }
    }

    /// A name or an address, and perhaps a port (RFC 9110 section 7.2).
    public static func isHost(_ text: RawSpan) -> Bool {
        var end = 0
        if text.byteCount > 0, text[0] == 0x5B {
            end = text.firstIndex(from: 1) { $0 == 0x5D }
            guard end < text.byteCount, case .v6? = IPAddress(text.extracting(1..<end).shortText) else { return false }
            end += 1
        } else {
            end = text.firstIndex(from: 0) { $0 == 0x3A }
            guard end > 0, text.extracting(0..<end).firstIndex(from: 0, where: { !isHostByte($0) }) == end else {
                return false
            }
        }
        if end == text.byteCount { return true }
        return text[end] == 0x3A && ForwardedNode.port(text.extracting(end + 1..<text.byteCount)) != nil
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isTokenByte(byte) && byte != 0x23 && byte != 0x5E && byte != 0x60 && byte != 0x7C
            || byte == 0x28 || byte == 0x29 || byte == 0x2C || byte == 0x3B || byte == 0x3D
    }

    /// RFC 9110 section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
        default: false
        }
    }
}

/// A node that made or received a request (RFC 7239 section 6): `192.0.2.43`, `[2001:db8::1]:47011`, `unknown`, `_word:_word`.
public struct ForwardedNode {
    public enum Part {
        case address(IPAddress)
        case number(Int)
        /// A stretch of the node.
        case word(Range<Int>)
    }
    public let name: Part
    public let port: Part?

    /// nil if it is none.
    public init?(_ text: RawSpan) {
        guard text.byteCount > 0 else { return nil }
        let end: Int
        switch text[0] {
        case 0x5B:
            let close = text.firstIndex(from: 1) { $0 == 0x5D }
            guard close < text.byteCount, case .v6(let high, let low)? = IPAddress(text.extracting(1..<close).shortText)
            else { return nil }
            name = .address(.v6(high, low))
            end = close + 1
        default:
            end = text.firstIndex(from: 0) { $0 == 0x3A }
            let word = text.extracting(0..<end)
            if word.equalsIgnoringCase("unknown") || Self.isWord(word) {
                name = .word(0..<end)
            } else if case .v4(let address)? = IPAddress(word.shortText) {
                name = .address(.v4(address))
            } else {
                return nil
            }
        }
        guard end < text.byteCount else {
            port = nil
            return
        }
        guard text[end] == 0x3A else { return nil }
        let rest = text.extracting(end + 1..<text.byteCount)
        if let number = Self.port(rest) {
            port = .number(number)
        } else if Self.isWord(rest) {
            port = .word(end + 1..<text.byteCount)
        } else {
            return nil
        }
    }

    public static func port(_ text: RawSpan) -> Int? {
        guard 1...5 ~= text.byteCount, let number = text.decimalValue, number <= 65_535 else { return nil }
        return Int(number)
    }

    /// Letters, digits, dots and dashes behind an underscore.
    public static func isWord(_ text: RawSpan) -> Bool {
        text.byteCount > 1 && text[0] == 0x5F && text.firstIndex(from: 1) { !isWordByte($0) } == text.byteCount
    }

    public static func isWordByte(_ byte: UInt8) -> Bool {
        byte | 0x20 &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2E || byte == 0x5F || byte == 0x2D
    }
}

extension RawSpan {
    /// The text, if it may be an address: none is written with more than 45 bytes.
    public var shortText: String { byteCount > 45 ? "" : text }
}
