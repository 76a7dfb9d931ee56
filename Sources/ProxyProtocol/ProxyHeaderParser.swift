// Parses PROXY protocol headers. The parser is stateless: after `needMore` it is called again with all bytes received
// so far, and its result does not depend on how the input was split. Only headers that the specification defines are
// accepted.

internal import Basics

public enum ProxyHeaderParser {
    public enum Outcome: Equatable, Sendable {
        /// The bytes are the start of a header.
        case needMore
        /// The header and its length; the bytes after it belong to the client's stream.
        case complete(ProxyHeader, bytes: Int)
        /// The bytes are not a valid header.
        case failed(ProxyHeaderFault)
    }

    /// Version 1: limit for the line in bytes, including its line end (section 2.1).
    static let lineBytesMax = 107
    /// Version 2: the length of the fixed part before the addresses.
    static let fixedBytes = 16
    static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    /// Parses the first bytes of a connection.
    /// - Parameter bytesMax: limit for a version 2 header, which could be 64 KiB long.
    public static func parse(_ bytes: RawSpan, bytesMax: Int) -> Outcome {
        do throws(ProxyHeaderFault) {
            if bytes.begins(as: Array("PROXY ".utf8)) { return try parseLine(bytes) }
            if bytes.begins(as: signature) { return try parseBlock(bytes, bytesMax) }
            throw .notAHeader
        } catch {
            return .failed(error)
        }
    }

    // MARK: Version 1

    /// `PROXY TCP4 192.168.0.1 192.168.0.11 56324 443` and CR LF.
    private static func parseLine(_ bytes: RawSpan) throws(ProxyHeaderFault) -> Outcome {
        let window = bytes.extracting(first: min(bytes.byteCount, lineBytesMax))
        var end = 0
        while end < window.byteCount, window[end] != 0x0D, window[end] != 0x0A { end += 1 }
        if end < window.byteCount, window[end] == 0x0A { throw .badLineEnd }
        guard end + 1 < window.byteCount else {
            if window.byteCount == lineBytesMax { throw .lineTooLong }
            return .needMore
        }
        guard window[end + 1] == 0x0A else { throw .badLineEnd }
        var line: [UInt8] = []
        line.append(window.extracting(first: end))
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        return .complete(ProxyHeader(ends: try ends(of: words)), bytes: end + 2)
    }

    private static func ends(of words: [String]) throws(ProxyHeaderFault) -> ProxyHeader.Ends? {
        switch words[1] {
        // The rest of the line is ignored (section 2.1).
        case "UNKNOWN": return nil
        case "TCP4", "TCP6": break
        default: throw .unknownProtocol
        }
        guard words.count == 6 else { throw .badFieldCount }
        let isV4 = words[1] == "TCP4"
        return ProxyHeader.Ends(
            source: .ip(try address(words[2], isV4: isV4), port: try port(words[4])),
            destination: .ip(try address(words[3], isV4: isV4), port: try port(words[5])))
    }

    private static func address(_ text: String, isV4: Bool) throws(ProxyHeaderFault) -> IPAddress {
        switch IPAddress(text) {
        case .v4(let word)? where isV4: return .v4(word)
        case .v6(let high, let low)? where !isV4: return IPAddress.v6(high, low).unmapped
        default: throw .badAddress
        }
    }

    /// Decimal, without leading zeros.
    private static func port(_ text: String) throws(ProxyHeaderFault) -> UInt16 {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || text.utf8.first != 0x30,
            let port = UInt16(text)
        else { throw .badPort }
        return port
    }

    // MARK: Version 2

    private static func parseBlock(_ bytes: RawSpan, _ bytesMax: Int) throws(ProxyHeaderFault) -> Outcome {
        if bytes.byteCount > 12, bytes[12] >> 4 != 2 { throw .notAHeader }
        guard bytes.byteCount >= fixedBytes else { return .needMore }
        let command = bytes[12] & 15
        guard command <= 1 else { throw .badCommand }
        let size = fixedBytes + Int(bytes[14]) << 8 + Int(bytes[15])
        guard size <= bytesMax else { throw .tooLong }
        // LOCAL: the connection is the proxy's own, and the receiver must ignore addresses and values (section 2.2).
        if command == 0 { return bytes.byteCount < size ? .needMore : .complete(ProxyHeader(), bytes: size) }

        let (family, transport) = (bytes[13] >> 4, bytes[13] & 15)
        guard family <= 3, transport <= 2 else { throw .badFamily }
        let valuesStart = fixedBytes + addressBytes[Int(family)]
        guard size >= valuesStart else { throw .tooShort }
        guard bytes.byteCount >= size else { return .needMore }
        // UNSPEC: the length of the addresses, and thus the start of the values, is unknown.
        guard family != 0, transport != 0 else { return .complete(ProxyHeader(), bytes: size) }
        guard let values = TypedValues(bytes.extracting(valuesStart..<size)) else { throw .badValue }
        try check(values, at: valuesStart, bytes.extracting(first: size))
        return .complete(
            ProxyHeader(ends: transport == 1 ? ends(bytes, family) : nil, values: values), bytes: size)
    }

    /// Bytes of the two addresses and ports, or two paths, by address family.
    private static let addressBytes = [0, 12, 36, 216]

    private static func ends(_ bytes: RawSpan, _ family: UInt8) -> ProxyHeader.Ends? {
        switch family {
        case 1:
            ProxyHeader.Ends(
                source: .ip(bytes.v4(16), port: bytes.port(24)),
                destination: .ip(bytes.v4(20), port: bytes.port(26)))
        case 2:
            ProxyHeader.Ends(
                source: .ip(bytes.v6(16), port: bytes.port(48)),
                destination: .ip(bytes.v6(32), port: bytes.port(50)))
        // Unix-domain paths mean nothing on this machine.
        default: nil
        }
    }

    private static func check(
        _ values: TypedValues, at start: Int, _ header: RawSpan
    ) throws(ProxyHeaderFault) {
        for range in values.ranges(of: TypedValues.authority) where range.count > TypedValues.authorityBytesMax {
            throw .badValue
        }
        for range in values.ranges(of: TypedValues.uniqueID) where range.count > TypedValues.uniqueIDBytesMax {
            throw .badValue
        }
        let checksums = values.ranges(of: TypedValues.checksum)
        guard let range = checksums.first else { return }
        // Two checksums would each have to cover the other.
        guard checksums.count == 1, range.count == TypedValues.checksumBytes else { throw .badValue }
        // The checksum is computed with its own bytes set to zero (section 2.2.3).
        var sum = CRC32.castagnoli
        sum.add(header.extracting(first: start + range.lowerBound))
        for _ in range { sum.add(0) }
        sum.add(header.extracting(start + range.upperBound..<header.byteCount))
        guard UInt64(sum.value) == header.number(start + range.lowerBound, 4) else { throw .badChecksum }
    }
}

extension RawSpan {
    /// Whether the bytes start with `prefix`, or are themselves a prefix of it.
    fileprivate func begins(as prefix: [UInt8]) -> Bool {
        for i in 0..<Swift.min(byteCount, prefix.count) where self[i] != prefix[i] { return false }
        return true
    }
}

extension RawSpan {
    /// The big-endian number in `count` bytes at `start`.
    func number(_ start: Int, _ count: Int) -> UInt64 {
        var number: UInt64 = 0
        for i in start..<start + count { number = number << 8 | UInt64(self[i]) }
        return number
    }

    func v4(_ start: Int) -> IPAddress { .v4(UInt32(truncatingIfNeeded: number(start, 4))) }

    /// The IPv6 address at `start`; an IPv4-mapped one as its IPv4 address, as for accepted connections.
    func v6(_ start: Int) -> IPAddress { IPAddress.v6(number(start, 8), number(start + 8, 8)).unmapped }

    func port(_ start: Int) -> UInt16 { UInt16(truncatingIfNeeded: number(start, 2)) }
}
