// What the runtime commands do to certificates and to files of authorities: a change is prepared, looked at, and then committed or
// dropped. One of each kind is under way at a time, as in HAProxy.

internal import Basics
internal import COpenSSL

/// Why a command is refused, in HAProxy's words where it has some.
public struct TransactionProblem: Error, Equatable, Sendable {
    public let text: String

    init(_ text: String) { self.text = text }
}

extension CertificateStore {
    /// What a certificate is, for an operator.
    public enum Status: String, Sendable {
        case empty = "Empty"
        case unused = "Unused"
        case used = "Used"
    }

    /// The name of the certificate that is being changed; nil for none.
    public var openTransaction: String? { state.withLock { $0.draft?.name } }

    /// Nil for a name that no certificate has.
    public func status(of name: String) -> Status? {
        let (isKnown, isEmpty) = state.withLock { ($0.loaded[name] != nil, $0.created.contains(name)) }
        guard isKnown else { return isEmpty ? .empty : nil }
        return users.contains { $0.uses(certificate: name) } ? .used : .unused
    }

    /// Makes a place for a certificate that is to come (`new ssl cert`).
    public func create(_ name: String) throws(TransactionProblem) {
        guard status(of: name) == nil else { throw TransactionProblem("Certificate '\(name)' already exists!") }
        state.withLock { state in
            state.created.insert(name)
            state.names.append(name)
        }
    }

    /// Gives a certificate, or a file beside it, other contents, once it is committed (`set ssl cert`).
    /// - Returns: the certificate's name, and whether the change begins with this.
    public func change(
        _ path: String, to contents: SecretBytes
    ) throws(TransactionProblem) -> (name: String, isNew: Bool) {
        guard let (name, piece) = place(named: path) else {
            throw TransactionProblem(
                "Can't replace a certificate which is not referenced by the configuration!\nCan't update \(path)!")
        }
        let open = state.withLock { $0.draft }
        if let open, open.name != name {
            throw TransactionProblem(
                "The ongoing transaction is about '\(open.name)' but you are trying to set '\(name)'\nCan't update \(path)!"
            )
        }
        do throws(CertificateProblem) {
            let draft = try (open ?? CertificateDraft(name, from: certificate(of: name))).with(piece, contents)
            state.withLock { $0.draft = draft }
        } catch {
            throw TransactionProblem("\(error.text)\nCan't load the payload\nCan't update \(path)!")
        }
        return (name, open == nil)
    }

    /// Which certificate a name means, and which of its files.
    func place(named path: String) -> (name: String, piece: CertificatePiece)? {
        let names = [path, joined(defaults.certificatesFolder, path)]
        if let name = names.first(where: { status(of: $0) != nil }) { return (name, .bundle) }
        for (ending, piece) in CertificatePiece.byEnding where path.hasSuffix(ending) {
            let base = String(path.dropLast(ending.count))
            for name in [base, joined(defaults.certificatesFolder, base)] {
                if status(of: name) != nil { return (name, piece) }
                if defaults.companionsReplaceEnding, status(of: name + ".crt") != nil { return (name + ".crt", piece) }
            }
        }
        return nil
    }

    /// Puts the changed certificate to use, everywhere or nowhere.
    public func commit(_ name: String) throws(TransactionProblem) {
        guard let draft = state.withLock({ $0.draft }) else { throw TransactionProblem("No ongoing transaction! !") }
        guard draft.name == place(named: name)?.name else {
            throw TransactionProblem(
                "The ongoing transaction is about '\(draft.name)' but you are trying to set '\(name)'")
        }
        do throws(CertificateProblem) {
            try exchange(try draft.finish(with: reader))
        } catch {
            throw TransactionProblem(error.text)
        }
        state.withLock { state in
            state.draft = nil
            state.created.remove(draft.name)
        }
    }

    /// Forgets the change.
    public func abort(_ name: String) throws(TransactionProblem) {
        guard let open = openTransaction else { throw TransactionProblem("No ongoing transaction!") }
        guard open == place(named: name)?.name else {
            throw TransactionProblem(
                "The ongoing transaction is about '\(open)' but you are trying to abort a transaction for '\(name)'")
        }
        state.withLock { $0.draft = nil }
    }

    /// Forgets a certificate that nothing uses (`del ssl cert`).
    public func remove(_ name: String) throws(TransactionProblem) {
        let refusal = "Can't remove the certificate: "
        guard let status = status(of: name) else {
            throw TransactionProblem("\(refusal)certificate '\(name)' doesn't exist!")
        }
        guard openTransaction != name else {
            throw TransactionProblem("\(refusal)ongoing transaction for the certificate '\(name)'")
        }
        guard status != .used else {
            throw TransactionProblem("\(refusal)certificate '\(name)' in use, can't be deleted!")
        }
        state.withLock { state in
            state.created.remove(name)
            state.loaded[name] = nil
            state.files[name] = nil
            state.updates[name] = nil
            state.version += 1
            state.names.removeAll { $0 == name }
        }
    }
}

// MARK: - Authorities and revocation lists

extension TrustKind {
    /// As HAProxy's messages call them.
    public var title: String { self == .authorities ? "CA" : "CRL" }
}

extension CertificateStore {
    /// The file that is being changed; nil for none.
    public func openTransaction(_ kind: TrustKind) -> TrustFile? { trust.state.withLock { $0.drafts[kind] } }

    /// Nil for a name that no file has.
    public func status(of kind: TrustKind, _ name: String) -> Status? {
        guard let file = trust.file(kind, name) else { return nil }
        if users.contains(where: { $0.uses(kind, name) }) { return .used }
        return file.count == 0 ? .empty : .unused
    }

    public func create(_ kind: TrustKind, _ name: String) throws(TransactionProblem) {
        guard trust.file(kind, name) == nil, let file = try? TrustFile(name, kind) else {
            throw TransactionProblem("\(kind.title) file '\(name)' already exists!")
        }
        trust.put(file)
    }

    /// Gives a file other contents, or more, once it is committed.
    /// - Returns: its name, and whether the change begins with this.
    public func change(
        _ kind: TrustKind, _ path: String, to contents: SecretBytes, adds: Bool
    ) throws(TransactionProblem) -> (name: String, isNew: Bool) {
        let names = [path, joined(defaults.authoritiesFolder, path)]
        guard let name = names.first(where: { trust.file(kind, $0) != nil }) else {
            throw TransactionProblem(
                "Can't replace a \(kind.title) file which is not referenced by the configuration!\nCan't update \(path)!"
            )
        }
        let open = openTransaction(kind)
        if let open, open.name != name {
            throw TransactionProblem(
                "The ongoing transaction is about '\(open.name)' but you are trying to set '\(name)'\nCan't update \(path)!"
            )
        }
        do throws(FileRefusal) {
            var file = try TrustFiles.file(kind, name, try PEMBlock.all(in: contents))
            if adds, let before = open ?? trust.file(kind, name) { file = TrustFile(before, and: file) }
            trust.state.withLock { $0.drafts[kind] = file }
        } catch {
            throw TransactionProblem("'\(name)': \(error.text)\nInvalid payload\nCan't update \(path)!")
        }
        return (name, open == nil)
    }

    /// Puts the changed file to use, everywhere or nowhere.
    public func commit(_ kind: TrustKind, _ name: String) throws(TransactionProblem) {
        guard let draft = openTransaction(kind) else { throw TransactionProblem("No ongoing transaction! !") }
        guard [name, joined(defaults.authoritiesFolder, name)].contains(draft.name) else {
            throw TransactionProblem(
                "The ongoing transaction is about '\(draft.name)' but you are trying to set '\(name)'")
        }
        do throws(CertificateProblem) {
            try exchange(draft)
        } catch {
            throw TransactionProblem(error.text)
        }
        trust.state.withLock { $0.drafts[kind] = nil }
    }

    /// Forgets the change.
    public func abort(_ kind: TrustKind, _ name: String) throws(TransactionProblem) {
        guard let open = openTransaction(kind) else { throw TransactionProblem("No ongoing transaction!") }
        guard [name, joined(defaults.authoritiesFolder, name)].contains(open.name) else {
            throw TransactionProblem(
                "The ongoing transaction is about '\(open.name)' but you are trying to abort a transaction for '\(name)'"
            )
        }
        trust.state.withLock { $0.drafts[kind] = nil }
    }

    /// Forgets a file that nothing uses.
    public func remove(_ kind: TrustKind, _ name: String) throws(TransactionProblem) {
        let refusal = "Can't remove the \(kind.title) file: "
        guard let status = status(of: kind, name) else {
            throw TransactionProblem("\(refusal)\(kind.title) file '\(name)' doesn't exist!")
        }
        guard openTransaction(kind)?.name != name else {
            throw TransactionProblem("\(refusal)ongoing transaction for the \(kind.title) file '\(name)'")
        }
        guard status != .used else {
            throw TransactionProblem("\(refusal)\(kind.title) file '\(name)' in use, can't be deleted!")
        }
        trust.remove(kind, name)
    }
}
