// Reads `sample(arguments),converter(arguments),…` out of a word.

internal import Basics
public import Configuration
internal import Patterns

/// The arguments of one sample or converter, taken in order.
struct ExpressionArguments {
    let text: ExpressionText
    /// The name they belong to.
    let owner: String
    let ownerRange: Range<Int>
    private let values: [(value: String, range: Range<Int>)]
    private var next = 0

    init(of owner: String, at ownerRange: Range<Int>, _ text: inout ExpressionText) throws(ConfigProblem) {
        self.owner = owner
        self.ownerRange = ownerRange
        values = try Self.read(&text, owner, ownerRange)
        self.text = text
    }

    /// Takes an argument that must be there. `what` says what it should be: "a field name".
    mutating func string(_ what: String) throws(ConfigProblem) -> String {
        guard let (value, range) = nextArgument() else {
            throw text.problem("'\(owner)' lacks an argument", at: ownerRange, expected: "\(owner)(…) with \(what)")
        }
        guard !value.isEmpty else {
            throw text.problem("an argument of '\(owner)' is empty", at: range, expected: what)
        }
        return value
    }

    /// Whether all arguments are taken.
    var isAtEnd: Bool { next >= values.count }

    /// Takes an argument that names something which another section declares.
    mutating func reference(_ what: String) throws(ConfigProblem) -> Reference {
        Reference(name: try string(what), range: text.range(values[next - 1].range))
    }

    /// Takes an argument that must be there and may be empty.
    mutating func text(_ what: String) throws(ConfigProblem) -> String {
        guard let (value, _) = nextArgument() else {
            throw text.problem("'\(owner)' lacks an argument", at: ownerRange, expected: "\(owner)(…) with \(what)")
        }
        return value
    }

    /// Takes an argument that may be missing.
    mutating func optionalString() -> String? {
        guard let (value, _) = nextArgument(), !value.isEmpty else { return nil }
        return value
    }

    /// Takes an argument that may be missing, and may be empty.
    mutating func optionalText() -> String? { nextArgument()?.value }

    mutating func integer(_ what: String, in limits: ClosedRange<Int>) throws(ConfigProblem) -> Int {
        let value = try string(what)
        return try integer(value, what, in: limits)
    }

    mutating func optionalInteger(_ what: String, in limits: ClosedRange<Int>) throws(ConfigProblem) -> Int? {
        guard let value = optionalString() else { return nil }
        return try integer(value, what, in: limits)
    }

    /// Throws if an argument is left.
    mutating func finish() throws(ConfigProblem) {
        guard let (value, range) = nextArgument() else { return }
        throw text.problem("'\(owner)' takes no argument '\(value)'", at: range)
    }

    /// A problem with the argument taken last, or with one byte of it.
    func problem(_ message: String, expected: String? = nil, atByte offset: Int? = nil) -> ConfigProblem {
        guard next > 0 else { return text.problem(message, at: ownerRange, expected: expected) }
        var (value, range) = values[next - 1]
        // Where quotes and backslashes were removed, byte offsets no longer match the file.
        if let offset, range.count == value.verbatimBytes.count {
            range = range.lowerBound + offset..<min(range.lowerBound + offset + 1, text.bytes.count)
        }
        return text.problem(message, at: range, expected: expected)
    }

    private func integer(_ value: String, _ what: String, in limits: ClosedRange<Int>) throws(ConfigProblem) -> Int {
        guard let number = Int(value), limits.contains(number) else {
            throw text.problem("'\(value)' is not \(what)", at: values[next - 1].range, expected: "a whole number")
        }
        return number
    }

    private mutating func nextArgument() -> (value: String, range: Range<Int>)? {
        guard next < values.count else { return nil }
        next += 1
        return values[next - 1]
    }

    /// `(a,'b,c',d)`; nothing if the next byte is no parenthesis. Quotes guard commas and parentheses. Behind a backslash, but
    /// between single quotes, stand a quote, a blank, a backslash, or `n`, `r`, `t`; before anything else it is a byte as any
    /// other, so that `\d` needs no second one and `\,` ends the argument.
    private static func read(
        _ text: inout ExpressionText, _ owner: String, _ ownerRange: Range<Int>
    ) throws(ConfigProblem) -> [(value: String, range: Range<Int>)] {
        let open = text.position
        guard text.skip(0x28) else { return [] }
        var values: [(value: String, range: Range<Int>)] = []
        var value: [UInt8] = []
        var start = text.position
        var quote: UInt8?
        while let byte = text.peek {
            text.position += 1
            switch byte {
            case 0x5C where quote != 0x27:
                value.append(escaped(&text))
            case quote: quote = nil
            case 0x22 where quote == nil, 0x27 where quote == nil: quote = byte
            case 0x2C where quote == nil, 0x29 where quote == nil:
                values.append((String(verbatim: value), start..<text.position - 1))
                value = []
                start = text.position
                if byte == 0x29 {
                    // `name()` has no argument rather than an empty one.
                    return values.count == 1 && values[0].value.isEmpty ? [] : values
                }
            default: value.append(byte)
            }
        }
        throw text.problem(
            quote == nil ? "'(' is not closed" : "a quote is not closed", at: open..<open + 1,
            expected: "')' behind the arguments of '\(owner)'")
    }
}

extension ExpressionArguments {
    /// The byte that a backslash just taken stands for, with what is behind it.
    private static func escaped(_ text: inout ExpressionText) -> UInt8 {
        let meaning: UInt8? =
            switch text.peek {
            case 0x5C, 0x20, 0x22, 0x27: text.peek
            case UInt8(ascii: "n"): 0x0A
            case UInt8(ascii: "r"): 0x0D
            case UInt8(ascii: "t"): 0x09
            default: nil
            }
        guard let meaning else { return 0x5C }
        text.position += 1
        return meaning
    }
}

extension Expression {
    /// Reads an expression from `text`, which it leaves behind it.
    public init(_ text: inout ExpressionText, _ table: inout ExpressionTable) throws(ConfigProblem) {
        let start = text.position
        let name = text.name()
        guard let row = SampleRow.places[name] else { throw Self.unknownSample(name, text, start) }
        try self.init(row, nameStart: start, &text, &table)
    }

    /// Reads a word that is an expression and nothing else, for rules at `hook`.
    public init(_ word: Word, in hook: RuleHook, _ table: inout ExpressionTable) throws(ConfigProblem) {
        var text = ExpressionText(word)
        try self.init(&text, &table)
        guard text.isAtEnd else {
            throw text.problem("unexpected text behind the expression", at: text.position..<text.bytes.count)
        }
        try hook.require(row.availability, of: row.name, at: word.range)
    }

    /// The same expression, its value converted to `wanted` where that changes it.
    public func yielding(_ wanted: SampleType, _ table: inout ExpressionTable) -> Expression {
        guard let cast = type.cast(to: wanted) else { return self }
        let start = table.converters.count
        table.converters += Array(table.converters[converters.range]) + [.cast(cast)]
        return Expression(
            sample: sample, converters: TableSlice(start..<table.converters.count), type: wanted, rowIndex: rowIndex)
    }

    /// Reads the arguments and converters behind the name of a row, which began at `nameStart`.
    init(
        _ rowIndex: Int, nameStart: Int, _ text: inout ExpressionText, _ table: inout ExpressionTable
    ) throws(ConfigProblem) {
        let row = SampleRow.table[rowIndex]
        let nameRange = nameStart..<text.position
        var arguments = try ExpressionArguments(of: row.name, at: nameRange, &text)
        let sample = try row.make(&arguments, &table)
        try arguments.finish()
        if sample.head(in: .request) == .request { table.usesRequestHead = true }
        if row.name.hasPrefix("ssl_bc") || row.name.hasPrefix("ssl_s_") { table.usesServerTLS = true }

        var type = row.type
        var converters: [Converter] = []
        while text.skip(0x2C) {
            while text.skip(0x20) {}
            let start = text.position
            let name = text.name()
            guard let row = ConverterRow.byName[name] else { throw Self.unknownConverter(name, text, start) }
            let range = start..<text.position
            guard type.converts(to: row.input) else {
                throw text.problem(
                    "'\(name)' cannot take a value of type \(type.rawValue)", at: range,
                    expected: "a value of type \(row.input.rawValue) before it")
            }
            if let cast = type.cast(to: row.input) { converters.append(.cast(cast)) }
            var arguments = try ExpressionArguments(of: name, at: range, &text)
            converters.append(try row.make(&arguments, &table))
            try arguments.finish()
            if row.type != .any || row.input != .any { type = row.type }
        }
        let start = table.converters.count
        table.converters += converters
        self.init(
            sample: sample, converters: TableSlice(start..<table.converters.count), type: type, rowIndex: rowIndex)
    }

    static func unknownSample(_ name: String, _ text: ExpressionText, _ start: Int) -> ConfigProblem {
        if name.isEmpty {
            return text.problem("a sample's name is missing", at: start..<min(start + 1, text.bytes.count))
        }
        if let known = HAProxyWords.refusal(of: name, as: .sample, at: text.range(start..<text.position)) {
            return known
        }
        return text.problem(
            "unknown sample '\(name)'", at: start..<text.position,
            suggestion: nearest(name, among: SampleRow.table.lazy.map(\.name)))
    }

    private static func unknownConverter(_ name: String, _ text: ExpressionText, _ start: Int) -> ConfigProblem {
        if name.isEmpty {
            return text.problem(
                "a converter's name is missing behind ','", at: start..<min(start + 1, text.bytes.count))
        }
        let place = text.range(start..<text.position)
        if let known = HAProxyWords.refusal(of: name, as: .converter, at: place) { return known }
        return text.problem(
            "unknown converter '\(name)'", at: start..<text.position,
            suggestion: nearest(name, among: ConverterRow.table.lazy.map(\.name)))
    }
}
