// The keywords of this room, put together from their tables, and the help on what they are made of.

public import Configuration

public enum RulesKeywords {
    public static let table: [Keyword] =
        [acl] + actions + [redirect, useBackend, defaultBackend] + ExchangeLogKeywords.table

    /// Samples, converters and log-format variables, for the help and the manual.
    public static let expressionHelp: [ParameterGroup] = [
        group("samples", SampleRow.table.map { ($0.name, $0.name + $0.arguments, $0.type, $0.summary) }),
        group("converters", ConverterRow.table.map { ($0.name, $0.name + $0.arguments, $0.type, $0.summary) }),
        group("log-format", LogVariable.allCases.map { ("%\($0.rawValue)", "%\($0.rawValue)", nil, $0.summary) }),
    ]

    private static let acl = Keyword(
        "acl", in: .proxies, usage: "acl <name> <criterion> [-i] [-m <method>] [--] [<operator>] [<value>]*",
        summary: "Names a test, for use behind 'if' and 'unless'. Several lines of one name are alternatives."
    ) { (arguments, draft) throws(ConfigProblem) in
        try draft[RulesSettings.self].lists.define(&arguments)
    }

    /// A keyword for each action in each list it may be in: `http-request deny`, `http-response deny` …
    private static let actions: [Keyword] = RuleFamily.allCases.flatMap { family in
        ActionRow.table.filter { $0.families.contains(family) }.map { row in
            let name = "\(family.rawValue) \(row.name)"
            let usage = [name, row.arguments, condition].filter { !$0.isEmpty }.joined(separator: " ")
            return Keyword(name, in: .proxies, usage: usage, summary: row.summary) {
                (arguments, draft) throws(ConfigProblem) in
                let action = try row.parse(&arguments, family)
                let condition = try draft[RulesSettings.self].lists.condition(&arguments, in: family.place)
                guard let action else { return }
                let rule = Rule(action: action, condition: condition)
                switch family {
                case .httpRequest: draft[RulesSettings.self].request.append(rule)
                case .httpResponse: draft[RulesSettings.self].response.append(rule)
                }
            }
        }
    }

    private static let condition = "[if|unless <condition>]"

    private static let redirect = Keyword(
        "redirect", in: [.frontend, .backend, .listen], usage: "redirect \(RedirectAction.usage) \(condition)",
        summary: "As http-request redirect, but behind all http-request rules, and with no variables in its value."
    ) { (arguments, draft) throws(ConfigProblem) in
        let action = try RedirectAction(&arguments, in: nil)
        let condition = try draft[RulesSettings.self].lists.condition(&arguments, in: .requestRules)
        draft[RulesSettings.self].redirects.append(Rule(action: .redirect(action), condition: condition))
    }

    private static let useBackend = Keyword(
        "use_backend", in: [.frontend, .listen], usage: "use_backend <name or format> \(condition)",
        summary: "Sends the request to this backend. The first line whose condition holds decides."
    ) { (arguments, draft) throws(ConfigProblem) in
        let word = try arguments.next("a backend's name")
        var target = BackendRule.Target.named(word)
        if word.text.contains("%") {
            let format = try LogFormat(word, for: .message, in: .routing)
            target =
                format.isConstant
                ? .named(Word(String(decoding: format.constantText, as: UTF8.self), at: word.range))
                : .computed(format)
        }
        let condition = try draft[RulesSettings.self].lists.condition(&arguments, in: .routing)
        draft[RulesSettings.self].backendRules.append(BackendRule(target: target, condition: condition))
    }

    private static let defaultBackend = Keyword(
        "default_backend", in: .frontends, usage: "default_backend <name>",
        summary: "Sends the request to this backend if no use_backend line has decided."
    ) { (arguments, draft) throws(ConfigProblem) in
        draft[RulesSettings.self].defaultBackend = try arguments.next("a backend's name")
    }

    private static func group(
        _ title: String, _ rows: [(name: String, usage: String, type: SampleType?, summary: String)]
    ) -> ParameterGroup {
        ParameterGroup(
            of: title,
            rows.map { row in
                let type = row.type.map { " (\($0.rawValue))" } ?? ""
                return Parameter<Void>(row.name, usage: row.usage + type, summary: row.summary) {
                    (_, _) throws(ConfigProblem) in
                }
            })
    }
}
