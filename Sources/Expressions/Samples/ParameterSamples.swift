// Parameters of a query, or of a form's body: `name=value` pairs (manual, section 7.3.6). Nothing is decoded.

internal import Basics
internal import Configuration
internal import HTTP
internal import Patterns

struct ParameterSample: SampleFamily {
    enum Result: Sendable { case text, integer, address }
    enum Place: Sendable { case target, body }

    let place: Place
    /// nil for any parameter.
    let name: TableSlice?
    /// What begins the parameters, and parts them beside `&` and `;`.
    let delimiter: UInt8
    /// Whether names are compared without regard to the case of letters.
    var ignoresCase = false
    let result: Result

    static let rows: [SampleRow] = {
        let value = target(
            "url_param", .string, .text,
            "The value of the query's first parameter of this name, or of any, as it is written.")
        return [
            value, value.named("urlp", hasMatchForms: true),
            target("urlp_val", .integer, .integer, "As urlp, as a number."),
            target("urlp_ip", .address, .address, "As urlp, as an address."),
            SampleRow(
                "req.body_param", "([<name>])", yields: .string, from: .requestBody,
                summary: "The value of the form's first parameter of this name, or of any, as it is written."
            ) { (arguments, table) throws(ConfigProblem) in
                table.usesRequestBody = true
                let name = arguments.optionalString().map { table.keep($0) }
                return .parameter(ParameterSample(place: .body, name: name, delimiter: 0x26, result: .text))
            },
        ]
    }()

    private static func target(_ name: String, _ type: SampleType, _ result: Result, _ summary: String) -> SampleRow {
        SampleRow(name, "([<name>[,<delimiter>[,i]]])", yields: type, from: .requestHead, summary: summary) {
            (arguments, table) throws(ConfigProblem) in
            let name = arguments.optionalString().map { table.keep($0) }
            let delimiter = arguments.optionalString() ?? "?"
            guard delimiter.verbatimBytes.count == 1, let byte = delimiter.verbatimBytes.first else {
                throw arguments.problem(
                    "'\(delimiter)' is not one character", expected: "what parameters begin behind, like ;")
            }
            let ignoresCase = try takeIgnoresCase(&arguments)
            return .parameter(
                ParameterSample(
                    place: .target, name: name, delimiter: byte, ignoresCase: ignoresCase, result: result))
        }
    }

    private static func takeIgnoresCase(_ arguments: inout ExpressionArguments) throws(ConfigProblem) -> Bool {
        guard let word = arguments.optionalString() else { return false }
        guard word == "i" else {
            throw arguments.problem("'\(word)' is not i", expected: "i, which ignores the case of the name")
        }
        return true
    }

    func head(in side: MessageSide) -> MessageSide? { .request }

    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor) -> SampleValue? {
        guard let found = find(context, program, &cursor) else { return nil }
        let value = SampleValue.string(found)
        switch result {
        case .text: return value
        case .integer: return .integer(value.integer(context) ?? 0)
        case .address: return value.address(context).map { .address($0) }
        }
    }

    private func find(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor)
        -> SampleBytes?
    {
        var all: SampleBytes
        switch place {
        case .target: all = context.all(.target)
        case .body: all = SampleBytes(source: .body(.request), start: 0, count: context.requestBody.count)
        }
        var offset = cursor.isIterating ? cursor.offset : 0
        let range = context.withBytes(all) { bytes -> Range<Int>? in
            if place == .target, offset == 0 {
                offset = bytes.firstIndex(from: 0) { $0 == delimiter } + 1
            }
            return bytes.nextParameter(from: &offset, delimiter) { found in
                guard let name else { return true }
                let text = program.text(name)
                return ignoresCase ? found.isSameIgnoringCase(as: text) : found.isEqual(to: text)
            }
        }
        guard let range else { return nil }
        if cursor.isIterating {
            cursor.offset = offset
            cursor.hasMore = true
        }
        all.start = range.lowerBound
        all.count = range.count
        return all
    }
}

extension RawSpan {
    /// The value of the next parameter that is wanted; `offset` is then behind it.
    @inline(__always)
    fileprivate func nextParameter(
        from offset: inout Int, _ delimiter: UInt8, isWanted: (RawSpan) -> Bool
    ) -> Range<Int>? {
        while offset < byteCount {
            let begin = offset
            let end = firstIndex(from: begin) { $0 == 0x26 || $0 == 0x3B || $0 == delimiter }
            offset = end + 1
            let equals = extracting(begin..<end).firstIndex(from: 0) { $0 == 0x3D } + begin
            if equals < end, isWanted(extracting(begin..<equals)) { return equals + 1..<end }
        }
        return nil
    }
}
