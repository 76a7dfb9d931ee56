// Which events found a stream in which phase, and how often: what a simulation has reached of the transition function, and what not.
//
// The transition function calls `worker.transitions?.note(phase: …, event: …)` with numbers of its own, before it looks at the pair. In
// the daemon `transitions` is nil, and the call costs a load and a branch. A simulation gives each worker an empty table, adds the
// tables up, and prints `report`: pairs that it never met need a scenario, or a reason in `StreamTransitions`.

internal import Basics

/// A table of counts: a row for each phase, a column for each event.
public struct TransitionCoverage: Sendable {
    /// A phase and an event that found a stream in it.
    public struct Pair: Hashable, Sendable {
        public let phase: Int
        public let event: Int

        public init(phase: Int, event: Int) {
            self.phase = phase
            self.event = event
        }
    }

    public let phases: [String]
    public let events: [String]
    /// Pairs that cannot occur, and why; the transition function traps on them.
    public let impossible: [Pair: String]
    @usableFromInline internal var counts: [UInt64]

    /// - Parameters:
    ///   - phases: their names, by the number that `note` is called with.
    ///   - events: likewise.
    public init(phases: [String], events: [String], impossible: [Pair: String] = [:]) {
        self.phases = phases
        self.events = events
        self.impossible = impossible
        counts = Array(repeating: 0, count: phases.count * events.count)
    }

    /// An event is about to be handled.
    @inlinable public mutating func note(phase: Int, event: Int) { counts[phase * events.count + event] += 1 }

    public func count(_ pair: Pair) -> UInt64 { counts[pair.phase * events.count + pair.event] }

    /// Takes in what another table of the same phases and events has counted.
    public mutating func add(_ other: TransitionCoverage) {
        precondition(
            phases == other.phases && events == other.events,
            "tables of \(phases) × \(events) and \(other.phases) × \(other.events)")
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    private var pairs: [Pair] {
        phases.indices.flatMap { phase in events.indices.map { Pair(phase: phase, event: $0) } }
    }

    /// Pairs that were counted.
    public var met: [Pair] { pairs.filter { count($0) > 0 } }
    /// Pairs that were not counted and are not called impossible.
    public var unmet: [Pair] { pairs.filter { count($0) == 0 && impossible[$0] == nil } }
    /// Pairs that are called impossible, and were counted all the same.
    public var contradicted: [Pair] { pairs.filter { count($0) > 0 && impossible[$0] != nil } }

    public func name(of pair: Pair) -> String { "\(phases[pair.phase]) × \(events[pair.event])" }

    /// Impossible pairs by their reasons, in the order of the table.
    private var reasons: [(reason: String, pairs: [String])] {
        var found: [(reason: String, pairs: [String])] = []
        for pair in pairs {
            guard let reason = impossible[pair] else { continue }
            if let at = found.firstIndex(where: { $0.reason == reason }) {
                found[at].pairs.append(name(of: pair))
            } else {
                found.append((reason, [name(of: pair)]))
            }
        }
        return found
    }

    /// A line for each phase with its events and how often each came, then what is impossible, then what never came.
    public func report() -> [String] {
        guard !phases.isEmpty else { return [] }
        let possible = pairs.count - impossible.count
        var lines = [
            "Met \(met.count) of \(possible) pairs of phase and event (\(impossible.count) more are impossible):"
        ]
        for phase in phases.indices {
            let row = events.indices.map { Pair(phase: phase, event: $0) }.filter { count($0) > 0 }
            guard !row.isEmpty else { continue }
            let counted = row.map { "\(events[$0.event]) \(count($0))" }
            lines.append("  \(phases[phase]): \(counted.joined(separator: ", "))")
        }
        for (reason, pairs) in reasons {
            let shown = pairs.count > 3 ? "\(pairs[0]) and \(pairs.count - 1) more" : pairs.joined(separator: ", ")
            lines.append("  impossible: \(shown): \(reason)")
        }
        for pair in unmet { lines.append("  never met: \(name(of: pair))") }
        return lines
    }
}

extension TransitionCoverage {
    /// A table for the streams of a worker, with nothing counted.
    public static var ofStreams: TransitionCoverage {
        var impossible: [Pair: String] = [:]
        for (phase, phaseName) in StreamPhase.names.enumerated() {
            for (event, eventName) in StreamEvent.names.enumerated() {
                impossible[Pair(phase: phase, event: event)] = StreamTransitions.whyImpossible(phaseName, eventName)
            }
        }
        return TransitionCoverage(phases: StreamPhase.names, events: StreamEvent.names, impossible: impossible)
    }
}

extension Worker {
    /// Whether one of the worker's streams is in `phase`, named as in `TransitionCoverage.ofStreams`: for a simulation that interferes
    /// just then.
    public func hasStream(in phase: String) -> Bool {
        slots.elements.contains { source in
            guard let stream = source as? ProxyStream else { return false }
            return StreamPhase.names[stream.phase.number] == phase
        }
    }
}
