// What operators are told of a reload: of one at its end, and of all so far.

public import Basics

/// What came of one attempt to read the configuration again.
public struct ReloadOutcome: Sendable, Equatable {
    /// Whether what was read is in force. If it is not, what was in force before still is.
    public let isDone: Bool
    /// Errors and warnings as `-c` prints them, or why nothing was read; empty if there is nothing to tell.
    public let problems: String

    public init(isDone: Bool, problems: String = "") {
        self.isDone = isDone
        self.problems = problems
    }

    /// The lines of `problems`. The command line's answers end with an empty line, so there is none among these.
    var lines: [Substring] { problems.split(whereSeparator: \.isNewline) }
}

/// All attempts since the process began.
public struct ReloadRecord: Sendable {
    public private(set) var attempts = 0
    /// Failures since the last attempt that succeeded.
    public private(set) var failures = 0
    /// When the configuration that is in force was read; nil: at the start of the process.
    public private(set) var since: Instant?
    /// What was told at the start or by the last attempt.
    public private(set) var latest: ReloadOutcome

    /// - Parameter messages: what was told at the start.
    public init(startMessages messages: String = "") { latest = ReloadOutcome(isDone: true, problems: messages) }

    public mutating func note(_ outcome: ReloadOutcome, at now: Instant) {
        attempts += 1
        failures = outcome.isDone ? 0 : failures + 1
        if outcome.isDone { since = now }
        latest = outcome
    }
}
