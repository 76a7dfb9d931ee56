// Spelling suggestions: finds the known word that is most similar to a mistyped one.
//
// A look-up compares a word with hundreds of others. To bound the cost for a file with thousands of mistakes,
// suggestions are made only for the first ones (`SuggestionBudget`).

import Basics
import Synchronization

/// Limits the number of suggestions while a configuration is read or its plan is built.
public final class SuggestionBudget: Sendable {
    /// After this many errors, no suggestions are made.
    static let problemsMax = 50
    /// A problem may need several look-ups: in this section, in others, among other kinds of words.
    private static let lookupsMax = problemsMax * 4

    @TaskLocal private static var current: SuggestionBudget?

    private let problems = Atomic<Int>(0)
    private let lookups = Atomic<Int>(0)

    private init() {}

    /// Limits the suggestions made during `body`. Elsewhere there is no limit.
    public static func limit<R>(_ body: () throws -> R) rethrows -> R {
        try $current.withValue(SuggestionBudget(), operation: body)
    }

    /// Counts a problem, if it is an error.
    public static func note(_ problem: ConfigProblem) {
        if problem.severity == .error { current?.problems.wrappingAdd(1, ordering: .relaxed) }
    }

    /// Counts a look-up; returns whether it is within the limit.
    static func consume() -> Bool {
        guard let current else { return true }
        return current.problems.load(ordering: .relaxed) < problemsMax
            && current.lookups.wrappingAdd(1, ordering: .relaxed).newValue <= lookupsMax
    }
}

/// The candidate with the smallest edit distance (insertions, deletions, substitutions, transpositions) to `word`; nil
/// if none is within a third of the word's length, or if the `SuggestionBudget` is used up.
///
/// Ignores case. Among equally near candidates, one with the same first letter is preferred, then the first in
/// alphabetical order.
public func nearest<S: Sequence<String>>(_ word: String, among candidates: @autoclosure () -> S) -> String? {
    SuggestionBudget.consume() ? closest(word, among: candidates()) : nil
}

/// Like `nearest`, without the `SuggestionBudget`: for decisions that depend on the result.
func closest(_ word: String, among candidates: some Sequence<String>) -> String? {
    let typed = word.utf8.map(asciiLowercased)
    // Bounded, because the comparison is quadratic: no keyword is longer than 64.
    guard typed.count > 1, typed.count <= 64 else { return nil }
    let slipsMax = max(1, typed.count / 3)

    var best: (slips: Int, otherInitial: Int, name: String)?
    for candidate in candidates where candidate != word && abs(candidate.utf8.count - typed.count) <= slipsMax {
        let name = candidate.utf8.map(asciiLowercased)
        let slips = slips(from: typed, to: name)
        guard slips <= slipsMax else { continue }
        let found = (slips, name.first == typed.first ? 0 : 1, candidate)
        if let known = best, known <= found { continue }
        best = found
    }
    return best?.name
}

/// The nearest candidate, or else one that is a prefix of `word` or of which `word` is a prefix (`inter` for
/// `interval`); nil if there is none.
func meant(_ word: String, among candidates: @autoclosure () -> [String]) -> String? {
    guard SuggestionBudget.consume() else { return nil }
    let candidates = candidates()
    if let near = closest(word, among: candidates) { return near }
    // A common prefix of less than three letters is not significant.
    let begun = candidates.filter { $0.utf8.count >= 3 && word.hasPrefix($0) }.max { $0.utf8.count < $1.utf8.count }
    if let begun { return begun }
    let longer = candidates.filter { word.utf8.count >= 3 && $0.hasPrefix(word) }
    return longer.count == 1 ? longer[0] : nil
}

/// The restricted Damerau-Levenshtein distance (optimal string alignment).
private func slips(from a: [UInt8], to b: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1]
        row.reserveCapacity(b.count + 1)
        for j in 0..<b.count {
            var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, beforeLast[j - 1] + 1) }
            row.append(least)
        }
        beforeLast = last
        last = row
    }
    return last[b.count]
}
