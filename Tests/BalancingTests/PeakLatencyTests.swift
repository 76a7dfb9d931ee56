// `balance ewma`, on a clock of the test's own: who gets what while servers are equal, slow, stalled, and well again.

import BalancingTesting
import Basics
import Dispatch
import Testing

@testable import Balancing

/// Servers that take a time to respond, and requests that come at intervals.
private struct Play {
    let backend: Backend
    /// Of each server, in milliseconds.
    var latencies: [UInt64]
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var underWay: [(ends: Instant, began: Instant, server: Server)] = []
    /// What each server was given since the last `run`, and the most it had at a time.
    private(set) var given: [Int] = []
    private(set) var most: [Int] = []

    init(_ latencies: [UInt64], weights: [Int]? = nil) {
        self.latencies = latencies
        backend = BalancingTests.backend(
            BalanceLine(PeakLatency.self, ()), weights: weights ?? latencies.map { _ in 1 })
    }

    /// Lets time pass, with so many requests a second.
    mutating func run(seconds: Int, rate: UInt64) {
        given = latencies.map { _ in 0 }
        most = given
        let end = now + .seconds(UInt64(seconds))
        while now < end {
            endThoseThatAreDone()
            if case .server(let server) = backend.take(for: NoRequest(), by: 0, now: now) {
                underWay.append((now + .milliseconds(latencies[backend.place(of: server)]), now, server))
                given[backend.place(of: server)] += 1
                most[backend.place(of: server)] = max(most[backend.place(of: server)], server.active.current)
            }
            now = now + TimeSpan(nanoseconds: 1_000_000_000 / rate)
        }
    }

    private mutating func endThoseThatAreDone() {
        for request in underWay where request.ends <= now {
            backend.learn(request.ends.since(request.began), of: request.server, isWhole: true, at: now)
            backend.release(request.server, by: 0)
        }
        underWay.removeAll { $0.ends <= now }
    }
}

@Suite struct PeakLatencyTests {
    @Test func `equal servers get the same, however few the requests are`() {
        for rate: UInt64 in [5, 1_000] {
            var play = Play([10, 10, 11])
            play.run(seconds: 20, rate: rate)
            let most = play.given.max() ?? 0
            #expect(play.given.allSatisfy { $0 * 3 >= most * 2 }, "\(rate) a second: \(play.given)")
        }
    }

    @Test func `weights count`() {
        var play = Play([10, 10], weights: [3, 1])
        play.run(seconds: 20, rate: 2_000)
        #expect((220...380).contains(play.given[0] * 100 / max(1, play.given[1])), "\(play.given)")
    }

    @Test func `a server that is slow gets less, and is not forgotten`() {
        var play = Play([10, 10, 10])
        play.run(seconds: 10, rate: 500)
        play.latencies[2] = 500
        play.run(seconds: 10, rate: 500)
        #expect(play.given[2] * 20 < play.given[0], "\(play.given)")
        play.run(seconds: 120, rate: 500)
        #expect(play.given[2] > 0 && play.given[2] * 20 < play.given[0], "\(play.given)")
    }

    @Test func `a server that stalls for 2 s is given little, and is not flooded when it goes on`() {
        var play = Play([10, 10, 10])
        play.run(seconds: 10, rate: 1_000)
        play.latencies[1] = 2_000
        play.run(seconds: 2, rate: 1_000)
        #expect(play.given[1] < 50, "\(play.given)")
        play.latencies[1] = 10
        for _ in 0..<60 {
            play.run(seconds: 1, rate: 1_000)
            #expect(play.most[1] <= 2 * max(play.most[0], play.most[2]) + 10, "\(play.most)")
        }
        #expect(play.given[1] * 2 > play.given[0], "it has its share again: \(play.given)")
    }

    @Test func `a server that nothing is known of is taken for an average one`() {
        var play = Play([20, 20, 20])
        play.backend.set(.down, of: 2)
        play.run(seconds: 10, rate: 1_000)
        play.backend.set(.up, of: 2)
        play.run(seconds: 1, rate: 1_000)
        #expect(play.most[2] <= 2 * max(play.most[0], play.most[1]), "\(play.most)")
        #expect((200...500).contains(play.given[2]), "\(play.given)")
    }

    @Test func `one that is waited for in vain cannot improve its average`() {
        let backend = backend(BalanceLine(PeakLatency.self, ()), weights: [1, 1])
        let now = Instant(nanoseconds: 1_000_000_000)
        for server in backend.servers { backend.learn(.milliseconds(100), of: server, isWhole: true, at: now) }
        // Refused connections are quick.
        for _ in 0..<50 { backend.learn(.zero, of: backend.servers[0], isWhole: false, at: now) }
        #expect(backend.servers[0].latency.value == backend.servers[1].latency.value)
        backend.learn(.seconds(2), of: backend.servers[0], isWhole: false, at: now)
        #expect(backend.choices(4) == "bbbb")
    }

    @Test func `full servers are passed over`() {
        let backend = backend(BalanceLine(PeakLatency.self, ()), weights: [1, 1], limit: 1)
        for _ in 0..<2 { _ = backend.take() }
        #expect(backend.servers.map(\.active.current) == [1, 1])
        #expect(backend.take().text == "full ")
    }
}

@Suite struct LatencyMeterTests {
    private let start = Instant(nanoseconds: 5_000_000_000)

    @Test func `a peak counts at once, and half of it is forgotten after each half-life`() throws {
        let meter = LatencyMeter(followsPeaks: true)
        #expect(meter.value == nil && meter.value(at: start, typical: 3) == 3)
        meter.add(.milliseconds(10), at: start)
        meter.add(.seconds(1), at: start)
        #expect(abs(try #require(meter.value) - 1) < 1e-6)
        let later = start + .milliseconds(UInt64(LatencyMeter.halfLife * 1_000))
        #expect(abs(meter.value(at: later, typical: 0) - 0.5) < 1e-3)
        meter.add(.zero, at: later)
        #expect(abs(try #require(meter.value) - 0.5) < 1e-3)
        #expect(meter.value(at: later + .seconds(1_000), typical: 0.02) == 0.02)
    }

    @Test func `what is forgotten does not depend on how many steps it takes`() throws {
        let (one, many) = (LatencyMeter(followsPeaks: true), LatencyMeter(followsPeaks: true))
        for meter in [one, many] { meter.add(.seconds(1), at: start) }
        for step: UInt64 in 1...6_000 { many.add(.zero, at: start + .milliseconds(step)) }
        one.add(.zero, at: start + .milliseconds(6_000))
        #expect(abs(try #require(one.value) - (try #require(many.value))) < 0.005)
    }

    @Test func `an average without peaks follows both ways at the same pace`() throws {
        let meter = LatencyMeter(followsPeaks: false)
        meter.add(.milliseconds(100), at: start)
        meter.add(.milliseconds(300), at: start + .milliseconds(UInt64(LatencyMeter.halfLife * 1_000)))
        #expect(abs(try #require(meter.value) - 0.2) < 1e-3)
    }

    @Test func `a worker whose clock is behind, and the wrap of the milliseconds, do no harm`() throws {
        let meter = LatencyMeter(followsPeaks: true)
        meter.add(.seconds(1), at: start + .seconds(1))
        meter.add(.milliseconds(1), at: start)
        #expect(abs(try #require(meter.value) - 1) < 1e-6)
        let wrap = Instant(nanoseconds: UInt64(UInt32.max) * 1_000_000)
        let other = LatencyMeter(followsPeaks: true)
        other.add(.seconds(1), at: wrap)
        let after = wrap + .milliseconds(UInt64(LatencyMeter.halfLife * 1_000))
        #expect(abs(other.value(at: after, typical: 0) - 0.5) < 1e-3)
    }

    @Test func `no latency is lost among workers`() throws {
        let meter = LatencyMeter(followsPeaks: true)
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            for i in 1...10_000 { meter.add(.milliseconds(UInt64(i * 4 + worker)), at: start) }
        }
        #expect(abs(try #require(meter.value) - 40.003) < 1e-3)
    }
}
