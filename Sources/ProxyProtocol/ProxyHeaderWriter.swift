// Writes the PROXY protocol header that precedes all other bytes on a connection to a server.

internal import Basics

/// Version 1 is a line of text, version 2 is binary.
public enum ProxyHeaderVersion: Sendable { case one, two }

extension ProxyHeader {
    /// Returns the header for a client's connection. If `ends` is nil or has other than IP addresses, version 1 sends
    /// UNKNOWN and version 2 LOCAL, as HAProxy does.
    /// - Parameters:
    ///   - values: the type-length-value fields of version 2, ignored in version 1. The header must not exceed 64 KiB.
    ///   - hasChecksum: whether version 2 ends with a checksum (section 2.2.3).
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

    /// The checksum is computed with its own bytes set to zero.
    private static func appendChecksum(_ out: inout [UInt8]) {
        out += [TypedValues.checksum, 0, UInt8(TypedValues.checksumBytes), 0, 0, 0, 0]
        writeLength(&out)
        var sum = CRC32.castagnoli
        for byte in out { sum.add(byte) }
        out.removeLast(TypedValues.checksumBytes)
        out.append(wire: sum.value)
    }

    /// Writes the number of bytes after the fixed part into its length field.
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

/// Two addresses of the same family, with their ports.
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
    /// The address as IPv6; an IPv4 address in IPv4-mapped form (RFC 4291 section 2.5.5.2).
    fileprivate var mapped: IPAddress {
        if case .v4(let word) = self { .v6(0, 0xFFFF_0000_0000 | UInt64(word)) } else { self }
    }
}

extension [UInt8] {
    /// Appends a number in network byte order.
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
