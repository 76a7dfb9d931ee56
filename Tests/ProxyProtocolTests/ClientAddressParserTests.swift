// The NetScaler Client IP header in both forms, whole, split at every byte, and cut short.

import Basics
import Testing

@testable import ProxyProtocol

@Suite struct ClientAddressParserTests {
    private static let v4: [UInt8] =
        [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 7, 198, 51, 100, 1] + [0x04, 0xD2, 0x01, 0xBB]
        + [UInt8](repeating: 0, count: 16)
    /// With four bytes of options, behind which the ports are.
    private static let withOptions: [UInt8] =
        [0x46, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 7, 198, 51, 100, 1, 1, 1, 1, 1]
        + [0x04, 0xD2, 0x01, 0xBB] + [UInt8](repeating: 0, count: 16)
    private static let v6: [UInt8] =
        [0x60, 0, 0, 0, 0, 20, 6, 64] + [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
        + [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [2] + [0x04, 0xD2, 0x01, 0xBB]
        + [UInt8](repeating: 0, count: 16)

    private func header(_ packet: [UInt8], isOld: Bool) -> [UInt8] {
        let count = UInt8(packet.count)
        return [0x12, 0x34, 0x56, 0x78] + (isOld ? [0, 0, 0, count] : [0, 0, 0, count + 12, 0, 0, 0, count]) + packet
    }

    private func parse(_ bytes: [UInt8], bytesMax: Int = 4_096) -> ClientAddressParser.Outcome {
        unsafe ClientAddressParser.parse(bytes.span.bytes, magic: 0x1234_5678, bytesMax: bytesMax)
    }

    @Test(arguments: [v4, withOptions, v6], [true, false])
    func `the addresses are those of the packet, however it comes`(packet: [UInt8], isOld: Bool) {
        let header = header(packet, isOld: isOld)
        for count in 0..<header.count { #expect(parse(Array(header[..<count])) == .needMore, "\(count) bytes") }
        guard case .complete(let ends, let count) = parse(header + Array("GET".utf8)) else {
            Issue.record("not complete")
            return
        }
        #expect(count == header.count)
        #expect(ends.source.port == 1_234 && ends.destination.port == 443)
        #expect(
            packet == Self.v6
                ? "\(ends.source)" == "[2001:db8::1]:1234" && "\(ends.destination)" == "[2001:db8::2]:443"
                : "\(ends.source)" == "192.0.2.7:1234" && "\(ends.destination)" == "198.51.100.1:443")
    }

    @Test func `what is no such header is refused as soon as that is certain`() {
        var bytes = header(Self.v4, isOld: true)
        #expect(parse([0x12, 0x35]) == .failed(.wrongMagic))
        bytes[8] = 0x50
        #expect(parse(Array(bytes[..<9])) == .failed(.unknownProtocol))
        // UDP.
        bytes = header(Self.v4, isOld: true)
        bytes[8 + 9] = 17
        #expect(parse(bytes) == .failed(.unknownProtocol))
        // Shorter than its own headers.
        for count in [0, 19, 22] {
            #expect(parse(header(Array(Self.v4[..<count]), isOld: false)) == .failed(.unknownProtocol))
        }
        #expect(parse([0x12, 0x34, 0x56, 0x78, 0xFF, 0xFF, 0xFF, 0xFF, 0x45]) == .failed(.tooLong))
        #expect(parse(header(Self.v4, isOld: true), bytesMax: 40) == .failed(.tooLong))
    }
}
