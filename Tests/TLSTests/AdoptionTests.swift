// What another reading of the configuration takes over from the one before.

import Basics
import COpenSSL
import Configuration
import Foundation
import Glibc
import Reactor
import TLSTesting
import Testing

@testable import TLS

@Suite struct AdoptionTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/portico-adoption-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private func removeFolder() { try? FileManager.default.removeItem(atPath: folder) }

    @discardableResult
    private func put(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
        return folder + "/" + name
    }

    private func place(_ line: Int) -> SourceRange { SourceRange(file: "test.cfg", line: line) }

    private func store(after before: CertificateStore? = nil) throws -> CertificateStore {
        try CertificateStore(TLSDefaults(), adopting: before)
    }

    /// The listener of a `bind` line.
    /// - Parameter number: where the line is.
    private func listener(
        _ words: String, in store: CertificateStore, address: String = ":443", number: Int = 3
    ) throws -> TLSListener {
        var options = TLSListenerOptions()
        var arguments = Arguments(
            words: words.split(separator: " ").map { Word(String($0), at: place(number)) },
            keyword: Word("bind", at: place(number)))
        try arguments.parameters(TLSKeywords.bindParameters, of: "bind", into: &options)
        let draft = try ListenerDraft(
            options, at: Word(address, at: place(number)), defaults: store.defaults, certificates: store)
        return try draft.makeListener(for: .bind(frontend: "main", address: address))
    }

    private func upstream(
        _ words: String, in store: CertificateStore, name: String = "s1", number: Int = 3, workers: Int = 1
    ) throws -> TLSUpstream {
        var options = TLSUpstreamOptions()
        var arguments = Arguments(
            words: words.split(separator: " ").map { Word(String($0), at: place(number)) },
            keyword: Word("server", at: place(number)))
        try arguments.parameters(TLSKeywords.serverParameters, of: "server", into: &options)
        return try TLSUpstream.make(
            options, for: .server(backend: "app", name: name), certificates: store, workers: workers, spoken: nil,
            at: place(number))
    }

    private func certificate(_ path: String, in store: CertificateStore) throws -> Certificate {
        try store.certificate(named: Word(path, at: place(1)))
    }

    // MARK: Certificates

    @Test func `A certificate stays as commands have left it until its file changes`() throws {
        defer { removeFolder() }
        let path = try put("a.pem", TestCertificate("file.example").bundle)
        let first = try store()
        _ = try certificate(path, in: first)
        _ = try first.change(path, to: SecretBytes(Array(TestCertificate("command.example").bundle.utf8)))
        try first.commit(path)
        let second = try store(after: first)
        let kept = try certificate(path, in: second)
        second.finishAdopting()
        #expect(kept === first.certificate(of: path) && kept.hostNames == ["command.example"])
        #expect(second.changedOnDisk().isEmpty)
        try put("a.pem", TestCertificate("new.example").bundle)
        #expect(second.changedOnDisk() == [.certificate(path)])
        let third = try store(after: second)
        #expect(try certificate(path, in: third).hostNames == ["new.example"])
        // The store before goes on with its own.
        #expect(second.certificate(of: path) === kept)
    }

    @Test func `What a file holds by now is read although the one in use was good`() throws {
        defer { removeFolder() }
        let path = try put("a.pem", TestCertificate("good.example").bundle)
        let first = try store()
        _ = try certificate(path, in: first)
        try put("a.pem", "nothing")
        #expect(throws: CertificateProblem.self) {
            try first.renew(.certificate(path), at: .now(), isLast: true)
        }
        #expect(first.changedOnDisk().isEmpty)
        #expect(throws: ConfigProblem.self) { try certificate(path, in: try store(after: first)) }
        // Renewed while it runs: that is what it is compared with.
        try put("a.pem", TestCertificate("renewed.example").bundle)
        try first.renew(.certificate(path), at: .now(), isLast: true)
        #expect(try certificate(path, in: try store(after: first)) === first.certificate(of: path))
    }

    @Test func `A certificate that is read in another way is read again`() throws {
        defer { removeFolder() }
        let path = try put("a.pem", TestCertificate("a.example").bundle)
        let first = try store()
        _ = try certificate(path, in: first)
        var defaults = TLSDefaults()
        defaults.companions = []
        let second = try CertificateStore(defaults, adopting: first)
        #expect(try certificate(path, in: second) !== first.certificate(of: path))
    }

    @Test func `What commands have made and begun goes on, and the store before is let go`() throws {
        defer { removeFolder() }
        let path = try put("a.pem", TestCertificate("a.example").bundle)
        var first: CertificateStore? = try store()
        weak let old = first
        weak let oldTrust = first?.trust
        if let first {
            _ = try certificate(path, in: first)
            for name in ["made.pem", "empty.pem"] { try first.create(name) }
            _ = try first.change("made.pem", to: SecretBytes(Array(TestCertificate("made.example").bundle.utf8)))
            try first.commit("made.pem")
            _ = try first.change("empty.pem", to: SecretBytes(Array(TestCertificate("later.example").bundle.utf8)))
            try first.create(.authorities, "made-ca.pem")
            let authority = TestCertificate("Authority", isAuthority: true).pem
            _ = try first.change(
                .authorities, "made-ca.pem", to: SecretBytes(Array(authority.utf8)), adds: false)
        }
        let second = try store(after: first)
        _ = try certificate(path, in: second)
        second.finishAdopting()
        first = nil
        #expect(old == nil && oldTrust == nil)
        #expect(second.names == [path, "made.pem", "empty.pem"])
        #expect(second.certificate(of: "made.pem")?.hostNames == ["made.example"])
        #expect(second.openTransaction == "empty.pem" && second.status(of: "empty.pem") == .empty)
        try second.commit("empty.pem")
        #expect(second.certificate(of: "empty.pem")?.hostNames == ["later.example"])
        #expect(second.openTransaction(.authorities)?.name == "made-ca.pem")
        try second.commit(.authorities, "made-ca.pem")
        #expect(second.status(of: .authorities, "made-ca.pem") == .unused)
    }

    // MARK: Listeners

    @Test func `A listener stays while its words and files do`() throws {
        defer { removeFolder() }
        let (path, authorities) = (try put("a.pem", TestCertificate("a.example").bundle), folder + "/ca.pem")
        try put("ca.pem", TestCertificate("one", isAuthority: true).pem)
        let words = "ssl crt \(path) verify optional ca-file \(authorities)"
        var before = try store()
        let listener = try listener(words, in: before)
        /// Whether another reading comes to the same listener.
        func stays(_ words: String, number: Int = 3, address: String = ":443") throws -> Bool {
            let store = try store(after: before)
            let made = try self.listener(words, in: store, address: address, number: number)
            return made === listener
        }
        #expect(try stays(words) && stays(words, number: 30))
        #expect(try !stays(words + " ssl-min-ver TLSv1.3") && !stays(words, address: ":444"))
        #expect(try !stays("ssl crt \(path) verify required ca-file \(authorities)"))
        // Renewed while it runs, it is as the file has it.
        try put("a.pem", TestCertificate("renewed.example").bundle)
        #expect(try !stays(words))
        try before.renew(.certificate(path), at: .now(), isLast: true)
        #expect(try stays(words))
        try put("ca.pem", TestCertificate("two", isAuthority: true).pem)
        #expect(try !stays(words))
        try before.renew(.trust(.authorities, authorities), at: .now(), isLast: true)
        #expect(try stays(words))
        before = try store(after: before)
        #expect(try self.listener(words, in: before) === listener)
        before.finishAdopting()
        // Certificates are exchanged in it by the store that it is in now.
        _ = try before.change(path, to: SecretBytes(Array(TestCertificate("command.example").bundle.utf8)))
        try before.commit(path)
        #expect(listener.namedCertificates.map(\.certificate.hostNames) == [["command.example"]])
    }

    @Test func `Of two lines with one name each keeps its own listener`() throws {
        defer { removeFolder() }
        let words = "ssl crt \(try put("a.pem", TestCertificate("a.example").bundle))"
        let (first, listeners) = (try store(), 0..<2)
        let old = try listeners.map { _ in try listener(words, in: first) }
        let second = try store(after: first)
        let new = try listeners.map { _ in try listener(words, in: second) }
        #expect(old[0] !== old[1] && new[0] === old[0] && new[1] === old[1])
        #expect(try listener(words, in: second) !== old[0])
    }

    @Test func `Lines that a command has added to a list stay while the list does`() throws {
        defer { removeFolder() }
        let path = try put("a.pem", TestCertificate("a.example").bundle)
        let list = try put("list", path + "\n")
        let first = try store()
        let old = try listener("ssl crt-list \(list)", in: first)
        try first.create("made.pem")
        _ = try first.change("made.pem", to: SecretBytes(Array(TestCertificate("made.example").bundle.utf8)))
        try first.commit("made.pem")
        let state = EncryptionState(first, [.init(frontend: "main", line: place(3), listener: old)])
        _ = try state.add("made.pem", to: list)
        let second = try store(after: first)
        #expect(try listener("ssl crt-list \(list)", in: second) === old)
        second.finishAdopting()
        #expect(second.status(of: "made.pem") == .used && second.names == [path, "made.pem"])
        // A list that says something else by now counts as it is.
        try put("list", path + " [ssl-min-ver TLSv1.3]\n")
        let third = try store(after: second)
        let new = try listener("ssl crt-list \(list)", in: third)
        third.finishAdopting()
        #expect(new !== old && third.status(of: "made.pem") == .unused)
    }

    @Test func `A certificate that a listener shows by command alone goes along with it`() throws {
        defer { removeFolder() }
        let (path, other) = (
            try put("a.pem", TestCertificate("a.example").bundle), try put("b.pem", TestCertificate("b.example").bundle)
        )
        let list = try put("list", path + "\n")
        let first = try store()
        let old = try listener("ssl crt-list \(list)", in: first)
        _ = try listener("ssl crt \(other)", in: first, address: ":444")
        let state = EncryptionState(first, [.init(frontend: "main", line: place(3), listener: old)])
        _ = try state.add(other, to: list)
        // The line of `:444` is gone.
        let second = try store(after: first)
        #expect(try listener("ssl crt-list \(list)", in: second) === old)
        second.finishAdopting()
        #expect(second.status(of: other) == .used && second.certificate(of: other) === first.certificate(of: other))
        try put("b.pem", TestCertificate("new.example").bundle)
        #expect(second.changedOnDisk() == [.certificate(other)])
    }

    // MARK: Tickets and sessions

    /// Connects in TLS 1.2, with the session of before.
    private func connect(
        to listener: TLSListener, _ context: TLSContext, with session: OpaquePointer? = nil
    ) throws -> (session: OpaquePointer?, isContinued: Bool) {
        let kernel = try LinuxKernel()
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        precondition(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let (client, server) = (TLSEngine(context, Socket(ends[0])), listener.makeEngine(Socket(ends[1])))
        if let session = unsafe session { _ = unsafe SSL_set_session(client.ssl, session) }
        var progress = HandshakeProgress.pending
        for _ in 0..<6 {
            for engine in [client, server] {
                engine.lend(kernel, canReceive: true, canSend: true)
                let result = engine.handshake()
                if engine === client { progress = result }
            }
        }
        #expect(progress == .complete)
        return unsafe (SSL_get1_session(client.ssl), SSL_session_reused(client.ssl) == 1)
    }

    @Test func `A listener that is made anew understands the tickets of the one before`() throws {
        defer { removeFolder() }
        let path = try put("a.pem", TestCertificate("a.example").bundle)
        let first = try store()
        let context = TLSContext(.client)
        let old = try listener("ssl crt \(path) ssl-max-ver TLSv1.2", in: first)
        let session = try unsafe connect(to: old, context).session
        defer { unsafe SSL_SESSION_free(session) }
        let second = try store(after: first)
        let new = try listener("ssl crt \(path) ssl-max-ver TLSv1.2 ciphers ECDHE+AESGCM", in: second)
        let stranger = try listener("ssl crt \(path) ssl-max-ver TLSv1.2", in: second, address: ":444")
        #expect(new !== old && new.ticketKeys === old.ticketKeys && stranger.ticketKeys !== old.ticketKeys)
        for (listener, isContinued) in [(new, true), (stranger, false)] {
            let result = try unsafe connect(to: listener, context, with: session)
            #expect(unsafe result.isContinued == isContinued)
            unsafe SSL_SESSION_free(result.session)
        }
    }

    @Test func `Sessions do not go on where clients are checked with other authorities by now`() throws {
        defer { removeFolder() }
        let (path, authorities) = (try put("a.pem", TestCertificate("a.example").bundle), folder + "/ca.pem")
        let (one, two) = (TestCertificate("one", isAuthority: true).pem, TestCertificate("two", isAuthority: true).pem)
        try put("ca.pem", one)
        let words = "ssl crt \(path) verify optional ca-file \(authorities)"
        let first = try store()
        let old = try listener(words, in: first)
        try put("ca.pem", two)
        let second = try store(after: first)
        let new = try listener(words, in: second)
        #expect(new.ticketKeys === old.ticketKeys && new.root.sessionContext != old.root.sessionContext)
        try put("ca.pem", one)
        #expect(try listener(words, in: try store(after: second)).root.sessionContext == old.root.sessionContext)
    }

    @Test func `Ticket keys of a file stay as commands have left them until the file changes`() throws {
        defer { removeFolder() }
        let path = try put("a.pem", TestCertificate("a.example").bundle)
        func key(_ byte: UInt8) -> String { Data(repeating: byte, count: 80).base64EncodedString() }
        try put("keys", (1...3).map { key($0) }.joined(separator: "\n"))
        let words = "ssl crt \(path) tls-ticket-keys \(folder)/keys"
        let first = try store()
        let old = try listener(words, in: first)
        #expect(old.ticketKeys?.rotate(toEncoded: key(4)) == true)
        let second = try store(after: first)
        #expect(try listener(words, in: second) === old)
        // Another line with the same file understands the same tickets.
        #expect(try listener(words, in: second, address: ":444").ticketKeys === old.ticketKeys)
        try put("keys", (5...7).map { key($0) }.joined(separator: "\n"))
        let new = try listener(words, in: try store(after: first))
        #expect(new !== old && new.ticketKeys?.encodedKeys == (5...7).map { key($0) })
    }

    // MARK: Servers

    @Test func `The TLS of a server stays while its words and files do`() throws {
        defer { removeFolder() }
        let authorities = try put("ca.pem", TestCertificate("one", isAuthority: true).pem)
        let shown = try put("client.pem", TestCertificate("client.example").bundle)
        let words = "ssl ca-file \(authorities) crt \(shown) verifyhost a.example"
        let before = try store()
        let old = try upstream(words, in: before)
        func stays(_ words: String, name: String = "s1", number: Int = 3, workers: Int = 1) throws -> Bool {
            try upstream(words, in: try store(after: before), name: name, number: number, workers: workers) === old
        }
        #expect(try stays(words) && stays(words, number: 30))
        #expect(try !stays(words, name: "s2") && !stays(words, workers: 2))
        #expect(try !stays("ssl ca-file \(authorities) crt \(shown) verifyhost b.example"))
        #expect(try !stays("ssl ca-file \(authorities) verifyhost a.example"))
        #expect(try !stays(words + " no-ssl-reuse") && !stays(words + " sni str(a.example)"))
        #expect(try !stays(words + " ssl-min-ver TLSv1.3") && !stays("ssl verify none crt \(shown)"))
        try put("client.pem", TestCertificate("new.example").bundle)
        #expect(try !stays(words))
        try before.renew(.certificate(shown), at: .now(), isLast: true)
        #expect(try stays(words))
        try put("ca.pem", TestCertificate("two", isAuthority: true).pem)
        #expect(try !stays(words))
        try before.renew(.trust(.authorities, authorities), at: .now(), isLast: true)
        #expect(try stays(words))
    }
}
