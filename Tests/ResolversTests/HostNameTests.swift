// Which names are valid, and their normal form.

import Testing

@testable import Resolvers

@Suite struct HostNameTests {
    private func normalized(_ text: String) -> String? {
        var bytes: [UInt8] = [0x21]
        return HostName.append(Array(text.utf8), to: &bytes) ? String(decoding: bytes.dropFirst(), as: UTF8.self) : nil
    }

    @Test(arguments: [
        ("example.com", "example.com"), ("EXAMPLE.com.", "example.com"), ("a", "a"),
        ("_sip._tcp.x-1.test", "_sip._tcp.x-1.test"),
        ("10.0.0.1", "10.0.0.1"), (String(repeating: "a", count: 63) + ".b", String(repeating: "a", count: 63) + ".b"),
    ])
    func `a name is asked for in lower case and without a dot at its end`(_ text: String, _ wanted: String) {
        #expect(normalized(text) == wanted)
    }

    @Test(arguments: [
        "", ".", "..", ".a", "a..b", "a b", "a:80", "[::1]", "a/b", "a\0b", "a\\b", "é.test", "a.b..",
        String(repeating: "a", count: 64),
        Array(repeating: String(repeating: "a", count: 50), count: 5).joined(separator: "."),
        String(repeating: "a.", count: 100_000),
    ])
    func `what is no name is not asked for`(_ text: String) {
        #expect(normalized(text) == nil)
    }

    @Test func `the longest name has 253 bytes, with or without a dot`() {
        let longest = Array(repeating: String(repeating: "a", count: 49), count: 5).joined(separator: ".") + ".abc"
        #expect(longest.utf8.count == 253)
        #expect(normalized(longest) == longest)
        #expect(normalized(longest + ".") == longest)
        #expect(normalized(longest + "d") == nil)
    }
}
