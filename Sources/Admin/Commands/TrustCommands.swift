// `show`, `new`, `set`, `add`, `commit`, `abort` and `del` of `ssl ca-file` and `ssl crl-file`: the files that peers' certificates are
// checked with. Both kinds have the same commands; each is a type, since a type has one name.

internal import Basics
internal import TLS

/// What the commands of both kinds do.
private enum TrustCommand {
    /// `ca-file`, `crl-file`.
    static func word(_ kind: TrustKind) -> String { kind == .authorities ? "ca-file" : "crl-file" }

    static func show(_ kind: TrustKind, _ call: inout CommandCall) {
        let store = call.context.encryption.certificates
        guard let word = call.words.first else { return list(kind, store, &call) }
        let wanted = NameOfFile(word)
        var name = wanted.name
        var index: Int?
        // The name may have colons of its own.
        let isKnown =
            (wanted.isTransaction ? store.openTransaction(kind)?.name == name : store.status(of: kind, name) != nil)
        if !isKnown, let colon = name.lastIndex(of: ":") {
            index = Int(name[name.index(after: colon)...])
            guard let number = index, number > 0 else {
                return call.fail("wrong \(kind.title) index after colons in '\(word)'!")
            }
            name = String(name[..<colon])
        }
        var text: [UInt8] = []
        guard store.appendDetails(of: kind, name, index: index, isDraft: wanted.isTransaction, to: &text) else {
            return call.fail("Can't display the \(kind.title) file : Not found!")
        }
        call.say { $0 += text }
    }

    private static func list(_ kind: TrustKind, _ store: CertificateStore, _ call: inout CommandCall) {
        func line(_ file: TrustFile) -> String {
            kind == .authorities ? "\(file.name) - \(file.count) certificate(s)" : file.name
        }
        if let open = store.openTransaction(kind) { call.say("# transaction\n*\(line(open))") }
        call.say("# filename")
        for file in store.trust.files(kind) { call.say(line(file)) }
    }

    static func create(_ kind: TrustKind, _ call: inout CommandCall) {
        run("new", kind, &call) { store, path throws(TransactionProblem) in
            try store.create(kind, path)
            return "New \(kind.title) file created '\(path)'!"
        }
    }

    static func change(_ kind: TrustKind, adds: Bool = false, _ call: inout CommandCall) {
        guard let payload = call.payload, let path = call.words.first else {
            return call.say(
                "'\(adds ? "add" : "set") ssl \(word(kind))' expects a filename and \(kind.title)s as a payload")
        }
        let store = call.context.encryption.certificates
        call.attempt { () throws(TransactionProblem) in
            let change = try store.change(kind, path, to: payload, adds: adds)
            return "transaction \(change.isNew ? "created" : "updated") for \(kind.title) \(change.name)!"
        }
    }

    static func commit(_ kind: TrustKind, _ call: inout CommandCall) {
        run("commit", kind, &call) { store, path in
            do throws(TransactionProblem) {
                try store.commit(kind, path)
                return "Committing \(path)\nSuccess!"
            } catch {
                return "\(error.text)\nCan't commit \(path)!"
            }
        }
    }

    static func abort(_ kind: TrustKind, _ call: inout CommandCall) {
        run("abort", kind, &call) { store, path throws(TransactionProblem) in
            try store.abort(kind, path)
            // HAProxy says certificate here, too.
            return "Transaction aborted for certificate '\(path)'!"
        }
    }

    static func delete(_ kind: TrustKind, _ call: inout CommandCall) {
        run("del", kind, &call) { store, path throws(TransactionProblem) in
            try store.remove(kind, path)
            return "\(kind.title) file '\(path)' deleted!"
        }
    }

    /// Runs a command whose only argument is a file's name, and says what `body` returns, or why not.
    private static func run(
        _ verb: String, _ kind: TrustKind, _ call: inout CommandCall,
        _ body: (CertificateStore, String) throws(TransactionProblem) -> String
    ) {
        guard let path = call.words.first, !path.isEmpty else {
            return call.fail("'\(verb) ssl \(word(kind))' expects a filename")
        }
        let store = call.context.encryption.certificates
        call.attempt { () throws(TransactionProblem) in try body(store, path) }
    }
}

public enum ShowAuthorityFile: RuntimeCommand {
    public static let name = "show ssl ca-file"
    public static let usage = "show ssl ca-file [<cafile>[:<index>]]"
    public static let level = AccessLevel.operator
    public static let summary = "display the CA files used in memory, or the details of one"
    public static func run(_ call: inout CommandCall) { TrustCommand.show(.authorities, &call) }
}

public enum NewAuthorityFile: RuntimeCommand {
    public static let name = "new ssl ca-file"
    public static let usage = "new ssl ca-file <cafile>"
    public static let level = AccessLevel.admin
    public static let summary = "create a new CA file to be used in a crt-list"
    public static func run(_ call: inout CommandCall) { TrustCommand.create(.authorities, &call) }
}

public enum SetAuthorityFile: RuntimeCommand {
    public static let name = "set ssl ca-file"
    public static let usage = "set ssl ca-file <cafile> <payload>"
    public static let level = AccessLevel.admin
    public static let summary = "replace a CA file"
    public static func run(_ call: inout CommandCall) { TrustCommand.change(.authorities, &call) }
}

public enum AddAuthorityFile: RuntimeCommand {
    public static let name = "add ssl ca-file"
    public static let usage = "add ssl ca-file <cafile> <payload>"
    public static let level = AccessLevel.admin
    public static let summary = "add a certificate into the CA file"
    public static func run(_ call: inout CommandCall) { TrustCommand.change(.authorities, adds: true, &call) }
}

public enum CommitAuthorityFile: RuntimeCommand {
    public static let name = "commit ssl ca-file"
    public static let usage = "commit ssl ca-file <cafile>"
    public static let level = AccessLevel.admin
    public static let summary = "commit a CA file"
    public static func run(_ call: inout CommandCall) { TrustCommand.commit(.authorities, &call) }
}

public enum AbortAuthorityFile: RuntimeCommand {
    public static let name = "abort ssl ca-file"
    public static let usage = "abort ssl ca-file <cafile>"
    public static let level = AccessLevel.admin
    public static let summary = "abort a transaction for a CA file"
    public static func run(_ call: inout CommandCall) { TrustCommand.abort(.authorities, &call) }
}

public enum DeleteAuthorityFile: RuntimeCommand {
    public static let name = "del ssl ca-file"
    public static let usage = "del ssl ca-file <cafile>"
    public static let level = AccessLevel.admin
    public static let summary = "delete an unused CA file"
    public static func run(_ call: inout CommandCall) { TrustCommand.delete(.authorities, &call) }
}

public enum ShowRevocationFile: RuntimeCommand {
    public static let name = "show ssl crl-file"
    public static let usage = "show ssl crl-file [<crlfile>[:<index>]]"
    public static let level = AccessLevel.operator
    public static let summary = "display the CRL files used in memory, or the details of one"
    public static func run(_ call: inout CommandCall) { TrustCommand.show(.revocations, &call) }
}

public enum NewRevocationFile: RuntimeCommand {
    public static let name = "new ssl crl-file"
    public static let usage = "new ssl crl-file <crlfile>"
    public static let level = AccessLevel.admin
    public static let summary = "create a new CRL file to be used in a crt-list"
    public static func run(_ call: inout CommandCall) { TrustCommand.create(.revocations, &call) }
}

public enum SetRevocationFile: RuntimeCommand {
    public static let name = "set ssl crl-file"
    public static let usage = "set ssl crl-file <crlfile> <payload>"
    public static let level = AccessLevel.admin
    public static let summary = "replace a CRL file"
    public static func run(_ call: inout CommandCall) { TrustCommand.change(.revocations, &call) }
}

public enum CommitRevocationFile: RuntimeCommand {
    public static let name = "commit ssl crl-file"
    public static let usage = "commit ssl crl-file <crlfile>"
    public static let level = AccessLevel.admin
    public static let summary = "commit a CRL file"
    public static func run(_ call: inout CommandCall) { TrustCommand.commit(.revocations, &call) }
}

public enum AbortRevocationFile: RuntimeCommand {
    public static let name = "abort ssl crl-file"
    public static let usage = "abort ssl crl-file <crlfile>"
    public static let level = AccessLevel.admin
    public static let summary = "abort a transaction for a CRL file"
    public static func run(_ call: inout CommandCall) { TrustCommand.abort(.revocations, &call) }
}

public enum DeleteRevocationFile: RuntimeCommand {
    public static let name = "del ssl crl-file"
    public static let usage = "del ssl crl-file <crlfile>"
    public static let level = AccessLevel.admin
    public static let summary = "delete an unused CRL file"
    public static func run(_ call: inout CommandCall) { TrustCommand.delete(.revocations, &call) }
}
