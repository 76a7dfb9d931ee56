// Values and the sets of patterns that they are looked up in.

internal import Basics
internal import Patterns

/// A value as a method wants it.
enum PatternSubject {
    case number(Int)
    case address(IPAddress)
    case text(SampleBytes)
    /// Text for regular expressions.
    case expression(SampleBytes)

    /// nil if the value cannot be converted.
    @inline(__always)
    init?(_ value: SampleValue, for method: MatchMethod, _ context: ExchangeContext) {
        switch method {
        case .int:
            guard let number = value.integer(context) else { return nil }
            self = .number(number)
        case .len: self = .number(value.bytes(context).count)
        case .ip:
            guard let address = value.address(context) else { return nil }
            self = .address(address)
        case .reg: self = .expression(value.bytes(context))
        case .str, .beg, .end, .sub, .dir, .dom, .bin: self = .text(value.bytes(context))
        case .found, .bool: return nil
        }
    }
}

/// A criterion's values where they are a file's, or many.
struct PatternMatcher: Sendable {
    let method: MatchMethod
    /// A stretch of the table's look-ups, any of which is enough.
    let lookups: TableSlice

    func matches(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> Bool {
        guard let subject = PatternSubject(value, for: method, context) else { return false }
        for i in lookups.range {
            let lookup = program.lookup(i)
            let isFound =
                switch subject {
                case .number(let number): lookup.contains(number)
                case .address(let address): lookup.contains(address)
                case .text(let bytes): context.withBytes(bytes) { lookup.contains($0) }
                case .expression(let bytes): matches(bytes, lookup, context)
                }
            if isFound { return true }
        }
        return false
    }

    private func matches(_ bytes: SampleBytes, _ lookup: PatternLookup, _ context: ExchangeContext) -> Bool {
        let matcher = context.regularMatcher
        return context.withBytes(bytes) { lookup.contains($0, by: matcher) }
    }
}

extension PatternLookup {
    /// Calls `use` with the value, or the key, of the entry that the subject leads to; false if there is none.
    func withEntry(
        of subject: PatternSubject, _ context: ExchangeContext, asKey: Bool, _ use: (_ text: RawSpan) -> Void
    ) -> Bool {
        func search(_ set: PatternSearch) -> Int32 {
            switch subject {
            case .number(let number): return set.find(number)
            case .address(let address): return set.find(address)
            case .text(let bytes): return context.withBytes(bytes) { set.find($0) }
            case .expression(let bytes):
                let matcher = context.regularMatcher
                return context.withBytes(bytes) { set.find($0, by: matcher) }
            }
        }
        return withEntry(asKey: asKey, search, use)
    }
}
