// The commands about the conversation itself: whether it goes on, when it ends, what it may do and which commands it has; and
// the answer to a command that is not known.

internal import Basics
internal import Configuration

public enum PromptCommand: RuntimeCommand {
    public static let name = "prompt"
    public static let summary = "toggle interactive mode with prompt"
    public static func run(_ call: inout CommandCall) { call.session.isInteractive.toggle() }
}

public enum QuitCommand: RuntimeCommand {
    public static let name = "quit"
    public static let summary = "disconnect"
    public static func run(_ call: inout CommandCall) { call.session.isOver = true }
}

/// What a program says that takes over: no answer follows it but the messages with the sockets, or the end.
public enum GetListeners: RuntimeCommand {
    public static let name = "_getsocks"
    public static let summary = "hand the listening sockets to another process"
    public static let isForPrograms = true
    public static func run(_ call: inout CommandCall) {
        if call.session.exposesListeners { call.session.handsOver = true } else { call.session.isOver = true }
    }
}

public enum LowerToOperator: RuntimeCommand {
    public static let name = "operator"
    public static let level = AccessLevel.operator
    public static let summary = "lower the level of the current CLI session to operator"
    public static func run(_ call: inout CommandCall) { call.session.level = .operator }
}

public enum LowerToUser: RuntimeCommand {
    public static let name = "user"
    public static let summary = "lower the level of the current CLI session to user"
    public static func run(_ call: inout CommandCall) { call.session.level = .user }
}

public enum ShowAccessLevel: RuntimeCommand {
    public static let name = "show cli level"
    public static let summary = "display the level of the current CLI session"
    public static func run(_ call: inout CommandCall) { call.say(call.session.level.name) }
}

public enum HelpCommand: RuntimeCommand {
    public static let name = "help"
    public static let usage = "help [<command>]"
    public static let summary = "list matching or all commands"

    public static func run(_ call: inout CommandCall) {
        let given = call.words.joined(separator: " ")
        let matching = allowed(call).filter { $0.name.hasPrefix(given) }
        call.say("The following commands are valid at this level:")
        list(matching, to: &call)
    }

    /// The commands that the conversation may use now.
    static func allowed(_ call: CommandCall) -> [any RuntimeCommand.Type] {
        call.commands.filter {
            $0.level <= call.session.level && (call.session.isExpert || !$0.isForExperts) && !$0.isForPrograms
        }
    }

    /// Lists `matching`, or all if there is none. The commands about the conversation itself are always listed.
    static func list(_ matching: [any RuntimeCommand.Type], to call: inout CommandCall) {
        let always = ["help", "prompt", "quit"]
        let all = allowed(call)
        let shown = matching.isEmpty ? all : matching
        for command in all where always.contains(command.name) || shown.contains(where: { $0.name == command.name }) {
            call.say { out in
                out.append("  ")
                out.append(command.usage)
                out.append(contentsOf: repeatElement(0x20, count: max(0, usageWidth - command.usage.utf8.count)))
                out.append(": ")
                out.append(command.summary)
                out.append(0x0A)
            }
        }
    }

    private static let usageWidth = 40
}

enum UnknownCommand {
    /// Says that HAProxy has the command and Portico not yet, or names the commands that may have been meant.
    static func answer(_ call: inout CommandCall) {
        if let known = KnownCommands.known(call.words) {
            return call.tell("'\(known)' is known to HAProxy, but Portico does not do it yet.")
        }
        let own = HelpCommand.allowed(call)
        // A misspelling of a command that only HAProxy has; one of Portico's own is preferred.
        if nearest(call.words.joined(separator: " "), among: own.map { $0.name }) == nil,
            let known = KnownCommands.meant(by: call.words, except: call.commands),
            !own.contains(where: { $0.isNear(call.words) })
        {
            return call.tell(
                "Unknown command. Did you mean '\(known)'? That is known to HAProxy, but Portico does not do it yet.")
        }
        let meant = guesses(call.words, among: own)
        call.tell(
            meant.isEmpty
                ? "Unknown command. Please enter one of the following commands only:"
                : "Unknown command, but maybe one of the following ones is a better match:")
        HelpCommand.list(meant, to: &call)
    }

    /// Commands that begin with what was given; else the one nearest to it; else those that share its first word.
    private static func guesses(
        _ words: [String], among commands: [any RuntimeCommand.Type]
    ) -> [any RuntimeCommand.Type] {
        guard let first = words.first else { return [] }
        let given = words.joined(separator: " ")
        let begun = commands.filter { $0.name.hasPrefix(given) }
        if !begun.isEmpty { return begun }
        for count in [2, 1] where words.count >= count {
            let name = words.prefix(count).joined(separator: " ")
            if let near = nearest(name, among: commands.map { $0.name }) { return commands.filter { $0.name == near } }
        }
        let sharing = commands.filter { $0.words.first.map(String.init) == first }
        if !sharing.isEmpty { return sharing }
        let firstWords = Set(commands.compactMap { $0.words.first.map(String.init) })
        guard let near = nearest(first, among: firstWords.sorted()) else { return [] }
        return commands.filter { $0.words.first.map(String.init) == near }
    }
}
