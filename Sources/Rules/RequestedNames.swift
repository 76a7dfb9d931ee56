// The names that servers are asked for in TLS (`sni`, `sni-auto`), and those that connections to them are told apart by
// (`pool-conn-name`): an expression for each server, evaluated for each request.

internal import Basics
public import Configuration
public import Expressions
internal import LogFormat
internal import Patterns

/// The names that the servers of one backend are asked for.
public struct RequestedNames: Sendable {
    /// By the server's index; nil for one that is asked for none.
    private let expressions: [Expression?]
    private let poolNames: [Expression?]
    private let program: RuleProgram

    init(_ expressions: [Int: Expression], poolNames: [Int: Expression], _ table: RuleTable) {
        self.expressions = Self.row(expressions)
        self.poolNames = Self.row(poolNames)
        program = RuleProgram(table)
    }

    private static func row(_ expressions: [Int: Expression]) -> [Expression?] {
        expressions.keys.max().map { last in (0...last).map { expressions[$0] } } ?? []
    }

    /// Whether requests to the server may ask for different names, or name their connections differently.
    public func concerns(server index: Int) -> Bool {
        [expressions, poolNames].contains { index < $0.count && $0[index] != nil }
    }

    /// Replaces `name` by what this exchange asks the server for. Returns false if it asks for none: the expression yields
    /// nothing, or an empty text.
    public func make(_ name: inout [UInt8], for index: Int, _ context: ExchangeContext) -> Bool {
        make(&name, with: index < expressions.count ? expressions[index] : nil, context)
    }

    /// Replaces `name` by what connections for this exchange are told apart by; `requested` is what it asks the server for.
    public func makePoolName(
        _ name: inout [UInt8], orElse requested: [UInt8], for index: Int, _ context: ExchangeContext
    ) {
        guard index < poolNames.count, let expression = poolNames[index] else { return name = requested }
        _ = make(&name, with: expression, context)
    }

    private func make(_ name: inout [UInt8], with expression: Expression?, _ context: ExchangeContext) -> Bool {
        name.removeAll(keepingCapacity: true)
        guard let expression else { return false }
        context.side = .request
        context.withScratch {
            guard let value = expression.evaluate(context, program) else { return }
            context.withBytes(value.bytes(context)) { name.append($0) }
        }
        return !name.isEmpty
    }
}

extension RulesSettings {
    /// Compiles what the server with this index is asked for.
    public mutating func addRequestedName(_ expression: Word, server index: Int) throws(ConfigProblem) {
        requestedNames[index] = try name(expression)
    }

    /// Compiles what connections to the server with this index are told apart by.
    public mutating func addPoolName(_ expression: Word, server index: Int) throws(ConfigProblem) {
        poolNames[index] = try name(expression)
    }

    private mutating func name(_ expression: Word) throws(ConfigProblem) -> Expression {
        let compiled = try Expression(expression, in: .routing, &table.expressions)
        guard compiled.type.converts(to: .string) else {
            throw ConfigProblem("'\(expression.text)' yields no name", at: expression.range)
        }
        return compiled
    }

    /// The names of the section's servers.
    public var namesOfServers: RequestedNames { RequestedNames(requestedNames, poolNames: poolNames, table) }
}
