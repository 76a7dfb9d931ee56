// One test: an expression and what its value is compared with.

internal import Basics

/// What a value is compared with.
enum Matcher: Sendable {
    /// There is a value at all.
    case found
    case bool
    case integers(IntegerPatterns)
    case length(IntegerPatterns)
    case addresses(NetworkPatterns)
    case strings(StringPatterns)

    /// Whether the value matches. A value of another type is converted first; one that cannot be does not match.
    func matches(_ value: SampleValue, _ facts: ExchangeFacts) -> Bool {
        switch self {
        case .found: true
        case .bool: value.bool(facts) ?? false
        case .integers(let patterns): value.integer(facts).map(patterns.contains) ?? false
        case .length(let patterns): patterns.contains(value.bytes(facts).count)
        case .addresses(let patterns): value.address(facts).map(patterns.contains) ?? false
        case .strings(let patterns): facts.withBytes(value.bytes(facts)) { patterns.matches($0) }
        }
    }
}

/// An expression and its matcher: one `acl` line, or what stands between braces.
struct Criterion: Sendable {
    let expression: Expression
    let matcher: Matcher

    /// Whether any of the expression's values matches.
    func holds(_ facts: ExchangeFacts) -> Bool {
        facts.withScratch {
            var cursor = SampleCursor(isIterating: true)
            repeat {
                cursor.hasMore = false
                if let value = expression.next(facts, &cursor), matcher.matches(value, facts) { return true }
            } while cursor.hasMore
            return false
        }
    }
}

/// The tests of one name, any of which is enough; without a name, the one between braces.
struct AccessList: Sendable {
    let name: String?
    var criteria: [Criterion]

    func holds(_ facts: ExchangeFacts) -> Bool {
        for criterion in criteria where criterion.holds(facts) { return true }
        return false
    }
}
