// `spread-checks` and `max-spread-checks`: checks of many servers are not all at once.

public import Basics
public import Configuration

/// How checks and questions to agents are spread over time.
public struct CheckTiming: SectionSettings, Equatable {
    /// Percent by which a pause may be longer or shorter.
    public internal(set) var spreadPercent: UInt64 = 0
    /// In this time all servers are checked once, at the start; nil for the time that each has from check to check.
    public internal(set) var startMax: TimeSpan?

    public init() {}

    /// A pause between two checks, longer or shorter by lot.
    /// - Parameter random: any 64 bits.
    public func spread(_ pause: TimeSpan, _ random: UInt64) -> TimeSpan {
        // The lot is one of a million between the extremes.
        let range = pause.nanoseconds / 100 * spreadPercent
        let lot = range / 1_000_000 * (random % 2_000_001)
        return TimeSpan(nanoseconds: pause.nanoseconds - range + lot)
    }

    /// How long after the start the first of a server's checks comes.
    /// - Parameters:
    ///   - position: the server's place among `count`.
    ///   - interval: the time from one of its checks to the next.
    public func firstDelay(at position: Int, of count: Int, interval: TimeSpan) -> TimeSpan {
        let span = min(interval, startMax ?? interval)
        return TimeSpan(nanoseconds: UInt64(Double(span.nanoseconds) * Double(position) / Double(count)))
    }
}

enum CheckTimingKeywords {
    static let table: [Keyword] = [
        Keyword(
            "spread-checks", in: .global, usage: "spread-checks <percent>",
            summary:
                "Makes each pause between two checks of a server, or two questions to its agent, longer or shorter by lot, by up to this "
                + "many percent, 0 to 50."
        ) { (args, draft) throws(ConfigProblem) in
            draft[CheckTiming.self].spreadPercent = UInt64(try args.integer("a percentage", in: 0...50))
        },
        Keyword(
            "max-spread-checks", in: .global, usage: "max-spread-checks <time>",
            summary:
                "The time after the start in which each server has been checked once. Without it, first checks are spread over the time "
                + "from one check of a server to the next."
        ) { (args, draft) throws(ConfigProblem) in
            draft[CheckTiming.self].startMax = try args.longTime("a time")
        },
    ]
}
