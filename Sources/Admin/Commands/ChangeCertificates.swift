// `new`, `set`, `commit`, `abort` and `del` of `ssl cert`: certificates that change while the process runs. What they do is in
// `CertificateTransactions`; here are their words.

internal import Basics
internal import TLS

extension CommandCall {
    /// The certificates, and the file that the command is about. Returns nil, after an answer with the reason, if the command names none.
    fileprivate mutating func certificateFile(
        _ command: String, _ what: String = "a filename"
    ) -> (CertificateStore, String)? {
        guard let word = words.first, !word.isEmpty else {
            fail("'\(command)' expects \(what)")
            return nil
        }
        return (context.encryption.certificates, word)
    }

    /// Does what may be refused, and says what `body` returns, or why not.
    mutating func attempt(_ body: () throws(TransactionProblem) -> String) {
        do throws(TransactionProblem) {
            tell(try body())
        } catch {
            fail(error.text)
        }
    }
}

public enum NewCertificate: RuntimeCommand {
    public static let name = "new ssl cert"
    public static let usage = "new ssl cert <certfile>"
    public static let level = AccessLevel.admin
    public static let summary = "create a new certificate file to be used in a crt-list or a directory"

    public static func run(_ call: inout CommandCall) {
        guard let (store, path) = call.certificateFile(name) else { return }
        call.attempt { () throws(TransactionProblem) in
            try store.create(path)
            return "New empty certificate store '\(path)'!"
        }
    }
}

public enum SetCertificate: RuntimeCommand {
    public static let name = "set ssl cert"
    public static let usage = "set ssl cert <certfile> <payload>"
    public static let level = AccessLevel.admin
    public static let summary = "replace a certificate file"

    public static func run(_ call: inout CommandCall) {
        guard let payload = call.payload else {
            return call.fail("'set ssl cert' expects a filename and a certificate as a payload")
        }
        guard let (store, path) = call.certificateFile(name, "a filename and a certificate as a payload") else {
            return
        }
        call.attempt { () throws(TransactionProblem) in
            let change = try store.change(path, to: payload)
            return "Transaction \(change.isNew ? "created" : "updated") for certificate \(change.name)!"
        }
    }
}

public enum CommitCertificate: RuntimeCommand {
    public static let name = "commit ssl cert"
    public static let usage = "commit ssl cert <certfile>"
    public static let level = AccessLevel.admin
    public static let summary = "commit a certificate file"

    public static func run(_ call: inout CommandCall) {
        guard let (store, path) = call.certificateFile(name) else { return }
        do throws(TransactionProblem) {
            try store.commit(path)
            call.tell("Committing \(path)\nSuccess!")
        } catch {
            call.fail("\(error.text)\nCan't commit \(path)!")
        }
    }
}

public enum AbortCertificate: RuntimeCommand {
    public static let name = "abort ssl cert"
    public static let usage = "abort ssl cert <certfile>"
    public static let level = AccessLevel.admin
    public static let summary = "abort a transaction for a certificate file"

    public static func run(_ call: inout CommandCall) {
        guard let (store, path) = call.certificateFile(name) else { return }
        call.attempt { () throws(TransactionProblem) in
            try store.abort(path)
            return "Transaction aborted for certificate '\(path)'!"
        }
    }
}

public enum DeleteCertificate: RuntimeCommand {
    public static let name = "del ssl cert"
    public static let usage = "del ssl cert <certfile>"
    public static let level = AccessLevel.admin
    public static let summary = "delete an unused certificate file"

    public static func run(_ call: inout CommandCall) {
        guard let (store, path) = call.certificateFile(name, "a certificate name") else { return }
        call.attempt { () throws(TransactionProblem) in
            try store.remove(path)
            return "Certificate '\(path)' deleted!"
        }
    }
}
