// When checks are made: spread by lot, spread at the start, and what does not count.

import BalancingTesting
import Basics
import Configuration
import Testing

@testable import Balancing

@Suite struct CheckTimingTests {
    private func timing(_ lines: String) -> CheckTiming {
        language.load(text: "global\n    \(lines)\n", named: "t.cfg").global[CheckTiming.self]
    }

    @Test func `pauses vary by as many percent as said, and without a line by nothing`() {
        let pause = TimeSpan.seconds(2)
        #expect(CheckTiming().spread(pause, 12_345) == pause)
        let timing = timing("spread-checks 5")
        #expect(timing.spread(pause, 0) == .milliseconds(1_900))
        #expect(timing.spread(pause, 1_000_000) == pause)
        #expect(timing.spread(pause, 2_000_000) == .milliseconds(2_100))
        #expect(self.timing("spread-checks 50").spread(.milliseconds(1), .max) > TimeSpan(nanoseconds: 499_000))
    }

    @Test func `first checks are spread over the interval, or over less`() {
        #expect(CheckTiming().firstDelay(at: 3, of: 4, interval: .seconds(60)) == .seconds(45))
        let timing = timing("max-spread-checks 4s")
        #expect(timing.firstDelay(at: 3, of: 4, interval: .seconds(60)) == .seconds(3))
        #expect(timing.firstDelay(at: 3, of: 4, interval: .seconds(2)) == .milliseconds(1_500))
        #expect(timing.firstDelay(at: 0, of: 4, interval: .seconds(2)) == .zero)
    }

    @Test func `with check-passive a time-out does not count while the server answers requests`() throws {
        let backend = try settings("option check-passive", "option httpchk", "server s 127.0.0.1:80 check inter 2s")
            .backend()
        let server = backend.servers[0]
        let plan = try #require(server.check)
        let now = Instant(nanoseconds: 100_000_000_000)
        let silence = CheckResult(.failed, .layer7Timeout)
        #expect(plan.weigh(silence, of: server, at: now) == silence, "it has never answered")
        server.traffic.row(0).noteAnswer(at: Instant(nanoseconds: 98_000_000_000))
        let excused = plan.weigh(silence, of: server, at: now)
        #expect(excused.outcome == .unchanged && excused.info == "not counted: the server answers requests")
        for code in [CheckResult.Code.layer4Connection, .layer7Status, .layer7Response, .socketError] {
            let failure = CheckResult(.failed, code)
            #expect(plan.weigh(failure, of: server, at: now) == failure, "\(code) always counts")
        }
        #expect(plan.weigh(silence, of: server, at: now + .milliseconds(1)) == silence, "longer ago than inter")
        var other = plan
        other.isPassive = false
        #expect(other.weigh(silence, of: server, at: now) == silence)
        // Nothing changes by what does not count.
        for _ in 1...5 { #expect(backend.record(excused, of: server, at: now) == nil) }
        #expect(server.state.health == .up && server.record.failures == 0)
        _ = backend.record(CheckResult(.failed, .layer7Status), of: server, at: now)
        #expect(server.state.health == .down, "the first check that counts")
        #expect(backend.record(excused, of: server, at: now) == nil)
        #expect(server.state.health == .down)
    }
}
