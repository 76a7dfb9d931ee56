// The names that servers are asked for in TLS (`sni`, `sni-auto`): an expression for each server, evaluated for each request.

internal import Basics
public import Configuration
public import Expressions
internal import LogFormat
internal import Patterns

/// The names that the servers of one backend are asked for.
public struct RequestedNames: Sendable {
    /// By the server's index; nil for one that is asked for none.
    private let expressions: [Expression?]
    private let program: RuleProgram

    init(_ expressions: [Int: Expression], _ table: RuleTable) {
        self.expressions =
            expressions.keys.max().map { last in (0...last).map { expressions[$0] } } ?? []
        program = RuleProgram(table)
    }

    public var isEmpty: Bool { expressions.isEmpty }

    /// Whether requests to the server may ask for different names.
    public func concerns(server index: Int) -> Bool { index < expressions.count && expressions[index] != nil }

    /// Replaces `name` by what this exchange asks the server for. Returns false if it asks for none: the expression yields
    /// nothing, or an empty text.
    public func make(_ name: inout [UInt8], for index: Int, _ context: ExchangeContext) -> Bool {
        name.removeAll(keepingCapacity: true)
        guard index < expressions.count, let expression = expressions[index] else { return false }
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
        let compiled = try Expression(expression, in: .routing, &table.expressions)
        guard compiled.type.converts(to: .string) else {
            throw ConfigProblem("'\(expression.text)' yields no name", at: expression.range)
        }
        requestedNames[index] = compiled
    }

    /// The names of the section's servers.
    public var namesOfServers: RequestedNames { RequestedNames(requestedNames, table) }
}
