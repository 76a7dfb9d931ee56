// `help`, and what is said about a command that is not known.

internal import Basics
internal import Configuration

extension Command {
    static let help = Command(
        "help", usage: "help [<command>]", summary: "list matching or all commands"
    ) { call in
        let given = call.words.joined(separator: " ")
        let matching = CommandHelp.commands(at: call.session.level).filter { $0.name.hasPrefix(given) }
        call.say("The following commands are valid at this level:")
        CommandHelp.list(matching, to: &call)
    }
}

enum CommandHelp {
    /// Says that HAProxy has the command and Portico not yet, or names the commands that may have been meant.
    static func unknown(_ call: inout CommandCall) {
        if let known = KnownCommands.known(call.words) {
            return call.say("'\(known)' is known to HAProxy, but Portico does not do it yet.")
        }
        let own = commands(at: call.session.level)
        // A slip of the finger in a word that only HAProxy has; what Portico has is nearer.
        if nearest(call.words.joined(separator: " "), among: own.map(\.name)) == nil,
            let known = KnownCommands.meant(by: call.words), !own.contains(where: { $0.isNear(call.words) })
        {
            return call.say(
                "Unknown command. Did you mean '\(known)'? That is known to HAProxy, but Portico does not do it yet.")
        }
        let meant = guesses(call.words, among: own)
        call.say(
            meant.isEmpty
                ? "Unknown command. Please enter one of the following commands only:"
                : "Unknown command, but maybe one of the following ones is a better match:")
        list(meant, to: &call)
    }

    static func commands(at level: AccessLevel) -> [Command] { Command.table.filter { $0.level <= level } }

    /// Lists `matching`, or all if there is none; the last three rows are always there.
    static func list(_ matching: [Command], to call: inout CommandCall) {
        let usual = ["help", "prompt", "quit"]
        let all = commands(at: call.session.level)
        let shown = matching.isEmpty ? all : matching
        for command in all where usual.contains(command.name) || shown.contains(where: { $0.name == command.name }) {
            call.out.append("  ")
            call.out.append(command.usage)
            call.out.append(contentsOf: repeatElement(0x20, count: max(0, usageWidth - command.usage.utf8.count)))
            call.out.append(": ")
            call.say(command.summary)
        }
    }

    private static let usageWidth = 40

    /// Commands that begin with what was given; else the one nearest to it; else those that share its first word.
    private static func guesses(_ words: [String], among commands: [Command]) -> [Command] {
        guard let first = words.first else { return [] }
        let given = words.joined(separator: " ")
        let begun = commands.filter { $0.name.hasPrefix(given) }
        if !begun.isEmpty { return begun }
        for count in [2, 1] where words.count >= count {
            let name = words.prefix(count).joined(separator: " ")
            if let near = nearest(name, among: commands.map(\.name)) { return commands.filter { $0.name == near } }
        }
        let sharing = commands.filter { $0.words.first.map(String.init) == first }
        if !sharing.isEmpty { return sharing }
        let firstWords = Set(commands.compactMap { $0.words.first.map(String.init) })
        guard let near = nearest(first, among: firstWords.sorted()) else { return [] }
        return commands.filter { $0.words.first.map(String.init) == near }
    }
}
