// The runtime commands: one list of rows, each naming, documenting and guarding itself. A command's file has its row
// and what it does.

internal import Basics
internal import Configuration

/// A command: one row of the table.
struct Command: Sendable {
    /// One word or several: `show stat`.
    let name: String
    /// With its arguments, as the help prints it.
    let usage: String
    let summary: String
    /// The least level that may use it.
    let level: AccessLevel
    let run: @Sendable (inout CommandCall) -> Void

    init(
        _ name: String, usage: String, level: AccessLevel = .user, summary: String,
        run: @escaping @Sendable (inout CommandCall) -> Void
    ) {
        self.name = name
        self.usage = usage
        self.summary = summary
        self.level = level
        self.run = run
    }

    /// All commands, in the order of the help.
    static let table: [Command] = [
        .showAccessLevel, .showErrors, .showEvents, .showInfo, .showResolvers, .showServersState, .showStat,
        .showVersion, .operator,
        .user,
        .help, .prompt, .quit,
    ]

    /// Runs the command that the call's words begin with. Of several the one with the most words is meant.
    static func run(_ call: inout CommandCall) {
        var found: Command?
        for command in table where command.isNamed(by: call.words) {
            if let known = found, known.words.count > command.words.count { continue }
            found = command
        }
        guard let command = found else { return CommandHelp.unknown(&call) }
        guard call.session.level >= command.level else { return call.say("Permission denied") }
        call.words.removeFirst(command.words.count)
        command.run(&call)
    }

    /// Whether the words begin with a slip of the finger of its name.
    func isNear(_ given: [String]) -> Bool {
        let count = words.count
        return given.count >= count
            && nearest(given.prefix(count).joined(separator: " "), among: CollectionOfOne(name)) != nil
    }

    var words: [Substring] { name.split(separator: " ") }

    private func isNamed(by given: [String]) -> Bool {
        let words = words
        return given.count >= words.count && zip(given, words).allSatisfy { $0 == $1 }
    }
}

/// One command being run.
struct CommandCall {
    /// The words given; while the command runs, those behind its name.
    var words: [String]
    let context: any CommandContext
    var session: CommandSession
    /// What it says, without the empty line that ends every answer.
    var out: [UInt8] = []

    init(words: [String], context: any CommandContext, session: CommandSession) {
        self.words = words
        self.context = context
        self.session = session
    }

    /// Takes `option` out of the words; says whether it was there.
    mutating func takeOption(_ option: String) -> Bool {
        guard let index = words.firstIndex(of: option) else { return false }
        words.remove(at: index)
        return true
    }

    mutating func say(_ line: String) {
        out.append(line)
        out.append(0x0A)
    }
}
