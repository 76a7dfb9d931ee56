// Limits on connections a second.

import Basics
import Testing

@testable import Proxy

@Suite struct RateLimitTests {
    private let begin = Instant(nanoseconds: 100_000_000_000)

    @Test func `as many as the limit come in at once, and the wait it names is enough`() {
        let limit = RateLimit(10)
        var now = begin + .milliseconds(250)
        for _ in 1...10 { #expect(limit.take(at: now) == nil) }
        var waits = 0
        for _ in 1...30 {
            while let wait = limit.take(at: now) {
                #expect(wait >= .milliseconds(1) && wait <= .milliseconds(1_000))
                now = now + wait
                waits += 1
                #expect(waits < 100)
            }
        }
        // 30 more at 10 a second.
        let seconds = Double(now.since(begin).nanoseconds) / 1e9
        #expect(seconds > 2.7 && seconds < 4.5, "\(seconds) s")
    }

    @Test func `no second has more than the limit, over any start`() {
        let limit = RateLimit(7)
        var taken: [Instant] = []
        for millisecond: UInt64 in 0..<5_000 {
            let now = begin + .milliseconds(millisecond)
            if limit.take(at: now) == nil { taken.append(now) }
        }
        for (index, first) in taken.enumerated() {
            let within = taken[index...].prefix { $0.since(first) < .seconds(1) }.count
            // The share of the second before is an estimate: as with HAProxy's counters it can be off by one in a window.
            #expect(within <= 8, "\(within) from \(first)")
        }
        #expect(taken.count >= 33 && taken.count <= 36)
    }

    @Test func `a place that is given back can be taken, and a pause empties the count`() {
        let limit = RateLimit(1)
        #expect(limit.take(at: begin) == nil)
        #expect(limit.take(at: begin) != nil)
        limit.giveBack()
        #expect(limit.take(at: begin) == nil)
        #expect(limit.take(at: begin + .seconds(10)) == nil)
    }
}
