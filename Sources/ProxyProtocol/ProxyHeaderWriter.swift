// Writes a header, as a proxy does before anything else on a connection to a server.

internal import Basics

/// The two forms of a header: a line of text, or a block of bytes.
public enum ProxyHeaderVersion: Sendable { case one, two }

extension ProxyHeader {
    /// The header of a client's connection. Where its ends are no IP addresses, or there is no client, version 1 says that it
    /// does not know (UNKNOWN), and version 2 that the connection is the proxy's own (LOCAL): as HAProxy does.
    /// - Parameters:
    ///   - values: what version 2 says beside the addresses; version 1 has no room for them. With those of a header not longer
    ///     than two bytes can say.
    ///   - hasChecksum: whether version 2 ends with its checksum (section 2.2.3).
    public static func bytes(
        _ version: ProxyHeaderVersion, _ ends: Ends?, values: TypedValues = TypedValues(), hasChecksum: Bool = false
    ) -> [UInt8] {
        var out: [UInt8] = []
        let addresses = ends.flatMap { AddressPair($0.source, $0.destination) }
        switch version {
        case .one: writeLine(addresses, &out)
        case .two:
            writeBlock(addresses, &out)
            out += values.bytes
            if hasChecksum { appendChecksum(&out) } else { writeLength(&out) }
        }
        return out
    }

    /// The sum is that of the header with zeros in the sum's place.
    private static func appendChecksum(_ out: inout [UInt8]) {
        out += [TypedValues.checksum, 0, UInt8(TypedValues.checksumBytes), 0, 0, 0, 0]
        writeLength(&out)
        var sum = CRC32.castagnoli
        for byte in out { sum.add(byte) }
        out.removeLast(TypedValues.checksumBytes)
        out.append(wire: sum.value)
    }

    /// The number of bytes behind the fixed part.
    private static func writeLength(_ out: inout [UInt8]) {
        let length = out.count - ProxyHeaderParser.fixedBytes
        precondition(length <= Int(UInt16.max), "a header of \(length) bytes")
        out[14] = UInt8(length >> 8)
        out[15] = UInt8(length & 255)
    }

    private static func writeLine(_ ends: AddressPair?, _ out: inout [UInt8]) {
        guard let ends else {
            out.append("PROXY UNKNOWN\r\n" as StaticString)
            return
        }
        out.append((ends.isV4 ? "PROXY TCP4 " : "PROXY TCP6 ") as StaticString)
        ends.source.append(to: &out)
        out.append(0x20)
        ends.destination.append(to: &out)
        out.append(0x20)
        out.append(decimal: ends.sourcePort)
        out.append(0x20)
        out.append(decimal: ends.destinationPort)
        out.append("\r\n" as StaticString)
    }

    private static func writeBlock(_ ends: AddressPair?, _ out: inout [UInt8]) {
        out += ProxyHeaderParser.signature
        guard let ends else {
            out += [0x20, 0x00, 0, 0]
            return
        }
        out += [0x21, ends.isV4 ? 0x11 : 0x21, 0, ends.isV4 ? 12 : 36]
        out.append(wire: ends.source)
        out.append(wire: ends.destination)
        out.append(wire: ends.sourcePort)
        out.append(wire: ends.destinationPort)
    }
}

/// Two addresses of one family, with their ports.
private struct AddressPair {
    let source, destination: IPAddress
    let sourcePort, destinationPort: UInt16
    let isV4: Bool

    init?(_ source: SocketAddress, _ destination: SocketAddress) {
        guard case .ip(let from, let sourcePort) = source, case .ip(let to, let destinationPort) = destination else {
            return nil
        }
        (self.sourcePort, self.destinationPort) = (sourcePort, destinationPort)
        switch (from, to) {
        case (.v4, .v4): (self.source, self.destination, isV4) = (from, to, true)
        default: (self.source, self.destination, isV4) = (from.mapped, to.mapped, false)
        }
    }
}

extension IPAddress {
    /// As an IPv6 address: an IPv4 address in the form in which IPv6 sockets have it (RFC 4291 section 2.5.5.2).
    fileprivate var mapped: IPAddress {
        if case .v4(let word) = self { .v6(0, 0xFFFF_0000_0000 | UInt64(word)) } else { self }
    }
}

extension [UInt8] {
    /// Appends a number, highest byte first.
    fileprivate mutating func append(wire number: some FixedWidthInteger) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    fileprivate mutating func append(wire address: IPAddress) {
        switch address {
        case .v4(let word): append(wire: word)
        case .v6(let high, let low):
            append(wire: high)
            append(wire: low)
        }
    }
}
