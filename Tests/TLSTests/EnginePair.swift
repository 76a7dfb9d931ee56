// Two engines that talk to each other over a pair of sockets.

import Basics
import COpenSSL
import Foundation
import Glibc
import Reactor
import TLSTesting

@testable import TLS

/// A server and its client, which take turns.
final class EnginePair {
    let kernel: LinuxKernel
    /// What carries the server's bytes; nil for the kernel.
    var serverCarrier: (any ByteCarrier)?
    let server: TLSEngine
    let client: TLSEngine
    private let pool = BufferPool()
    private var closed: [Socket] = []

    init(_ serverContext: TLSContext, _ clientContext: TLSContext, serverName: String? = nil) throws {
        kernel = try LinuxKernel()
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        unsafe precondition(socketpair(AF_UNIX, type, 0, &ends) == 0, "no sockets")
        server = TLSEngine(serverContext, Socket(ends[0]))
        client = TLSEngine(clientContext, Socket(ends[1]))
        if let serverName { _ = unsafe copenssl_set_server_name(client.ssl, serverName) }
    }

    deinit { for engine in [server, client] where !closed.contains(engine.socket) { close(engine) } }

    /// Closes a side's descriptor without a word to the other side.
    func close(_ engine: TLSEngine) {
        kernel.close(engine.socket, reset: false)
        closed.append(engine.socket)
    }

    private func lend(_ engine: TLSEngine) {
        engine.lend(engine === server ? serverCarrier ?? kernel : kernel, canReceive: true, canSend: true)
    }

    /// Shakes hands until both sides are complete, or one has failed and the other has heard of it.
    func shakeHands() -> (server: HandshakeProgress, client: HandshakeProgress) {
        var progress = (server: HandshakeProgress.pending, client: HandshakeProgress.pending)
        for _ in 0..<20 {
            progress.client = handshake(client)
            progress.server = handshake(server)
        }
        return progress
    }

    func handshake(_ engine: TLSEngine) -> HandshakeProgress {
        lend(engine)
        return engine.handshake()
    }

    func write(_ bytes: [UInt8], from engine: TLSEngine) -> Sent {
        lend(engine)
        return unsafe engine.write(bytes.span.bytes, more: false)
    }

    func read(at engine: TLSEngine) -> (outcome: Received, bytes: [UInt8]) {
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        defer { buffer.release(to: pool) }
        lend(engine)
        let outcome = engine.read(into: &buffer)
        var bytes: [UInt8] = []
        bytes.append(buffer.readable)
        return (outcome, bytes)
    }

    /// What has come to a side's descriptor, as it came.
    func received(at engine: TLSEngine) -> [UInt8] {
        unsafe withUnsafeTemporaryAllocation(byteCount: 1_000, alignment: 1) { room in
            guard case .bytes(let count) = unsafe kernel.receive(engine.socket, into: room) else { return [] }
            return unsafe Array(room.prefix(count))
        }
    }

    /// Says that a side sends no more.
    func finish(_ engine: TLSEngine) {
        lend(engine)
        _ = engine.finishSending()
    }

    /// Carries bytes from the server to the client: what comes behind a handshake (tickets, alerts) comes with them.
    func deliver(_ text: String) -> (text: String, outcome: Received) {
        _ = write(Array(text.utf8), from: server)
        let (outcome, bytes) = read(at: client)
        return (String(decoding: bytes, as: UTF8.self), outcome)
    }
}

extension TLSContext {
    /// A server with the certificate of this name.
    static func server(_ name: String = "server", version: Int32 = TLS1_3_VERSION) throws -> TLSContext {
        let context = TLSContext(.server)
        try context.use(name)
        _ = unsafe copenssl_set_versions(context.pointer, version, version)
        return context
    }

    static func client(_ name: String? = nil) throws -> TLSContext {
        let context = TLSContext(.client)
        if let name { try context.use(name) }
        return context
    }

    /// A server with a certificate.
    static func server(_ certificate: TestCertificate) -> TLSContext {
        let context = TLSContext(.server)
        unsafe SSL_CTX_use_certificate(context.pointer, certificate.certificate)
        unsafe SSL_CTX_use_PrivateKey(context.pointer, certificate.key)
        return context
    }

    /// A client that takes what `authority` has signed; without one it takes anything.
    static func client(trusting authority: TestCertificate?) -> TLSContext {
        let context = TLSContext(.client)
        if let authority {
            unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(context.pointer), authority.certificate)
            unsafe SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, nil)
        }
        return context
    }

    private func use(_ name: String) throws {
        let file = try Authority.file("\(name).pem")
        unsafe precondition(SSL_CTX_use_certificate_chain_file(pointer, file) == 1, "\(file) has no certificate")
        unsafe precondition(SSL_CTX_use_PrivateKey_file(pointer, file, SSL_FILETYPE_PEM) == 1, "\(file) has no key")
    }

    /// Asks for a certificate that `authority` leads to.
    func verify(_ authority: String, isRequired: Bool = true) throws {
        let file = try Authority.file("\(authority).pem")
        unsafe precondition(SSL_CTX_load_verify_file(pointer, file) == 1, "no authority")
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | (isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)) {
            unsafe TLSEngine.judge($0, $1)
        }
    }
}

extension TLSEngine {
    func text(_ fact: HandshakeFact) -> String? {
        bytes { append(fact, to: &$0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    func bytes(_ write: (inout [UInt8]) -> Bool) -> [UInt8]? {
        // Bytes that were there stay.
        var out: [UInt8] = [1, 2, 3]
        let isThere = write(&out)
        precondition(out.prefix(3) == [1, 2, 3], "what was there is gone")
        return isThere ? Array(out.dropFirst(3)) : nil
    }
}
