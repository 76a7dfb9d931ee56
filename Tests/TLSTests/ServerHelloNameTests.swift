// What may be asked of a server as its name, and what its certificate is compared with.

import Basics
import Testing

@testable import TLS

@Suite struct ServerHelloNameTests {
    private func name(_ text: String) -> String? {
        ServerHelloName(Array(text.utf8)).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test("A name stays as it is written, without a dot at its end")
    func names() {
        #expect(name("WWW.Example.org") == "WWW.Example.org")
        #expect(name("example.org.") == "example.org")
        #expect(name("example.org..") == "example.org.")
    }

    @Test("Addresses are told from names, with and without brackets")
    func addresses() {
        #expect(ServerHelloName(Array("127.0.0.1".utf8))?.address == IPAddress("127.0.0.1"))
        #expect(ServerHelloName(Array("[::1]".utf8))?.address == IPAddress("::1"))
        #expect(name("[::1]") == "::1")
        #expect(ServerHelloName(Array("a127.0.0.1".utf8))?.address == nil)
    }

    @Test("What cannot be a name is none", arguments: ["", ".", "[]", "a b", "a\0b", "a\r\n", "\u{7F}"])
    func noNames(text: String) { #expect(name(text) == nil) }

    @Test("A name has 255 bytes at most")
    func long() {
        #expect(name(String(repeating: "a", count: 255)) != nil)
        #expect(name(String(repeating: "a", count: 256)) == nil)
    }
}
