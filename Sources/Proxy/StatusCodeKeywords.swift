// `http-err-codes` and `http-fail-codes`: which statuses count as a client's error and which as a server's failure.

internal import Configuration

/// A set of statuses from 100 to 599.
struct StatusCodeSet: Equatable, Sendable {
    private(set) var codes: Set<Int>

    init(_ codes: Set<Int>) { self.codes = codes }

    /// HAProxy's: what a client is to blame for, and what a server is.
    static let errors = StatusCodeSet(Set(400...499))
    static let failures = StatusCodeSet(Set(500...599).subtracting([501, 505]))

    /// Changes the set by one word: `400,402-444` replaces it, `+501,505` adds to it, `-450-459` takes from it.
    /// - Throws: where the word is not of that form, at the word.
    mutating func change(by word: Word) throws(ConfigProblem) {
        var text = word.text[...]
        let sign = text.first == "+" || text.first == "-" ? text.removeFirst() : nil
        var named: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends[0], let last = ends.count == 1 ? first : ends[1], 100 <= first, first <= last,
                last <= 599
            else {
                throw ConfigProblem(
                    "'\(part)' is no status and no range of statuses", at: word.range,
                    expected: "numbers from 100 to 599 like 400,402-444, with + or - before them to add or remove them")
            }
            named.formUnion(first...last)
        }
        switch sign {
        case "+": codes.formUnion(named)
        case "-": codes.subtract(named)
        default: codes = named
        }
    }
}

/// What `global` says of statuses.
struct StatusCodeSettings: SectionSettings {
    var errors = StatusCodeSet.errors
    var failures = StatusCodeSet.failures
}

enum StatusCodeKeywords {
    static let table: [Keyword] = [
        Keyword(
            "http-err-codes", in: .global, usage: "http-err-codes [+|-]<range>[,<range>...]...",
            summary:
                "Which statuses are errors of clients where errors are counted, 400 to 499 by default: sets them, or adds to them "
                + "or removes from them. Only stick tables count them, which Portico does not have yet."
        ) { (args, draft) throws(ConfigProblem) in
            try change(&draft[StatusCodeSettings.self].errors, by: &args)
        },
        Keyword(
            "http-fail-codes", in: .global, usage: "http-fail-codes [+|-]<range>[,<range>...]...",
            summary:
                "The same for failures of servers, by default 500 to 599 without 501 and 505, which clients can provoke."
        ) { (args, draft) throws(ConfigProblem) in
            try change(&draft[StatusCodeSettings.self].failures, by: &args)
        },
    ]

    private static func change(_ set: inout StatusCodeSet, by args: inout Arguments) throws(ConfigProblem) {
        try set.change(by: try args.next("statuses"))
        for word in args.rest() { try set.change(by: word) }
    }
}
