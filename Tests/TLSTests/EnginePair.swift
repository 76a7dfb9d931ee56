// Two engines that talk to each other over a pair of sockets.

import Basics
import COpenSSL
import Foundation
import Glibc
import Reactor

@testable import TLS

/// A server and its client, which take turns.
final class EnginePair {
    let kernel: LinuxKernel
    let server: TLSEngine
    let client: TLSEngine

    init(_ serverContext: TLSContext, _ clientContext: TLSContext, serverName: String? = nil) throws {
        kernel = try LinuxKernel()
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        unsafe precondition(socketpair(AF_UNIX, type, 0, &ends) == 0, "no sockets")
        server = TLSEngine(serverContext, Socket(ends[0]))
        client = TLSEngine(clientContext, Socket(ends[1]))
        if let serverName { _ = unsafe copenssl_set_server_name(client.ssl, serverName) }
    }

    deinit {
        close(server.socket.number)
        close(client.socket.number)
    }

    /// Shakes hands until both sides are complete, or one has failed and the other has heard of it.
    func shakeHands() -> (server: HandshakeProgress, client: HandshakeProgress) {
        var progress = (server: HandshakeProgress.pending, client: HandshakeProgress.pending)
        for _ in 0..<20 {
            client.lend(kernel, canReceive: true, canSend: true)
            progress.client = client.handshake()
            server.lend(kernel, canReceive: true, canSend: true)
            progress.server = server.handshake()
        }
        return progress
    }

    /// Carries bytes from the server to the client: what comes behind a handshake (tickets, alerts) comes with them.
    func deliver(_ text: String) -> (text: String, outcome: Received) {
        server.lend(kernel, canReceive: true, canSend: true)
        let content = Array(text.utf8)
        _ = unsafe server.write(content.span.bytes, more: false)
        client.lend(kernel, canReceive: true, canSend: true)
        let pool = BufferPool()
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        defer { buffer.release(to: pool) }
        let outcome = client.read(into: &buffer)
        var bytes: [UInt8] = []
        bytes.append(buffer.readable)
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
