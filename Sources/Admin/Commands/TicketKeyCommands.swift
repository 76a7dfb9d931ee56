// `show tls-keys` and `set ssl tls-key`: the keys of session tickets that come from files, which several machines share and rotate
// together.

internal import Basics
internal import TLS

extension EncryptionState {
    /// The sets of keys that come from files. Lines that name one file share what it holds.
    fileprivate var keySets: [TicketKeys] {
        var seen: Set<String> = []
        return listeners.compactMap(\.listener.ticketKeys).filter { keys in
            keys.path.map { seen.insert($0).inserted } ?? false
        }
    }

    /// The sets of keys of one file.
    fileprivate func keySets(ofFile path: String) -> [TicketKeys] {
        listeners.compactMap(\.listener.ticketKeys).filter { $0.path == path }
    }

    /// The place of a set of keys in the list: by `#0`, or by its file.
    fileprivate func position(named word: String) -> Int? {
        if word.hasPrefix("#"), let number = Int(word.dropFirst()), keySets.indices.contains(number) { return number }
        return keySets.firstIndex { $0.path == word }
    }
}

public enum ShowTicketKeys: RuntimeCommand {
    public static let name = "show tls-keys"
    public static let usage = "show tls-keys [id|*]"
    public static let level = AccessLevel.admin
    public static let summary = "show tls keys references or dump tls ticket keys when id specified"

    public static func run(_ call: inout CommandCall) {
        let state = call.context.encryption
        guard let word = call.words.first else {
            call.say("# id (file)")
            for (number, keys) in state.keySets.enumerated() { call.say("\(number) (\(keys.path ?? ""))") }
            return
        }
        let position = state.position(named: word)
        guard word == "*" || position != nil else {
            return call.fail("'show tls-keys' unable to locate referenced filename")
        }
        call.say("# id secret")
        for (number, keys) in state.keySets.enumerated() where position == nil || position == number {
            call.say("# \(number) (\(keys.path ?? ""))")
            for (index, key) in keys.encodedKeys.enumerated() { call.say("\(number).\(index) \(key)") }
        }
    }
}

public enum SetTicketKey: RuntimeCommand {
    public static let name = "set ssl tls-key"
    public static let usage = "set ssl tls-key [id|file] <key>"
    public static let level = AccessLevel.admin
    public static let summary = "set the next TLS key for the <id> or <file> listener to <key>"

    public static func run(_ call: inout CommandCall) {
        let state = call.context.encryption
        guard call.words.count >= 2, !call.words[0].isEmpty, !call.words[1].isEmpty else {
            return call.fail("'set ssl tls-key' expects a filename and the new TLS key in base64 encoding.")
        }
        guard let position = state.position(named: call.words[0]), let path = state.keySets[position].path else {
            return call.fail("'set ssl tls-key' unable to locate referenced filename")
        }
        // All or none: they hold the same keys.
        for keys in state.keySets(ofFile: path) {
            guard keys.rotate(toEncoded: call.words[1]) else {
                return call.fail("'set ssl tls-key' received invalid base64 encoded TLS key.")
            }
        }
        call.tell("TLS ticket key updated!")
    }
}
