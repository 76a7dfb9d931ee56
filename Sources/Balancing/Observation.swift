// `observe`: what live traffic shows of a server's health, beside its checks. Workers count failures in a row; when there are as many as
// `error-limit` says, the control thread does what `on-error` says.

public import Basics
internal import Configuration
internal import Synchronization

/// What a worker has seen of a server.
public enum TrafficSign: Sendable {
    case connected, notConnected
    /// A response with a status that says nothing against the server; one with another.
    case goodStatus, badStatus
    /// What it said is no response; it closed before one; none came in time.
    case malformed, closed, timedOut

    /// A response's status: errors of servers are bad but for those that a request can cause.
    public init(status: Int) {
        self = (100..<500).contains(status) || status == 501 || status == 505 ? .goodStatus : .badStatus
    }

    /// The words in HAProxy's log lines.
    var words: String {
        switch self {
        case .connected: "L4 successful connection"
        case .notConnected: "L4 unsuccessful connection"
        case .goodStatus: "Correct http response"
        case .badStatus: "Wrong http response"
        case .malformed: "Invalid http response (headers)"
        case .closed: "Close from server (http)"
        case .timedOut: "Read timeout (http)"
        }
    }
}

/// What is observed of a server, and what follows.
public struct Observation: Sendable, Equatable {
    public enum Layer: Sendable {
        /// `layer4`: connections.
        case connections
        /// `layer7`: responses too.
        case responses
    }

    /// `on-error`
    public enum Reaction: Sendable {
        /// The next check comes sooner.
        case fastInterval
        /// As if a check had failed; as if all but one had that take the server down; as if all had.
        case failedCheck, suddenDeath, markDown
    }

    public var layer: Layer
    /// `error-limit`: failures in a row.
    public var failuresMax = 10
    public var reaction = Reaction.failedCheck

    /// Whether the sign is a failure; nil if it says nothing at this layer.
    func isFailure(_ sign: TrafficSign) -> Bool? {
        switch (layer, sign) {
        case (.connections, .connected): false
        case (_, .notConnected): true
        case (.connections, _), (.responses, .connected): nil
        case (.responses, .goodStatus): false
        case (.responses, _): true
        }
    }
}

extension Backend {
    /// Sets the function that tells the control thread what was observed, in words. Workers call it.
    public func setFailureReporter(_ report: @escaping @Sendable (Server, String) -> Void) {
        failureReporter.withLock { $0 = report }
    }

    /// A worker has seen how a server behaves.
    @inline(__always)
    public func observe(_ sign: TrafficSign, of server: Server) {
        if server.isObserved { count(sign, of: server) }
    }

    private func count(_ sign: TrafficSign, of server: Server) {
        guard let observation = server.observation, let isFailure = observation.isFailure(sign) else { return }
        guard isFailure else { return server.failuresInRow.store(0, ordering: .relaxed) }
        let failures = server.failuresInRow.wrappingAdd(1, ordering: .relaxed).newValue
        // Of several workers that fail at once, one reports.
        guard failures == observation.failuresMax else { return }
        server.failuresInRow.store(0, ordering: .relaxed)
        let words = "Detected \(failures) consecutive errors, last one was: \(sign.words)"
        failureReporter.withLock { $0 }?(server, words)
    }

    /// Counts what was observed of a server as its `on-error` says. Returns the change between up and down that this completes.
    public func recordFailures(_ words: String, of server: Server, at now: Instant) -> ObservedFailure {
        server.observedFailures.wrappingAdd(1, ordering: .relaxed)
        guard let reaction = server.observation?.reaction, reaction != .fastInterval else { return ObservedFailure() }
        server.updateRecord { $0.weaken(by: reaction) }
        let result = CheckResult(.failed, .observed, info: words)
        return ObservedFailure(result: result, transition: record(result, of: server, at: now))
    }
}

/// What came of failures that were observed.
public struct ObservedFailure: Sendable {
    /// Nil where only the next check comes sooner.
    public var result: CheckResult?
    public var transition: HealthRecord.Transition?
}

extension Server {
    /// Times that observation has found as many failures as its limit.
    public var observedFailuresTotal: UInt64 { observedFailures.load(ordering: .relaxed) }
}

extension HealthRecord {
    /// Leaves as little credit as the reaction says, before a failure is counted.
    mutating func weaken(by reaction: Observation.Reaction) {
        switch reaction {
        case .fastInterval, .failedCheck: break
        case .suddenDeath: lowerHealth(to: thresholds.rise + 1)
        case .markDown: lowerHealth(to: thresholds.rise)
        }
    }
}

enum ObservationParameters {
    static let table: [Parameter<ServerDraft>] = [
        Parameter(
            "observe", usage: "observe layer4|layer7",
            summary:
                "Lets live traffic tell of the server's health beside its checks: connections (layer4), or in http mode also "
                + "responses (layer7), of which those with 500 and above count as errors, but for 501 and 505. See error-limit, on-error."
        ) { (args, server) throws(ConfigProblem) in
            server.observedLayer = try args.choice("a layer", of: ["layer4": .connections, "layer7": .responses])
        },
        Parameter(
            "error-limit", usage: "error-limit <count>",
            summary: "With observe, the number of errors in a row after which on-error happens: 10 by default."
        ) { (args, server) throws(ConfigProblem) in
            server.observedFailuresMax = try args.integer("a count", in: 1...1_000_000)
        },
        Parameter(
            "on-error", usage: "on-error fastinter|fail-check|sudden-death|mark-down",
            summary:
                "What happens after as many errors in a row as error-limit says: the next check comes after `fastinter`, which the "
                + "others do too; as if a check had failed (the default); the next failed check takes the server down; or it is down."
        ) { (args, server) throws(ConfigProblem) in
            server.reactionToFailures = try args.choice(
                "a reaction",
                of: [
                    "fastinter": .fastInterval, "fail-check": .failedCheck, "sudden-death": .suddenDeath,
                    "mark-down": .markDown,
                ])
        },
    ]
}

extension ServerDraft {
    /// Nil for a server that is not observed, or has no checks.
    var observation: Observation? {
        guard isChecked, let observedLayer else { return nil }
        return Observation(layer: observedLayer, failuresMax: observedFailuresMax, reaction: reactionToFailures)
    }
}
