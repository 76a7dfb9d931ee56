// What conditions and converters hold of a set: one of its indexes, ready to ask. It is a few pointers, so that asking
// counts no references; the table that holds it holds the set, too.

internal import Basics

@safe
struct PatternLookup: @unchecked Sendable {
    private let index: UnsafeMutablePointer<PatternIndex>
    private let store: UnsafeMutablePointer<PatternStore>
    /// nil if nobody changes the set.
    private let gate: UnsafeMutablePointer<ReaderGate>?

    init(
        index: UnsafeMutablePointer<PatternIndex>, store: UnsafeMutablePointer<PatternStore>,
        gate: UnsafeMutablePointer<ReaderGate>?
    ) {
        unsafe self.index = index
        unsafe self.store = store
        unsafe self.gate = gate
    }

    func contains(_ number: Int) -> Bool {
        let lane = enter()
        defer { leave(lane) }
        return unsafe index.pointee.find(number, store.pointee) >= 0
    }

    func contains(_ address: IPAddress) -> Bool {
        let lane = enter()
        defer { leave(lane) }
        return unsafe index.pointee.find(address) >= 0
    }

    func contains(_ text: RawSpan) -> Bool {
        let lane = enter()
        defer { leave(lane) }
        return unsafe index.pointee.find(text, store.pointee) >= 0
    }

    func contains(_ text: RawSpan, by matcher: RegularMatcher) -> Bool {
        let lane = enter()
        defer { leave(lane) }
        return unsafe index.pointee.find(text, matcher) >= 0
    }

    /// Calls `use` with the value, or the key, of the entry that the subject leads to; nil if there is none.
    func withEntry<R>(
        of subject: PatternSubject, _ facts: ExchangeFacts, asKey: Bool, _ use: (_ text: RawSpan) -> R
    ) -> R? {
        let lane = enter()
        defer { leave(lane) }
        let slot: Int32
        switch subject {
        case .number(let number): slot = unsafe index.pointee.find(number, store.pointee)
        case .address(let address): slot = unsafe index.pointee.find(address)
        case .text(let bytes):
            slot = facts.withBytes(bytes) { unsafe index.pointee.find($0, store.pointee) }
        case .expression(let bytes):
            let matcher = facts.regularMatcher
            slot = facts.withBytes(bytes) { unsafe index.pointee.find($0, matcher) }
        }
        if slot < 0 { return nil }
        return asKey ? unsafe use(store.pointee.key(slot)) : unsafe use(store.pointee.value(slot))
    }

    @inline(__always)
    private func enter() -> Int {
        if let gate = unsafe gate { unsafe gate.pointee.enter() } else { 0 }
    }

    @inline(__always)
    private func leave(_ lane: Int) {
        if let gate = unsafe gate { unsafe gate.pointee.leave(lane) }
    }
}

/// A value as a method wants it.
enum PatternSubject {
    case number(Int)
    case address(IPAddress)
    case text(SampleBytes)
    /// Text for regular expressions.
    case expression(SampleBytes)

    /// nil if the value cannot be converted.
    @inline(__always)
    init?(_ value: SampleValue, for method: MatchMethod, _ facts: ExchangeFacts) {
        switch method {
        case .int:
            guard let number = value.integer(facts) else { return nil }
            self = .number(number)
        case .len: self = .number(value.bytes(facts).count)
        case .ip:
            guard let address = value.address(facts) else { return nil }
            self = .address(address)
        case .reg: self = .expression(value.bytes(facts))
        case .str, .beg, .end, .sub, .dir, .dom, .bin: self = .text(value.bytes(facts))
        case .found, .bool: return nil
        }
    }
}

/// A criterion's values where they are a file's, or many.
struct PatternMatcher: Sendable {
    let method: MatchMethod
    /// A stretch of the table's look-ups, any of which is enough.
    let lookups: Stretch

    func matches(_ value: SampleValue, _ facts: ExchangeFacts, _ program: RuleProgram) -> Bool {
        guard let subject = PatternSubject(value, for: method, facts) else { return false }
        for i in lookups.range {
            let lookup = program.lookup(i)
            let isFound =
                switch subject {
                case .number(let number): lookup.contains(number)
                case .address(let address): lookup.contains(address)
                case .text(let bytes): facts.withBytes(bytes) { lookup.contains($0) }
                case .expression(let bytes): matches(bytes, lookup, facts)
                }
            if isFound { return true }
        }
        return false
    }

    private func matches(_ bytes: SampleBytes, _ lookup: PatternLookup, _ facts: ExchangeFacts) -> Bool {
        let matcher = facts.regularMatcher
        return facts.withBytes(bytes) { lookup.contains($0, by: matcher) }
    }
}

extension RuleProgram {
    @inline(__always)
    func lookup(_ place: Int) -> PatternLookup {
        guard let lookup = table.lookups[place] else { preconditionFailure("pattern file \(place) was not read") }
        return lookup
    }
}
