// What connections to servers are given of the request that they are opened for: the address that they come from (`usesrc hdr_ip`),
// and values of their PROXY protocol header (`set-proxy-v2-tlv-fmt`).

public import Basics
public import Configuration
public import Expressions
internal import LogFormat

/// A value of a PROXY protocol header.
struct HeaderValueFormat: Sendable {
    let type: UInt8
    let format: Format
}

/// What connections to the servers of one backend are given.
public struct ServerValues: Sendable {
    private let sources: [Int: Expression]
    private let values: [Int: [HeaderValueFormat]]
    private let program: RuleProgram

    init(sources: [Int: Expression], values: [Int: [HeaderValueFormat]], _ table: RuleTable) {
        self.sources = sources
        self.values = values
        program = RuleProgram(table)
    }

    /// The address that the exchange's connection to the server with this index comes from; nil if the request names none.
    public func source(for index: Int, _ context: ExchangeContext) -> IPAddress? {
        guard let expression = sources[index] else { return nil }
        context.side = .request
        return context.withScratch { expression.evaluate(context, program)?.address(context) }
    }

    /// Calls `append` with type and value of each value for the server with this index.
    public func headerValues(for index: Int, _ context: ExchangeContext, _ append: (UInt8, [UInt8]) -> Void) {
        guard let values = values[index] else { return }
        context.side = .request
        for value in values {
            var bytes: [UInt8] = []
            value.format.render(context, program, into: &bytes)
            append(value.type, bytes)
        }
    }
}

extension RulesSettings {
    /// Compiles the address that connections to the server with this index come from.
    public mutating func addSource(_ expression: Word, server index: Int) throws(ConfigProblem) {
        sources[index] = try Expression(expression, in: .routing, &table.expressions)
    }

    /// Compiles a value of the PROXY protocol header of the server with this index.
    public mutating func addHeaderValue(_ format: Word, type: UInt8, server index: Int) throws(ConfigProblem) {
        headerValues[index, default: []].append(
            HeaderValueFormat(type: type, format: try Format(format, for: .bytes, in: .routing, &table.formats)))
    }

    /// What connections to the section's servers are given.
    public var valuesForServers: ServerValues { ServerValues(sources: sources, values: headerValues, table) }
}
