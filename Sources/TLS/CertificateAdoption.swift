// Another reading of the configuration while the process runs: what its files and lines leave as it was is not made anew. So what
// commands have changed, fetched OCSP responses and sessions stay, and thousands of certificates are not read again.

internal import Basics
internal import Configuration

/// A line that has TLS of its own. By this name the next reading finds what was made for it.
public enum EncryptedLine: Hashable, Sendable {
    case bind(frontend: String, address: String)
    case server(backend: String, name: String)
}

/// What a store takes over from the one before, until all lines are read.
struct Adoption: Sendable {
    let store: CertificateStore
    /// What was made for a line and is not taken over yet: in the order of the lines, since two may have one name.
    var users: [EncryptedLine: [any CertificateUser]] = [:]

    init(_ store: CertificateStore) {
        self.store = store
        for user in store.users { if let line = user.line { users[line, default: []].append(user) } }
    }
}

extension CertificateReader {
    /// Whether the same files come to the same certificate.
    fileprivate func readsAlike(_ other: CertificateReader) -> Bool {
        defaults.companions == other.defaults.companions
            && defaults.companionsReplaceEnding == other.defaults.companionsReplaceEnding
            && defaults.skipsSelfIssued == other.defaults.skipsSelfIssued && issuers === other.issuers
    }
}

extension CertificateStore {
    private var before: CertificateStore? { state.withLock { $0.adoption?.store } }

    /// The certificate that the store before has of these files; nil if they, or how they are read, have changed since.
    func kept(_ files: CertificateFiles, _ signature: FileSignature) -> Certificate? {
        guard let before, reader.readsAlike(before.reader) else { return nil }
        return before.state.withLock { state in
            guard state.files[files.name] == files, state.readSignatures[.certificate(files.name)] == signature else {
                return nil
            }
            return state.loaded[files.name]
        }
    }

    /// A certificate of the store before whose files have changed.
    func outdated(_ name: String) -> Certificate? { before?.certificate(of: name) }

    /// What the store before had for a line, once; nil if it had nothing of that kind.
    func userBefore<User: CertificateUser>(_ type: User.Type, of line: EncryptedLine) -> User? {
        state.withLock { state in
            guard let users = state.adoption?.users[line], let first = users.first as? User else { return nil }
            state.adoption?.users[line]?.removeFirst()
            return first
        }
    }

    /// Whether a certificate is the one that users in the store before show under this name. A command may have removed it there.
    func isKept(certificate name: String) -> Bool {
        guard let before else { return false }
        let old = before.certificate(of: name)
        return old == nil || old === certificate(of: name)
    }

    /// Whether a file of authorities or lists is the one that users in the store before check with.
    func isKept(_ kind: TrustKind, _ name: String) -> Bool {
        guard let old = before?.trust.file(kind, name) else { return false }
        return old === trust.file(kind, name)
    }

    /// The ticket keys of a file, as commands have left them; nil if the file has changed, or no line before has named it.
    func keptTicketKeys(_ file: Word) -> TicketKeys? {
        before?.users.lazy.compactMap { ($0 as? TLSListener)?.ticketKeys }.first { $0.isUnchanged(file) }
    }

    /// Ends taking over, once all lines are read: takes what only commands have made, what listeners show by command, and the changes that
    /// are under way. The store before is left as it is.
    public func finishAdopting() {
        guard let before else { return }
        let listeners = users.compactMap { $0 as? TLSListener }
        let shown = Set(listeners.flatMap { $0.namedCertificates.map(\.certificate.name) })
        let old = before.state.withLock { $0 }
        state.withLock { state in
            for name in old.names where state.loaded[name] == nil {
                guard old.files[name] == nil || shown.contains(name) else { continue }
                state.names.append(name)
                state.loaded[name] = old.loaded[name]
                state.files[name] = old.files[name]
                state.signatures[.certificate(name)] = old.signatures[.certificate(name)]
                state.readSignatures[.certificate(name)] = old.readSignatures[.certificate(name)]
            }
            state.created = old.created.filter { state.loaded[$0] == nil }
            for (name, note) in old.updates where state.updates[name] == nil && state.loaded[name] != nil {
                state.updates[name] = note
            }
            if let draft = old.draft, state.names.contains(draft.name) { state.draft = draft }
            state.adoption = nil
        }
        trust.finishAdopting { kind, name in listeners.contains { $0.uses(kind, name) } }
    }
}

extension TrustFiles {
    /// The file that the reading before has under this name; nil if it has changed since.
    func kept(_ key: Key, _ signature: FileSignature) -> TrustFile? {
        let (before, place) = state.withLock { ($0.before, $0.places[key.name]) }
        return before?.state.withLock { state in
            state.places[key.name] == place && state.signatures[key] == signature ? state.files[key] : nil
        }
    }

    /// - Parameter isUsed: whether a listener checks clients with a file.
    fileprivate func finishAdopting(_ isUsed: (TrustKind, String) -> Bool) {
        guard let old = state.withLock({ $0.before })?.state.withLock({ $0 }) else { return }
        let taken = old.order.filter { old.signatures[$0] == nil || isUsed($0.kind, $0.name) }
        state.withLock { state in
            for key in taken where state.files[key] == nil {
                state.order.append(key)
                state.files[key] = old.files[key]
                state.signatures[key] = old.signatures[key]
                state.places[key.name] = old.places[key.name]
            }
            state.drafts = old.drafts.filter { kind, file in state.files[Key(kind: kind, name: file.name)] != nil }
            state.before = nil
        }
    }
}
