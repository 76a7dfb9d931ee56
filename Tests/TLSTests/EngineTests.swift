// Two engines on the two ends of a pair of sockets, in one thread.

import Basics
import COpenSSL
import Glibc
import Reactor
import SystemPackage
import TLSTesting
import Testing

@testable import TLS

@Suite struct EngineTests {
    /// One end: an engine with what its transport would do for it.
    private final class End {
        let engine: TLSEngine
        let kernel: LinuxKernel
        let pool: BufferPool

        init(_ context: TLSContext, _ socket: Socket, _ kernel: LinuxKernel, _ pool: BufferPool) {
            engine = TLSEngine(context, socket)
            self.kernel = kernel
            self.pool = pool
        }

        private func lend() { engine.lend(kernel, canReceive: true, canSend: true) }

        func handshake() -> HandshakeProgress {
            lend()
            return engine.handshake()
        }

        func write(_ bytes: [UInt8]) -> Sent {
            lend()
            return engine.write(unsafe bytes.span.bytes, more: false)
        }

        func read() -> (outcome: Received, bytes: [UInt8]) {
            var input = ByteBuffer()
            input.acquire(from: pool)
            lend()
            let outcome = engine.read(into: &input)
            var bytes: [UInt8] = []
            for i in 0..<input.count { bytes.append(input.readable[i]) }
            input.release(to: pool)
            return (outcome, bytes)
        }

        func finish() {
            lend()
            _ = engine.finishSending()
        }
    }

    private final class Pair {
        let kernel: LinuxKernel
        let pool = BufferPool(blockBytes: 16_384)
        let sockets: [Socket]
        let client: End
        let server: End

        init(_ certificate: TestCertificate, clientTrusts authority: TestCertificate? = nil) throws {
            var numbers: [Int32] = [0, 0]
            kernel = try LinuxKernel()
            let result = unsafe socketpair(
                AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &numbers)
            precondition(result == 0)
            sockets = numbers.map { Socket($0) }
            let accepting = TLSContext(.server)
            unsafe SSL_CTX_use_certificate(accepting.pointer, certificate.certificate)
            unsafe SSL_CTX_use_PrivateKey(accepting.pointer, certificate.key)
            let connecting = TLSContext(.client)
            if let authority {
                unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(connecting.pointer), authority.certificate)
                unsafe SSL_CTX_set_verify(connecting.pointer, SSL_VERIFY_PEER, nil)
            }
            client = End(connecting, sockets[0], kernel, pool)
            server = End(accepting, sockets[1], kernel, pool)
        }

        /// Lets both shake hands until neither has anything to say.
        func shakeHands() -> (client: HandshakeProgress, server: HandshakeProgress) {
            var client = HandshakeProgress.pending
            var server = HandshakeProgress.pending
            for _ in 0..<10 {
                client = self.client.handshake()
                server = self.server.handshake()
            }
            return (client, server)
        }

        func close(_ socket: Int) { kernel.close(sockets[socket], reset: false) }
    }

    @Test func `bytes go both ways when the hands are shaken, and the end is told`() throws {
        let pair = try Pair(TestCertificate("www.example.org"))
        defer { pair.close(0); pair.close(1) }
        #expect(pair.shakeHands() == (.complete, .complete))
        #expect(pair.client.write(Array("hello".utf8)) == .bytes(5))
        #expect(pair.server.read() == (.bytes(5), Array("hello".utf8)))
        #expect(pair.server.write(Array("good day".utf8)) == .bytes(8))
        #expect(pair.client.read() == (.bytes(8), Array("good day".utf8)))
        #expect(pair.client.read().outcome == .wouldBlock)
        pair.server.finish()
        #expect(pair.client.read().outcome == .endOfStream)
        #expect(!pair.client.engine.isTruncated)
    }

    @Test func `an end without the peer's word is a truncation`() throws {
        let pair = try Pair(TestCertificate("www.example.org"))
        defer { pair.close(0) }
        #expect(pair.shakeHands() == (.complete, .complete))
        pair.close(1)
        // First the tickets of the handshake.
        #expect(pair.client.read().outcome == .wouldBlock)
        #expect(pair.client.read().outcome == .endOfStream)
        #expect(pair.client.engine.isTruncated)
    }

    @Test func `a record that the system does not take is repeated, and nothing is lost or doubled`() throws {
        let pair = try Pair(TestCertificate("www.example.org"))
        defer { pair.close(0); pair.close(1) }
        #expect(pair.shakeHands() == (.complete, .complete))
        let block = (0..<16_384).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var written = 0
        var read: [UInt8] = []
        var blocked = 0
        while written < 2_000_000 {
            let rest = Array(block[(written % block.count)...])
            switch pair.client.write(rest) {
            case .bytes(let count): written += count
            case .wouldBlock:
                blocked += 1
                while case (.bytes, let bytes) = pair.server.read() { read += bytes }
            case .failed(let reason):
                Issue.record("\(reason)")
                return
            }
        }
        while case (.bytes, let bytes) = pair.server.read() { read += bytes }
        #expect(blocked > 3)
        #expect(read.count == written)
        #expect(read == (0..<written).map { block[$0 % block.count] })
    }

    @Test func `a certificate of an unknown issuer, or an expired one, is refused in words on both sides`() throws {
        let authority = TestCertificate("An authority", isAuthority: true)
        let stranger = try Pair(TestCertificate("www.example.org"), clientTrusts: authority)
        defer { stranger.close(0); stranger.close(1) }
        #expect(stranger.shakeHands() == (.failed, .failed))
        #expect(stranger.client.engine.fault?.words.contains("signed by itself") == true)
        #expect(stranger.server.engine.fault?.words == "the peer refused: unknown CA")
        let expired = try Pair(
            TestCertificate("www.example.org", issuer: authority, days: -10 ... -1), clientTrusts: authority)
        defer { expired.close(0); expired.close(1) }
        #expect(expired.shakeHands() == (.failed, .failed))
        #expect(expired.client.engine.fault?.words == "the peer's certificate is refused: it has expired")
        #expect(expired.server.engine.fault?.words == "the peer refused: our certificate has expired")
    }

    @Test func `a peer that speaks HTTP, or anything else, is told from one that speaks TLS`() throws {
        for (bytes, kind) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", TLSFault.Kind.plainHTTP), ("SSH-2.0-OpenSSH_9.2\r\n", .notTLS),
        ] {
            let pair = try Pair(TestCertificate("www.example.org"))
            defer { pair.close(0); pair.close(1) }
            _ = unsafe pair.kernel.send(pair.sockets[0], Array(bytes.utf8).span.bytes, more: false)
            #expect(pair.server.handshake() == .failed)
            #expect(pair.server.engine.fault?.kind == kind)
        }
    }

    @Test func `a peer that leaves during the handshake has closed`() throws {
        let pair = try Pair(TestCertificate("www.example.org"))
        defer { pair.close(1) }
        // The beginning of a record.
        _ = unsafe pair.kernel.send(pair.sockets[0], ([22, 3, 1, 2, 0] as [UInt8]).span.bytes, more: false)
        #expect(pair.server.handshake() == .pending)
        pair.close(0)
        #expect(pair.server.handshake() == .failed)
        #expect(pair.server.engine.fault?.kind == .closed)
    }
}
