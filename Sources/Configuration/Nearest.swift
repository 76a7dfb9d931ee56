// The word that somebody probably meant.
//
// A look-up compares a word with hundreds of others. In a file with thousands of mistakes the first ones tell what is wrong
// with it: after those there are no suggestions (`SuggestionBudget`).

import Basics
import Synchronization

/// How many suggestions are still looked for while a configuration is read, or put together.
public final class SuggestionBudget: Sendable {
    /// After so many errors there are no suggestions.
    static let problemsMax = 50
    /// A problem may take some look-ups: here, in other sections, among other kinds of words.
    private static let lookupsMax = problemsMax * 4

    @TaskLocal private static var current: SuggestionBudget?

    private let problems = Atomic<Int>(0)
    private let lookups = Atomic<Int>(0)

    private init() {}

    /// Bounds the suggestions that `body` looks for. Outside, there is no bound.
    public static func limit<R>(_ body: () throws -> R) rethrows -> R {
        try $current.withValue(SuggestionBudget(), operation: body)
    }

    /// Counts a problem, if it is an error.
    public static func note(_ problem: ConfigProblem) {
        if problem.severity == .error { current?.problems.wrappingAdd(1, ordering: .relaxed) }
    }

    /// Whether one more look-up may be made.
    static func take() -> Bool {
        guard let current else { return true }
        return current.problems.load(ordering: .relaxed) < problemsMax
            && current.lookups.wrappingAdd(1, ordering: .relaxed).newValue <= lookupsMax
    }
}

/// The candidate that takes the fewest slips of the finger (a letter too many, missing, wrong, or two swapped) to
/// become `word`; nil if none is within a third of the word's length.
///
/// Letters compare without case. Of equally near ones the one with the same first letter wins, then the alphabet. Nil too once
/// there have been many mistakes.
public func nearest<S: Sequence<String>>(_ word: String, among candidates: @autoclosure () -> S) -> String? {
    SuggestionBudget.take() ? closest(word, among: candidates()) : nil
}

/// As `nearest`, however many mistakes there have been: for what is decided by it.
func closest(_ word: String, among candidates: some Sequence<String>) -> String? {
    let typed = word.utf8.map(asciiLowercased)
    // Longer than any keyword: nobody meant one, and the comparison is quadratic.
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

/// The nearest candidate, or else the one that `word` goes on from or breaks off (`interval` for `inter`); nil if none.
func meant(_ word: String, among candidates: @autoclosure () -> [String]) -> String? {
    guard SuggestionBudget.take() else { return nil }
    let candidates = candidates()
    if let near = closest(word, among: candidates) { return near }
    // Three letters in common prove something, two do not.
    let begun = candidates.filter { $0.utf8.count >= 3 && word.hasPrefix($0) }.max { $0.utf8.count < $1.utf8.count }
    if let begun { return begun }
    let longer = candidates.filter { word.utf8.count >= 3 && $0.hasPrefix(word) }
    return longer.count == 1 ? longer[0] : nil
}

/// The Damerau-Levenshtein distance in its restricted form: no letter is moved twice.
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
