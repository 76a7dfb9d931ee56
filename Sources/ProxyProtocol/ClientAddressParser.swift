// The NetScaler Client IP header: a number that both sides know, then the IP and TCP headers of the client's first packet. It says
// who the client is, as the PROXY protocol does. There are two forms, which differ in what is between the two parts.

internal import Basics

/// Why a header is invalid.
public enum ClientAddressFault: String, CaseIterable, Error, Sendable {
    /// The first bytes are not the number that was agreed on.
    case wrongMagic
    /// Neither form, or headers of other protocols than TCP over IP.
    case unknownProtocol
    /// Longer than the receiver accepts.
    case tooLong
}

public enum ClientAddressParser {
    public enum Outcome: Equatable, Sendable {
        /// The bytes are the start of a header.
        case needMore
        /// The addresses and the header's length; the bytes after it belong to the client's stream.
        case complete(ProxyHeader.Ends, bytes: Int)
        case failed(ClientAddressFault)
    }

    /// Parses the first bytes of a connection. Stateless: after `needMore` it is called again with all bytes received so far.
    /// - Parameters:
    ///   - magic: the number that the header begins with.
    ///   - bytesMax: limit for the header.
    public static func parse(_ bytes: RawSpan, magic: UInt32, bytesMax: Int) -> Outcome {
        for i in 0..<min(4, bytes.byteCount) where bytes[i] != UInt8(truncatingIfNeeded: magic >> UInt32(24 - 8 * i)) {
            return .failed(.wrongMagic)
        }
        guard bytes.byteCount > 8 else { return .needMore }
        let start: Int
        let length: Int
        switch bytes[8] {
        // The older form: four bytes of length, and then an IP header, which begins with its version.
        case 0x40...0x4F, 0x60...0x6F:
            start = 8
            length = Int(bytes.number(4, 4))
        // The newer one: what follows the length has a type, 0 for such headers, and a length of its own.
        case 0:
            guard bytes.byteCount >= 12 else { return .needMore }
            start = 12
            length = Int(bytes.number(10, 2))
        default: return .failed(.unknownProtocol)
        }
        guard length <= bytesMax - start else { return .failed(.tooLong) }
        guard bytes.byteCount >= start + length else { return .needMore }
        guard let ends = ends(bytes.extracting(start..<start + length)) else { return .failed(.unknownProtocol) }
        return .complete(ends, bytes: start + length)
    }

    /// The addresses and ports in the headers of a packet; nil if it is not of TCP over IP, or cut off.
    private static func ends(_ packet: RawSpan) -> ProxyHeader.Ends? {
        guard packet.byteCount >= 20 else { return nil }
        let tcp: UInt8 = 6
        switch packet[0] >> 4 {
        case 4:
            let transport = Int(packet[0] & 15) * 4
            guard packet[9] == tcp, transport >= 20, packet.byteCount >= transport + 4 else { return nil }
            return ProxyHeader.Ends(
                source: .ip(packet.v4(12), port: packet.port(transport)),
                destination: .ip(packet.v4(16), port: packet.port(transport + 2)))
        case 6:
            guard packet.byteCount >= 44, packet[6] == tcp else { return nil }
            return ProxyHeader.Ends(
                source: .ip(packet.v6(8), port: packet.port(40)),
                destination: .ip(packet.v6(24), port: packet.port(42)))
        default: return nil
        }
    }
}
