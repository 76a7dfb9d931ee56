// Cookies of either message (RFC 6265; manual, section 7.3.6).
//
// A request's come in pairs, parted by semicolons; commas part them too, as in HAProxy. A response has one in each
// Set-Cookie field, before its attributes. A pair without `=` is no cookie.

internal import Basics
internal import Configuration
internal import HTTP
internal import Patterns

struct CookieSample: SampleFamily {
    enum Result: Sendable { case text, integer, count, names }

    /// nil for the message that the rules being run are about.
    let side: MessageSide?
    /// nil for any cookie.
    let name: TableSlice?
    let result: Result
    /// Between names.
    let delimiter: UInt8

    static let rows: [SampleRow] =
        family(.request, "req.cook", short: "cook", "Cookie field's cookie")
        + family(.response, "res.cook", short: "scook", "Set-Cookie fields' cookie")
        + [
            row(
                "cookie", .string, .requestHead, nil, .text,
                "As req.cook, or as res.cook in rules about responses."),
            row("set-cookie", .string, .responseHead, .response, .text, "The same as res.cook."),
        ]

    private static func family(_ side: MessageSide, _ name: String, short: String, _ what: String) -> [SampleRow] {
        let availability: SampleAvailability = side == .request ? .requestHead : .responseHead
        let value = row(
            name, .string, availability, side, .text,
            "The value of the \(what) of this name, the last one; or of the first of all.")
        let count = row(
            "\(name)_cnt", .integer, availability, side, .count, "How many cookies of this name, or of any, there are.")
        let number = row("\(name)_val", .integer, availability, side, .integer, "The value of the \(what) as a number.")
        let names = SampleRow(
            "\(name)_names", "([<delimiter>])", yields: .string, from: availability,
            summary: "The names of all cookies, with commas or the delimiter between them."
        ) { (arguments, _) throws(ConfigProblem) in
            let delimiter = arguments.optionalString()?.verbatimBytes.first ?? 0x2C
            return .cookie(CookieSample(side: side, name: nil, result: .names, delimiter: delimiter))
        }
        return [
            value, value.named(short, hasMatchForms: true), count, count.named("\(short)_cnt"), number,
            number.named("\(short)_val"), names,
        ]
    }

    private static func row(
        _ name: String, _ type: SampleType, _ availability: SampleAvailability, _ side: MessageSide?, _ result: Result,
        _ summary: String
    ) -> SampleRow {
        SampleRow(name, "([<name>])", yields: type, from: availability, summary: summary) {
            (arguments, table) throws(ConfigProblem) in
            let name = arguments.optionalString().map { table.keep($0) }
            return .cookie(CookieSample(side: side, name: name, result: result, delimiter: 0x2C))
        }
    }
    func head(in side: MessageSide) -> MessageSide? { self.side ?? side }

    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor) -> SampleValue? {
        switch result {
        case .count:
            var walk = FieldWalk()
            var count = 0
            while next(context, program, &walk) { count += 1 }
            return .integer(count)
        case .names: return names(context, program)
        case .text: return find(context, program, &cursor).map { .string($0) }
        case .integer:
            // A cookie without a value is there, and its number 0.
            return find(context, program, &cursor).map { .integer(SampleValue.string($0).integer(context) ?? 0) }
        }
    }

    private func find(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor)
        -> SampleBytes?
    {
        var walk = FieldWalk()
        if cursor.isIterating {
            walk.field = cursor.field
            walk.offset = cursor.offset
            cursor.hasMore = next(context, program, &walk)
            cursor.field = walk.field
            cursor.offset = walk.offset
            return cursor.hasMore ? bytes(walk, context) : nil
        }
        var found: SampleBytes?
        while next(context, program, &walk) {
            found = bytes(walk, context)
            // Without a name it is the first one, with a name the last.
            if name == nil { break }
        }
        return found
    }

    private func names(_ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        var walk = FieldWalk()
        let start = context.scratch.count
        while next(context, program, &walk) {
            if context.scratch.count > start { context.scratch.append(delimiter) }
            context.withBytes(bytes(walk, context, walk.name)) { context.scratch.append($0) }
        }
        let made = SampleBytes(source: .scratch, start: start, count: context.scratch.count - start)
        return .string(made)
    }

    private func next(_ context: ExchangeContext, _ program: ExpressionProgram, _ walk: inout FieldWalk) -> Bool {
        switch side ?? context.side {
        case .request: context.request.fields.nextCookie(.cookie, name, program, &walk)
        case .response: context.response.fields.nextCookie(.setCookie, name, program, &walk)
        }
    }

    private func bytes(_ walk: FieldWalk, _ context: ExchangeContext) -> SampleBytes {
        bytes(walk, context, walk.start..<walk.start + walk.count)
    }

    private func bytes(_ walk: FieldWalk, _ context: ExchangeContext, _ range: Range<Int>) -> SampleBytes {
        SampleBytes(
            source: (side ?? context.side) == .request ? .request(.line(walk.line)) : .response(line: walk.line),
            start: range.lowerBound, count: range.count)
    }
}

extension HeaderFields {
    /// Moves on to the next cookie of this name, or of any. False at the end.
    fileprivate func nextCookie(
        _ field: KnownField, _ name: TableSlice?, _ program: ExpressionProgram, _ walk: inout FieldWalk
    ) -> Bool {
        while let line = next(field, from: walk.field) {
            // A line that was passed to get here is begun from its start.
            let begun = line == walk.field ? walk.offset : 0
            let value = value(line)
            walk.line = line
            walk.field = line
            walk.offset = begun
            while let pair = value.cookiePair(from: walk.offset, hasMany: field == .cookie) {
                walk.name = pair.name
                walk.start = pair.value.lowerBound
                walk.count = pair.value.count
                walk.offset = pair.next
                guard let name else { return true }
                if value.extracting(walk.name).isEqual(to: program.text(name)) { return true }
            }
            walk.field = line + 1
            walk.offset = 0
        }
        return false
    }
}
