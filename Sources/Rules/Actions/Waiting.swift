// `pause`, `wait-for-body`, `wait-for-handshake`: the rules behind them go on later (manual, `http-request wait-for-body`).

internal import Basics
internal import Configuration
internal import Expressions
internal import TLS

enum Waiting: Sendable {
    case pause(TimeAmount)
    case body(TimeSpan, bytes: Int?)
    case handshake

    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        switch self {
        case .pause(let amount): amount.value(context, program).map { .wait(.pause($0)) } ?? .next
        case .body(let time, let bytes): .wait(.body(time: time, bytes: bytes))
        case .handshake: context.connection.clientTLS?.isHandshakeComplete == false ? .wait(.handshake) : .next
        }
    }

    static let rows = [
        ActionRow(
            "pause", in: [.httpRequest, .httpResponse], "<time>|<expression>",
            summary: "Lets the message wait for so long, or for as many milliseconds as the expression yields."
        ) { (arguments, family, table) throws(ConfigProblem) in
            .waiting(.pause(try TimeAmount(&arguments, in: family.hook, &table)))
        },
        ActionRow(
            "wait-for-body", in: [.httpRequest, .httpResponse], "time <time> [at-least <size>]",
            summary:
                "Lets the message wait for its body, whole, as much of it as was said, or a buffer full of it. Once the "
                + "time has passed the request fails with 408, the response with 504."
        ) { (arguments, _, _) throws(ConfigProblem) in
            _ = try arguments.choice("a time", of: ["time": ()])
            let time = try arguments.time("a time")
            let bytes = arguments.skip("at-least") ? try arguments.size("a size") : 0
            return .waiting(.body(time, bytes: bytes == 0 ? nil : bytes))
        },
        ActionRow(
            "wait-for-handshake", in: [.httpRequest],
            summary:
                "Lets a request that came in early data (allow-0rtt), and may be a replay, wait for the end of the TLS handshake, "
                + "which shows that it is not. It fails with 408 where that does not come in time (timeout client-hs)."
        ) { (_, _, _) throws(ConfigProblem) in .waiting(.handshake) },
    ]
}

/// A time that a line says, or that an expression yields in milliseconds.
enum TimeAmount: Sendable {
    case constant(TimeSpan)
    case computed(Expression)

    init(_ arguments: inout Arguments, in hook: RuleHook, _ table: inout RuleTable) throws(ConfigProblem) {
        let word = try arguments.next("a time, or an expression that yields milliseconds")
        guard let first = word.text.utf8.first, first &- 0x30 >= 10 else {
            let time = try word.time("a time")
            guard time > .zero else { throw arguments.problem("no time at all makes no sense here", at: word) }
            self = .constant(time)
            return
        }
        let expression = try Expression(word, in: hook, &table.expressions)
        guard expression.type.converts(to: .integer) else {
            throw arguments.problem("'\(word.text)' yields no number", at: word, expected: "milliseconds")
        }
        self = .computed(expression)
    }

    /// nil where there is none, or nothing of it.
    func value(_ context: ExchangeContext, _ program: RuleProgram) -> TimeSpan? {
        switch self {
        case .constant(let time): return time
        case .computed(let expression):
            return context.withScratch {
                guard let number = expression.evaluate(context, program)?.integer(context), number > 0 else {
                    return nil
                }
                return .milliseconds(UInt64(min(number, Self.millisecondsMax)))
            }
        }
    }

    /// A year: longer than any use, and short enough that no sum of times overflows.
    private static let millisecondsMax = 365 * 86_400_000
}
