// Headers that must be accepted and headers that must be rejected, each with the expected result.

import Basics
import Testing

@testable import ProxyProtocol

/// One header, without bytes after it.
struct CorpusHeader: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    /// The expected result.
    var expected: Expected
    var bytesMax = 4_096

    enum Expected: Sendable {
        /// `1.2.3.4:1111 5.6.7.8:2222`, or empty where the connection's own addresses apply; and the values.
        case accepted(String, [(type: UInt8, value: String)] = [])
        case refused(ProxyHeaderFault)
    }

    var testDescription: String { name }

    static let all = accepted + refused
    static let accepted = acceptedLines + acceptedBlocks
    static let refused = refusedLines + refusedBlocks
}

// MARK: - Version 1

/// A line; its line end is added unless it is given.
private func line(_ text: String, end: String = "\r\n", is expected: CorpusHeader.Expected) -> CorpusHeader {
    CorpusHeader(name: "v1: \(text)", bytes: Array((text + end).utf8), expected: expected)
}

extension CorpusHeader {
    fileprivate static let acceptedLines = [
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222", is: .accepted("1.2.3.4:1111 5.6.7.8:2222")),
        line(
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535",
            is: .accepted("255.255.255.255:65535 255.255.255.255:65535")),
        line("PROXY TCP4 0.0.0.0 0.0.0.0 0 0", is: .accepted("0.0.0.0:0 0.0.0.0:0")),
        line("PROXY TCP6 2001:db8::1 ::1 1111 443", is: .accepted("[2001:db8::1]:1111 [::1]:443")),
        line(
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF 65535 65535",
            is: .accepted(
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")),
        // The header for an IPv4 client of an IPv6 socket.
        line("PROXY TCP6 ::ffff:1.2.3.4 ::ffff:5.6.7.8 1 2", is: .accepted("1.2.3.4:1 5.6.7.8:2")),
        line("PROXY UNKNOWN", is: .accepted("")),
        // Section 2.1: the rest of the line is ignored.
        line("PROXY UNKNOWN ", is: .accepted("")),
        line("PROXY UNKNOWN 1.2.3.4 5.6.7.8 1111 2222", is: .accepted("")),
        line("PROXY UNKNOWN \u{0} what \u{1F600} ever", is: .accepted("")),
        // The longest line.
        line("PROXY UNKNOWN " + String(repeating: "x", count: 91), is: .accepted("")),
    ]

    fileprivate static let refusedLines = [
        line("GET / HTTP/1.1", is: .refused(.notAHeader)),
        line("proxy TCP4 1.2.3.4 5.6.7.8 1111 2222", is: .refused(.notAHeader)),
        line("PROXY\tTCP4 1.2.3.4 5.6.7.8 1111 2222", is: .refused(.notAHeader)),
        line(" PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222", is: .refused(.notAHeader)),
        line("PROXY", is: .refused(.notAHeader)),
        line("PROXY ", is: .refused(.unknownProtocol)),
        line("PROXY TCP5 1.2.3.4 5.6.7.8 1111 2222", is: .refused(.unknownProtocol)),
        line("PROXY tcp4 1.2.3.4 5.6.7.8 1111 2222", is: .refused(.unknownProtocol)),
        line("PROXY UDP4 1.2.3.4 5.6.7.8 1111 2222", is: .refused(.unknownProtocol)),
        line("PROXY UNKNOWNS", is: .refused(.unknownProtocol)),
        line("PROXY  TCP4 1.2.3.4 5.6.7.8 1111 2222", is: .refused(.unknownProtocol)),
        line("PROXY TCP4", is: .refused(.badFieldCount)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111", is: .refused(.badFieldCount)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222 ", is: .refused(.badFieldCount)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222 3333", is: .refused(.badFieldCount)),
        line("PROXY TCP4  1.2.3.4 5.6.7.8 1111 2222", is: .refused(.badFieldCount)),
        line("PROXY TCP4 1.2.3.256 5.6.7.8 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP4 1.2.3 5.6.7.8 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP4 1.2.3.4.5 5.6.7.8 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP4 1.2.3.04 5.6.7.8 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP4 1.2.3.4 example 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP4 ::1 ::1 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP6 1.2.3.4 5.6.7.8 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP6 1:2:3:4:5:6:7 ::1 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP6 [::1] ::1 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP6 fe80::1%lo ::1 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP4 1.2.3.4\u{0} 5.6.7.8 1111 2222", is: .refused(.badAddress)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2222", is: .refused(.badPort)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111 02222", is: .refused(.badPort)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 00 2222", is: .refused(.badPort)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 -1 2222", is: .refused(.badPort)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2222", is: .refused(.badPort)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 0x1 2222", is: .refused(.badPort)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111 http", is: .refused(.badPort)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111 ١", is: .refused(.badPort)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222", end: "\n", is: .refused(.badLineEnd)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222", end: "\r\r\n", is: .refused(.badLineEnd)),
        line("PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222", end: "\r ", is: .refused(.badLineEnd)),
        line("PROXY UNKNOWN", end: "\n", is: .refused(.badLineEnd)),
        line("PROXY UNKNOWN " + String(repeating: "x", count: 92), is: .refused(.lineTooLong)),
        line("PROXY TCP4 " + String(repeating: "1", count: 200), is: .refused(.lineTooLong)),
    ]
}

// MARK: - Version 2

/// A binary header: signature, command, family and transport, length, and the rest.
func block(
    command: UInt8 = 0x21, family: UInt8 = 0x11, _ rest: [UInt8]..., length: Int? = nil
) -> [UInt8] {
    let rest = Array(rest.joined())
    let length = length ?? rest.count
    return ProxyHeaderParser.signature + [command, family, UInt8(length >> 8 & 255), UInt8(length & 255)] + rest
}

private func block(_ name: String, _ bytes: [UInt8], is expected: CorpusHeader.Expected) -> CorpusHeader {
    CorpusHeader(name: "v2: \(name)", bytes: bytes, expected: expected)
}

/// 1.2.3.4:1111 and 5.6.7.8:2222.
let addresses4: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 0x04, 0x57, 0x08, 0xAE]
/// [2001:db8::1]:1111 and [::2]:2222.
let addresses6: [UInt8] =
    [0x20, 0x01, 0x0D, 0xB8] + zeros(11) + [1] + zeros(15) + [2] + [0x04, 0x57, 0x08, 0xAE]
private let paths: [UInt8] = Array("/run/a".utf8) + zeros(102) + Array("/run/b".utf8) + zeros(102)

private func zeros(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }

/// A TLV.
func value(_ type: UInt8, _ text: String) -> [UInt8] {
    var values = TypedValues()
    values.append(type, text.utf8)
    return values.bytes
}

/// The header with the correct checksum in its last TLV, which must be that of the checksum.
private func summed(_ bytes: [UInt8]) -> [UInt8] {
    let sum = unsafe CRC32.castagnoli.adding(bytes.span.bytes).value
    return bytes.dropLast(4) + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
}

extension CorpusHeader {
    private static let ends4 = "1.2.3.4:1111 5.6.7.8:2222"
    private static let sum = value(0x03, "\0\0\0\0")

    fileprivate static let acceptedBlocks = [
        block("TCP over IPv4", block(addresses4), is: .accepted(ends4)),
        block("TCP over IPv6", block(family: 0x21, addresses6), is: .accepted("[2001:db8::1]:1111 [::2]:2222")),
        block(
            "an IPv4 client of an IPv6 socket",
            block(
                family: 0x21, zeros(10), [255, 255, 1, 2, 3, 4], zeros(10), [255, 255, 5, 6, 7, 8],
                [0x04, 0x57, 0x08, 0xAE]),
            is: .accepted(ends4)),
        // LOCAL: addresses are ignored.
        block("LOCAL", block(command: 0x20, family: 0x00), is: .accepted("")),
        block("LOCAL with addresses", block(command: 0x20, addresses4), is: .accepted("")),
        block("LOCAL of no family", block(command: 0x20, family: 0xFF, [1, 2, 3]), is: .accepted("")),
        block("LOCAL with values", block(command: 0x20, family: 0x00, value(0x02, "a")), is: .accepted("")),
        // Valid headers for other transports than TCP over IP: the addresses are ignored.
        block("UNSPEC", block(family: 0x00), is: .accepted("")),
        block("UNSPEC with bytes", block(family: 0x00, [1, 2, 3, 4, 5]), is: .accepted("")),
        block("UNSPEC over IPv4", block(family: 0x10, addresses4), is: .accepted("")),
        block("TCP over UNSPEC", block(family: 0x01, [1]), is: .accepted("")),
        block("UDP over IPv4", block(family: 0x12, addresses4, value(0x02, "a")), is: .accepted("", [(0x02, "a")])),
        block("UDP over IPv6", block(family: 0x22, addresses6), is: .accepted("")),
        block("a socket file", block(family: 0x31, paths, value(0x05, "x")), is: .accepted("", [(0x05, "x")])),
        block("a socket file for datagrams", block(family: 0x32, paths), is: .accepted("")),
        block(
            "values", block(addresses4, value(0x02, "example.com"), value(0x05, "id-1"), value(0xE0, "own")),
            is: .accepted(ends4, [(0x02, "example.com"), (0x05, "id-1"), (0xE0, "own")])),
        block("an empty value", block(addresses4, value(0x02, "")), is: .accepted(ends4, [(0x02, "")])),
        block(
            "two of a type", block(addresses4, value(0x02, "first"), value(0x02, "second")),
            is: .accepted(ends4, [(0x02, "first"), (0x02, "second")])),
        block("padding", block(addresses4, value(0x04, "\0\0\0\0\0")), is: .accepted(ends4, [(0x04, "\0\0\0\0\0")])),
        block(
            "the longest authority", block(addresses4, value(0x02, String(repeating: "a", count: 255))),
            is: .accepted(ends4, [(0x02, String(repeating: "a", count: 255))])),
        block(
            "the longest unique ID", block(addresses4, value(0x05, String(repeating: "a", count: 128))),
            is: .accepted(ends4, [(0x05, String(repeating: "a", count: 128))])),
        block(
            "another long value", block(addresses4, value(0xE0, String(repeating: "a", count: 2_000))),
            is: .accepted(ends4, [(0xE0, String(repeating: "a", count: 2_000))])),
        CorpusHeader(
            name: "v2: as long as may be", bytes: block(addresses4, value(0x04, String(repeating: "a", count: 33))),
            expected: .accepted(ends4, [(0x04, String(repeating: "a", count: 33))]), bytesMax: 64),
        // The last four bytes are the checksum.
        block("a checksum alone", summed(block(addresses4, sum)), is: .accepted(ends4)),
        block(
            "a checksum behind values", summed(block(addresses4, value(0x02, "a"), sum)),
            is: .accepted(ends4, [(0x02, "a")])),
        block(
            "as HAProxy 2.6 sends it, with proxy-v2-options crc32c,unique-id",
            block(
                [127, 0, 0, 1, 127, 0, 0, 1, 0x80, 0xD2, 0x3B, 0xC5], [3, 0, 4, 0xAB, 0x9F, 0x78, 0x89],
                value(5, "id-0")),
            is: .accepted("127.0.0.1:32978 127.0.0.1:15301", [(0x05, "id-0")])),
    ]

    fileprivate static let refusedBlocks = [
        block(
            "another signature", [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0D],
            is: .refused(.notAHeader)),
        block("an empty line and a request", Array("\r\nGET / HTTP/1.1\r\n\r\n".utf8), is: .refused(.notAHeader)),
        block("version 1 in binary", block(command: 0x11, addresses4), is: .refused(.notAHeader)),
        block("version 3", block(command: 0x31, addresses4), is: .refused(.notAHeader)),
        block("another command", block(command: 0x22, addresses4), is: .refused(.badCommand)),
        block("command 15", block(command: 0x2F, addresses4), is: .refused(.badCommand)),
        block("family 4", block(family: 0x41, addresses4), is: .refused(.badFamily)),
        block("family 15", block(family: 0xF1, addresses4), is: .refused(.badFamily)),
        block("transport 3", block(family: 0x13, addresses4), is: .refused(.badFamily)),
        block("IPv4 without its last byte", block(Array(addresses4.dropLast())), is: .refused(.tooShort)),
        block("IPv4 without a byte", block(), is: .refused(.tooShort)),
        block("IPv6 with the addresses of IPv4", block(family: 0x21, addresses4), is: .refused(.tooShort)),
        block("a socket file's name cut off", block(family: 0x31, Array(paths.dropLast())), is: .refused(.tooShort)),
        block("64 KiB", block(addresses4, length: 65_535), is: .refused(.tooLong)),
        block("LOCAL with 64 KiB", block(command: 0x20, family: 0, length: 65_535), is: .refused(.tooLong)),
        CorpusHeader(
            name: "v2: a byte more than may be",
            bytes: block(addresses4, value(0x04, String(repeating: "a", count: 34))), expected: .refused(.tooLong),
            bytesMax: 64),
        block("a byte behind the addresses", block(addresses4, [0]), is: .refused(.badValue)),
        block("a value without its length", block(addresses4, [0x02, 0]), is: .refused(.badValue)),
        block(
            "a value that reaches over the end", block(addresses4, [0x02, 0, 3, 0x61, 0x62]), is: .refused(.badValue)),
        block(
            "the second value reaches over the end", block(addresses4, value(0x04, "a"), [0x02, 255, 255]),
            is: .refused(.badValue)),
        block(
            "an authority that is too long", block(addresses4, value(0x02, String(repeating: "a", count: 256))),
            is: .refused(.badValue)),
        block(
            "a unique ID that is too long", block(addresses4, value(0x05, String(repeating: "a", count: 129))),
            is: .refused(.badValue)),
        block(
            "the second unique ID is too long",
            block(addresses4, value(0x05, "a"), value(0x05, String(repeating: "a", count: 129))),
            is: .refused(.badValue)),
        block("another checksum", block(addresses4, value(0x03, "abcd")), is: .refused(.badChecksum)),
        block("a checksum of three bytes", block(addresses4, value(0x03, "abc")), is: .refused(.badValue)),
        block("two checksums", summed(block(addresses4, sum, sum)), is: .refused(.badValue)),
        block(
            "a header changed on its way",
            Array(summed(block(addresses4, value(0x02, "a"), sum)).enumerated().map { $0 == 16 ? $1 ^ 1 : $1 }),
            is: .refused(.badChecksum)),
    ]
}
