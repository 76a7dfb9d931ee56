// Certificates, authorities and revocation lists that are read again from their files.

import Basics
import Configuration
import Foundation
import TLSTesting
import Testing

@testable import TLS

@Suite struct CertificateRenewalTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/portico-renewal-\(UUID().uuidString)"
    private let place = SourceRange(file: "test.cfg", line: 3)
    private let store = CertificateStore()

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private func put(_ name: String, _ text: String) throws {
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
    }

    /// The reason why something is not renewed; empty if it is.
    private func refusal(_ item: RenewedItem, isLast: Bool = true) -> String {
        do throws(CertificateProblem) {
            try store.renew(item, at: .now(), isLast: isLast)
        } catch {
            return error.reason
        }
        return ""
    }

    @Test func `A certificate is renewed from a file that is whole, fits together and has not expired`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try put("a.pem", TestCertificate("old.example").bundle)
        _ = try store.certificate(named: Word(folder + "/a.pem", at: place))
        let item = RenewedItem.certificate(folder + "/a.pem")
        #expect(store.holdFolders() == [folder])
        #expect(store.changedOnDisk().isEmpty && item.title == "Certificate '\(folder)/a.pem'")
        let new = TestCertificate("new.example", issuer: TestCertificate("Authority", isAuthority: true))
        let broken = [
            (String(new.bundle.dropLast(100)), "what follows '-----BEGIN' is not whole"),
            (new.pem + TestCertificate("other").keyPEM, "the private key does not belong to the certificate"),
            (new.pem, "there is no private key in the file, and no file '\(folder)/a.pem.key'"),
            (TestCertificate("late", days: -9 ... -1).bundle, "it has expired"),
        ]
        for (text, reason) in broken {
            try put("a.pem", text)
            #expect(store.changedOnDisk() == [item])
            #expect(refusal(item, isLast: false) == reason)
            // It is looked at again, until no more is to come.
            #expect(store.changedOnDisk() == [item])
            #expect(refusal(item) == reason)
            #expect(store.changedOnDisk().isEmpty)
        }
        #expect(store.certificate(of: folder + "/a.pem")?.hostNames == ["old.example"])
        try put("a.pem", new.bundle)
        #expect(refusal(item) == "" && store.changedOnDisk().isEmpty)
        #expect(store.certificate(of: folder + "/a.pem")?.hostNames == ["new.example"])
    }

    @Test func `A file that changes after it was read, and before its folder is watched, has changed`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try put("a.pem", TestCertificate("old.example").bundle)
        try put("ca.pem", TestCertificate("one", isAuthority: true).pem)
        _ = try store.certificate(named: Word(folder + "/a.pem", at: place))
        _ = try store.trust.file(.authorities, Word(folder + "/ca.pem", at: place), folder: nil)
        try put("a.pem", TestCertificate("new.example").bundle)
        try put("ca.pem", TestCertificate("two", isAuthority: true).pem)
        _ = store.holdFolders()
        let items = [RenewedItem.certificate(folder + "/a.pem"), .trust(.authorities, folder + "/ca.pem")]
        #expect(store.changedOnDisk() == items)
    }

    @Test func `Authorities are renewed from a file, and from the files of a folder`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/cas", withIntermediateDirectories: true)
        let (one, two) = (TestCertificate("one", isAuthority: true).pem, TestCertificate("two", isAuthority: true).pem)
        try put("ca.pem", one)
        try put("cas/one.pem", one)
        for name in ["ca.pem", "cas"] {
            _ = try store.trust.file(.authorities, Word(folder + "/" + name, at: place), folder: nil)
        }
        let (file, all) = (
            RenewedItem.trust(.authorities, folder + "/ca.pem"), RenewedItem.trust(.authorities, folder + "/cas")
        )
        #expect(Set(store.holdFolders()) == [folder, folder + "/cas"])
        for (text, reason) in [
            ("", "there is no certificate in PEM"), (one + two.dropLast(60), "what follows '-----BEGIN' is not whole"),
        ] {
            try put("ca.pem", text)
            #expect(store.changedOnDisk() == [file] && refusal(file) == reason)
            #expect(store.trust.file(.authorities, folder + "/ca.pem")?.count == 1)
        }
        try put("ca.pem", one + two)
        try put("cas/two.pem", two)
        #expect(store.changedOnDisk() == [file, all])
        #expect(refusal(file) == "" && refusal(all) == "" && store.changedOnDisk().isEmpty)
        for item in [file, all] {
            guard case .trust(_, let name) = item else { continue }
            #expect(store.trust.file(.authorities, name)?.count == 2)
        }
    }

    @Test func `A revocation list that is over, or of another's signature, does not replace the old one`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (name, item) = (folder + "/list.crl", RenewedItem.trust(.revocations, folder + "/list.crl"))
        let authority = TestCertificate("Authority", isAuthority: true)
        let namesake = TestCertificate("Authority", isAuthority: true)
        try put("ca.pem", authority.pem)
        try put("list.crl", authority.revocationList())
        _ = try store.trust.file(.authorities, Word(folder + "/ca.pem", at: place), folder: nil)
        _ = try store.trust.file(.revocations, Word(name, at: place), folder: nil)
        let old = store.trust.file(.revocations, name)
        _ = store.holdFolders()
        for (text, reason) in [
            (authority.revocationList(days: -1), "a revocation list has expired"),
            (namesake.revocationList(), "a revocation list is not signed by the authority that it names"),
            (authority.pem, "there is no revocation list in PEM"),
        ] {
            try put("list.crl", text)
            #expect(store.changedOnDisk() == [item] && refusal(item) == reason)
            #expect(store.trust.file(.revocations, name) === old)
        }
        try put("list.crl", authority.revocationList() + TestCertificate("Unknown", isAuthority: true).revocationList())
        #expect(refusal(item) == "" && item.title == "CRL file '\(name)'")
        #expect(store.trust.file(.revocations, name)?.count == 2)
    }
}
