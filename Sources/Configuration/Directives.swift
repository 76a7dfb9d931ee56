// Directives, which begin with a dot: conditional blocks, and messages while a file is read.
//
// Their parsers only record a request, like those of `include` and `setenv`. Directives are allowed anywhere: before
// the first section, in unknown sections, inside each other.

extension ConfigurationKeywords {
    static let directives: [Keyword] = [
        Keyword(
            ".if", in: .all, usage: ".if <condition>",
            summary: "Processes the following lines, up to the next .elif, .else or .endif, only if the condition is "
                + "true. Lines that are not processed must still have balanced quotes. `portico help conditions` lists "
                + "the predicates, which can be combined with !, &&, || and parentheses."
        ) { (args, draft) throws(ConfigProblem) in
            note(.begin(args.keyword, condition: args.rest()), &draft)
        },
        Keyword(
            ".elif", in: .all, usage: ".elif <condition>",
            summary: "Processes the following lines if the condition is true and no earlier one in its block was."
        ) { (args, draft) throws(ConfigProblem) in
            note(.elseIf(args.keyword, condition: args.rest()), &draft)
        },
        Keyword(
            ".else", in: .all, usage: ".else",
            summary: "Processes the following lines if no condition in its block was true."
        ) { (args, draft) throws(ConfigProblem) in
            note(.otherwise(args.keyword), &draft)
        },
        Keyword(".endif", in: .all, usage: ".endif", summary: "Ends the block of the matching .if.") {
            (args, draft) throws(ConfigProblem) in
            note(.end(args.keyword), &draft)
        },
        message(".notice", .notice, "Prints a message."),
        message(".warning", .warning, "Prints a warning: with -dW, Portico then does not start."),
        message(".alert", .error, "Prints an error: Portico does not start."),
        message(".diag", nil, "Prints a message with -dD on the command line."),
    ]

    /// - Parameter severity: nil for a message that is printed only with `-dD`.
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
