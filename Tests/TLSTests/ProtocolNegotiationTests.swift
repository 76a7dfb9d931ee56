// The protocol above TLS that a listener and a `server` line agree on (ALPN).

import Basics
import Configuration
import Foundation
import Glibc
import Reactor
import TLSTesting
import Testing

@testable import TLS

@Suite struct ProtocolNegotiationTests {
    private static let place = SourceRange(file: "test.cfg", line: 3)
    private static let both = SpokenProtocols(
        standard: [SpokenProtocols.http2, SpokenProtocols.http11], others: [SpokenProtocols.http10])
    private static let onlyHTTP1 = SpokenProtocols(standard: [SpokenProtocols.http11])
    private static let withServers = SpokenProtocols(
        standard: [], others: [SpokenProtocols.http2, SpokenProtocols.http11])

    private enum Agreement: Equatable {
        case none
        case name(String)
        case refused
    }

    private func arguments(_ line: String, _ keyword: String) -> Arguments {
        Arguments(
            words: line.split(separator: " ").map { Word(String($0), at: Self.place) },
            keyword: Word(keyword, at: Self.place))
    }

    private func listener(_ line: String, _ spoken: SpokenProtocols?) throws -> TLSListener {
        let path = FileManager.default.temporaryDirectory.path + "/alpn-\(UUID().uuidString).pem"
        try TestCertificate("a.example").bundle.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        var (options, words) = (TLSListenerOptions(), arguments("ssl crt \(path) \(line)", "bind"))
        try words.parameters(TLSKeywords.bindParameters, of: "bind", into: &options)
        let store = CertificateStore()
        return try TLSListener(
            options, at: Word("127.0.0.1:443", at: Self.place), defaults: store.defaults, certificates: store,
            spoken: spoken)
    }

    private func upstream(_ line: String, _ spoken: SpokenProtocols?) throws -> TLSUpstream {
        var (options, words) = (TLSUpstreamOptions(), arguments("ssl verify none \(line)", "server"))
        try words.parameters(TLSKeywords.serverParameters, of: "server", into: &options)
        return try TLSUpstream(
            options, certificates: CertificateStore(), workers: 1, spoken: spoken, at: Self.place)
    }

    /// What both sides agree on, once the handshake is over.
    private func agreement(
        _ listener: TLSListener, _ makeClient: (Socket) -> TLSEngine
    ) throws -> Agreement {
        let kernel = try LinuxKernel()
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        precondition(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let client = makeClient(Socket(ends[0]))
        let server = listener.makeEngine(Socket(ends[1]))
        var progress = [HandshakeProgress.pending, .pending]
        for _ in 0..<6 {
            for (index, engine) in [client, server].enumerated() {
                engine.lend(kernel, canReceive: true, canSend: true)
                progress[index] = engine.handshake()
            }
        }
        guard progress == [.complete, .complete] else { return .refused }
        var (ours, theirs): ([UInt8], [UInt8]) = ([], [])
        let isNamed = client.append(.protocolName, to: &ours)
        #expect(server.append(.protocolName, to: &theirs) == isNamed && ours == theirs)
        let isHTTP2 = ours == SpokenProtocols.http2
        #expect(client.hasSelected("h2") == isHTTP2 && server.hasSelected("h2") == isHTTP2)
        return isNamed ? .name(String(decoding: ours, as: UTF8.self)) : .none
    }

    private func agreement(
        bind: String = "", _ listening: SpokenProtocols?, server: String = "", _ calling: SpokenProtocols?,
        only name: [UInt8]? = nil
    ) throws -> Agreement {
        let upstream = try upstream(server, calling)
        return try agreement(listener(bind, listening)) {
            upstream.makeEngine($0, serverName: nil, worker: 0, protocol: name)
        }
    }

    @Test func `without alpn a listener offers what is spoken there, and refuses nobody`() throws {
        let (both, servers) = (Self.both, Self.withServers)
        #expect(try agreement(both, server: "alpn http/1.1,h2", servers) == .name("h2"))
        #expect(try agreement(both, server: "alpn http/1.1", servers) == .name("http/1.1"))
        #expect(try agreement(both, server: "alpn other", nil) == .none)
        #expect(try agreement(both, servers) == .none)
        #expect(try agreement(Self.onlyHTTP1, server: "alpn h2,http/1.1", servers) == .name("http/1.1"))
        #expect(try agreement(nil, server: "alpn h2", servers) == .none)
    }

    @Test func `what alpn names is offered in its order, as far as it is spoken`() throws {
        let (both, servers) = (Self.both, Self.withServers)
        #expect(try agreement(bind: "alpn http/1.1,h2", both, server: "alpn h2,http/1.1", servers) == .name("http/1.1"))
        #expect(try agreement(bind: "alpn h2", both, server: "alpn h2,http/1.1", servers) == .name("h2"))
        #expect(try agreement(bind: "alpn h2", both, server: "alpn http/1.1", servers) == .refused)
        #expect(try agreement(bind: "no-alpn", both, server: "alpn h2", servers) == .none)
        // In TCP mode whatever is spoken passes.
        #expect(try agreement(bind: "alpn other", nil, server: "alpn other", nil) == .name("other"))
    }

    @Test func `a server is offered what is spoken with it, and is known to be offered HTTP/2`() throws {
        #expect(try agreement(Self.both, server: "alpn h2,http/1.1", Self.onlyHTTP1) == .name("http/1.1"))
        #expect(try agreement(Self.both, SpokenProtocols(standard: [SpokenProtocols.http2])) == .name("h2"))
        #expect(try upstream("alpn h2,http/1.1", Self.withServers).offersHTTP2)
        #expect(try upstream("", SpokenProtocols(standard: [SpokenProtocols.http2])).offersHTTP2)
        #expect(try !upstream("alpn h2,http/1.1", Self.onlyHTTP1).offersHTTP2)
        #expect(try !upstream("", Self.withServers).offersHTTP2)
        #expect(try upstream("alpn h2,http/1.1", Self.withServers).offersHTTP1)
        #expect(try !upstream("alpn h2", Self.withServers).offersHTTP1)
        // In TCP mode it is the client who speaks.
        #expect(try !upstream("alpn h2", nil).offersHTTP2)
        #expect(try agreement(Self.both, server: "alpn h2", nil) == .name("h2"))
    }

    @Test func `one connection may offer one protocol alone`() throws {
        let (both, servers) = (Self.both, Self.withServers)
        let http1 = SpokenProtocols.http11
        #expect(try agreement(both, server: "alpn h2,http/1.1", servers, only: http1) == .name("http/1.1"))
        #expect(try agreement(both, server: "alpn h2", servers, only: http1) == .name("http/1.1"))
    }

    @Test func `a check offers what its plan says, and nothing without`() throws {
        let upstream = try upstream("alpn h2,http/1.1", Self.withServers)
        for (protocols, agreed) in [
            ([SpokenProtocols.http11], Agreement.name("http/1.1")), ([SpokenProtocols.http2], .name("h2")), ([], .none),
        ] {
            let listener = try listener("", Self.both)
            #expect(
                try agreement(listener) {
                    upstream.makeCheckEngine($0, serverName: nil, isExplicit: false, protocols: protocols)
                } == agreed)
        }
    }
}
