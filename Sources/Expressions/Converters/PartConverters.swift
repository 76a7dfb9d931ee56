// Parts of a text: `field`, `word`, `bytes`, `param` (manual, section 7.3.1). Nothing is copied.

internal import Basics
internal import Configuration
internal import Patterns

enum PartConverter: Sendable {
    case field(Selection)
    case word(Selection)
    case bytes(offset: IntegerArgument, count: IntegerArgument?)
    case parameter(name: TableSlice, delimiter: UInt8)

    /// Which of the parts.
    struct Selection: Sendable {
        /// From 1, or from -1 counting from the last.
        let index: Int
        let delimiters: TableSlice
        /// How many, in the direction of counting; 0 for all that follow.
        let count: Int
    }

    static let rows: [ConverterRow] = [
        ConverterRow(
            "field", "(<index>,<delimiters>[,<count>])", takes: .string, yields: .string,
            summary:
                "The part at <index> (1 is the first, -1 the last) of those that single delimiters part, or <count> of "
                + "them, 0 being all that follow."
        ) { (arguments, table) throws(ConfigProblem) in .part(.field(try selection(&arguments, &table))) },
        ConverterRow(
            "word", "(<index>,<delimiters>[,<count>])", takes: .string, yields: .string,
            summary: "Like field, but several delimiters in a row are one, and those at the ends none."
        ) { (arguments, table) throws(ConfigProblem) in .part(.word(try selection(&arguments, &table))) },
        ConverterRow(
            "bytes", "(<offset>[,<length>])", takes: .binary, yields: .binary,
            summary: "The bytes from an offset on, as many as <length>. Both may be variables."
        ) { (arguments, _) throws(ConfigProblem) in
            let offset = try arguments.naturalOrVariable("an offset")
            return .part(.bytes(offset: offset, count: try arguments.optionalNaturalOrVariable("a length")))
        },
        ConverterRow(
            "param", "(<name>[,<delim>])", takes: .string, yields: .string,
            summary:
                "The value of the first parameter of this name in `a=1&b=2`; <delim>, one byte or its code 0xHH, stands "
                + "for the `&`."
        ) { (arguments, table) throws(ConfigProblem) in
            let name = table.keep(try arguments.string("a parameter's name"))
            let text = arguments.optionalString() ?? "&"
            let code = text.utf8.count == 4 && text.hasPrefix("0x") ? UInt8(text.dropFirst(2), radix: 16) : nil
            guard let delimiter = code ?? (text.verbatimBytes.count == 1 ? text.verbatimBytes.first : nil) else {
                throw arguments.problem("'\(text)' is no delimiter", expected: "one byte, or its code as 0xHH")
            }
            return .part(.parameter(name: name, delimiter: delimiter))
        },
    ]

    private static func selection(
        _ arguments: inout ExpressionArguments, _ table: inout ExpressionTable
    ) throws(ConfigProblem) -> Selection {
        let what = "an index: 1 is the first, -1 the last"
        let index = try arguments.integer(what, in: -1_000_000...1_000_000)
        guard index != 0 else { throw arguments.problem("there is nothing at index 0", expected: what) }
        let delimiters = table.keep(try arguments.string("delimiters"))
        let count = try arguments.optionalInteger("a count", in: 0...1_000_000) ?? 1
        return Selection(index: index, delimiters: delimiters, count: count)
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let input = value.bytes(context)
        switch self {
        case .field(let selection):
            let delimiters = program.text(selection.delimiters)
            let range = context.withBytes(input) { text in
                Parts(of: text, delimiters, isReversed: selection.index < 0)
                    .fields(selection.index.magnitude, count: selection.count)
            }
            return range.map { .string(input.part($0)) }
        case .word(let selection):
            let delimiters = program.text(selection.delimiters)
            let range = context.withBytes(input) { text in
                Parts(of: text, delimiters, isReversed: selection.index < 0)
                    .words(selection.index.magnitude, count: selection.count)
            }
            return range.map { .string(input.part($0)) }
        case .bytes(let offset, let count):
            guard let offset = offset.value(context) else { return nil }
            var end = input.count
            if let count {
                guard let count = count.value(context) else { return nil }
                // Numbers that make no sense give nothing.
                guard count >= 0 else { return .string(input.part(0..<0)) }
                if offset >= 0, offset < end, count < end - offset { end = offset + count }
            }
            return .string(input.part(offset >= 0 && offset < end ? offset..<end : 0..<0))
        case .parameter(let name, let delimiter):
            let name = program.text(name)
            return context.withBytes(input) { $0.parameter(name, delimiter) }.map { .string(input.part($0)) }
        }
    }
}

/// The parts of a text, counted from its begin, or from its end.
private struct Parts: ~Escapable {
    private let text: RawSpan
    private let delimiters: RawSpan
    private let isReversed: Bool

    @_lifetime(copy text, copy delimiters)
    init(of text: RawSpan, _ delimiters: RawSpan, isReversed: Bool) {
        self.text = text
        self.delimiters = delimiters
        self.isReversed = isReversed
    }

    /// Where the next delimiter stands in the direction of counting, from `start` on; the text's length if there is none.
    private func delimiter(from start: Int) -> Int {
        var i = start
        while i < text.byteCount, !isDelimiter(i) { i += 1 }
        return i
    }

    private func isDelimiter(_ i: Int) -> Bool {
        delimiters.contains(text[isReversed ? text.byteCount - 1 - i : i])
    }

    /// The stretch as it stands in the text.
    private func range(_ start: Int, _ end: Int) -> Range<Int> {
        isReversed ? text.byteCount - end..<text.byteCount - start : start..<end
    }

    func fields(_ index: UInt, count: Int) -> Range<Int>? {
        var start = 0
        for _ in 1..<index {
            start = delimiter(from: start) + 1
            if start > text.byteCount { return nil }
        }
        if count == 0 { return range(start, text.byteCount) }
        var end = delimiter(from: start)
        for _ in 1..<count where end < text.byteCount { end = delimiter(from: end + 1) }
        return range(start, end)
    }

    func words(_ index: UInt, count: Int) -> Range<Int>? {
        var start = nextWord(from: 0)
        for _ in 1..<index { start = nextWord(from: delimiter(from: start)) }
        guard start < text.byteCount else { return nil }
        if count == 0 { return range(start, text.byteCount) }
        var end = delimiter(from: start)
        for _ in 1..<count {
            let next = nextWord(from: end)
            // Fewer words than asked for: all of the rest.
            if next == text.byteCount { return range(start, next) }
            end = delimiter(from: next)
        }
        return range(start, end)
    }

    private func nextWord(from start: Int) -> Int {
        var i = start
        while i < text.byteCount, isDelimiter(i) { i += 1 }
        return i
    }
}

extension RawSpan {
    /// Where the value of a parameter stands; empty for one that has none.
    fileprivate func parameter(_ name: RawSpan, _ delimiter: UInt8) -> Range<Int>? {
        var start = 0
        while start <= byteCount {
            let end = firstIndex(from: start) { $0 == delimiter }
            let nameEnd = start + name.byteCount
            if nameEnd <= end, extracting(start..<nameEnd).isEqual(to: name) {
                if nameEnd == end { return end..<end }
                if self[nameEnd] == 0x3D { return nameEnd + 1..<end }
            }
            start = end + 1
        }
        return nil
    }
}
