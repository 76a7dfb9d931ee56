// What a connection that is being made sees of a server that changes meanwhile.

import BalancingTesting
import Basics
import Configuration
import ProxyProtocol
import TLS
import Testing

@testable import Balancing

@Suite struct ServerEndpointTests {
    private let now = Instant(nanoseconds: 1_000_000_000)

    @Test func `only what makes connections begin otherwise makes another endpoint`() throws {
        let backend = try settings("server s 10.0.0.1:80").backend(now: now)
        let server = backend.servers[0]
        let first = server.endpoint
        #expect(first.epoch == 0 && server.epoch == 0 && first.address == server.address)
        try settings("server s 10.0.0.1:80 weight 7 maxconn 3 check").apply(to: backend)
        server.resolved(to: .ip(.v4(0x0A00_0001), port: 80), now: now)
        #expect(server.endpoint === first)
        try settings("server s 10.0.0.1:80 send-proxy").apply(to: backend)
        #expect(server.epoch == 1 && server.endpoint.proxyHeader == .one)
        try settings("server s 10.0.0.1:80 send-proxy-v2 proxy-v2-options crc32c").apply(to: backend)
        #expect(server.epoch == 2 && server.endpoint.proxyOptions.contains(.checksum))
        try settings("server s 10.0.0.1:81 send-proxy-v2 proxy-v2-options crc32c").apply(to: backend)
        #expect(server.epoch == 3 && server.endpoint.address == .ip(.v4(0x0A00_0001), port: 81))
        try settings("server s 10.0.0.1:81 source 10.0.0.9").apply(to: backend)
        let last = server.endpoint
        #expect(last.way != nil && last.proxyHeader == nil && last.epoch == 4)
        try settings("server s 10.0.0.1:81 weight 9", "source 10.0.0.9").apply(to: backend)
        #expect(server.endpoint === last, "the section's line says the same")
        try settings("server s 10.0.0.1:81 source 10.0.0.9:2000-3000").apply(to: backend)
        #expect(server.epoch == 5)
    }

    @Test func `what encrypts connections makes another endpoint only if it is another object`() throws {
        func upstream() throws -> TLSUpstream {
            var options = TLSUpstreamOptions()
            options.protocol.verification = TLSVerification.none
            return try TLSUpstream(
                options, certificates: CertificateStore(), workers: 1, at: SourceRange(file: "t.cfg", line: 1))
        }
        let (one, two) = (try upstream(), try upstream())
        let backend = try settings("server s 10.0.0.1:80").backend(now: now)
        let server = backend.servers[0]
        for (tls, epoch) in [(one, 1), (one, 1), (two, 2), (nil, 3)] as [(TLSUpstream?, UInt32)] {
            var filed = server.filed
            filed.configuration.tls = tls
            backend.apply(BackendRevision(roster: backend.roster, filed: [filed]), now: now)
            #expect(server.epoch == epoch && server.tls === tls)
        }
    }

    @Test func `an endpoint that a connection was begun with stays what it is`() throws {
        let backend = try settings("server s 10.0.0.1:80").backend(now: now)
        let server = backend.servers[0]
        let begun = server.endpoint
        try settings("server s 10.0.0.2:443 send-proxy").apply(to: backend)
        #expect(begun.address == .ip(.v4(0x0A00_0001), port: 80) && begun.proxyHeader == nil)
        let client = SocketAddress.ip(.loopbackV4, port: 8_080)
        #expect(server.target(forClientOf: client, by: begun) == begun.address)
        #expect(server.target(forClientOf: client) == server.address)
        #expect(server.address != begun.address)
    }

    @Test func `a name that loses its address, and has it again, has other endpoints`() throws {
        let backend = try settings("server s app.local:80 resolvers r").backend(now: now)
        let server = backend.servers[0]
        #expect(server.endpoint.address == nil)
        for _ in 0..<2 {
            server.resolved(to: .ip(.loopbackV4, port: 80), now: now)
            server.unresolved()
        }
        #expect(server.epoch == 4)
    }
}
