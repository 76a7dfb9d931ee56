// `unique-id-format` and `unique-id-header`: a name for each request that this log, the server and its log share.

public import Configuration
public import Expressions
internal import HTTP
internal import Patterns

/// How one frontend names its requests, or a backend its checks.
public struct UniqueID: Sendable {
    private let format: Format
    private let field: FieldName?
    private let program: FormatProgram

    init(_ format: Format, field: FieldName?, _ table: FormatTable) {
        self.format = format
        self.field = field
        program = FormatProgram(table)
    }

    /// Bytes kept, as in HAProxy.
    static let bytesMax = 127

    /// Gives the exchange its name. Call when the request's head is complete, before rules run.
    public func name(_ context: ExchangeContext) {
        context.uniqueID.removeAll(keepingCapacity: true)
        context.side = .request
        format.render(context, program, into: &context.uniqueID)
        if context.uniqueID.count > Self.bytesMax {
            context.uniqueID.removeLast(context.uniqueID.count - Self.bytesMax)
        }
    }

    /// Tells the server the name, if there is a field for it: in place of what the client says there, but not of what a
    /// rule has written.
    public func addField(_ context: ExchangeContext) {
        guard let field else { return }
        let isWritten = context.request.fields.remove(named: program.text(field.text), before: context.receivedFields)
        guard !isWritten, !context.uniqueID.isEmpty else { return }
        context.request.fields.change(.add, field, context.uniqueID, program)
    }
}

public struct UniqueIDSettings: SectionSettings {
    public var table = FormatTable()
    var format: Format?
    var field: FieldName?

    public init() {}

    mutating func readFormat(_ arguments: inout Arguments) throws(ConfigProblem) {
        let word = try arguments.next("a log format")
        // Spaces are joined as in a line: the usual format begins with one, behind its flags.
        let format = try Format(word, for: .logLine, in: .requestRules, &table)
        guard !table.constantText(format).contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw arguments.problem("a header value cannot hold a control character", at: word)
        }
        self.format = format
    }

    mutating func readField(_ arguments: inout Arguments) throws(ConfigProblem) {
        let word = try arguments.nextFieldName()
        guard let name = FieldName(word.text, &table.expressions), !name.known.isHopByHop else {
            throw arguments.problem("'\(word.text)' cannot be the name of that field", at: word)
        }
        field = name
    }
}

extension Draft {
    /// How a frontend of this draft names its requests, or a backend its checks; nil if it does not.
    public var uniqueID: UniqueID? {
        let settings = self[UniqueIDSettings.self]
        return settings.format.map { UniqueID($0, field: settings.field, settings.table) }
    }
}

public enum UniqueIDKeywords {
    public static let table: [Keyword] = [
        Keyword(
            "unique-id-format", in: .proxies, usage: "unique-id-format <format>",
            summary: "Makes a name for each request, for %ID in logs and for unique-id-header: commonly "
                + "%{+X}o\\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid. In a backend it names health checks."
        ) { (arguments, draft) throws(ConfigProblem) in
            try draft[UniqueIDSettings.self].readFormat(&arguments)
        },
        Keyword(
            "unique-id-header", in: .frontends, usage: "unique-id-header <name>",
            summary: "Tells the server the request's name in a field of this name, which replaces one that the client "
                + "sends. A rule that writes the field has the last word."
        ) { (arguments, draft) throws(ConfigProblem) in
            try draft[UniqueIDSettings.self].readField(&arguments)
        },
    ]
}
