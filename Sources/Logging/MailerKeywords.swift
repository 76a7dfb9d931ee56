// The words about mail: a `mailers` section is read, and `email-alert` says that no mail is sent.

public import Configuration

/// The lines about mail of one section.
public struct MailSettings: SectionSettings {
    /// The mail servers of a `mailers` section, by name.
    var mailers: [String: SourceRange] = [:]
    /// The sections that `email-alert mailers` lines name.
    public var references: [Reference] = []

    public init() {}
}

enum MailerKeywords {
    static let table: [Keyword] = [
        Keyword(
            "mailer", in: "mailers", usage: "mailer <name> <address>:<port>",
            summary: "Names a mail server. Portico sends no mail: the section is read and not used."
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
            summary: "How long a mail may take. Portico sends no mail: the section is read and not used."
        ) { (arguments, draft) throws(ConfigProblem) in _ = try arguments.time("a time") },
        alert("mailers", "<mailers>", "Names the mail servers for alerts.") {
            (arguments, draft) throws(ConfigProblem) in
            draft[MailSettings.self].references.append(Reference(try arguments.next("the name of a mailers section")))
        },
        alert("from", "<address>", "Says whom alerts come from.") { (arguments, draft) throws(ConfigProblem) in
            _ = try arguments.next("an address")
        },
        alert("to", "<address>", "Says whom alerts go to.") { (arguments, draft) throws(ConfigProblem) in
            _ = try arguments.next("an address")
        },
        alert("myhostname", "<name>", "Says what this host is called in alerts.") {
            (arguments, draft) throws(ConfigProblem) in _ = try arguments.next("a host name")
        },
        alert("level", "<level>", "Says from which level on alerts are sent.") {
            (arguments, draft) throws(ConfigProblem) in
            _ = try arguments.choice("a log level", of: LoggingKeywords.levels)
        },
    ]

    /// An `email-alert` line. All of a section are warned about, so that none of them is believed.
    private static func alert(_ name: String, _ usage: String, _ summary: String, parse: @escaping Keyword.Parser)
        -> Keyword
    {
        Keyword(
            "email-alert \(name)", in: .proxies, usage: "email-alert \(name) \(usage)",
            summary: summary + " Portico sends no mail, and warns of that."
        ) { (arguments, draft) throws(ConfigProblem) in
            try parse(&arguments, &draft)
            arguments.warn(
                "no mail is sent: 'email-alert \(name)' has no effect",
                expected: "a log line whose receiver sends mail; states of servers are logged at levels notice to emerg"
            )
        }
    }
}
