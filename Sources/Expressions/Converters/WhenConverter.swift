// `when`: passes a value on if a condition holds, to log rare cases only (manual, section 7.3.1).

internal import Configuration

struct WhenConverter: Sendable {
    private enum Condition: String, CaseIterable, Sendable {
        /// As `option dontlog-normal` tells the two apart.
        case error, normal
        /// A server was reached.
        case forwarded
        /// Portico has answered itself, from a page or a file.
        case toapplet
        /// One of the two.
        case processed
        case stopping
    }

    private enum Subject: Sendable {
        case fact(Condition)
        /// A named condition, by the index of its use in the table.
        case list(Int)
    }
    private let subject: Subject
    private let isNegated: Bool

    static let row = ConverterRow(
        "when", "([!]<condition>[,<name>])", takes: .any, yields: .any,
        summary:
            "The value, if something is so: error or normal, as option dontlog-normal tells them apart; forwarded, to a server; "
            + "toapplet, to the statistics or files; processed, by one of the two; stopping, of the process; acl, which names a "
            + "condition."
    ) { (arguments, table) throws(ConfigProblem) in
        let text = try arguments.string("a condition")
        let isNegated = text.hasPrefix("!")
        let name = isNegated ? String(text.dropFirst()) : text
        if name == "acl" {
            try table.useList(&arguments)
            return .when(WhenConverter(subject: .list(table.listUses.count - 1), isNegated: isNegated))
        }
        guard let condition = Condition(rawValue: name) else {
            let names = Condition.allCases.map(\.rawValue).joined(separator: ", ")
            throw arguments.problem(
                "'\(name)' is no condition here", expected: "one of \(names), acl, or one with '!' before it")
        }
        return .when(WhenConverter(subject: .fact(condition), isNegated: isNegated))
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let holds =
            switch subject {
            case .fact(let condition): holds(condition, context)
            case .list(let place): program.usedListHolds(place, context)
            }
        return holds != isNegated ? value : nil
    }

    private func holds(_ condition: Condition, _ context: ExchangeContext) -> Bool {
        let wasForwarded = context.serverAddress != nil
        let wasAnsweredHere =
            !wasForwarded && context.serverName != ExchangeContext.noServer && context.serverNumber == nil
        return switch condition {
        case .error: context.hasFailed(isHTTP: context.requestProbe == nil)
        case .normal: !context.hasFailed(isHTTP: context.requestProbe == nil)
        case .forwarded: wasForwarded
        case .toapplet: wasAnsweredHere
        case .processed: wasForwarded || wasAnsweredHere
        case .stopping: context.site.map { $0.number(.isStopping) != 0 } ?? false
        }
    }
}
