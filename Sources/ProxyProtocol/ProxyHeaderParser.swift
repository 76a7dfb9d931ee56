// Reads a header: bytes in, an outcome out. It is asked again with all bytes so far when more have come, and says the same
// whatever the pieces were. Nothing is taken for a header that the specification does not know as one.

internal import Basics

public enum ProxyHeaderParser {
    public enum Outcome: Equatable, Sendable {
        /// It may still become a header.
        case needMore
        /// The header, and how many bytes it has: what is behind them is the client's.
        case complete(ProxyHeader, bytes: Int)
        /// It never will.
        case failed(ProxyHeaderFault)
    }

    /// Bytes of version 1's line at most, its end included (section 2.1).
    static let lineBytesMax = 107
    /// Version 2: the bytes before the addresses.
    static let fixedBytes = 16
    static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    /// What the first bytes of a connection are.
    /// - Parameter bytesMax: of a header of version 2, which could have 64 KiB.
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

    /// `PROXY TCP4 192.168.0.1 192.168.0.11 56324 443` and a line end.
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
        // Whatever else there is means nothing.
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

    /// Decimal, without zeros in front.
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
        // A proxy that connects for itself has nothing to say, whatever follows (section 2.2).
        if command == 0 { return bytes.byteCount < size ? .needMore : .complete(ProxyHeader(), bytes: size) }

        let (family, transport) = (bytes[13] >> 4, bytes[13] & 15)
        guard family <= 3, transport <= 2 else { throw .badFamily }
        let valuesStart = fixedBytes + addressBytes[Int(family)]
        guard size >= valuesStart else { throw .tooShort }
        guard bytes.byteCount >= size else { return .needMore }
        // Where nothing is said of the addresses, nobody knows where they end.
        guard family != 0, transport != 0 else { return .complete(ProxyHeader(), bytes: size) }
        guard let values = TypedValues(bytes.extracting(valuesStart..<size)) else { throw .badValue }
        try check(values, at: valuesStart, bytes.extracting(first: size))
        return .complete(
            ProxyHeader(ends: transport == 1 ? ends(bytes, family) : nil, values: values), bytes: size)
    }

    /// Two addresses, two ports; or two paths.
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
        // A socket file of another machine, or in another's folders.
        default: nil
        }
    }

    private static func check(
        _ values: TypedValues, at start: Int, _ header: RawSpan
    ) throws(ProxyHeaderFault) {
        for place in values.places(of: TypedValues.authority) where place.count > TypedValues.authorityBytesMax {
            throw .badValue
        }
        for place in values.places(of: TypedValues.uniqueID) where place.count > TypedValues.uniqueIDBytesMax {
            throw .badValue
        }
        let checksums = values.places(of: TypedValues.checksum)
        guard let place = checksums.first else { return }
        // A second one would be part of what the first is about, and the other way round.
        guard checksums.count == 1, place.count == TypedValues.checksumBytes else { throw .badValue }
        // The sum is that of the header with zeros in the sum's place (section 2.2.3).
        var sum = CRC32.castagnoli
        sum.add(header.extracting(first: start + place.lowerBound))
        for _ in place { sum.add(0) }
        sum.add(header.extracting(start + place.upperBound..<header.byteCount))
        guard UInt64(sum.value) == header.number(start + place.lowerBound, 4) else { throw .badChecksum }
    }
}

extension RawSpan {
    /// Whether they are what begins with `prefix`, as far as either goes.
    fileprivate func begins(as prefix: [UInt8]) -> Bool {
        for i in 0..<Swift.min(byteCount, prefix.count) where self[i] != prefix[i] { return false }
        return true
    }

    /// The number in `count` bytes, highest first.
    fileprivate func number(_ start: Int, _ count: Int) -> UInt64 {
        var number: UInt64 = 0
        for i in start..<start + count { number = number << 8 | UInt64(self[i]) }
        return number
    }

    fileprivate func v4(_ start: Int) -> IPAddress { .v4(UInt32(truncatingIfNeeded: number(start, 4))) }

    /// As with accepted connections, an IPv4 client of an IPv6 socket is an IPv4 client.
    fileprivate func v6(_ start: Int) -> IPAddress { IPAddress.v6(number(start, 8), number(start + 8, 8)).unmapped }

    fileprivate func port(_ start: Int) -> UInt16 { UInt16(truncatingIfNeeded: number(start, 2)) }
}
