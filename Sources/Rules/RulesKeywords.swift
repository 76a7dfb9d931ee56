// The keywords of the rooms from Patterns to Rules, and the help for samples, converters and log variables.

internal import Basics
public import Configuration
internal import Expressions
internal import LogFormat
internal import Patterns

public enum RulesKeywords {
    public static let table: [Keyword] =
        [acl] + actions + inspectDelays + [redirect, useBackend, defaultBackend, forceSwitch] + MonitorKeywords.table
        + ExchangeLogKeywords.table + LogProfileKeywords.table
        + CaptureKeywords.table + UniqueIDKeywords.table + UserListKeywords.table
        + VariableKeywords.table + ServerRuleKeywords.table + PersistenceRuleKeywords.table
        + [ForwardedParts.keyword]

    /// Samples, criteria, converters and log-format variables, for the help and the manual.
    public static let expressionHelp: [ParameterGroup] = [
        group("samples", SampleRow.table.map { ($0.name, $0.name + $0.arguments, $0.type, $0.summary) }),
        group("criteria", criteria),
        group("converters", ConverterRow.table.map { ($0.name, $0.name + $0.arguments, $0.type, $0.summary) }),
        group("log-format", LogVariable.allCases.map { ("%\($0.rawValue)", "%\($0.rawValue)", nil, $0.summary) }),
    ]

    /// Every sample is one; some have the way to match behind their name.
    private static let criteria = SampleRow.table.flatMap { row in
        [(row.name, "\(row.name)\(row.arguments) <value>...", SampleType?.none, row.summary)]
            + (row.hasMatchForms ? matchForms : []).map { form, what in
                let name = "\(row.name)_\(form)"
                return (name, "\(name)\(row.arguments) <value>...", nil, "Whether \(row.name) \(what).")
            }
    }

    private static let matchForms = [
        ("beg", "begins with one of the values"), ("end", "ends with one of the values"),
        ("sub", "has one of the values in it"), ("dir", "has one of the values between its slashes"),
        ("dom", "has one of the values between its dots"), ("len", "has one of these numbers of bytes"),
        ("reg", "is matched by one of the regular expressions"),
    ]

    private static let acl = Keyword(
        "acl", in: .proxies,
        usage:
            "acl <name> <criterion> [-i] [-m <method>] [-M] [-f <file>]* [-n] [-u <number>] [--] [<operator>] [<value>]*",
        summary:
            "Names a test, for use behind 'if' and 'unless'. Several lines of one name are alternatives. Values are also read from files, one a line."
    ) { (arguments, draft) throws(ConfigProblem) in
        try draft[RulesSettings.self].readList(&arguments)
    }

    /// A keyword for each action in each list it may be in: `http-request deny`, `http-response deny` …
    private static let actions: [Keyword] = RuleFamily.allCases.flatMap { family in
        ActionRow.table.filter { $0.families.contains(family) }.map { row in
            let name = "\(family.rawValue) \(row.name)"
            let written = row.parentheses.map { "\(name)(\($0))" } ?? name
            let usage = [written, row.arguments, condition].filter { !$0.isEmpty }.joined(separator: " ")
            return Keyword(
                name, in: row.sections ?? family.sections, usage: usage, summary: row.summary,
                takesParentheses: row.parentheses != nil
            ) { (arguments, draft) throws(ConfigProblem) in
                let kind = draft.kind
                try draft[RulesSettings.self].readRule(row, family, of: kind, &arguments)
            }
        }
    }

    private static let inspectDelays: [Keyword] = [
        Keyword(
            "tcp-request inspect-delay", in: .proxies, usage: "tcp-request inspect-delay <time>",
            summary:
                "Lets tcp-request content rules wait so long for what the client is to send. Without it they look at what "
                + "is there."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[RulesSettings.self].requestInspectDelay = try arguments.time("a time")
        },
        Keyword(
            "tcp-response inspect-delay", in: .backends, usage: "tcp-response inspect-delay <time>",
            summary: "Lets tcp-response content rules wait so long for what the server is to send."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[RulesSettings.self].responseInspectDelay = try arguments.time("a time")
        },
    ]

    private static let condition = "[if|unless <condition>]"

    private static let redirect = Keyword(
        "redirect", in: [.frontend, .backend, .listen], usage: "redirect \(Redirection.usage) \(condition)",
        summary: "As http-request redirect, but behind all http-request rules, and with no variables in its value."
    ) { (arguments, draft) throws(ConfigProblem) in
        try draft[RulesSettings.self].readRedirect(&arguments)
    }

    private static let useBackend = Keyword(
        "use_backend", in: [.frontend, .listen], usage: "use_backend <name or format> \(condition)",
        summary: "Sends the request to this backend. The first line whose condition holds decides."
    ) { (arguments, draft) throws(ConfigProblem) in
        try draft[RulesSettings.self].readBackendRule(&arguments)
    }

    private static let defaultBackend = Keyword(
        "default_backend", in: .frontends, usage: "default_backend <name>",
        summary: "Sends the request to this backend if no use_backend line has decided."
    ) { (arguments, draft) throws(ConfigProblem) in
        draft[RulesSettings.self].defaultBackend = try arguments.next("a backend's name")
        if let last = draft[RulesSettings.self].backendRules.last, last.condition == nil,
            case .named(let name) = last.target
        {
            arguments.notice("this line is never reached: line \(name.range.line) sends all requests to '\(name.text)'")
        }
    }

    private static let forceSwitch = Keyword(
        "force-be-switch", in: [.frontend, .listen], usage: "force-be-switch if|unless <condition>",
        summary:
            "Lets use_backend and default_backend lead to disabled backends where the condition holds: to try one before "
            + "others see it. Without it, a line that leads to a disabled backend is passed over."
    ) { (arguments, draft) throws(ConfigProblem) in
        try draft[RulesSettings.self].readForcedSwitch(&arguments)
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

/// The lines, read into a section's settings.
extension RulesSettings {
    fileprivate mutating func readList(_ arguments: inout Arguments) throws(ConfigProblem) {
        try names.define(&arguments, &table.expressions)
    }

    fileprivate mutating func readRule(
        _ row: ActionRow, _ family: RuleFamily, of kind: SectionKind, _ arguments: inout Arguments
    ) throws(ConfigProblem) {
        let action = try row.parse(&arguments, family, &table)
        if case .directive(.timeout(let timeout, _)) = action, let side = timeout.side, !side.contains(Sections(kind)) {
            throw arguments.problem(
                "a \(kind.name) section has no 'timeout \(timeout.rawValue)' to change",
                expected: "this line in a \(kind == .frontend ? "backend" : "frontend") or listen section")
        }
        let condition = try names.condition(&arguments, in: family.hook, &table)
        guard let action else { return }
        warnIfUnreachable(behind: rules[family]?.last, family, &arguments)
        let origin = table.expressions.origin(of: arguments.keyword.range)
        rules[family, default: []].append(
            Rule(action: action, condition: condition, origin: origin, settlement: action.settlement(table)))
    }

    /// A rule that ends the list for every message leaves nothing for those behind it.
    private func warnIfUnreachable(behind last: Rule?, _ family: RuleFamily, _ arguments: inout Arguments) {
        guard let last, last.condition == nil, last.action.isFinal, let line = last.origin?.line else { return }
        let message = "this line is never reached: line \(line) has no condition, and ends the \(family.rawValue) lines"
        // As HAProxy, which says nothing of the tcp rules.
        if RuleFamily.http.contains(family) { arguments.warn(message) } else { arguments.notice(message) }
    }

    fileprivate mutating func readRedirect(_ arguments: inout Arguments) throws(ConfigProblem) {
        table.redirects.append(try Redirection(&arguments, in: nil, &table))
        let action = Action.redirect(table.redirects.count - 1)
        let condition = try names.condition(&arguments, in: .requestRules, &table)
        let origin = table.expressions.origin(of: arguments.keyword.range)
        redirects.append(Rule(action: action, condition: condition, origin: origin, isLastRule: false))
    }

    fileprivate mutating func readForcedSwitch(_ arguments: inout Arguments) throws(ConfigProblem) {
        guard let condition = try names.condition(&arguments, in: .routing, &table) else {
            throw arguments.problem("'force-be-switch' lacks a condition", expected: "force-be-switch if <condition>")
        }
        forcedSwitches.append(condition)
    }

    fileprivate mutating func readBackendRule(_ arguments: inout Arguments) throws(ConfigProblem) {
        let word = try arguments.next("a backend's name")
        var target = BackendRule.Target.named(word)
        if word.text.contains("%") {
            let format = try Format(word, for: .message, in: .routing, &table.formats)
            target =
                table.formats.isConstant(format)
                ? .named(Word(String(verbatim: table.formats.constantText(format)), at: word.range))
                : .computed(format)
        }
        let condition = try names.condition(&arguments, in: .routing, &table)
        if let last = backendRules.last, last.condition == nil, case .named(let name) = last.target {
            arguments.notice("this line is never reached: line \(name.range.line) sends all requests to '\(name.text)'")
        }
        let origin = table.expressions.origin(of: arguments.keyword.range)
        backendRules.append(BackendRule(target: target, condition: condition, origin: origin))
    }
}
