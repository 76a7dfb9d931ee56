// Says in the log which rule's regular expressions come to no result (`tune.regex.max-steps`), and counts how often.
//
// Peers decide how often that happens, so a line is written once in a while for each rule, with how many there were since.

internal import Basics
internal import Logging
internal import Synchronization

/// Shared by the workers.
final class UndecidedMatchLog: Sendable {
    private struct Record {
        var silentUntil: Instant
        /// Matches that no line has told of.
        var untold = 0
    }

    private let records = Lock<[String: Record]>([:])
    private let all = Atomic<UInt64>(0)

    /// A rule is named again after this time at the earliest.
    static let silence = TimeSpan.seconds(10)

    /// How many there have been.
    var total: UInt64 { all.load(ordering: .relaxed) }

    /// Counts `count` matches of one rule; the line that is to be logged, nil while the rule is silent.
    /// - Parameters:
    ///   - rule: its file and line; nil if no rule asked for the matches.
    ///   - stepsMax: how many steps were too few.
    func line(about rule: String?, _ count: Int, stepsMax: UInt32, now: Instant) -> String? {
        all.wrappingAdd(UInt64(count), ordering: .relaxed)
        let place = rule ?? "a log format"
        let untold: Int? = records.withLock { records in
            // Rules are as many as the file has, so the table is bounded.
            var record = records[place] ?? Record(silentUntil: now)
            record.untold += count
            defer { records[place] = record }
            guard now >= record.silentUntil else { return nil }
            record.silentUntil = now + Self.silence
            defer { record.untold = 0 }
            return record.untold
        }
        guard let untold else { return nil }
        return "\(place): a regular expression came to no result within \(stepsMax) steps (tune.regex.max-steps), "
            + "\(untold) time\(untold == 1 ? "" : "s") since this was last said. Conditions of rules that refuse take it "
            + "for a match."
    }
}
