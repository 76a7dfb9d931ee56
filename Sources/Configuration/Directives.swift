// The lines that begin with a dot: they choose among other lines, or say something while a file is read.
//
// Their parsers only note what is asked, as those of `include` and `setenv` do. They may stand anywhere: before the first
// section, in one that is not known, within each other.

extension ConfigurationKeywords {
    static let directives: [Keyword] = [
        Keyword(
            ".if", in: .all, usage: ".if <condition>",
            summary: "Reads the lines below it, to the next .elif, .else or .endif, only if the condition holds. Other "
                + "lines only have to have their quotes right. `portico help conditions` lists what a condition may ask; "
                + "!, && and || and parentheses join them."
        ) { (args, draft) throws(ConfigProblem) in
            note(.begin(args.keyword, condition: args.rest()), &draft)
        },
        Keyword(
            ".elif", in: .all, usage: ".elif <condition>",
            summary: "Reads the lines below it if the condition holds and none above it in its block did."
        ) { (args, draft) throws(ConfigProblem) in
            note(.orElse(args.keyword, condition: args.rest()), &draft)
        },
        Keyword(
            ".else", in: .all, usage: ".else",
            summary: "Reads the lines below it if no condition above it in its block held."
        ) { (args, draft) throws(ConfigProblem) in
            note(.otherwise(args.keyword), &draft)
        },
        Keyword(".endif", in: .all, usage: ".endif", summary: "Ends the block that .if began.") {
            (args, draft) throws(ConfigProblem) in
            note(.end(args.keyword), &draft)
        },
        message(".notice", .notice, "Prints a message."),
        message(".warning", .warning, "Prints a warning: with -dW, Portico then does not start."),
        message(".alert", .error, "Prints an error: Portico does not start."),
        message(".diag", nil, "Prints a message with -dD on the command line."),
    ]

    /// - Parameter severity: nil for one that is only printed on demand.
    private static func message(_ name: String, _ severity: ConfigProblem.Severity?, _ summary: String) -> Keyword {
        Keyword(name, in: .all, usage: "\(name) <message>", summary: summary) { (args, draft) throws(ConfigProblem) in
            let text = try args.next("a message")
            if let word = args.peek {
                throw args.problem(
                    "unexpected '\(word.text)' behind the message", at: word,
                    expected: "quotes around the whole message")
            }
            draft[LoaderRequests.self].pending.append(.say(text, severity))
        }
    }

    private static func note(_ change: ConditionalBlocks.Change, _ draft: inout Draft) {
        draft[LoaderRequests.self].pending.append(.branch(change))
    }
}
