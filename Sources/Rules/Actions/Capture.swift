// `http-request capture` and `http-response capture`: keep a sample for the log, beside the captured fields.

internal import Basics
internal import Configuration
internal import Expressions
internal import LogFormat
internal import Patterns

struct CaptureAction: Sendable {
    private let expression: Expression
    private let slot: Int
    private let side: MessageSide

    init(_ expression: Expression, slot: Int, side: MessageSide) {
        self.expression = expression
        self.slot = slot
        self.side = side
    }

    /// A slot that the frontend has not got is no fault: a backend serves many frontends.
    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        context.withScratch {
            guard let value = expression.evaluate(context, program) else { return }
            context.withBytes(value.bytes(context)) { bytes in
                switch side {
                case .request: context.requestCaptures.set(slot, bytes)
                case .response: context.responseCaptures.set(slot, bytes)
                }
            }
        }
        return .next
    }
}

enum CaptureKeywords {
    static let table: [Keyword] = [
        header("request", .request),
        header("response", .response),
        Keyword(
            "declare capture", in: [.frontend, .listen], usage: "declare capture request|response len <length>",
            summary:
                "Makes room in the log for a value that an http-request or http-response capture line fills, by its "
                + "number: 0 for the first captured request or response value of the section."
        ) { (arguments, draft) throws(ConfigProblem) in
            let side = try arguments.choice("a message", of: ["request": MessageSide.request, "response": .response])
            _ = draft[ExchangeLogSettings.self].declare(nil, title: nil, try length(&arguments), side)
        },
        request(.requestContent),
        request(.httpRequest),
        response(.httpResponse),
        response(.httpAfterResponse),
    ]

    private static func request(_ family: RuleFamily) -> Keyword {
        Keyword(
            "\(family.rawValue) capture", in: .proxies,
            usage: "\(family.rawValue) capture <sample> len <length>|id <number> [if|unless <condition>]",
            summary:
                "Logs a sample among the captured request fields: in a place of its own, or in one that was declared."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a sample")
            let slot: Int
            if arguments.peek?.text == "len", draft.kind == .frontend || draft.kind == .listen {
                slot = draft[ExchangeLogSettings.self].declare(nil, title: word.text, try length(&arguments), .request)
            } else {
                slot = try number(&arguments, .request, &draft)
            }
            try draft[RulesSettings.self].readCapture(word, slot, family, &arguments)
        }
    }

    private static func response(_ family: RuleFamily) -> Keyword {
        Keyword(
            "\(family.rawValue) capture", in: .proxies,
            usage: "\(family.rawValue) capture <sample> id <number> [if|unless <condition>]",
            summary: "Logs a sample among the captured response fields, in a place that was declared."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a sample")
            let slot = try number(&arguments, .response, &draft)
            try draft[RulesSettings.self].readCapture(word, slot, family, &arguments)
        }
    }

    private static func header(_ name: String, _ side: MessageSide) -> Keyword {
        Keyword(
            "capture \(name) header", in: [.frontend, .listen],
            usage: "capture \(name) header <name> len <length>",
            summary: "Logs the last \(name) field of this name, cut to a length, in braces behind the queue sizes."
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.nextFieldName()
            guard let field = FieldName(word.text, &draft[ExchangeLogSettings.self].table) else {
                throw arguments.problem("'\(word.text)' cannot be a field name", at: word)
            }
            _ = draft[ExchangeLogSettings.self].declare(field, title: word.text, try length(&arguments), side)
        }
    }

    private static func length(_ arguments: inout Arguments) throws(ConfigProblem) -> Int {
        _ = try arguments.choice("a length", of: ["len": ()])
        // The log's longest line bounds what can be seen of it.
        return try arguments.cappedInteger("a length", in: 1...65_535)
    }

    private static func number(
        _ arguments: inout Arguments, _ side: MessageSide, _ draft: inout Draft
    ) throws(ConfigProblem) -> Int {
        _ = try arguments.choice("the number of a declared capture", of: ["id": ()])
        let word = try arguments.next("a number")
        let slot = try word.integer("a number", in: 0...1_023)
        draft[RulesSettings.self].captureNumbers.append(CaptureNumber(slot: slot, side: side, range: word.range))
        return slot
    }
}

/// A declared capture, by the number that a line names it with.
struct CaptureNumber: Sendable {
    let slot: Int
    let side: MessageSide
    let range: SourceRange
}

extension Draft {
    /// The numbers of captures that the section has not got, when all of it was read. Which captures the frontends of
    /// a backend have is not known here: every number is accepted there.
    func checkCaptureNumbers() -> [ConfigProblem] {
        guard kind == .frontend || kind == .listen else { return [] }
        let log = self[ExchangeLogSettings.self]
        return self[RulesSettings.self].captureNumbers.compactMap { number in
            let (what, count) =
                switch number.side {
                case .request: ("request", log.requestCaptures.count)
                case .response: ("response", log.responseCaptures.count)
                }
            if number.slot < count { return nil }
            return ConfigProblem(
                "'\(name)' has no \(what) capture \(number.slot)", at: number.range,
                expected: count == 0 ? "a line 'declare capture \(what)'" : "0 to \(count - 1)")
        }
    }
}

extension ExchangeLogSettings {
    /// Adds a slot for a value. Returns its number, which is its title when the line gives none.
    fileprivate mutating func declare(_ name: FieldName?, title: String?, _ length: Int, _ side: MessageSide) -> Int {
        let capture = FieldCapture(name: name, length: length)
        switch side {
        case .request:
            requestCaptures.append(capture)
            requestTitles.append(title ?? "\(requestTitles.count)")
            return requestCaptures.count - 1
        case .response:
            responseCaptures.append(capture)
            responseTitles.append(title ?? "\(responseTitles.count)")
            return responseCaptures.count - 1
        }
    }
}

extension RulesSettings {
    fileprivate mutating func readCapture(
        _ word: Word, _ slot: Int, _ family: RuleFamily, _ arguments: inout Arguments
    ) throws(ConfigProblem) {
        let expression = try Expression(word, in: family.hook, &table.expressions)
        let condition = try names.condition(&arguments, in: family.hook, &table)
        let action = CaptureAction(expression, slot: slot, side: family.side)
        let origin = table.expressions.origin(of: arguments.keyword.range)
        rules[family, default: []].append(
            Rule(action: .capture(action), condition: condition, origin: origin, isLastRule: false))
    }
}
