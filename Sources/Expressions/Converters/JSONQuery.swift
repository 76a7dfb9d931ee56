// `json_query`: a value out of a JSON text, by its path (manual, section 7.3.1).
//
// Paths are names and places, `$.user.roles[0]` or `$['my.key']`. The text is read as far as it is needed, and never
// deeper than `JSONScanner.depthMax`.

internal import Basics
internal import Configuration
internal import Patterns

/// One step of a path.
enum JSONStep: Sendable {
    case name(TableSlice)
    case place(Int)
}

struct JSONQuery: Sendable {
    /// A stretch of the table's steps.
    private let path: TableSlice
    private let wantsInteger: Bool

    static let rows: [ConverterRow] = [
        ConverterRow(
            "json_query", "(<json_path>[,<output_type>])", takes: .string, yields: .any,
            summary:
                "The string, number, boolean or array at a path like `$.user.roles[0]` of a JSON text; with type `int` as "
                + "a whole number."
        ) { (arguments, table) throws(ConfigProblem) in
            .jsonQuery(try JSONQuery(&arguments, &table))
        }
    ]

    /// Reads a path, and a type if there is one.
    init(_ arguments: inout ExpressionArguments, _ table: inout ExpressionTable) throws(ConfigProblem) {
        let text = try arguments.string("a path, like $.user.name")
        let start = table.jsonSteps.count
        do throws(PathFault) {
            try Self.readPath(text.verbatimBytes, &table)
        } catch {
            throw arguments.problem(
                "'\(text)' is no path that is known here", expected: "$, then .name, ['name'] or [number]",
                atByte: error.offset)
        }
        path = TableSlice(start..<table.jsonSteps.count)
        switch arguments.optionalString() {
        case nil: wantsInteger = false
        case "int": wantsInteger = true
        case let type?: throw arguments.problem("'\(type)' is no type here", expected: "int")
        }
    }

    private struct PathFault: Error { let offset: Int }

    private static func readPath(_ text: [UInt8], _ table: inout ExpressionTable) throws(PathFault) {
        guard text.first == 0x24 else { throw PathFault(offset: 0) }
        var i = 1
        while i < text.count {
            if text[i] == 0x2E {
                var name: [UInt8] = []
                i += 1
                while i < text.count, text[i] != 0x2E, text[i] != 0x5B {
                    // A backslash guards a dot, or whatever follows.
                    if text[i] == 0x5C, i + 1 < text.count { i += 1 }
                    name.append(text[i])
                    i += 1
                }
                // Neither a search at all depths nor a name for all.
                guard !name.isEmpty, name != [0x2A] else { throw PathFault(offset: i - 1) }
                table.jsonSteps.append(.name(table.keep(name)))
            } else if text[i] == 0x5B, let end = text[i...].firstIndex(of: 0x5D) {
                let inside = text[i + 1..<end]
                if let quote = inside.first, quote == 0x22 || quote == 0x27, inside.count > 1, inside.last == quote {
                    table.jsonSteps.append(.name(table.keep(inside.dropFirst().dropLast())))
                } else if let place = Int(String(decoding: inside, as: UTF8.self)), place >= 0 {
                    table.jsonSteps.append(.place(place))
                } else {
                    throw PathFault(offset: i + 1)
                }
                i = end + 1
            } else {
                throw PathFault(offset: i)
            }
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let input = value.bytes(context)
        let token = context.withBytes(input) { text in
            var scanner = JSONScanner(text)
            for i in path.range {
                let isThere =
                    switch program.expressions.jsonSteps[i] {
                    case .name(let name): scanner.enter(program.text(name))
                    case .place(let place): scanner.enter(place)
                    }
                guard isThere else { return JSONScanner.Token.none }
            }
            return scanner.token()
        }
        switch token {
        case .none: return nil
        case .bool(let isTrue): return wantsInteger ? .integer(isTrue ? 1 : 0) : .bool(isTrue)
        case .array(let range): return wantsInteger ? nil : .string(input.part(range))
        case .number(let range):
            let text = SampleValue.string(input.part(range))
            let isWhole = context.withBytes(input.part(range)) { text in
                text.firstIndex(from: 0) { $0 == 0x2E || $0 | 0x20 == 0x65 } == text.byteCount
            }
            if isWhole, let number = context.withBytes(input.part(range), { $0.wholeNumber }) {
                return .integer(number)
            }
            // A fraction is cut off; what is too great for a number stays a text.
            if wantsInteger { return isWhole ? nil : text.integer(context).map { .integer($0) } }
            return text
        case .string(let range, let hasEscapes):
            var text = SampleValue.string(input.part(range))
            if hasEscapes {
                guard let plain = context.convert(input.part(range), JSONScanner.unescape) else { return nil }
                text = plain
            }
            guard wantsInteger else { return text }
            let bytes = text.bytes(context)
            return context.withBytes(bytes) { $0.wholeNumber }.map { .integer($0) }
        }
    }
}

extension RawSpan {
    /// The number that these bytes and nothing else stand for.
    fileprivate var wholeNumber: Int? {
        let isNegative = byteCount > 0 && self[0] == 0x2D
        guard let magnitude = extracting((isNegative ? 1 : 0)..<byteCount).decimalValue else { return nil }
        return Int(exactly: magnitude).map { isNegative ? -$0 : $0 }
    }
}
