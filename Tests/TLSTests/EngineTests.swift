// Handshakes, bytes and ends between two engines.

import Basics
import Reactor
import TLSTesting
import Testing

@testable import TLS

@Suite struct EngineTests {
    private func pair(
        _ certificate: TestCertificate = TestCertificate("www.example.org"),
        clientTrusts authority: TestCertificate? = nil
    ) throws -> EnginePair {
        try EnginePair(.server(certificate), .client(trusting: authority))
    }

    @Test func `bytes go both ways when the hands are shaken, and the end is told`() throws {
        let pair = try self.pair()
        #expect(pair.shakeHands() == (.complete, .complete))
        #expect(pair.write(Array("hello".utf8), from: pair.client) == .bytes(5))
        #expect(pair.read(at: pair.server) == (.bytes(5), Array("hello".utf8)))
        #expect(pair.write(Array("good day".utf8), from: pair.server) == .bytes(8))
        #expect(pair.read(at: pair.client) == (.bytes(8), Array("good day".utf8)))
        #expect(pair.read(at: pair.client).outcome == .wouldBlock)
        pair.finish(pair.server)
        #expect(pair.read(at: pair.client).outcome == .endOfStream)
        #expect(!pair.client.isTruncated)
    }

    @Test func `an end without the peer's word is a truncation`() throws {
        let pair = try self.pair()
        #expect(pair.shakeHands() == (.complete, .complete))
        pair.close(pair.server)
        // First the tickets of the handshake.
        #expect(pair.read(at: pair.client).outcome == .wouldBlock)
        #expect(pair.read(at: pair.client).outcome == .endOfStream)
        #expect(pair.client.isTruncated)
    }

    @Test func `a record that the system does not take is repeated, and nothing is lost or doubled`() throws {
        let pair = try self.pair()
        #expect(pair.shakeHands() == (.complete, .complete))
        let block = (0..<16_384).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var written = 0
        var read: [UInt8] = []
        var blocked = 0
        while written < 2_000_000 {
            let rest = Array(block[(written % block.count)...])
            switch pair.write(rest, from: pair.client) {
            case .bytes(let count): written += count
            case .wouldBlock:
                blocked += 1
                while case (.bytes, let bytes) = pair.read(at: pair.server) { read += bytes }
            case .failed(let reason):
                Issue.record("\(reason)")
                return
            }
        }
        while case (.bytes, let bytes) = pair.read(at: pair.server) { read += bytes }
        #expect(blocked > 3)
        #expect(read.count == written)
        #expect(read == (0..<written).map { block[$0 % block.count] })
    }

    @Test func `a certificate of an unknown issuer, or an expired one, is refused in words on both sides`() throws {
        let authority = TestCertificate("An authority", isAuthority: true)
        let stranger = try pair(clientTrusts: authority)
        #expect(stranger.shakeHands() == (.failed, .failed))
        #expect(stranger.client.fault?.words.contains("signed by itself") == true)
        #expect(stranger.server.fault?.words == "the peer refused: unknown CA")
        let expired = try pair(
            TestCertificate("www.example.org", issuer: authority, days: -10 ... -1), clientTrusts: authority)
        #expect(expired.shakeHands() == (.failed, .failed))
        #expect(expired.client.fault?.words == "the peer's certificate is refused: it has expired")
        #expect(expired.server.fault?.words == "the peer refused: our certificate has expired")
    }

    @Test func `a peer that speaks HTTP, or anything else, is told from one that speaks TLS`() throws {
        for (bytes, kind) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", TLSFault.Kind.plainHTTP), ("SSH-2.0-OpenSSH_9.2\r\n", .notTLS),
        ] {
            let pair = try self.pair()
            _ = unsafe pair.kernel.send(pair.client.socket, Array(bytes.utf8).span.bytes, more: false)
            #expect(pair.handshake(pair.server) == .failed)
            #expect(pair.server.fault?.kind == kind)
        }
    }

    @Test func `a peer that leaves during the handshake has closed`() throws {
        let pair = try self.pair()
        // The beginning of a record.
        _ = unsafe pair.kernel.send(pair.client.socket, ([22, 3, 1, 2, 0] as [UInt8]).span.bytes, more: false)
        #expect(pair.handshake(pair.server) == .pending)
        pair.close(pair.client)
        #expect(pair.handshake(pair.server) == .failed)
        #expect(pair.server.fault?.kind == .closed)
    }

    @Test func `what comes behind an end without a word, and is no record, is not answered with an alert`() throws {
        let pair = try self.pair()
        #expect(pair.shakeHands() == (.complete, .complete))
        // Of a handshake.
        #expect(!pair.received(at: pair.client).isEmpty)
        pair.server.shut()
        _ = unsafe pair.kernel.send(pair.client.socket, ([UInt8](repeating: 0xFF, count: 40)).span.bytes, more: false)
        _ = pair.read(at: pair.server)
        #expect(pair.server.fault != nil)
        #expect(pair.received(at: pair.client).isEmpty)
    }
}
