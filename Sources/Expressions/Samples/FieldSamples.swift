// Header fields of either message (manual, section 7.3.6).
//
// Most fields are lists: `req.hdr` knows their elements, parted by commas; `req.fhdr` takes each field line
// whole, for those whose values have commas of their own (User-Agent, Date).

internal import Basics
internal import Configuration
public import HTTP
public import Patterns

/// The name of a header field, ready to be looked for.
public struct FieldName: Sendable {
    public let known: KnownField
    /// In lower case.
    public let text: TableSlice

    /// nil if it is not a token (RFC 9110 section 5.1).
    public init?(_ name: String, _ table: inout ExpressionTable) {
        let bytes = name.utf8.map(asciiLowercased)
        guard unsafe HeaderFields.isToken(bytes.span.bytes) else { return nil }
        known = unsafe KnownField(lowercasedName: bytes.span.bytes)
        text = table.keep(bytes)
    }
}

/// Which of the two messages.
public enum MessageSide: Sendable {
    case request, response

    fileprivate var availability: SampleAvailability { self == .request ? .requestHead : .responseHead }
}

struct FieldSample: SampleFamily {
    /// nil for the message that the rules being run are about.
    let side: MessageSide?
    /// nil for any field.
    let name: FieldName?
    /// Whether a value is a whole field line rather than an element of a list.
    let takesLines: Bool
    let result: Result
    /// Which value: 1 is the first, -1 the last; 0, when the line names none, is the last.
    let occurrence: Int

    enum Result { case text, integer, address, count }

    static let rows: [SampleRow] =
        rows(
            names: ["hdr", "req.hdr"], side: nil, counted: ["hdr_cnt", "req.hdr_cnt"],
            numbers: ["hdr_val", "req.hdr_val"],
            addresses: ["hdr_ip", "req.hdr_ip"],
            message: "the request's field, or in http-response rules the response's,")
        + rows(
            names: ["shdr", "res.hdr"], side: .response, counted: ["shdr_cnt", "res.hdr_cnt"],
            numbers: ["shdr_val", "res.hdr_val"], addresses: ["shdr_ip", "res.hdr_ip"], message: "the response's field")
        + lines("req.fhdr", "req.fhdr_cnt", .request, "the request's field")
        + lines("res.fhdr", "res.fhdr_cnt", .response, "the response's field")

    /// The rows of one family. Short names come first and have match forms; without a `side`, the short ones mean
    /// the message that the rules are about, the long ones the request.
    private static func rows(
        names: [String], side: MessageSide?, counted: [String], numbers: [String], addresses: [String],
        message: String
    ) -> [SampleRow] {
        var rows: [SampleRow] = []
        for (i, name) in names.enumerated() {
            let isShort = i == 0
            let about = side == nil && !isShort ? "the request's field" : message
            let availability = side?.availability ?? .requestHead
            let fixed: MessageSide? = side ?? (isShort ? nil : .request)
            rows.append(
                row(
                    name, .string, availability, fixed, .text, hasMatchForms: isShort,
                    "An element of \(about) of this name: the last one, or the one that <occ> counts (-1 is the last).")
            )
            rows.append(
                row(counted[i], .integer, availability, fixed, .count, "How many elements \(about) of this name has."))
            rows.append(row(numbers[i], .integer, availability, fixed, .integer, "An element of \(about) as a number."))
            rows.append(
                row(addresses[i], .address, availability, fixed, .address, "An element of \(about) as an address."))
        }
        return rows
    }

    private static func lines(_ name: String, _ counted: String, _ side: MessageSide, _ about: String) -> [SampleRow] {
        [
            row(
                name, .string, side.availability, side, .text, takesLines: true,
                "The whole value of \(about) of this name with its commas: of the last line, or the one <occ> counts."
            ),
            row(
                "\(name)_val", .integer, side.availability, side, .integer, takesLines: true,
                "The whole value of \(about) as a number."),
            row(
                "\(name)_ip", .address, side.availability, side, .address, takesLines: true,
                "The whole value of \(about) as an address."),
            row(
                counted, .integer, side.availability, side, .count, takesLines: true,
                "How many lines \(about) of this name has."),
        ]
    }

    private static func row(
        _ name: String, _ type: SampleType, _ availability: SampleAvailability, _ side: MessageSide?, _ result: Result,
        hasMatchForms: Bool = false, takesLines: Bool = false, _ summary: String
    ) -> SampleRow {
        SampleRow(
            name, result == .count ? "([<name>])" : "([<name>[,<occ>]])", yields: type, from: availability,
            hasMatchForms: hasMatchForms, summary: summary
        ) { (arguments, table) throws(ConfigProblem) in
            var field: FieldName?
            if let text = arguments.optionalString() {
                field = FieldName(text, &table)
                guard field != nil else { throw arguments.problem("'\(text)' cannot be a field name") }
            }
            let occurrence =
                result == .count ? 0 : try arguments.optionalInteger("an occurrence", in: -10...1_000) ?? 0
            return .field(
                FieldSample(
                    side: side, name: field, takesLines: takesLines, result: result, occurrence: occurrence))
        }
    }
    func head(in side: MessageSide) -> MessageSide? { self.side ?? side }

    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor) -> SampleValue? {
        if result == .count {
            var walk = FieldWalk()
            var count = 0
            while next(context, program, &walk) { count += 1 }
            return .integer(count)
        }
        guard let bytes = find(context, program, &cursor) else { return nil }
        let value = SampleValue.string(bytes)
        switch result {
        case .text, .count: return value
        case .integer: return .integer(value.integer(context) ?? 0)
        case .address:
            let value = SampleValue.string(context.withBytes(bytes) { $0.placeOfAddress(in: bytes) })
            return value.address(context).map { .address($0) }
        }
    }

    private func find(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor)
        -> SampleBytes?
    {
        var walk = FieldWalk()
        if cursor.isIterating, occurrence == 0 {
            walk.field = cursor.field
            walk.offset = cursor.offset
            cursor.hasMore = next(context, program, &walk)
            cursor.field = walk.field
            cursor.offset = walk.offset
            return cursor.hasMore ? bytes(walk, context) : nil
        }
        var wanted = occurrence
        if wanted <= 0 {
            var count = 0
            while next(context, program, &walk) { count += 1 }
            wanted += count + (wanted == 0 ? 0 : 1)
            walk = FieldWalk()
        }
        guard wanted > 0 else { return nil }
        for _ in 0..<wanted { guard next(context, program, &walk) else { return nil } }
        return bytes(walk, context)
    }

    private func next(_ context: ExchangeContext, _ program: ExpressionProgram, _ walk: inout FieldWalk) -> Bool {
        switch side ?? context.side {
        case .request: context.request.fields.next(name, program, lines: takesLines, &walk)
        case .response: context.response.fields.next(name, program, lines: takesLines, &walk)
        }
    }

    private func bytes(_ walk: FieldWalk, _ context: ExchangeContext) -> SampleBytes {
        SampleBytes(
            source: (side ?? context.side) == .request ? .request(.line(walk.line)) : .response(line: walk.line),
            start: walk.start,
            count: walk.count)
    }
}

/// A walk over the values of the fields of one name.
struct FieldWalk {
    /// The field and the place in its value to go on from.
    var field = 0
    var offset = 0
    /// The value found: a stretch of the value of field `line`.
    var line = 0
    var start = 0
    var count = 0
    /// Where a cookie's name is in the same value.
    var name = 0..<0
}

extension HeaderFields {
    /// Moves on to the next value: a whole line, or an element of a list. Empty elements are passed over
    /// (RFC 9110 section 5.6.1.2); a line that is empty altogether has one empty value. False at the end.
    func next(_ name: FieldName?, _ program: ExpressionProgram, lines: Bool, _ walk: inout FieldWalk) -> Bool {
        while let line = next(name, program, from: walk.field) {
            // A line that was passed to get here is begun from its start.
            let begun = line == walk.field ? walk.offset : 0
            let value = value(line)
            walk.line = line
            if lines || value.byteCount == 0 {
                walk.field = line + 1
                walk.offset = 0
                walk.start = 0
                walk.count = value.byteCount
                return true
            }
            if let end = value.nextListElement(from: begun, &walk.start, &walk.count) {
                walk.field = line
                walk.offset = end
                return true
            }
            walk.field = line + 1
            walk.offset = 0
        }
        return false
    }

    /// The index of the first field of this name, or of any, at `index` or behind it.
    fileprivate func next(_ name: FieldName?, _ program: ExpressionProgram, from index: Int) -> Int? {
        guard let name else { return index < count ? index : nil }
        return next(name, program, from: index)
    }

    /// The index of the first field of this name at `index` or behind it.
    public func next(_ name: FieldName, _ program: ExpressionProgram, from index: Int) -> Int? {
        if name.known != .other { return next(name.known, from: index) }
        let wanted = program.text(name.text)
        var i = index
        while i < count {
            if known(i) == .other, self.name(i).isEqual(to: wanted) { return i }
            i += 1
        }
        return nil
    }

    /// Removes every field of this name.
    public mutating func remove(_ name: FieldName, _ program: ExpressionProgram) {
        if name.known != .other { return remove(name.known) }
        guard next(name, program, from: 0) != nil else { return }
        let wanted = program.text(name.text)
        removeAll { fields, i in fields.known(i) == .other && fields.name(i).isEqual(to: wanted) }
    }
}

extension RawSpan {
    /// `bytes`, which are these, without what may stand around an address: a port behind IPv4, brackets and a port around
    /// IPv6 (RFC 7239 section 6).
    fileprivate func placeOfAddress(in bytes: SampleBytes) -> SampleBytes {
        var inner = bytes
        if byteCount > 0, self[0] == 0x5B {
            let close = firstIndex(from: 0) { $0 == 0x5D }
            guard close < byteCount, isPort(from: close + 1) else { return bytes }
            inner.start += 1
            inner.count = close - 1
            return inner
        }
        let colon = firstIndex(from: 0) { $0 == 0x3A }
        guard colon < byteCount, isPort(from: colon) else { return bytes }
        inner.count = colon
        return inner
    }

    /// Nothing, or a colon and a port, to the end.
    private func isPort(from start: Int) -> Bool {
        if start == byteCount { return true }
        guard self[start] == 0x3A, start + 1 < byteCount, byteCount - start <= 6 else { return false }
        return (extracting(start + 1..<byteCount).decimalValue ?? .max) <= 65_535
    }

    /// Finds the first element at `offset` or behind it that is not empty; says where to go on, nil if there is none.
    /// Commas in quoted strings part nothing (RFC 9110 section 5.6.4).
    fileprivate func nextListElement(from offset: Int, _ start: inout Int, _ count: inout Int) -> Int? {
        var i = offset
        while i < byteCount {
            let begin = i
            var isQuoted = false
            while true {
                i = firstIndex(from: i) { $0 == 0x2C || $0 == 0x22 || $0 == 0x5C }
                if i >= byteCount { break }
                let byte = self[i]
                if byte == 0x22 {
                    isQuoted.toggle()
                } else if byte == 0x5C, isQuoted {
                    i += 1
                } else if byte == 0x2C, !isQuoted {
                    break
                }
                i += 1
            }
            var (low, high) = (begin, Swift.min(i, byteCount))
            while low < high, self[low] == 0x20 || self[low] == 0x09 { low += 1 }
            while low < high, self[high - 1] == 0x20 || self[high - 1] == 0x09 { high -= 1 }
            // Behind the comma, or at the end.
            i += 1
            if low < high {
                start = low
                count = high - low
                return i
            }
        }
        return nil
    }
}
