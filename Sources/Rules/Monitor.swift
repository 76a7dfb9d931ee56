// `monitor-uri` and `monitor fail`: the answer for external monitoring of this Portico, by a load balancer
// in front of it for example. It is sent before any rule runs, and is not logged.

internal import Basics
internal import Configuration
public import Expressions
internal import HTTP

/// One frontend's monitor.
public struct Monitor: Sendable {
    private let target: [UInt8]
    private let failures: [Condition]
    private let program: RuleProgram

    init(target: String, failures: [Condition], _ table: RuleTable) {
        self.target = Array(target.utf8)
        self.failures = failures
        program = RuleProgram(table)
    }

    /// 200, or 503 if a `monitor fail` line holds; nil if the request has another target, query included. A target that
    /// begins with a slash is that of an absolute form too, whatever its scheme and authority.
    public func status(for context: ExchangeContext) -> Int? {
        var isMine = context.request.target.equals(target)
        if !isMine, target.first == 0x2F { isMine = context.request.pathAndQuery.equals(target) }
        guard isMine else { return nil }
        context.side = .request
        // A condition that cannot be decided is not reported as well-being.
        return failures.contains { $0.holds(context, program, .towardsHolding) } ? 503 : 200
    }
}

extension RulesSettings {
    /// The monitor of a frontend with these settings; nil if it has none.
    public func monitor() -> Monitor? {
        monitorTarget.map { Monitor(target: $0, failures: monitorFailures, table) }
    }
}

extension RulesSettings {
    fileprivate mutating func readMonitorFailure(_ arguments: inout Arguments) throws(ConfigProblem) {
        guard let condition = try names.condition(&arguments, in: .requestRules, &table) else {
            throw arguments.problem("'monitor fail' lacks a condition", expected: "monitor fail if <condition>")
        }
        monitorFailures.append(condition)
    }
}

enum MonitorKeywords {
    static let table: [Keyword] = [
        Keyword(
            "monitor-uri", in: .frontends, usage: "monitor-uri <target>",
            summary: "Answers requests for exactly this target with 200 itself, before any rule, and logs none of them."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a target")
            guard !word.text.isEmpty, word.text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw arguments.problem(
                    "'\(word.text)' cannot be the target of a request", at: word, expected: "one like /alive")
            }
            draft[RulesSettings.self].monitorTarget = word.text
        },
        Keyword(
            "monitor fail", in: [.frontend, .listen], usage: "monitor fail if|unless <condition>",
            summary: "Lets the monitor answer 503 where the condition holds. Several lines are alternatives."
        ) { (arguments, draft) throws(ConfigProblem) in
            try draft[RulesSettings.self].readMonitorFailure(&arguments)
        },
    ]
}

extension RawSpan {
    fileprivate func equals(_ bytes: [UInt8]) -> Bool {
        guard byteCount == bytes.count else { return false }
        for i in 0..<byteCount where self[i] != bytes[i] { return false }
        return true
    }
}
