// What both sides of a handshake say of it.

import COpenSSL
import Testing

@testable import TLS

@Suite struct HandshakeFactsTests {
    @Test(arguments: [(TLS1_2_VERSION, "TLSv1.2"), (TLS1_3_VERSION, "TLSv1.3")])
    func `Both sides know the same of a handshake`(_ version: Int32, _ name: String) throws {
        let pair = try EnginePair(.server(version: version), .client(), serverName: "www.example.com")
        #expect(pair.shakeHands() == (.complete, .complete))
        for engine in [pair.server, pair.client] {
            #expect(engine.text(.version) == name)
            #expect(engine.text(.curve) == "X25519")
            #expect(engine.text(.serverName) == "www.example.com")
            #expect(engine.text(.protocolName) == nil)
            #expect(engine.text(.errorText) == nil)
            #expect(engine.number(.cipherBits) == 256 && engine.number(.cipherBitsUsed) == 256)
            #expect(engine.number(.error) == 0)
            #expect(!engine.holds(.isResumed) && engine.holds(.hasServerName))
            #expect(!engine.holds(.mayBeReplayed) && !engine.holds(.hadEarlyData))
        }
        // In TLS 1.3 each ticket has a key of its own.
        let keys = version == TLS1_2_VERSION ? [HandshakeFact.sessionKey] : []
        for fact in [.cipher, .clientRandom, .serverRandom, .uniqueID] + keys {
            let ours = pair.server.bytes { pair.server.append(fact, to: &$0) }
            #expect(ours != nil && ours == pair.client.bytes { pair.client.append(fact, to: &$0) }, "\(fact)")
        }
        #expect(pair.server.bytes { pair.server.append(.clientRandom, to: &$0) }?.count == 32)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `A session that goes on is known as such by both sides, with the same id`(_ version: Int32) throws {
        let server = try TLSContext.server(version: version)
        let client = try TLSContext.client()
        let first = try EnginePair(server, client)
        #expect(first.shakeHands() == (.complete, .complete))
        #expect(first.deliver("tickets").text == "tickets")
        let session = unsafe SSL_get1_session(first.client.ssl)
        defer { unsafe SSL_SESSION_free(session) }
        let second = try EnginePair(server, client)
        let isSet = unsafe SSL_set_session(second.client.ssl, session)
        #expect(isSet == 1)
        #expect(second.shakeHands() == (.complete, .complete))
        #expect(second.server.holds(.isResumed) && second.client.holds(.isResumed))
        let id = second.server.bytes { second.server.append(.uniqueID, to: &$0) }
        #expect(id != nil && id == second.client.bytes { second.client.append(.uniqueID, to: &$0) })
        #expect(id != first.server.bytes { first.server.append(.uniqueID, to: &$0) })
    }

    @Test func `Secrets are kept where they are asked for, and both sides have the same`() throws {
        let contexts = (try TLSContext.server(), try TLSContext.client())
        contexts.0.keepSecrets()
        contexts.1.keepSecrets()
        let pair = try EnginePair(contexts.0, contexts.1)
        #expect(pair.shakeHands() == (.complete, .complete))
        for secret in HandshakeSecret.allCases where secret != .clientEarlyTraffic && secret != .earlyExporter {
            let ours = pair.server.text(.secret(secret))
            // SHA-384 in hexadecimal digits.
            #expect(ours?.utf8.count == 96 && ours == pair.client.text(.secret(secret)), "\(secret)")
        }
        #expect(pair.server.text(.secret(.clientEarlyTraffic)) == nil)
        let other = try EnginePair(.server(), .client())
        #expect(other.shakeHands() == (.complete, .complete))
        #expect(other.server.text(.secret(.exporter)) == nil)
    }

    @Test func `The protocol is the one that ALPN has chosen`() throws {
        let server = try TLSContext.server()
        unsafe SSL_CTX_set_alpn_select_cb(
            server.pointer,
            { _, chosen, length, offered, _, _ in
                unsafe chosen?.pointee = unsafe offered.map { unsafe $0 + 1 }
                unsafe length?.pointee = unsafe offered?.pointee ?? 0
                return SSL_TLSEXT_ERR_OK
            }, nil)
        let client = try TLSContext.client()
        let list: [UInt8] = [8] + Array("http/1.1".utf8)
        unsafe SSL_CTX_set_alpn_protos(client.pointer, list, UInt32(list.count))
        let pair = try EnginePair(server, client)
        #expect(pair.shakeHands() == (.complete, .complete))
        #expect(pair.server.text(.protocolName) == "http/1.1" && pair.client.text(.protocolName) == "http/1.1")
    }

    @Test func `Before the handshake there is nothing but OpenSSL's name for no cipher, and no trap`() throws {
        let engine = try EnginePair(.server(), .client()).server
        #expect(engine.text(.cipher) == "(NONE)")
        for fact in [HandshakeFact.curve, .protocolName, .serverName, .sessionID, .sessionKey, .uniqueID] {
            #expect(engine.text(fact) == nil, "\(fact)")
        }
        #expect(engine.number(.cipherBits) == nil && engine.number(.cipherBitsUsed) == nil)
        #expect(!engine.holds(.usesPeerCertificate) && !engine.holds(.hasPeerCertificate))
        #expect(engine.bytes { engine.append(.whole, of: .peer, to: &$0) } == nil)
        #expect(engine.bytes { engine.append(.root, of: .peer, asRFC2253: false, to: &$0) } == nil)
        #expect(engine.bytes { engine.append(.ciphers, withNoise: true, to: &$0) } == nil)
        #expect(engine.helloVersion == nil && engine.helloCipherHash == nil)
        #expect(engine.number(.result) == 0 && engine.refusedDepth == nil)
    }

    @Test func `A failed handshake has OpenSSL's number and text`() throws {
        let server = try TLSContext.server(version: TLS1_2_VERSION)
        let isSet = unsafe SSL_CTX_set_cipher_list(server.pointer, "aRSA")
        #expect(isSet == 1)
        let pair = try EnginePair(server, .client())
        #expect(pair.shakeHands() == (.failed, .failed))
        #expect(pair.server.number(.error).map { $0 & 0xFFF } == Int(SSL_R_NO_SHARED_CIPHER))
        #expect(pair.server.text(.errorText) == "error:0A0000C1:SSL routines::no shared cipher")
        #expect(pair.server.text(.version) == "TLSv1.2" && pair.server.text(.cipher) == "(NONE)")
    }
}
