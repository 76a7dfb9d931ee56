// `map` and its variants: look a value up in a file of keys and values (manual, section 7.3.1).

internal import Basics
internal import Configuration
internal import Patterns

struct MapConverter: Sendable {
    private let method: MatchMethod
    /// The index of its look-up in the table.
    private let lookup: Int
    private let value: MapValue
    /// What stands in for a value that the file says nothing of.
    private let fallback: SampleFallback?

    private enum SampleFallback: Sendable {
        case text(TableSlice)
        case integer(Int)
        case address(IPAddress)
    }

    static let rows: [ConverterRow] =
        methods.flatMap { name, method in
            [row("map_\(name)", method, .text), row("map_\(name)_int", method, .integer)]
                + [row("map_\(name)_ip", method, .address), row("map_\(name)_key", method, .key)]
        } + [row("map", .str, .text), row("map_regm", .reg, .expansion)]

    private static let methods: KeyValuePairs<String, MatchMethod> = [
        "str": .str, "beg": .beg, "sub": .sub, "dir": .dir, "dom": .dom, "end": .end, "reg": .reg, "int": .int,
        "ip": .ip,
    ]

    private static func row(_ name: String, _ method: MatchMethod, _ value: MapValue) -> ConverterRow {
        let input: SampleType =
            switch method {
            case .int: .integer
            case .ip: .address
            default: .string
            }
        return ConverterRow(
            name, value == .key ? "(<file>)" : "(<file>[,<default>])", takes: input, yields: value.type,
            summary: value == .key
                ? "Of the map in the file, \(subject(method)): as it is written there."
                : "What the map in the file says of \(subject(method))\(value.note); if it says nothing, the default."
        ) { (arguments, table) throws(ConfigProblem) in
            .map(try MapConverter(method, value, &arguments, &table))
        }
    }

    private static func subject(_ method: MatchMethod) -> String {
        switch method {
        case .beg: "the longest of its keys that the text begins with"
        case .end: "the first of its keys that the text ends with"
        case .sub: "the first of its keys that is in the text"
        case .dir: "the first of its keys that is between slashes of the text"
        case .dom: "the first of its keys that is between dots or slashes of the text"
        case .reg: "the first of its regular expressions that is found in the text"
        case .int: "the first of its numbers or ranges that the number is in"
        case .ip: "the smallest of its networks that the address is in"
        default: "the text"
        }
    }

    private init(
        _ method: MatchMethod, _ value: MapValue, _ arguments: inout ExpressionArguments, _ table: inout ExpressionTable
    ) throws(ConfigProblem) {
        self.method = method
        self.value = value
        let file = try arguments.reference("a file's path")
        lookup = table.patterns.use(file, isMap: true, method, ignoringCase: false, valueType: value)
        // There is no key to make up.
        guard value != .key, let text = arguments.optionalText() else {
            fallback = nil
            return
        }
        let bytes = text.verbatimBytes
        switch value {
        case .text, .expansion, .key: fallback = .text(table.keep(bytes))
        case .integer:
            guard let number = unsafe MapValue.integer(bytes.span.bytes) else {
                throw arguments.problem("the default '\(text)' is not a whole number")
            }
            fallback = .integer(number)
        case .address:
            guard let address = IPAddress(text) else { throw arguments.problem("the default '\(text)' is no address") }
            fallback = .address(address)
        }
    }

    func apply(_ input: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        guard let subject = PatternSubject(input, for: method, context) else { return nil }
        var found: SampleValue?
        let isThere = program.lookup(lookup).withEntry(of: subject, context, asKey: value == .key) { text in
            switch value {
            case .text, .key: found = .string(context.make { $0.append(text) })
            case .integer: found = MapValue.integer(text).map { .integer($0) }
            case .address: found = IPAddress(text.text).map { .address($0) }
            case .expansion: found = Self.expand(text, subject, context)
            }
        }
        if isThere { return found }
        switch fallback {
        case .text(let text): return .string(context.make { $0.append(program.text(text)) })
        case .integer(let number): return .integer(number)
        case .address(let address): return .address(address)
        case nil: return nil
        }
    }

    private static func expand(_ template: RawSpan, _ subject: PatternSubject, _ context: ExchangeContext)
        -> SampleValue?
    {
        guard case .expression(let bytes) = subject else { return nil }
        let matcher = context.regularMatcher
        context.withBytes(bytes) { matcher.expand(template, of: $0) }
        return .string(context.make { $0 += matcher.output })
    }
}

extension MapValue {
    var type: SampleType {
        switch self {
        case .text, .expansion, .key: .string
        case .integer: .integer
        case .address: .address
        }
    }

    fileprivate var note: String {
        switch self {
        case .text, .key: ""
        case .integer: ", a number"
        case .address: ", an address"
        case .expansion: ", with \\\\0 to \\\\9 in it for the groups"
        }
    }
}
