// Which connections of a server are encrypted, by the words of its line and of default-server lines.

import BalancingTesting
import Configuration
import ProxyProtocol
import TLS
import Testing

@testable import Balancing

@Suite struct ServerTLSTests {
    @Test("Requests, and checks: `ssl` is for both, unless checks go elsewhere or are told otherwise")
    func encryption() throws {
        let cases: [(line: String, requests: Bool, checks: Bool)] = [
            ("", false, false), ("ssl", true, true), ("ssl port 81", true, false),
            ("ssl addr 10.0.0.2 port 81", true, false),
            ("ssl port 81 check-ssl", true, true), ("ssl no-check-ssl", true, false), ("check-ssl", false, true),
            ("ssl no-ssl", false, false), ("no-ssl ssl", true, true),
        ]
        for (line, requests, checks) in cases {
            let server = try #require(settings("server a 10.0.0.1:80 check \(line)").servers.first)
            #expect(server.tls.isOn == requests, "\(line)")
            #expect(server.encryptsChecks == checks, "\(line)")
            #expect(server.needsTLS == (requests || checks), "\(line)")
        }
    }

    @Test("A server without checks needs TLS for requests only")
    func unchecked() throws {
        let servers = try settings("server a 10.0.0.1:80 check-ssl", "server b 10.0.0.1:80 ssl no-check-ssl").servers
        #expect(servers.map(\.needsTLS) == [false, true])
    }

    @Test("What default-server says holds for the servers below, and they can undo it")
    func defaults() throws {
        let servers = try settings(
            "default-server ssl verifyhost a.example sni str(a.example) no-ssl-reuse no-sni-auto check-sni b.example",
            "server a 10.0.0.1:80", "server b 10.0.0.1:80 no-ssl no-verifyhost ssl-reuse sni-auto verify none"
        ).servers
        #expect(servers.map(\.tls.isOn) == [true, false])
        #expect(servers.map(\.tls.verifiedName?.text) == ["a.example", nil])
        #expect(servers.map(\.tls.reusesSessions) == [false, true])
        #expect(servers.map(\.tls.asksForHost) == [false, true])
        #expect(servers.map(\.tls.requestedName?.text) == ["str(a.example)", "str(a.example)"])
        #expect(servers.map(\.tls.protocol.verification) == [nil, .some(.none)])
    }

    @Test("`send-proxy-v2-ssl` is version 2 with what there is to say of TLS, and its opposite takes both back")
    func proxyHeaders() throws {
        let cases: [(line: String, version: ProxyHeaderVersion?, options: ProxyHeaderOptions)] = [
            ("send-proxy-v2-ssl", .two, .tls), ("send-proxy-v2-ssl-cn", .two, [.tls, .commonName]),
            ("send-proxy-v2-ssl no-send-proxy-v2-ssl", nil, []),
            ("send-proxy-v2-ssl-cn no-send-proxy-v2-ssl-cn", nil, []),
            (
                "send-proxy-v2 proxy-v2-options cert-key,cert-sig,ssl-cipher", .two,
                [
                    .tls, .keyAlgorithm, .signatureAlgorithm, .cipher,
                ]
            ),
        ]
        for (line, version, options) in cases {
            let server = try #require(settings("server a 10.0.0.1:80 \(line)").servers.first)
            #expect(server.proxyHeader == version, "\(line)")
            #expect(server.proxyOptions == options, "\(line)")
        }
    }

    @Test("A check with a request offers what it speaks of what the line says, or HTTP/2 if that is all")
    func protocolsOfChecks() throws {
        let cases: [(line: String, offered: [String])] = [
            ("", []), ("alpn h2,http/1.1", ["h2", "http/1.1"]), ("alpn h2 check-alpn http/1.1", ["http/1.1"]),
            ("alpn h2,http/1.1 check-proto h1", ["http/1.1"]), ("alpn h2,http/1.1 proto h1 check-proto h2", ["h2"]),
            ("proto h2", ["h2"]), ("proto h2 alpn http/1.1", ["h2"]),
            ("check-alpn x,h2,http/1.0 proto h2", ["x", "h2"]),
        ]
        for (line, offered) in cases {
            let server = try #require(settings("server a 10.0.0.1:80 check ssl \(line)").servers.first)
            #expect(server.protocolsOfHTTPChecks.map { String(decoding: $0, as: UTF8.self) } == offered, "\(line)")
        }
    }

    @Test("The name that a check asks for is the host of its request, without the port")
    func hostsOfChecks() throws {
        let cases: [(line: String, name: String?)] = [
            ("option httpchk GET /", nil), ("option httpchk GET / HTTP/1.1 a.example:443", "a.example"),
            ("http-check send hdr Host a.example", "a.example"),
            ("http-check send hdr host a.example:8443", "a.example"),
            ("http-check send hdr host [::1]:8443", "[::1]"), ("http-check send hdr host [::1]", "[::1]"),
        ]
        for (line, name) in cases {
            let check = try settings("option httpchk", line, "server a 10.0.0.1:80").checkScript
            #expect(check.hostName.map { String(decoding: $0, as: UTF8.self) } == name, "\(line)")
        }
    }
}
