// Networks in options.

import Basics
import Configuration
import Testing

@testable import Proxy

@Suite struct IPNetworkTests {
    private func range(_ text: String) throws -> IPNetwork {
        try IPNetwork(Word(text, at: SourceRange(file: "test.cfg", line: 1)))
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"), ("10.0.0.1/25", "10.0.0.127", "10.0.0.128"),
        ("10.0.0.0/255.0.0.0", "10.1.2.3", "11.0.0.0"), ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.1/255.255.255.255", "192.0.2.1", "192.0.2.2"), ("::1", "::1", "::2"),
        ("2001:db8:1f89::/48", "2001:db8:1f89:ffff::", "2001:db8:1f8a::"),
        ("2001:db8::/127", "2001:db8::1", "2001:db8::2"),
        ("0.0.0.0/0", "255.0.0.1", "::1"), ("0.0.0.0/0.0.0.0", "1.1.1.1", "::"), ("::/0", "ffff::", "1.1.1.1"),
    ])
    func aRangeHasItsAddresses(text: String, inside: String, outside: String) throws {
        let range = try range(text)
        #expect(range.contains(try #require(IPAddress(inside))))
        #expect(!range.contains(try #require(IPAddress(outside))))
    }

    @Test(arguments: [
        "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/255.0.255.0", "::/129", "::/ffff::", "host/8", "10.0.0/8", "/8", "",
    ])
    func whatIsNoRangeIsRefused(text: String) {
        #expect(throws: ConfigProblem.self) { try range(text) }
    }
}
