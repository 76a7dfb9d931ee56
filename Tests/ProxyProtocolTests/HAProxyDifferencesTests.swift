// Headers of public test tables for which Portico's result differs from that of HAProxy 3.5, each with the reason. Section
// numbers refer to the specification (proxy-protocol.txt).

import Basics
import Testing

@testable import ProxyProtocol

/// One such header.
struct Difference: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    /// Nil where the header is rejected.
    var ends: ProxyHeader.Ends?
    var fault: ProxyHeaderFault?
    /// What the specification says, or why HAProxy's behaviour is not safe.
    var reason: String

    var testDescription: String { "\(name): \(reason)" }
}

extension Difference {
    private static func refused(_ name: String, _ line: String, _ fault: ProxyHeaderFault, _ reason: String)
        -> Difference
    {
        Difference(name: name, bytes: Array((line + "\r\n").utf8), fault: fault, reason: reason)
    }

    private static func accepted(_ name: String, _ bytes: [UInt8], _ reason: String) -> Difference {
        Difference(name: name, bytes: bytes, reason: reason)
    }

    /// 127.0.0.1:65533 twice; ::1 and port 65533 twice; the path "socket" twice.
    private static let ends4: [UInt8] = [127, 0, 0, 1, 127, 0, 0, 1, 0xFF, 0xFD, 0xFF, 0xFD]
    private static let ends6 =
        [UInt8](repeating: 0, count: 15) + [1] + [UInt8](repeating: 0, count: 15) + [1] + ends4[8...]
    private static let path = Array("socket".utf8) + [UInt8](repeating: 0, count: 102)

    static let all: [Difference] = [
        refused(
            "a port above 65535", "PROXY TCP4 127.0.0.1 127.0.0.1 99999 99999", .badPort,
            "2.1: ports are in 0..65535. HAProxy takes the lower 16 bits, which is a port that no client had."),
        refused(
            "a port with a leading zero", "PROXY TCP4 1.2.3.4 5.6.7.8 080 443", .badPort,
            "2.1: a number is written without leading zeros. A reader that takes it for octal has another port."),
        refused(
            "a port that is empty", "PROXY TCP4 1.2.3.4 5.6.7.8  443", .badPort,
            "2.1: a port has digits. HAProxy goes on with a client that has no port."),
        refused(
            "an octet with a leading zero", "PROXY TCP4 01.2.3.4 5.6.7.8 80 443", .badAddress,
            "2.1: no leading zeros. Readers that take them for octal have another address, and so other access rules."),
        Difference(
            name: "IPv4 addresses in IPv6 form",
            bytes: Array("PROXY TCP6 ::ffff:127.0.0.1 ::ffff:127.0.0.1 65533 65533\r\n".utf8),
            ends: .init(source: .ip(.loopbackV4, port: 65_533), destination: .ip(.loopbackV4, port: 65_533)),
            reason:
                "The client is an IPv4 client, as one that came to an IPv6 socket is; a rule on 127.0.0.0/8 has to see it."
        ),
        accepted(
            "UNKNOWN with words behind it", Array("PROXY UNKNOWN 127.0.0.1 127.0.0.1 99999 99999\r\n".utf8),
            "2.1: the receiver must ignore anything before the line end."),
        accepted(
            "LOCAL with addresses", block(command: 0x20, ends4),
            "2.2: a receiver must accept LOCAL as valid and discard the block, and must not assume a length of zero."),
        accepted(
            "LOCAL with bytes that are no values", block(command: 0x20, family: 0, [0xDD, 0xA7, 0xE3, 0xD3]),
            "2.2: the block of LOCAL is discarded."),
        accepted(
            "LOCAL of a socket file", block(command: 0x20, family: 0x31, path, path, value(0x04, "x")),
            "2.2: the family of LOCAL is ignored."),
        accepted(
            "UDP over IPv4", block(family: 0x12, ends4),
            "2.2: a receiver falls back to UNSPEC for valid combinations that it does not support."),
        accepted("UDP over IPv6", block(family: 0x22, ends6), "2.2: likewise."),
        accepted("a socket file", block(family: 0x31, path, path), "2.2: likewise."),
        accepted("a socket file for datagrams", block(family: 0x32, path, path), "2.2: likewise."),
        accepted(
            "PROXY without a family", block(family: 0x00),
            "2.2: UNSPEC is the one that every receiver has to implement."),
        accepted(
            "a socket file with values", block(family: 0x31, path, path, value(0x02, "abc")),
            "2.2: falls back to UNSPEC."),
    ]
}

@Suite struct HAProxyDifferencesTests {
    @Test(arguments: Difference.all)
    func `where HAProxy reads a header otherwise, the specification decides`(_ difference: Difference) {
        let outcome = unsafe ProxyHeaderParser.parse(difference.bytes.span.bytes, bytesMax: 4_096)
        if let fault = difference.fault {
            #expect(outcome == .failed(fault))
        } else if case .complete(let header, difference.bytes.count) = outcome {
            #expect(header.ends == difference.ends)
        } else {
            Issue.record("\(outcome)")
        }
    }
}
