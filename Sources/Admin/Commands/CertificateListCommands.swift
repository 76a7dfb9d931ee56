// `show`, `add` and `del` of `ssl crt-list`: which certificates listeners show, changed while they run.

internal import Basics
internal import TLS

/// A list's name: HAProxy takes any number of slashes behind it.
private func withoutSlashes(_ path: String) -> String {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return String(path)
}

extension EncryptionState {
    /// The name by which the configuration has a list.
    fileprivate func list(named word: String) -> String {
        let bare = withoutSlashes(word)
        return lists.first { withoutSlashes($0) == bare } ?? bare
    }
}

public enum ShowCertificateLists: RuntimeCommand {
    public static let name = "show ssl crt-list"
    public static let usage = "show ssl crt-list [-n] [<list>]"
    public static let level = AccessLevel.admin
    public static let summary = "show the list of crt-lists or the content of a crt-list file <list>"

    public static func run(_ call: inout CommandCall) {
        let state = call.context.encryption
        let isNumbered = call.takeOption("-n")
        guard let word = call.words.first else {
            if isNumbered { return call.fail("'show ssl crt-list -n' expects a filename or a directory") }
            for list in state.lists { call.say(list) }
            return
        }
        let list = state.list(named: word)
        guard let lines = state.lines(of: list) else { return call.fail("didn't find the specified filename") }
        call.say("# \(list)")
        for line in lines {
            let number = isNumbered ? ":\(line.number)" : ""
            call.say(line.certificate + number + (line.text.isEmpty ? "" : " " + line.text))
        }
    }
}

public enum AddToCertificateList: RuntimeCommand {
    public static let name = "add ssl crt-list"
    public static let usage = "add ssl crt-list <list> <cert> [opts]*"
    public static let level = AccessLevel.admin
    public static let summary = "add to crt-list file <list> a line <cert> or a payload"

    public static func run(_ call: inout CommandCall) {
        let lines = call.payload.map { $0.bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) } }
        guard let word = call.words.first, let line = lines?.first ?? call.words.dropFirst().first else {
            return call.fail("'add ssl crtlist' expects a filename and a certificate name")
        }
        guard lines?.count ?? 1 == 1 else {
            return call.fail("Can't edit the crt-list: only one line of payload is supported!")
        }
        let state = call.context.encryption
        let list = state.list(named: word)
        call.attempt { () throws(TransactionProblem) in
            let certificate = try state.add(line, to: list)
            return "Inserting certificate '\(certificate)' in crt-list '\(list)'.\nSuccess!"
        }
    }
}

public enum DeleteFromCertificateList: RuntimeCommand {
    public static let name = "del ssl crt-list"
    public static let usage = "del ssl crt-list <list> <cert[:line]>"
    public static let level = AccessLevel.admin
    public static let summary = "delete a line <cert> from crt-list file <list>"

    public static func run(_ call: inout CommandCall) {
        guard call.words.count >= 2 else {
            return call.fail("'del ssl crtlist' expects a filename and a certificate name")
        }
        let state = call.context.encryption
        let list = state.list(named: call.words[0])
        let wanted = call.words[1]
        call.attempt { () throws(TransactionProblem) in
            let certificate = try state.remove(wanted, from: list)
            return "Entry '\(certificate)' deleted in crtlist '\(list)'!"
        }
    }
}
