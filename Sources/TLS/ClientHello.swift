// The first message of a TLS connection, as its client has sent it (RFC 8446 section 4.1.2): read by the samples that look at bytes
// which pass through, and by those about handshakes that are Portico's own.

internal import Basics

/// What is of interest in a ClientHello: places in the bytes it was read from.
public struct ClientHello: Sendable {
    public var major: UInt8
    public var minor: UInt8
    public var serverName: Range<Int>?
    /// The list of names with a length before each; every one ends within it.
    public var protocols: Range<Int>?
    public var ciphers: Range<Int>?
    /// Of those that follow, lists without their lengths.
    public var groups: Range<Int>?
    public var signatureAlgorithms: Range<Int>?
    public var versions: Range<Int>?
    public var pointFormats: Range<Int>?
    /// Groups, each with its key behind it.
    public var keyShares: Range<Int>?
    /// The extensions, each with its type and its length before it.
    public var extensions: Range<Int>?
    public var hasServerName = false
    public var hasCurves = false
    /// 1 with the extension, 2 with a ticket in it.
    public var ticket = 0

    /// Reads the message's body; nil if its lengths do not fit together.
    public init?(_ bytes: RawSpan, _ body: Range<Int>) {
        var reader = VectorReader(bytes, body)
        guard let version = reader.number(bytes: 2), reader.skip(32), reader.vector(lengthBytes: 1) != nil,
            let ciphers = reader.vector(lengthBytes: 2), reader.vector(lengthBytes: 1) != nil
        else { return nil }
        self.ciphers = ciphers
        major = UInt8(truncatingIfNeeded: version >> 8)
        minor = UInt8(truncatingIfNeeded: version)
        // Before TLS 1.2 there need not be extensions.
        if reader.isAtEnd { return }
        guard let extensions = reader.vector(lengthBytes: 2) else { return nil }
        self.extensions = extensions
        var list = VectorReader(bytes, extensions)
        while !list.isAtEnd {
            guard let type = list.number(bytes: 2), let content = list.vector(lengthBytes: 2) else { return nil }
            take(type, content, bytes)
        }
    }

    private mutating func take(_ type: Int, _ content: Range<Int>, _ bytes: RawSpan) {
        switch type {
        case 0:
            hasServerName = true
            serverName = Self.hostName(bytes, content)
        case 10:
            hasCurves = true
            groups = Self.list(bytes, content)
        case 11: pointFormats = Self.list(bytes, content, lengthBytes: 1)
        case 13: signatureAlgorithms = Self.list(bytes, content)
        case 16: protocols = Self.names(bytes, content)
        case 35: ticket = content.isEmpty ? 1 : 2
        case 43: versions = Self.list(bytes, content, lengthBytes: 1)
        case 51: keyShares = Self.list(bytes, content)
        default: break
        }
    }

    /// RFC 6066 section 3: the first name of type host_name.
    private static func hostName(_ bytes: RawSpan, _ content: Range<Int>) -> Range<Int>? {
        var reader = VectorReader(bytes, content)
        guard let names = reader.vector(lengthBytes: 2) else { return nil }
        var list = VectorReader(bytes, names)
        while let type = list.number(bytes: 1), let name = list.vector(lengthBytes: 2) {
            if type == 0 { return name.isEmpty ? nil : name }
        }
        return nil
    }

    private static func list(_ bytes: RawSpan, _ content: Range<Int>, lengthBytes: Int = 2) -> Range<Int>? {
        var reader = VectorReader(bytes, content)
        return reader.vector(lengthBytes: lengthBytes)
    }

    /// RFC 7301 section 3.1: one name behind the other.
    private static func names(_ bytes: RawSpan, _ content: Range<Int>) -> Range<Int>? {
        var reader = VectorReader(bytes, content)
        guard let names = reader.vector(lengthBytes: 2) else { return nil }
        var list = VectorReader(bytes, names)
        while !list.isAtEnd { guard list.vector(lengthBytes: 1) != nil else { return nil } }
        return names.isEmpty ? nil : names
    }

    /// RFC 8446 section 4.2.8. False if the keys do not fit into the list.
    public static func appendGroups(ofKeyShares bytes: RawSpan, to out: inout [UInt8]) -> Bool {
        appendTypes(ofVectorsIn: bytes, 0..<bytes.byteCount, to: &out)
    }

    /// Appends the types of the extensions, in the client's order.
    func appendExtensionTypes(_ bytes: RawSpan, to out: inout [UInt8]) {
        if let extensions { _ = Self.appendTypes(ofVectorsIn: bytes, extensions, to: &out) }
    }

    /// Appends the two bytes that stand before each vector.
    private static func appendTypes(
        ofVectorsIn bytes: RawSpan, _ range: Range<Int>, to out: inout [UInt8]
    ) -> Bool {
        var reader = VectorReader(bytes, range)
        while !reader.isAtEnd {
            guard let type = reader.number(bytes: 2), reader.vector(lengthBytes: 2) != nil else { return false }
            out.append(UInt8(truncatingIfNeeded: type >> 8))
            out.append(UInt8(truncatingIfNeeded: type))
        }
        return true
    }
}

/// Reads numbers and vectors within bounds (RFC 8446 section 3.4).
private struct VectorReader: ~Escapable {
    private let bytes: RawSpan
    private var position: Int
    private let end: Int

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position >= end }

    @_lifetime(self: copy self)
    mutating func skip(_ count: Int) -> Bool {
        guard count <= end - position else { return false }
        position += count
        return true
    }

    @_lifetime(self: copy self)
    mutating func number(bytes count: Int) -> Int? {
        let start = position
        guard skip(count) else { return nil }
        var value = 0
        for i in start..<start + count { value = value << 8 | Int(bytes[i]) }
        return value
    }

    /// Bytes with their number before them.
    @_lifetime(self: copy self)
    mutating func vector(lengthBytes: Int) -> Range<Int>? {
        guard let count = number(bytes: lengthBytes) else { return nil }
        let start = position
        return skip(count) ? start..<start + count : nil
    }
}
