// The keywords of `mailers` sections. Portico sends no mail: the sections are parsed and unused, and `email-alert` lines are refused.

public import Configuration

/// The mail settings of one section.
public struct MailSettings: SectionSettings {
    /// The mail servers of a `mailers` section, by name.
    var mailers: [String: SourceRange] = [:]

    public init() {}
}

enum MailerKeywords {
    static let table: [Keyword] = [
        Keyword(
            "mailer", in: "mailers", usage: "mailer <name> <address>:<port>",
            summary: "Adds a mail server. Portico sends no mail: the section is parsed and not used."
        ) { (arguments, draft) throws(ConfigProblem) in
            let name = try arguments.next("a mail server's name")
            let word = try arguments.next("an address")
            guard case .endpoint(_, let ports?) = try AddressText(word), ports.count == 1 else {
                throw arguments.problem(
                    "a mail server has an address and a port", at: word, expected: "<address>:<port>")
            }
            if let first = draft[MailSettings.self].mailers[name.text] {
                throw arguments.problem("there is a mailer '\(name.text)' already, at line \(first.line)", at: name)
            }
            draft[MailSettings.self].mailers[name.text] = name.range
        },
        Keyword(
            "timeout mail", in: "mailers", usage: "timeout mail <time>",
            summary: "The time-out for sending a mail. Portico sends no mail: the section is parsed and not used."
        ) { (arguments, draft) throws(ConfigProblem) in _ = try arguments.time("a time") },
    ]
}
