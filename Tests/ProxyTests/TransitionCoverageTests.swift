// The table of phases and events that a simulation fills.

import Proxy
import Testing

@Suite struct TransitionCoverageTests {
    private typealias Pair = TransitionCoverage.Pair

    private let empty = TransitionCoverage(
        phases: ["reading", "sending", "ended"], events: ["bytes", "deadline"],
        impossible: [Pair(phase: 2, event: 1): "the deadline was cleared"])

    @Test func `what was met, what was not, and what cannot be are told apart`() {
        var table = empty
        table.note(phase: 0, event: 0)
        table.note(phase: 0, event: 0)
        table.note(phase: 1, event: 1)
        #expect(table.met == [Pair(phase: 0, event: 0), Pair(phase: 1, event: 1)])
        #expect(table.unmet == [Pair(phase: 0, event: 1), Pair(phase: 1, event: 0), Pair(phase: 2, event: 0)])
        #expect(table.contradicted.isEmpty)
        #expect(
            table.report() == [
                "Met 2 of 5 pairs of phase and event (1 more are impossible):", "  reading: bytes 2",
                "  sending: deadline 1", "  impossible: ended × deadline: the deadline was cleared",
                "  never met: reading × deadline", "  never met: sending × bytes", "  never met: ended × bytes",
            ])
    }

    @Test func `tables of several workers add up`() {
        var (first, second) = (empty, empty)
        first.note(phase: 1, event: 0)
        second.note(phase: 1, event: 0)
        second.note(phase: 0, event: 1)
        first.add(second)
        #expect(first.count(Pair(phase: 1, event: 0)) == 2)
        #expect(first.count(Pair(phase: 0, event: 1)) == 1)
    }

    @Test func `a pair that is called impossible and was met is a contradiction`() {
        var table = empty
        table.note(phase: 2, event: 1)
        #expect(table.contradicted == [Pair(phase: 2, event: 1)])
        #expect(!table.unmet.contains(Pair(phase: 2, event: 1)))
    }

    @Test func `a table without phases has nothing to report`() {
        #expect(TransitionCoverage(phases: [], events: []).report() == [])
    }
}
