// Parsing and printing addresses.

import Basics
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", IPAddress.anyV4), ("127.0.0.1", .loopbackV4), ("255.255.255.255", .v4(.max)),
        ("10.2.0.30", .v4(0x0A02_001E)), ("::", .anyV6), ("::1", .v6(0, 1)),
        ("2001:db8::8:800:200c:417a", .v6(0x2001_0DB8_0000_0000, 0x0008_0800_200C_417A)),
        ("2001:db8:1:2:3:4:5:6", .v6(0x2001_0DB8_0001_0002, 0x0003_0004_0005_0006)),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .v6(.max, .max)),
        ("::ffff:192.0.2.1", .v6(0, 0xFFFF_C000_0201)),
    ])
    func `an address in its canonical form goes in and comes out`(_ text: String, _ address: IPAddress) {
        #expect(IPAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(arguments: [
        ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"), ("0:0:0:0:0:0:0:1", "::1"),
        ("2001:db8::0:1", "2001:db8::1"), ("2001:0db8::1", "2001:db8::1"), ("::FFFF:1.2.3.4", "::ffff:1.2.3.4"),
    ])
    func `other forms of IPv6 come out in the one of RFC 5952`(_ text: String, _ canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", " ", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "0x7f.0.0.1", "127.0.0.1 ", " 127.0.0.1",
        "-1.2.3.4",
        "1.2.3.4/8", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1::", "12345::", "g::", "[::1]", "::1%lo",
        "localhost", "１.1.1.1",
    ])
    func `what is no address is none`(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `an address does not end at a NUL`() {
        #expect(IPAddress("127.0.0.1\0") == nil)
        #expect(IPAddress("127.0.0.1\0.example.org") == nil)
        #expect(IPAddress("::1\0") == nil)
    }

    @Test func `an IPv4 address in IPv6 clothes is recognised, others are left`() {
        #expect(IPAddress("::ffff:10.0.0.1")?.unmapped == .v4(0x0A00_0001))
        #expect(IPAddress("::10.0.0.1")?.unmapped == .v6(0, 0x0A00_0001))
        #expect(IPAddress("::1")?.unmapped == .v6(0, 1))
        #expect(IPAddress.v4(7).unmapped == .v4(7))
    }
}

@Suite struct SocketAddressTests {
    @Test(arguments: [
        (SocketAddress.ip(.loopbackV4, port: 80), "127.0.0.1:80"), (.ip(.v6(0, 1), port: 65_535), "[::1]:65535"),
        (.ip(.anyV4, port: 0), "0.0.0.0:0"), (.path("/run/x.sock"), "unix@/run/x.sock"), (.path(""), "unix@"),
        (.abstract("portico"), "abns@portico"), (.abstractExact("portico"), "abnsz@portico"),
        (.pair(7), "sockpair@7"),
    ])
    func `text forms`(_ address: SocketAddress, _ text: String) {
        #expect(address.description == text)
    }

    @Test func `only an IP endpoint has an address and a port`() {
        let endpoint = SocketAddress.ip(.v4(1), port: 2)
        #expect(endpoint.ip == .v4(1) && endpoint.port == 2)
        for other in [SocketAddress.path("/x"), .abstract("x"), .abstractExact("x")] {
            #expect(other.ip == nil && other.port == nil)
        }
    }
}
