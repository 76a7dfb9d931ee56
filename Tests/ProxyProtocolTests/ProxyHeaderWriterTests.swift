// Writing headers: compared byte for byte, and parsed again.

import Basics
import Testing

@testable import ProxyProtocol

@Suite struct ProxyHeaderWriterTests {
    private func bytes(_ version: ProxyHeaderVersion, _ source: SocketAddress, _ destination: SocketAddress) -> [UInt8]
    {
        ProxyHeader.bytes(version, ProxyHeader.Ends(source: source, destination: destination))
    }

    private func ip(_ text: String, _ port: UInt16) -> SocketAddress { .ip(IPAddress(text) ?? .anyV4, port: port) }

    private func line(_ source: SocketAddress, _ destination: SocketAddress) -> String {
        String(decoding: bytes(.one, source, destination), as: UTF8.self)
    }

    @Test func `version 1 is a line`() {
        #expect(line(ip("1.2.3.4", 1), ip("5.6.7.8", 65_535)) == "PROXY TCP4 1.2.3.4 5.6.7.8 1 65535\r\n")
        #expect(line(ip("2001:db8::1", 1), ip("::2", 2)) == "PROXY TCP6 2001:db8::1 ::2 1 2\r\n")
    }

    @Test func `version 2 is a block`() {
        #expect(bytes(.two, ip("1.2.3.4", 1_111), ip("5.6.7.8", 2_222)) == block(addresses4))
        #expect(bytes(.two, ip("2001:db8::1", 1_111), ip("::2", 2_222)) == block(family: 0x21, addresses6))
    }

    @Test func `two families in one become IPv6`() {
        #expect(line(ip("2001:db8::1", 1), ip("127.0.0.1", 2)) == "PROXY TCP6 2001:db8::1 ::ffff:127.0.0.1 1 2\r\n")
        #expect(line(ip("127.0.0.1", 1), ip("::1", 2)) == "PROXY TCP6 ::ffff:127.0.0.1 ::1 1 2\r\n")
    }

    @Test func `without addresses it says so`() {
        for ends in [nil, ProxyHeader.Ends(source: .path(""), destination: .path("/run/x"))] {
            #expect(ProxyHeader.bytes(.one, ends) == Array("PROXY UNKNOWN\r\n".utf8))
            #expect(ProxyHeader.bytes(.two, ends) == block(command: 0x20, family: 0x00))
        }
        #expect(bytes(.two, .path("/a"), ip("1.2.3.4", 1)) == block(command: 0x20, family: 0x00))
    }

    @Test func `values stand behind the addresses, and the checksum is right`() {
        let ends = ProxyHeader.Ends(source: ip("1.2.3.4", 1), destination: ip("5.6.7.8", 2))
        var values = TypedValues()
        values.append(TypedValues.authority, Array("app.test".utf8))
        values.append(TypedValues.uniqueID, Array(repeating: 0x41, count: 128))
        for hasChecksum in [false, true] {
            for ends in [ends, nil] {
                let bytes = ProxyHeader.bytes(.two, ends, values: values, hasChecksum: hasChecksum)
                guard
                    case .complete(let header, bytes.count) = unsafe ProxyHeaderParser.parse(
                        bytes.span.bytes, bytesMax: 4_096)
                else {
                    Issue.record("not read again")
                    continue
                }
                #expect(header.ends == ends)
                // A header without addresses is LOCAL, whose other contents are ignored.
                if ends != nil {
                    #expect(header.values.first(TypedValues.authority).map(Array.init) == Array("app.test".utf8))
                    #expect(header.values.first(TypedValues.uniqueID)?.count == 128)
                    #expect((header.values.first(TypedValues.checksum) != nil) == hasChecksum)
                }
            }
        }
        #expect(ProxyHeader.bytes(.one, ends, values: values, hasChecksum: true) == ProxyHeader.bytes(.one, ends))
    }

    @Test("What there is to say of TLS is one value with others in it (section 2.2.6)")
    func tls() {
        var tls = TLSValue()
        tls.client = [.isEncrypted, .hasCertificate]
        tls.verifyResult = 0x0102
        tls.values.append(TypedValues.tlsVersion, Array("TLSv1.3".utf8))
        var values = TypedValues()
        values.append(tls)
        #expect(
            values.bytes
                == [0x20, 0, 15, 3, 0, 0, 1, 2, 0x21, 0, 7] + Array("TLSv1.3".utf8))
    }

    @Test("Without a verified certificate the result of the check is not 0")
    func unverified() {
        var values = TypedValues()
        values.append(TLSValue())
        #expect(values.bytes == [0x20, 0, 5, 0, 0, 0, 0, 1])
    }

    @Test func `what is written is read again`() {
        let ends = [
            (ip("1.2.3.4", 1), ip("5.6.7.8", 0)), (ip("fe80::1:2", 65_535), ip("::1", 80)),
            (ip("255.255.255.255", 65_535), ip("0.0.0.0", 9)),
        ]
        for (source, destination) in ends {
            for version in [ProxyHeaderVersion.one, .two] {
                let bytes = bytes(version, source, destination)
                let header = ProxyHeader(ends: ProxyHeader.Ends(source: source, destination: destination))
                let outcome = unsafe ProxyHeaderParser.parse(bytes.span.bytes, bytesMax: 4_096)
                #expect(outcome == .complete(header, bytes: bytes.count))
            }
        }
    }
}
