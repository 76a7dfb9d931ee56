// One test: an expression and what its value is compared with; and the lists of tests that share a name.

internal import Basics
internal import Patterns

/// What a value is compared with.
enum Matcher: Sendable {
    /// There is a value at all.
    case found
    case bool
    case integers(IntegerPatterns)
    case length(IntegerPatterns)
    case addresses(NetworkPatterns)
    case strings(StringPatterns)
    case regular(RegularPatterns)
    /// Those of a file, or many.
    case patterns(PatternMatcher)

    /// Whether the value matches. A value of another type is converted first; one that cannot be does not match.
    @inline(__always)
    func matches(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> Bool {
        switch self {
        case .found: return true
        case .bool: return value.bool(context) ?? false
        case .integers(let patterns):
            guard let number = value.integer(context) else { return false }
            return patterns.contains(number, program)
        case .length(let patterns): return patterns.contains(value.bytes(context).count, program)
        case .addresses(let patterns):
            guard let address = value.address(context) else { return false }
            return patterns.contains(address, program)
        case .strings(let patterns):
            return context.withBytes(value.bytes(context)) { patterns.matches($0, program) }
        case .regular(let patterns):
            let matcher = context.regularMatcher
            return context.withBytes(value.bytes(context)) { patterns.matches($0, matcher, program) }
        case .patterns(let patterns): return patterns.matches(value, context, program)
        }
    }
}

/// An expression and its matcher: one `acl` line, or what stands between braces.
public struct Criterion: Sendable {
    public let expression: Expression
    let matcher: Matcher
    /// The next test of the same list in the table; -1 if there is none.
    var next = -1

    init(_ expression: Expression, _ matcher: Matcher) {
        self.expression = expression
        self.matcher = matcher
    }

    /// Whether any of the expression's values matches. A match of a value that is sure leaves no doubt, whatever earlier tests
    /// of the same list came to.
    public func holds(_ context: ExchangeContext, _ program: ExpressionProgram) -> Bool {
        context.withScratch {
            var cursor = SampleCursor(isIterating: true)
            repeat {
                cursor.hasMore = false
                let undecided = context.undecidedMatches.count
                if let value = expression.next(context, program, &cursor) {
                    let isSure = context.undecidedMatches.count == undecided
                    if matcher.matches(value, context, program) {
                        if isSure { context.undecidedMatches.isInDoubt = false }
                        return true
                    }
                }
            } while cursor.hasMore
            return false
        }
    }
}

/// The tests of one name, any of which is enough; or the one test between braces. They are linked by `next`, for a
/// list may grow after others have begun.
public struct AccessList: Sendable {
    let first: Int
    var last: Int

    public func holds(_ context: ExchangeContext, _ program: ExpressionProgram) -> Bool {
        var i = first
        while i >= 0 {
            if program.expressions.criteria[i].holds(context, program) { return true }
            i = program.expressions.criteria[i].next
        }
        return false
    }
}

extension ExpressionTable {
    /// Begins a list with one test; returns its index.
    public mutating func addList(_ criterion: Criterion) -> Int {
        criteria.append(criterion)
        lists.append(AccessList(first: criteria.count - 1, last: criteria.count - 1))
        return lists.count - 1
    }

    /// Adds a test to a list.
    public mutating func extend(_ list: Int, _ criterion: Criterion) {
        criteria.append(criterion)
        criteria[lists[list].last].next = criteria.count - 1
        lists[list].last = criteria.count - 1
    }

    /// The tests of a list, in file order.
    public func criteria(of list: Int) -> [Criterion] {
        var found: [Criterion] = []
        var i = lists[list].first
        while i >= 0 {
            found.append(criteria[i])
            i = criteria[i].next
        }
        return found
    }
}
