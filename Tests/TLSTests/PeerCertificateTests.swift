// What certificates say, compared with what the tests' authority wrote into them.

import COpenSSL
import Testing

@testable import TLS

@Suite struct PeerCertificateTests {
    /// A client with a certificate, and a server that has checked it.
    private func mutual(version: Int32 = TLS1_3_VERSION, _ name: String = "client") throws -> EnginePair {
        let server = try TLSContext.server(version: version)
        try server.verify("root")
        return try EnginePair(server, .client(name))
    }

    private func name(
        _ engine: TLSEngine, _ which: CertificateName, _ owner: CertificateOwner = .peer, asRFC2253: Bool = false
    ) -> String? {
        engine.bytes { engine.append(which, of: owner, asRFC2253: asRFC2253, to: &$0) }.map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private func entry(_ engine: TLSEngine, _ type: String, _ occurrence: Int) -> String? {
        let type = Array(type.utf8)
        return engine.bytes {
            unsafe engine.append(entry: type.span.bytes, occurrence, of: .subject, of: .peer, to: &$0)
        }.map { String(decoding: $0, as: UTF8.self) }
    }

    private func part(_ engine: TLSEngine, _ part: CertificatePart, _ owner: CertificateOwner = .peer) -> [UInt8]? {
        engine.bytes { engine.append(part, of: owner, to: &$0) }
    }

    private func text(_ engine: TLSEngine, _ what: CertificatePart, _ owner: CertificateOwner = .peer) -> String? {
        part(engine, what, owner).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `Names are written whole, in the format of RFC 2253, and by entry`() throws {
        let pair = try mutual()
        #expect(pair.shakeHands() == (.complete, .complete))
        let engine = pair.server
        #expect(name(engine, .subject) == "/C=FR/O=Example, Inc./OU=one/OU=two/CN=Zoé")
        #expect(name(engine, .issuer) == "/C=FR/O=Example/CN=Between")
        #expect(name(engine, .root) == "/C=FR/O=Example/CN=Root")
        #expect(name(engine, .subject, .own) == "/C=FR/O=Example/CN=www.example.com")
        #expect(
            name(engine, .subject, asRFC2253: true) == #"CN=Zo\C3\A9,OU=two,OU=one,O=Example\, Inc.,C=FR"#)
        #expect(name(engine, .issuer, .own, asRFC2253: true) == "CN=Root,O=Example,C=FR")
        for (type, occurrence, value) in [
            ("CN", 1, "Zoé"), ("OU", 1, "one"), ("OU", 2, "two"), ("OU", -1, "two"), ("OU", -2, "one"), ("C", -1, "FR"),
            ("OU", 3, nil), ("OU", -3, nil), ("cn", 1, nil), ("L", 1, nil), ("", 1, nil),
            ("CN", 0, nil),
        ] as [(String, Int, String?)] {
            #expect(entry(engine, type, occurrence) == value, "\(type),\(occurrence)")
        }
    }

    @Test func `The parts of a certificate are those that it was made of`() throws {
        let pair = try mutual()
        #expect(pair.shakeHands() == (.complete, .complete))
        #expect(part(pair.server, .serial) == [0x10, 0x07])
        #expect(part(pair.client, .serial) == [0x45, 0xB6, 0xC7, 0x77])
        #expect(part(pair.server, .sha1)?.count == 20)
        #expect(text(pair.server, .keyAlgorithm) == "id-ecPublicKey")
        #expect(text(pair.server, .signatureAlgorithm) == "ecdsa-with-SHA256")
        #expect(text(pair.server, .alternativeNames) == "DNS:client.example.com, IP Address:192.0.2.1")
        #expect(text(pair.server, .notAfter)?.utf8.count == 13 && text(pair.server, .notBefore)?.hasSuffix("Z") == true)
        #expect(pair.server.certificateVersion(of: .peer) == 3)
        // One side's own is the other's peer's.
        for what in [CertificatePart.whole, .serial, .sha1, .notAfter] {
            #expect(part(pair.server, what, .own) == part(pair.client, what))
            #expect(part(pair.server, what) == part(pair.client, what, .own))
        }
        #expect(
            pair.client.bytes { pair.client.appendPeerChain(to: &$0) }?.starts(with: part(pair.client, .whole) ?? [])
                == true)
        let chain = pair.server.bytes { pair.server.appendPeerChain(to: &$0) }
        #expect(chain != nil && chain?.starts(with: part(pair.server, .whole) ?? []) == false)
    }

    @Test func `Policies are listed, or looked for`() throws {
        let pair = try mutual()
        #expect(pair.shakeHands() == (.complete, .complete))
        let engine = pair.server
        let list = engine.bytes { engine.appendPolicies(to: &$0) }
        #expect(list.map { String(decoding: $0, as: UTF8.self) } == "0.4.0.1862.1.4, 2.5.29.32.0")
        for (number, isThere) in [
            ("2.5.29.32.0", true), ("0.4.0.1862.1.4", true), ("0.4.0.1862.1", false), ("2", false),
        ] {
            let bytes = Array(number.utf8)
            let isFound = unsafe engine.hasPolicy(bytes.span.bytes)
            #expect(isFound == isThere, "\(number)")
        }
        #expect(pair.client.bytes { pair.client.appendPolicies(to: &$0) } == nil)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `A certificate that is refused is still known, and why`(_ version: Int32) throws {
        let pair = try mutual(version: version, "stranger")
        #expect(pair.shakeHands().server == .failed)
        let engine = pair.server
        #expect(name(engine, .subject) == "/CN=stranger")
        #expect(engine.number(.result) != 0)
        #expect(engine.refusedDepth != nil)
        #expect(engine.number(.issuerError) != 0 || engine.number(.certificateError) != 0)
        #expect(engine.holds(.hasPeerCertificate) && engine.fault?.concernsName == false)
        #expect(name(engine, .root) == nil)
        #expect(engine.text(.errorText)?.hasSuffix(":certificate verify failed") == true)
    }

    @Test func `What is forgiven is noted and does not refuse`() throws {
        let server = try TLSContext.server()
        try server.verify("root")
        unsafe SSL_CTX_set_verify(server.pointer, SSL_VERIFY_PEER) { unsafe TLSEngine.judge($0, $1) { _, _ in true } }
        let pair = try EnginePair(server, .client("stranger"))
        #expect(pair.shakeHands() == (.complete, .complete))
        #expect(pair.server.number(.result) != 0 && pair.server.refusedDepth == nil)
        #expect(pair.server.holds(.usesPeerCertificate))
    }

    @Test func `A client without a certificate has none`() throws {
        let server = try TLSContext.server()
        try server.verify("root", isRequired: false)
        let pair = try EnginePair(server, .client())
        #expect(pair.shakeHands() == (.complete, .complete))
        #expect(!pair.server.holds(.usesPeerCertificate) && !pair.server.holds(.hasPeerCertificate))
        #expect(name(pair.server, .subject) == nil && pair.server.number(.result) == 0)
        #expect(pair.server.certificateVersion(of: .peer) == nil)
    }
}
