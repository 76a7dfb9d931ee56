// Every valid form of an address, and invalid ones.

import Basics
import Configuration
import Testing

@Suite struct AddressTextTests {
    private func word(_ text: String) -> Word { Word(text, at: SourceRange(file: "f", line: 1, column: 6)) }

    @Test(
        arguments: [
            ("127.0.0.1:80", .endpoint(.ip(.loopbackV4), ports: 80...80)),
            ("127.0.0.1", .endpoint(.ip(.loopbackV4), ports: nil)),
            ("127.0.0.1:", .endpoint(.ip(.loopbackV4), ports: nil)),
            ("127.0.0.1:1", .endpoint(.ip(.loopbackV4), ports: 1...1)),
            ("127.0.0.1:65535", .endpoint(.ip(.loopbackV4), ports: 65_535...65_535)),
            ("127.0.0.1:080", .endpoint(.ip(.loopbackV4), ports: 80...80)),
            ("0.0.0.0:80", .endpoint(.ip(.anyV4), ports: 80...80)),
            (":80", .endpoint(.any, ports: 80...80)), ("*:80", .endpoint(.any, ports: 80...80)),
            ("*", .endpoint(.any, ports: nil)),
            ("*:8000-8010", .endpoint(.any, ports: 8_000...8_010)), (":80-80", .endpoint(.any, ports: 80...80)),
            ("app.local:5000", .endpoint(.name("app.local"), ports: 5_000...5_000)),
            ("app", .endpoint(.name("app"), ports: nil)),
            ("my_app-1:80", .endpoint(.name("my_app-1"), ports: 80...80)),
            ("1.pool.ntp.org.:123", .endpoint(.name("1.pool.ntp.org."), ports: 123...123)),
            ("[::1]:80", .endpoint(.ip(.v6(0, 1)), ports: 80...80)), ("[::1]", .endpoint(.ip(.v6(0, 1)), ports: nil)),
            ("[::]:80-81", .endpoint(.ip(.anyV6), ports: 80...81)), (":::80", .endpoint(.ip(.anyV6), ports: 80...80)),
            ("::1:80", .endpoint(.ip(.v6(0, 1)), ports: 80...80)),
            ("[::ffff:1.2.3.4]:80", .endpoint(.ip(.v6(0, 0xFFFF_0102_0304)), ports: 80...80)),
            ("ipv4@127.0.0.1:80", .endpoint(.ip(.loopbackV4), ports: 80...80)),
            ("ipv4@:80", .endpoint(.any, ports: 80...80)), ("ipv4@app:80", .endpoint(.name("app"), ports: 80...80)),
            ("ipv6@[::1]:80", .endpoint(.ip(.v6(0, 1)), ports: 80...80)),
            ("ipv6@::1:80", .endpoint(.ip(.v6(0, 1)), ports: 80...80)),
            ("tcp@[::1]:80", .endpoint(.ip(.v6(0, 1)), ports: 80...80)),
            ("stream+127.0.0.1:80", .endpoint(.ip(.loopbackV4), ports: 80...80)), ("stream+fd@3", .descriptor(3)),
            ("tcp@1.2.3.4:80", .endpoint(.ip(.v4(0x0102_0304)), ports: 80...80)),
            ("/run/x.sock", .path("/run/x.sock")), ("/a@b:80", .path("/a@b:80")), ("unix@/run/x", .path("/run/x")),
            ("unix@relative", .path("relative")), ("abns@portico", .abstract("portico")),
            ("abnsz@portico", .abstractExact("portico")), ("sockpair@7", .pair(7)),
            ("fd@3", .descriptor(3)), ("fd@0", .descriptor(0)),
        ] as [(String, AddressText)])
    func `every form`(_ text: String, _ address: AddressText) throws {
        #expect(try AddressText(word(text)) == address)
    }

    @Test(arguments: [
        ("256.1.1.1:80", "'256.1.1.1' is not an address or a host name"),
        ("1.2.3:80", "'1.2.3' is not an address or a host name"),
        ("80", "'80' is a port without an address; :80?"),
        ("a b:80", "'a b' is not an address or a host name"), ("a/b:80", "'a/b' is not an address or a host name"),
        ("ä:80", "'ä' is not an address or a host name"), (".:80", "'.' is not an address or a host name"),
        ("::1", "':' is not an address or a host name; brackets around an IPv6 address: [::1]"),
        ("fe80::1", "'fe80:' is not an address or a host name; brackets around an IPv6 address: [fe80::1]"),
        (":0", "'0' is not a port; 1 to 65535, or a range like 8000-8009"),
        (":65536", "'65536' is not a port; 1 to 65535, or a range like 8000-8009"),
        (":http", "'http' is not a port; 1 to 65535, or a range like 8000-8009"),
        (":80-", "'80-' is not a port; 1 to 65535, or a range like 8000-8009"),
        (":-80", "'-80' is not a port; 1 to 65535, or a range like 8000-8009"),
        (":90-80", "'90-80' is not a port; 1 to 65535, or a range like 8000-8009"),
        (":1-2-3", "'1-2-3' is not a port; 1 to 65535, or a range like 8000-8009"),
        ("[::1]:x", "'x' is not a port; 1 to 65535, or a range like 8000-8009"),
        ("[::1", "'[:' is not an address or a host name"), ("[x]:80", "'x' is not an IPv6 address"),
        ("[]:80", "'' is not an IPv6 address"), ("[::1]80", "expected ':<port>' after ']'"),
        ("fd@", "'' is not a descriptor's number; fd@<number>"),
        ("fd@x", "'x' is not a descriptor's number; fd@<number>"),
        ("fd@-1", "'-1' is not a descriptor's number; fd@<number>"),
        ("fd@99999999999", "'99999999999' is not a descriptor's number; fd@<number>"),
        ("unix@", "a unix socket's path or name has 1 to 107 bytes, this one 0"),
    ])
    func `every refusal`(_ text: String, _ complaint: String) {
        #expect(refusal(text) == complaint)
    }

    @Test func `an unknown family is called that, whatever stands behind it`() {
        let expected = "an address, or one after ipv4@, ipv6@, unix@, abns@, abnsz@, fd@ or sockpair@"
        #expect(refusal("sctp@:80") == "unknown address family 'sctp@'; \(expected)")
        #expect(refusal("sctp@") == "unknown address family 'sctp@'; \(expected)")
        #expect(refusal("quic4@[::1]:http") == "unknown address family 'quic4@'; \(expected)")
        #expect(refusal("ipv5@:80") == "unknown address family 'ipv5@'; \(expected); ipv4@?")
        #expect(refusal("ipv4@unix@/x") == "unknown address family 'unix@'; \(expected)")
        #expect(refusal("@:80") == "unknown address family '@'; \(expected)")
    }

    @Test func `a port with a plus is HAProxy's offset, not a port`() {
        #expect(refusal("127.0.0.1:+80") == "'+80' is not a port; 1 to 65535, or a range like 8000-8009")
        #expect(refusal("fd@+3") == "'+3' is not a descriptor's number; fd@<number>")
    }

    @Test func `ipv6@ without an address does not mean all of IPv4`() throws {
        #expect(try AddressText(word("ipv6@:80")) == .endpoint(.ip(.anyV6), ports: 80...80))
        #expect(try AddressText(word("ipv6@*:80")) == .endpoint(.ip(.anyV6), ports: 80...80))
    }

    @Test func `an address of the other family is refused`() {
        #expect(refusal("ipv6@127.0.0.1:80") == "an IPv4 address after 'ipv6@'")
        #expect(refusal("ipv4@[::1]:80") == "an IPv6 address after 'ipv4@'")
        #expect(refusal("[127.0.0.1]:80") == "'127.0.0.1' is not an IPv6 address")
    }

    @Test func `a name longer than the system takes is refused here, not by a trap at start-up`() throws {
        let longest = String(repeating: "x", count: 106)
        #expect(try AddressText(word("/\(longest)")) == .path("/\(longest)"))
        #expect(try AddressText(word("abns@\(longest)y")) == .abstract("\(longest)y"))
        for prefix in ["/", "unix@/", "abns@x"] {
            #expect(
                refusal("\(prefix)\(longest)y") == "a unix socket's path or name has 1 to 107 bytes, this one 108",
                "\(prefix)")
        }
        #expect(refusal("abns@") == "a unix socket's path or name has 1 to 107 bytes, this one 0")
    }

    private func refusal(_ text: String) -> String {
        do throws(ConfigProblem) {
            return "took \(try AddressText(word(text)))"
        } catch {
            #expect(error.range == word(text).range)
            return error.message + (error.expected.map { "; \($0)" } ?? "")
                + (error.suggestion.map { "; \($0)?" } ?? "")
        }
    }
}
