// `log-profile` sections: how the lines for one target look, whatever the frontend's own format, and which are left out
// (manual, section 8.3.5).

public import Configuration
public import Expressions

/// The `on` lines of one section.
public struct LogProfileSettings: SectionSettings {
    /// What one `on` line says.
    struct Step: Sendable {
        var isDropped = false
        /// nil: the frontend's own.
        var format: LogFormat?
        /// nil: the frontend's own.
        var structuredData: LogFormat?
    }

    var steps: [LogStep: Step] = [:]
    /// `on any`: for steps without a line of their own.
    var anyStep: Step?

    public init() {}

    /// The profile's settings for a step; nil when it has none.
    func step(_ step: LogStep) -> Step? { steps[step] ?? anyStep }

    var formats: [LogFormat] {
        (Array(steps.values) + (anyStep.map { [$0] } ?? [])).flatMap { [$0.format, $0.structuredData] }.compactMap {
            $0
        }
    }

    public mutating func update(_ change: (inout ExpressionTable) -> Void) {
        for step in steps.keys { steps[step]?.update(change) }
        anyStep?.update(change)
    }
}

extension LogProfileSettings.Step {
    fileprivate mutating func update(_ change: (inout ExpressionTable) -> Void) {
        format?.update(change)
        structuredData?.update(change)
    }
}

public enum LogProfileKeywords {
    public static let table: [Keyword] = [
        Keyword(
            "on", in: "log-profile", usage: "on <step> [drop] [format <format>] [sd <format>]",
            summary:
                "Says how the line of a step looks for targets with this profile: in a format of its own, with structured data "
                + "of its own, or not at all. The steps are accept, request, connect, response, close, error, and any for "
                + "those without a line."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a step")
            var step = LogProfileSettings.Step()
            while let option = arguments.nextIfPresent() {
                switch option.text {
                case "drop": step.isDropped = true
                case "format": step.format = try LogFormat(arguments.next("a log format"))
                case "sd": step.structuredData = try LogFormat(arguments.next("a log format"))
                default:
                    throw arguments.problem(
                        "unknown word '\(option.text)' behind 'on \(word.text)'", at: option,
                        expected: "drop, format or sd",
                        suggestion: nearest(option.text, among: ["drop", "format", "sd"]))
                }
            }
            if word.text == "any" {
                draft[LogProfileSettings.self].anyStep = step
            } else if let known = LogStep(rawValue: word.text) {
                draft[LogProfileSettings.self].steps[known] = step
            } else if ruleSteps.contains(word.text) {
                arguments.warn(
                    "no line is written at '\(word.text)': it belongs to the action do-log, which Portico does not do yet",
                    at: word)
            } else {
                throw arguments.problem(
                    "unknown step '\(word.text)'", at: word,
                    expected: "one of \(stepNames.joined(separator: ", "))",
                    suggestion: nearest(word.text, among: stepNames))
            }
        },
        Keyword(
            "log-steps", in: .proxies, usage: "log-steps all | log-steps <step>[,<step>]...",
            summary:
                "Writes a line at each of these steps instead of one at the end: accept, request, connect, response, close."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("steps")
            guard word.text != "all" else {
                draft[ExchangeLogSettings.self].steps = Set(LogStep.allCases)
                return
            }
            var steps: Set<LogStep> = []
            for name in word.text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let step = LogStep(rawValue: String(name)), step != .error else {
                    let names = LogStep.allCases.filter { $0 != .error }.map(\.rawValue)
                    throw arguments.problem(
                        "unknown step '\(name)'", at: word,
                        expected: "all, or some of \(names.joined(separator: ", "))",
                        suggestion: nearest(String(name), among: names))
                }
                steps.insert(step)
            }
            draft[ExchangeLogSettings.self].steps = steps
        },
        Keyword(
            "log-format-sd", in: .proxies, usage: "log-format-sd <format>",
            summary: "The structured data (RFC 5424) of lines for targets whose format is rfc5424."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[ExchangeLogSettings.self].structuredData = try LogFormat(arguments.next("a log format"))
        },
    ]

    private static let stepNames = LogStep.allCases.map(\.rawValue) + ["any"]

    /// Steps of HAProxy's that belong to do-log actions.
    private static let ruleSteps: Set = [
        "tcp-req-conn", "tcp-req-sess", "tcp-req-cont", "tcp-res-cont", "http-req", "http-res", "http-after-res",
        "quic-init",
    ]
}
