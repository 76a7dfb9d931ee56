// What balancing hashes in a request where an algorithm goes by an expression (`balance hash`, `balance rdp-cookie`): it is
// compiled with the backend's section, and evaluated when a server is chosen.

public import Configuration
public import Expressions
internal import LogFormat

/// A backend's expression for balancing.
public struct BalanceKey: Sendable {
    private let expression: Expression
    private let program: RuleProgram

    init(_ expression: Expression, _ table: RuleTable) {
        self.expression = expression
        program = RuleProgram(table)
    }

    /// Calls `body` with the expression's value in this exchange, and returns what that returns; nil if there is no value.
    public func with<Result>(_ context: ExchangeContext, _ body: (RawSpan) -> Result) -> Result? {
        context.side = .request
        var result: Result?
        context.withScratch {
            guard let value = expression.evaluate(context, program) else { return }
            result = context.withBytes(value.bytes(context), body)
        }
        return result
    }
}

extension RulesSettings {
    /// Compiles what balancing hashes.
    /// - Parameter asText: numbers and addresses are hashed as text, otherwise as the bytes that they consist of.
    public mutating func setBalanceKey(_ expression: Word, asText: Bool) throws(ConfigProblem) {
        let compiled = try Expression(expression, in: .routing, &table.expressions)
        let wanted = asText ? SampleType.string : .binary
        guard compiled.type.converts(to: wanted) else {
            throw ConfigProblem("'\(expression.text)' yields nothing that could be hashed", at: expression.range)
        }
        balanceExpression = compiled.yielding(wanted, &table.expressions)
    }

    /// Balancing looks into requests' bodies: they are kept for it as for rules.
    public mutating func noteBodyForBalancing() { table.expressions.usesRequestBody = true }

    /// What balancing hashes in the requests of this section; nil if it evaluates nothing.
    public var balanceKey: BalanceKey? { balanceExpression.map { BalanceKey($0, table) } }
}
