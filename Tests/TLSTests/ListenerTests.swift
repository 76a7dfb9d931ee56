// Listeners made of lines and files, with OpenSSL's client at the other end of a pair of sockets.

import Basics
import COpenSSL
import Configuration
import Foundation
import Glibc
import Reactor
import TLSTesting
import Testing

@testable import TLS

@Suite struct ListenerTests {
    /// Files of one test.
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.path + "/listener-\(UUID().uuidString)"

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        @discardableResult
        func file(_ name: String, _ contents: String) throws -> String {
            try contents.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
            return path + "/" + name
        }
    }

    private let place = SourceRange(file: "test.cfg", line: 3)

    /// A listener of the words of a `bind` line.
    private func listener(
        _ line: String, store: CertificateStore = CertificateStore(), spoken: SpokenProtocols? = nil
    ) throws -> TLSListener {
        try draft(line, store: store, spoken: spoken).makeListener(for: .bind(frontend: "main", address: ":443"))
    }

    private func draft(
        _ line: String, store: CertificateStore = CertificateStore(), spoken: SpokenProtocols? = nil
    ) throws -> ListenerDraft {
        var options = TLSListenerOptions()
        let words = line.split(separator: " ").map { Word(String($0), at: place) }
        var arguments = Arguments(words: words, keyword: Word("bind", at: place))
        try arguments.parameters(TLSKeywords.bindParameters, of: "bind", into: &options)
        return try ListenerDraft(
            options, at: Word("127.0.0.1:443", at: place), defaults: store.defaults, certificates: store, spoken: spoken
        )
    }

    private func message(_ line: String, store: CertificateStore = CertificateStore()) -> String {
        do {
            _ = try listener(line, store: store)
            return ""
        } catch { return (error as? ConfigProblem)?.message ?? "\(error)" }
    }

    /// The common name that a client is shown; nil if the handshake fails.
    /// - Parameter signatures: those that the client can check; nil: all.
    private func shownName(_ listener: TLSListener, _ name: String?, signatures: String? = nil) throws -> String? {
        let kernel = try LinuxKernel()
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        precondition(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let client = TLSEngine(TLSContext(.client), Socket(ends[0]))
        let server = listener.makeEngine(Socket(ends[1]))
        if let name { _ = unsafe copenssl_set_server_name(client.ssl, name) }
        if let signatures {
            unsafe signatures.withCString {
                _ = unsafe SSL_ctrl(client.ssl, SSL_CTRL_SET_SIGALGS_LIST, 0, UnsafeMutableRawPointer(mutating: $0))
            }
        }
        var progress = HandshakeProgress.pending
        for _ in 0..<6 {
            for engine in [client, server] {
                engine.lend(kernel, canReceive: true, canSend: true)
                let result = engine.handshake()
                if engine === client { progress = result }
            }
        }
        guard progress == .complete, let shown = unsafe SSL_get1_peer_certificate(client.ssl) else { return nil }
        defer { unsafe X509_free(shown) }
        var text = [CChar](repeating: 0, count: 256)
        unsafe X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, &text, 256)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test func `Clients get the certificate for the name, by wildcards too, and others the first`() throws {
        let folder = try Folder()
        let one = try folder.file("one.pem", TestCertificate("one.example").bundle)
        let all = try folder.file("all.pem", TestCertificate("*.example.com").bundle)
        let listener = try listener("ssl crt \(one) crt \(all)")
        #expect(try shownName(listener, "one.example") == "one.example")
        #expect(try shownName(listener, "a.EXAMPLE.com") == "*.example.com")
        #expect(try shownName(listener, "example.com") == "one.example")
        #expect(try shownName(listener, nil) == "one.example")
    }

    @Test func `With strict-sni there is none for others`() throws {
        let folder = try Folder()
        let listener = try listener(
            "ssl strict-sni crt \(folder.file("one.pem", TestCertificate("one.example").bundle))")
        #expect(try shownName(listener, "one.example") == "one.example")
        #expect(try shownName(listener, "two.example") == nil)
        #expect(try shownName(listener, nil) == nil)
    }

    @Test func `A folder has many certificates, and what lies beside them is not among them`() throws {
        let folder = try Folder()
        for name in ["b.example", "a.example"] {
            let certificate = TestCertificate(name)
            try folder.file("\(name).crt", certificate.pem)
            try folder.file("\(name).crt.key", certificate.keyPEM)
        }
        try folder.file(".hidden", "nothing")
        let listener = try listener("ssl crt \(folder.path)")
        #expect(try shownName(listener, "b.example") == "b.example")
        // The first by name.
        #expect(try shownName(listener, nil) == "a.example")
        #expect(
            listener.namedCertificates.map(\.certificate.name) == ["a", "b"].map { "\(folder.path)/\($0).example.crt" })
    }

    @Test func `A certificate that is exchanged is shown from then on, by all that use it`() throws {
        let folder = try Folder()
        let store = CertificateStore()
        let path = try folder.file("site.pem", TestCertificate("old.example").bundle)
        let (one, two) = (try listener("ssl crt \(path)", store: store), try listener("ssl crt \(path)", store: store))
        #expect(try shownName(one, nil) == "old.example")
        try folder.file("site.pem", TestCertificate("new.example").bundle)
        try store.exchange(store.read(path))
        for listener in [one, two] {
            #expect(try shownName(listener, nil) == "new.example")
            #expect(try shownName(listener, "new.example") == "new.example")
        }
        #expect(store.names == [path])
        #expect(store.certificate(of: path)?.hostNames == ["new.example"])
    }

    @Test func `A broken file is not read, and the old certificate stays`() throws {
        let folder = try Folder()
        let store = CertificateStore()
        let path = try folder.file("site.pem", TestCertificate("old.example").bundle)
        let listener = try listener("ssl crt \(path)", store: store)
        let (one, two) = (TestCertificate("one.example"), TestCertificate("two.example"))
        try folder.file("site.pem", one.pem + two.keyPEM)
        #expect(throws: CertificateProblem(path, "the private key does not belong to the certificate")) {
            try store.read(path)
        }
        #expect(try shownName(listener, nil) == "old.example")
    }

    @Test func `Mistakes are told with the file and what of it`() throws {
        let folder = try Folder()
        let certificate = TestCertificate("one.example")
        let good = try folder.file("good.pem", certificate.bundle)
        let bare = try folder.file("bare.pem", certificate.pem)
        #expect(message("ssl crt \(folder.path)/none.pem") == "'\(folder.path)/none.pem': there is no such file")
        #expect(
            message("ssl crt \(bare)") == "'\(bare)': there is no private key in the file, and no file '\(bare).key'")
        #expect(message("ssl crt \(try folder.file("text", "hello"))").contains("nor anything else in PEM"))
        #expect(
            message("ssl crt \(try folder.file("key", certificate.keyPEM))").contains(
                "there is no certificate in the file"))
        #expect(message("ssl") == "no certificate is named that clients could be shown")
        #expect(message("ssl crt @/site") == "no crt-store has a certificate '@/site'")
        #expect(message("ssl crt \(good) verify required").contains("no authority is named"))
        #expect(
            message("ssl crt \(good) verify optional ca-file \(try folder.file("empty", ""))").contains(
                "no certificate in PEM"))
        let locked = certificate.keyPEM.replacing("PRIVATE KEY", with: "ENCRYPTED PRIVATE KEY")
        #expect(
            message("ssl crt \(try folder.file("locked", certificate.pem + locked))").contains(
                "encrypted with a password"))
        #expect(message("ssl strict-sni") == "")
    }

    @Test func `ECDSA and RSA lie side by side under one name`() throws {
        let folder = try Folder()
        try folder.file("site.ecdsa", TestCertificate("ecdsa.example", names: ["DNS:site.example"]).bundle)
        try folder.file("site.rsa", TestCertificate("rsa.example", names: ["DNS:site.example"], key: .rsa).bundle)
        let listener = try listener("ssl crt \(folder.path)/site")
        for name in ["site.example", "other.example", nil] {
            #expect(try shownName(listener, name) == "ecdsa.example")
            #expect(try shownName(listener, name, signatures: "RSA+SHA256:RSA-PSS+SHA256") == "rsa.example")
        }
    }

    @Test func `Expired certificates, and protocols that are not spoken, bring warnings`() throws {
        let folder = try Folder()
        let old = try folder.file("old.pem", TestCertificate("old.example", days: -20...(-10)).bundle)
        let soon = try folder.file("soon.pem", TestCertificate("soon.example", days: -1...10).bundle)
        let good = try folder.file("good.pem", TestCertificate("good.example", days: -1...100).bundle)
        let draft = try draft(
            "ssl alpn h2,http/1.1 crt \(old) crt \(soon) crt \(good)",
            spoken: SpokenProtocols(standard: [SpokenProtocols.http11]))
        let warnings = draft.warnings(at: .now()).map(\.message)
        #expect(warnings.count == 3)
        #expect(warnings[0].contains("'\(old)' expired on") && warnings[1].contains("'\(soon)' expires on"))
        #expect(warnings[2] == "'h2' is not spoken here and not offered")
    }

    @Test func `Faults of certificates are named by number and by name`() throws {
        #expect(try VerificationFaults(Word("10,X509_V_ERR_CERT_REVOKED", at: place)).contains(X509_V_ERR_CERT_REVOKED))
        #expect(try !VerificationFaults(Word("10", at: place)).contains(X509_V_ERR_CERT_REVOKED))
        #expect(try VerificationFaults(Word("all", at: place)).contains(X509_V_ERR_CERT_REVOKED))
        #expect(throws: ConfigProblem.self) { try VerificationFaults(Word("10,nothing", at: place)) }
    }
}
