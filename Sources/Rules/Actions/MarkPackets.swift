// `set-tos`, `set-fc-tos`, `set-mark`, `set-fc-mark`, `set-bc-tos`, `set-bc-mark`: what the packets to the client, or to the
// server, carry for routers and for the system's own rules about packets (manual, `http-request set-fc-tos`); and
// `set-nice`, which is accepted without effect.

internal import Configuration
internal import Expressions

struct MarkPacketsAction: Sendable {
    enum Part: Sendable { case typeOfService, mark }

    enum Amount: Sendable {
        case constant(UInt32)
        case computed(Expression)
    }

    let part: Part
    /// Whether it is about those to the server.
    let isForServer: Bool
    let amount: Amount

    /// What yields no number, or one that is too large, changes nothing.
    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        let number: UInt32?
        switch amount {
        case .constant(let constant): number = constant
        case .computed(let expression):
            number = context.withScratch {
                expression.evaluate(context, program)?.integer(context).flatMap(UInt32.init(exactly:))
            }
        }
        guard let number else { return .next }
        if isForServer {
            context.directives.serverMarks.set(part, number)
        } else {
            context.directives.packetMarks.set(part, number)
        }
        return .next
    }
}

extension PacketMarks {
    fileprivate mutating func set(_ part: MarkPacketsAction.Part, _ number: UInt32) {
        switch part {
        case .typeOfService: typeOfService = UInt8(exactly: number)
        case .mark: mark = number
        }
    }
}

extension MarkPacketsAction {
    private static let families = RuleFamily.tcp + [.httpRequest, .httpResponse]

    static let rows = [
        row(
            "set-tos", .typeOfService, most: 0xFF,
            "Gives the packets to the client this type of service (DSCP in its upper six bits), for routers on the way."
        ),
        row("set-fc-tos", .typeOfService, most: 0xFF, "The same as set-tos."),
        row(
            "set-mark", .mark, most: 0xFFFF_FFFF,
            "Marks the packets to the client for the system's own routes and filters. Needs the right to (CAP_NET_ADMIN)."
        ),
        row("set-fc-mark", .mark, most: 0xFFFF_FFFF, "The same as set-mark."),
        row(
            "set-bc-tos", .typeOfService, isForServer: true, most: 0xFF,
            "As set-fc-tos, for the packets to the server, on a connection that no other request has."),
        row(
            "set-bc-mark", .mark, isForServer: true, most: 0xFFFF_FFFF,
            "As set-fc-mark, for the packets to the server, on a connection that no other request has."),
        ActionRow(
            "set-nice", in: [.requestContent, .responseContent, .httpRequest, .httpResponse], "<number>",
            summary: "Read and left alone: no exchange goes before another, each has its turn."
        ) { (arguments, _, _) throws(ConfigProblem) in
            let word = arguments.peek
            _ = try arguments.cappedInteger("a number", in: -1_024...1_024)
            arguments.warn("'set-nice' has no effect: each exchange has its turn", at: word)
            return nil
        },
    ]

    private static func row(
        _ name: String, _ part: Part, isForServer: Bool = false, most: Int, _ summary: String
    ) -> ActionRow {
        ActionRow(
            name, in: isForServer ? [.requestContent, .httpRequest] : families, "<number>|<expression>",
            summary: summary
        ) {
            (arguments, family, table) throws(ConfigProblem) in
            let word = try arguments.next("a number, or an expression that yields one")
            guard let first = word.text.utf8.first, !(0x30...0x39).contains(first), first != 0x2D else {
                let amount = Amount.constant(try number(word, most: most, arguments))
                return .markPackets(MarkPacketsAction(part: part, isForServer: isForServer, amount: amount))
            }
            let expression = try Expression(word, in: family.hook, &table.expressions)
            guard expression.type.converts(to: .integer) else {
                throw arguments.problem("'\(word.text)' yields no number", at: word, expected: "0 to \(most)")
            }
            return .markPackets(MarkPacketsAction(part: part, isForServer: isForServer, amount: .computed(expression)))
        }
    }

    /// Decimal, or hexadecimal behind `0x`.
    private static func number(
        _ word: Word, most: Int, _ arguments: Arguments
    ) throws(ConfigProblem) -> UInt32 {
        let isHexadecimal = word.text.hasPrefix("0x") || word.text.hasPrefix("0X")
        let digits = isHexadecimal ? word.text.dropFirst(2) : word.text[...]
        guard digits.first != "+", digits.first != "-", let number = UInt32(digits, radix: isHexadecimal ? 16 : 10),
            number <= most
        else {
            throw arguments.problem("'\(word.text)' is no such number", at: word, expected: "0 to \(most), or 0x…")
        }
        return number
    }
}
