// Certificates and files of authorities that commands change, step by step.

import Basics
import Configuration
import Foundation
import TLSTesting
import Testing

@testable import TLS

@Suite struct TransactionTests {
    private let store = CertificateStore()
    private let place = SourceRange(file: "test.cfg", line: 3)

    /// The reason why something is refused; empty if it is not.
    private func refusal(_ body: () throws -> Void) -> String {
        do { try body() } catch { return (error as? TransactionProblem)?.text ?? "\(error)" }
        return ""
    }

    private func set(_ name: String, _ text: String) throws {
        _ = try store.change(name, to: SecretBytes(Array(text.utf8)))
    }

    private func details(_ name: String) -> String {
        var text: [UInt8] = []
        _ = store.appendDetails(of: name, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    @Test func `A new certificate is empty, then uncommitted, then unused, and can be removed`() throws {
        try store.create("new.pem")
        #expect(details("new.pem") == "Filename: new.pem\nStatus: Empty\n")
        #expect(refusal { try store.create("new.pem") } == "Certificate 'new.pem' already exists!")
        try set("new.pem", TestCertificate("new.example").bundle)
        #expect(store.openTransaction == "new.pem")
        #expect(refusal { try store.remove("new.pem") }.hasSuffix("ongoing transaction for the certificate 'new.pem'"))
        try store.commit("new.pem")
        #expect(details("new.pem").contains("Status: Unused\nSerial: "))
        #expect(details("new.pem").contains("Subject: /CN=new.example\n"))
        #expect(store.certificate(of: "new.pem")?.hostNames == ["new.example"])
        try store.remove("new.pem")
        #expect(store.status(of: "new.pem") == nil && store.names.isEmpty)
    }

    @Test func `What does not fit together is refused, and the old one stays`() throws {
        try store.create("a.pem")
        let (one, two) = (TestCertificate("one.example"), TestCertificate("two.example"))
        try set("a.pem", one.bundle)
        try store.commit("a.pem")
        try set("a.pem", two.pem)
        #expect(refusal { try store.commit("a.pem") }.contains("the private key does not belong to the certificate"))
        #expect(store.certificate(of: "a.pem")?.hostNames == ["one.example"])
        // The transaction is still open: its key may follow.
        try set("a.pem.key", two.keyPEM)
        try store.commit("a.pem")
        #expect(store.certificate(of: "a.pem")?.hostNames == ["two.example"])
    }

    @Test func `Payloads that are nothing, or not of that kind, are refused at once`() throws {
        try store.create("a.pem")
        #expect(refusal { try set("a.pem", "hello\n") }.contains("there is no certificate in PEM"))
        #expect(refusal { try set("a.pem.key", TestCertificate("a").pem) }.contains("there is no private key"))
        #expect(refusal { try set("a.pem.ocsp", "%%%") }.contains("not in base64"))
        let cut = TestCertificate("a.example").bundle.replacing("MII", with: "AAA")
        #expect(refusal { try set("a.pem", cut) }.contains("damaged"))
        #expect(refusal { try set("b.pem", "") }.contains("not referenced by the configuration"))
        #expect(store.openTransaction == nil)
    }

    @Test func `One change is under way at a time`() throws {
        for name in ["a.pem", "b.pem"] { try store.create(name) }
        #expect(refusal { try store.commit("a.pem") } == "No ongoing transaction! !")
        try set("a.pem", TestCertificate("a").bundle)
        #expect(
            refusal { try set("b.pem", TestCertificate("b").bundle) }
                == "The ongoing transaction is about 'a.pem' but you are trying to set 'b.pem'\nCan't update b.pem!")
        #expect(refusal { try store.abort("b.pem") }.contains("you are trying to abort a transaction for 'b.pem'"))
        try store.abort("a.pem")
        #expect(refusal { try store.abort("a.pem") } == "No ongoing transaction!")
    }

    @Test func `Files of authorities grow by what is added`() throws {
        try store.create(.authorities, "ca.pem")
        #expect(store.status(of: .authorities, "ca.pem") == .empty)
        func change(_ text: String, adds: Bool) throws {
            _ = try store.change(.authorities, "ca.pem", to: SecretBytes(Array(text.utf8)), adds: adds)
        }
        try change(TestCertificate("one").pem, adds: false)
        try change(TestCertificate("two").pem, adds: true)
        #expect(store.openTransaction(.authorities)?.count == 2)
        try store.commit(.authorities, "ca.pem")
        #expect(store.status(of: .authorities, "ca.pem") == .unused)
        #expect(refusal { try change("nothing", adds: true) }.contains("Invalid payload"))
        #expect(refusal { try store.create(.authorities, "ca.pem") } == "CA file 'ca.pem' already exists!")
        try store.remove(.authorities, "ca.pem")
        #expect(store.status(of: .authorities, "ca.pem") == nil)
    }
}
