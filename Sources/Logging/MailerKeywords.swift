// The keywords for mail alerts. Portico sends no mail: `mailers` sections are parsed and unused, `email-alert` warns.

public import Configuration

/// The mail settings of one section.
public struct MailSettings: SectionSettings {
    /// The mail servers of a `mailers` section, by name.
    var mailers: [String: SourceRange] = [:]
    /// The `mailers` sections to which `email-alert mailers` lines refer.
    public var references: [Reference] = []

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
        alert("mailers", "<mailers>", "Sets the mail servers for alerts.") {
            (arguments, draft) throws(ConfigProblem) in
            draft[MailSettings.self].references.append(Reference(try arguments.next("the name of a mailers section")))
        },
        alert("from", "<address>", "Sets the sender of alerts.") { (arguments, draft) throws(ConfigProblem) in
            _ = try arguments.next("an address")
        },
        alert("to", "<address>", "Sets the recipient of alerts.") { (arguments, draft) throws(ConfigProblem) in
            _ = try arguments.next("an address")
        },
        alert("myhostname", "<name>", "Sets the name of this host in alerts.") {
            (arguments, draft) throws(ConfigProblem) in _ = try arguments.next("a host name")
        },
        alert("level", "<level>", "Sets the minimum level of alerts.") {
            (arguments, draft) throws(ConfigProblem) in
            _ = try arguments.choice("a log level", of: LoggingKeywords.levels)
        },
    ]

    /// The keyword for an `email-alert` line, which warns that it has no effect.
    private static func alert(_ name: String, _ usage: String, _ summary: String, parse: @escaping Keyword.Parser)
        -> Keyword
    {
        Keyword(
            "email-alert \(name)", in: .proxies, usage: "email-alert \(name) \(usage)",
            summary: summary + " Portico sends no mail, and warns about it."
        ) { (arguments, draft) throws(ConfigProblem) in
            try parse(&arguments, &draft)
            arguments.warn(
                "no mail is sent: 'email-alert \(name)' has no effect",
                expected: "a log line to a receiver that sends mail; server state changes are logged at notice to emerg"
            )
        }
    }
}
