// Rates: their value at a given time, summed over all workers.

import Balancing
import Basics
import Testing

@Suite struct RateMeterTests {
    private func moment(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func `an event is in the rate as soon as it is counted`() {
        let meter = RateMeter(workers: 1)
        for n in 1...100 {
            meter.count(worker: 0, at: moment(5_200))
            #expect(meter.rate(at: moment(5_200)) == n)
        }
    }

    @Test func `the second before counts by what is left of it`() {
        let meter = RateMeter(workers: 1)
        for _ in 0..<100 { meter.count(worker: 0, at: moment(5_990)) }
        #expect(meter.rate(at: moment(5_999)) == 100)
        #expect(meter.rate(at: moment(6_000)) == 100)
        #expect(meter.rate(at: moment(6_250)) == 75)
        for _ in 0..<10 { meter.count(worker: 0, at: moment(6_500)) }
        #expect(meter.rate(at: moment(6_500)) == 60)
        #expect(meter.rate(at: moment(6_999)) == 10)
        #expect(meter.rate(at: moment(7_500)) == 5)
        #expect(meter.rate(at: moment(8_000)) == 0)
    }

    @Test func `a burst is forgotten two seconds later`() {
        let meter = RateMeter(workers: 1)
        for _ in 0..<100 { meter.count(worker: 0, at: moment(5_000)) }
        meter.count(worker: 0, at: moment(7_000))
        #expect(meter.rate(at: moment(7_000)) == 1)
    }

    @Test func `a single event is told for as long as its second or the next runs`() {
        let meter = RateMeter(workers: 1)
        meter.count(worker: 0, at: moment(5_000))
        for after in [5_000, 5_999, 6_500, 6_999] as [UInt64] { #expect(meter.rate(at: moment(after)) == 1) }
        #expect(meter.rate(at: moment(7_000)) == 0)
    }

    @Test func `what the workers have counted adds up`() {
        let meter = RateMeter(workers: 3)
        for worker in 0..<3 {
            for _ in 0...worker { meter.count(worker: worker, at: moment(9_000)) }
        }
        meter.count(40, worker: 1, at: moment(9_100))
        #expect(meter.rate(at: moment(9_100)) == 46)
    }

    @Test func `the most of one second is kept, whichever the second`() {
        let meter = RateMeter(workers: 2)
        meter.count(30, worker: 0, at: moment(5_900))
        meter.count(30, worker: 1, at: moment(5_950))
        meter.count(59, worker: 0, at: moment(6_000))
        #expect(meter.maximum(at: moment(6_000)) == 60)
        meter.count(2, worker: 0, at: moment(6_001))
        #expect(meter.maximum(at: moment(6_001)) == 61)
        #expect(meter.maximum(at: moment(600_000)) == 61)
    }

    @Test func `a maximum that is looked up late is found all the same`() {
        let meter = RateMeter(workers: 1)
        meter.count(7, worker: 0, at: moment(5_500))
        meter.keepMaximum(at: moment(8_999))
        #expect(meter.maximum(at: moment(900_000)) == 7)
    }

    @Test func `the first second of a clock is a second`() {
        let meter = RateMeter(workers: 1)
        meter.count(5, worker: 0, at: moment(10))
        #expect(meter.rate(at: moment(20)) == 5)
        #expect(meter.maximum(at: moment(20)) == 5)
    }
}
