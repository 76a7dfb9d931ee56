// OCSP: what is asked, which responses are taken, and which certificates have theirs fetched.

import Basics
import Chance
import Configuration
import Foundation
import TLSTesting
import Testing

@testable import TLS

@Suite struct ResponseTests {
    private let authority = TestCertificate("Test CA", isAuthority: true)

    private func certificate(
        _ serial: Int = 7, responder: String? = "http://ocsp.example/check"
    ) -> TestCertificate {
        TestCertificate("www.example", issuer: authority, serial: serial, responder: responder)
    }

    /// A store with one certificate, as commands put it there.
    private func store(_ certificate: TestCertificate, _ defaults: TLSDefaults = TLSDefaults()) throws
        -> CertificateStore
    {
        let store = try CertificateStore(defaults)
        try store.create("www.pem")
        _ = try store.change("www.pem", to: SecretBytes(Array(certificate.bundle.utf8)))
        try store.commit("www.pem")
        return store
    }

    private func refusal(
        _ bytes: [UInt8], about certificate: TestCertificate, checksSignature: Bool = true
    ) -> String {
        do throws(FileRefusal) {
            _ = try unsafe OCSPResponse(
                bytes, about: certificate.certificate, issuer: authority.certificate, checksSignature: checksSignature)
            return ""
        } catch {
            return error.text
        }
    }

    // MARK: Responses

    @Test func `a response of the issuer, or of whom it appoints, is taken`() throws {
        let certificate = certificate()
        let appointed = TestCertificate("Responder", issuer: authority, signsResponses: true)
        for signer in [authority, appointed] {
            #expect(
                refusal(TestResponse.make(about: certificate, issuer: authority, signer: signer), about: certificate)
                    == "")
        }
        let endless = TestResponse.make(about: certificate, issuer: authority, until: nil)
        #expect(refusal(endless, about: certificate) == "")
        let revoked = TestResponse.make(about: certificate, issuer: authority, status: .revoked)
        let response = try unsafe OCSPResponse(
            revoked, about: certificate.certificate, issuer: authority.certificate, checksSignature: true)
        #expect(response.isRevoked && response.isCurrent && response.bytes == revoked)
    }

    @Test func `a response that another has signed is refused where signatures are checked`() {
        let certificate = certificate()
        let stranger = TestCertificate("Other CA", isAuthority: true)
        // The issuer has signed it, and has not let it sign responses.
        let plain = TestCertificate("plain.example", issuer: authority)
        let forger = TestCertificate("Responder", issuer: stranger, signsResponses: true)
        for signer in [stranger, plain, forger, certificate] {
            let bytes = TestResponse.make(about: certificate, issuer: authority, signer: signer)
            #expect(refusal(bytes, about: certificate).hasPrefix("its signature is not the issuer's"))
            #expect(refusal(bytes, about: certificate, checksSignature: false) == "")
        }
    }

    @Test func `what is old, early, about another certificate or unknown to the responder is refused`() {
        let certificate = certificate()
        let now = Int(Date().timeIntervalSince1970)
        func made(from: Int? = nil, until: Int? = 0, _ status: TestResponse.Status = .good) -> String {
            refusal(
                TestResponse.make(about: certificate, issuer: authority, status: status, from: from, until: until),
                about: certificate)
        }
        #expect(made(from: now - 7_200, until: now - 3_600) == "it is not valid any more")
        #expect(made(from: now + 3_600, until: now + 7_200) == "it is not valid yet")
        #expect(made(from: now + 200, until: now - 200) == "it ends before it begins")
        #expect(made(.unknown) == "the responder does not know the certificate")
        let other = TestResponse.make(about: self.certificate(8), issuer: authority)
        #expect(refusal(other, about: certificate) == "it is about another certificate")
        #expect(refusal(TestResponse.refusal(), about: certificate) == "the responder reports 'trylater'")
    }

    @Test func `no broken response is taken: cut anywhere, longer, or with any bit changed`() {
        let certificate = certificate()
        let right = TestResponse.make(about: certificate, issuer: authority)
        for count in 0..<right.count { #expect(refusal(Array(right[..<count]), about: certificate) != "", "\(count)") }
        #expect(refusal(right + [0], about: certificate) == "something stands behind the OCSP response")
        for bit in 0..<8 * right.count {
            var bytes = right
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            expectNoForgery(bytes, of: right, about: certificate)
        }
    }

    /// A changed response is refused, unless the change touches nothing that was signed: then it says the same.
    private func expectNoForgery(_ bytes: [UInt8], of right: [UInt8], about certificate: TestCertificate) {
        func taken(_ bytes: [UInt8]) -> OCSPResponse? {
            try? unsafe OCSPResponse(
                bytes, about: certificate.certificate, issuer: authority.certificate, checksSignature: true)
        }
        guard let response = taken(bytes), let model = taken(right) else { return }
        #expect(
            response.isRevoked == model.isRevoked && response.validFrom == model.validFrom
                && response.validUntil == model.validUntil)
    }

    @Test(arguments: 1...5) func `random bytes, and pieces of a response shuffled, are refused without harm`(
        _ seed: UInt64
    ) {
        var random = SeededRandom(seed: seed)
        let certificate = certificate()
        let right = TestResponse.make(about: certificate, issuer: authority)
        for _ in 0..<300 {
            var bytes = right
            for _ in 0..<random.number(1...8) where !bytes.isEmpty {
                let place = random.number(0...bytes.count - 1)
                switch random.number(0...2) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 5))
                default: bytes.insert(contentsOf: right.prefix(random.number(1...20)), at: place)
                }
            }
            expectNoForgery(bytes, of: right, about: certificate)
            _ = refusal(
                (0..<random.number(1...400)).map { _ in UInt8(truncatingIfNeeded: random.next()) }, about: certificate)
        }
    }

    // MARK: Requests

    @Test func `addresses of responders are read`() {
        func text(_ address: String) -> String? {
            ResponderAddress(address).map { "\($0.host) \($0.port) \($0.authority) \($0.path)" }
        }
        #expect(text("http://ocsp.example") == "ocsp.example 80 ocsp.example /")
        #expect(text("HTTP://ocsp.example:8080/a/b?c=d#e") == "ocsp.example 8080 ocsp.example:8080 /a/b?c=d")
        #expect(text("http://[2001:db8::1]:81/") == "2001:db8::1 81 [2001:db8::1]:81 /")
        #expect(text("http://192.0.2.1?x") == "192.0.2.1 80 192.0.2.1 /?x")
        for wrong in [
            "https://ocsp.example/", "ldap://a", "http://", "http:///a", "http://a:0/", "http://a:70000", "http://a:b",
            "http://u@a/", "http://[::1", "http://[a]/", "http://a b/", "http://a/\r\nX: y", "http://é/",
            "ocsp.example",
        ] {
            #expect(ResponderAddress(wrong) == nil, "\(wrong)")
        }
    }

    @Test func `short questions are in the address, for caches; long ones follow the head`() throws {
        func message(_ responder: String, isProxied: Bool = false) throws -> String {
            let store = try store(certificate(responder: responder))
            let certificate = try #require(store.certificate(of: "www.pem"))
            let request = try #require(OCSPRequest(about: certificate))
            return String(decoding: request.message(isProxied: isProxied), as: UTF8.self)
        }
        let short = try message("http://ocsp.example:81/check")
        #expect(short.hasPrefix("GET /check/M") && short.contains("\r\nHost: ocsp.example:81\r\n"))
        #expect(short.hasSuffix("\r\nConnection: close\r\n\r\n") && !short.contains("=") && !short.contains("+"))
        #expect(try message("http://ocsp.example/").hasPrefix("GET /M"))
        #expect(try message("http://ocsp.example/", isProxied: true).hasPrefix("GET http://ocsp.example/M"))
        let path = String(repeating: "a", count: 200)
        let long = try message("http://ocsp.example/\(path)")
        #expect(
            long.hasPrefix("POST /\(path) HTTP/1.1\r\n")
                && long.contains("\r\nContent-Type: application/ocsp-request\r\n"))
        #expect(try message("http://ocsp.example/?a=b").hasPrefix("POST /?a=b HTTP/1.1\r\n"))
    }

    @Test func `without a responder or without the issuer's certificate there is no question`() throws {
        let silent = try store(certificate(responder: "https://ocsp.example/"))
        #expect(OCSPRequest(about: try #require(silent.certificate(of: "www.pem"))) == nil)
        let alone = TestCertificate("alone.example", responder: "http://ocsp.example/")
        let orphan = try CertificateStore(TLSDefaults())
        try orphan.create("a.pem")
        _ = try orphan.change("a.pem", to: SecretBytes(Array((certificate().pem + certificate().keyPEM).utf8)))
        #expect(throws: (any Error).self) { try orphan.commit("a.pem") }
        _ = try orphan.change("a.pem", to: SecretBytes(Array(alone.bundle.utf8)))
        try orphan.commit("a.pem")
        #expect(orphan.certificate(of: "a.pem")?.identity == nil)
    }

    // MARK: Stapling

    @Test func `a fetched response goes to the certificates of its identity, if it is right`() throws {
        let certificate = certificate()
        let store = try store(certificate)
        let loaded = try #require(store.certificate(of: "www.pem"))
        let identity = try #require(loaded.identity)
        let now = Int64(Date().timeIntervalSince1970)
        let wrong = TestResponse.make(about: certificate, issuer: authority, signer: certificate)
        #expect(throws: TransactionProblem.self) { try store.staple(fetched: wrong, identity: identity, at: now) }
        #expect(loaded.ocsp == nil)
        let right = TestResponse.make(about: certificate, issuer: authority)
        #expect(try store.staple(fetched: right, identity: [1, 2, 3], at: now) == nil)
        #expect(try store.staple(fetched: right, identity: identity, at: now) != nil)
        #expect(loaded.ocsp?.bytes == right)
        // A change of the certificate that is no change of it keeps the response; another certificate has none.
        _ = try store.change("www.pem", to: SecretBytes(Array(certificate.bundle.utf8)))
        try store.commit("www.pem")
        #expect(store.certificate(of: "www.pem")?.ocsp?.bytes == right)
        _ = try store.change("www.pem", to: SecretBytes(Array(self.certificate(9).bundle.utf8)))
        try store.commit("www.pem")
        #expect(store.certificate(of: "www.pem")?.ocsp == nil)
    }

    // MARK: Settings

    @Test func `lines that contradict each other about updates are found`() throws {
        for (mode, first, second, conflicts) in [
            (false, nil, true, true), (false, nil, false, false), (true, nil, false, true), (true, nil, true, false),
            (false, true, nil, true), (true, true, nil, false), (false, true, false, true), (true, false, nil, true),
        ] as [(Bool, Bool?, Bool?, Bool)] {
            var defaults = TLSDefaults()
            defaults.responseUpdates.isDefault = mode
            let store = try CertificateStore(defaults)
            store.note(first, of: "a.pem")
            #expect(
                (store.conflict(of: "a.pem", second) != nil) == conflicts, "\(mode) \(first as Any) \(second as Any)")
            // What a crt-store says holds for lines that say nothing.
            store.note(first, of: "b.pem", isOfStore: true)
            #expect(store.conflict(of: "b.pem", nil) == nil)
        }
        let store = CertificateStore()
        store.note(nil, of: "a.pem")
        #expect(
            store.conflict(of: "a.pem", true)
                == "different parameter 'ocsp-update' : previously 'default' (ocsp-update.mode off) vs 'on'")
    }

    @Test func `updates are asked for by a line or by global, unless they are disabled`() throws {
        func asks(_ isOn: Bool?, _ change: (inout ResponseUpdateSettings) -> Void = { _ in }) throws -> Bool {
            var defaults = TLSDefaults()
            change(&defaults.responseUpdates)
            let store = try store(certificate(), defaults)
            store.note(isOn, of: "www.pem")
            return store.updatesResponse(of: try #require(store.certificate(of: "www.pem")))
        }
        #expect(try asks(true) && !asks(nil) && !asks(false))
        #expect(try asks(nil) { $0.isDefault = true })
        #expect(try !asks(false) { $0.isDefault = true })
        #expect(try !asks(true) { $0.isDisabled = true })
        #expect(throws: ConfigProblem.self) { try asks(true) { $0.leastSeconds = 3_601 } }
    }
}
