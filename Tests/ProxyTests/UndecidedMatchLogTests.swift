// How often the log reports a regular expression that exceeded its limits.

import Basics
import Testing

@testable import Proxy

@Suite struct UndecidedMatchLogTests {
    @Test func `A rule is named at once, and then once in ten seconds with how many there were`() throws {
        let log = UndecidedMatchLog()
        let start = Instant(nanoseconds: 5_000_000_000)
        let first = try #require(log.line(about: "a.cfg:7", 1, stepsMax: 1_000, now: start))
        #expect(
            first.hasPrefix(
                "a.cfg:7: a regular expression came to no result within 1000 steps (tune.regex.max-steps), 1 time "))
        for milliseconds in stride(from: UInt64(0), to: 10_000, by: 100) {
            #expect(log.line(about: "a.cfg:7", 2, stepsMax: 1_000, now: start + .milliseconds(milliseconds)) == nil)
        }
        // Each rule is reported separately.
        #expect(log.line(about: "a.cfg:8", 1, stepsMax: 1_000, now: start + .seconds(1)) != nil)
        #expect(log.line(about: nil, 1, stepsMax: 1_000, now: start + .seconds(1))?.hasPrefix("a log format: ") == true)
        let second = try #require(log.line(about: "a.cfg:7", 3, stepsMax: 1_000, now: start + .seconds(10)))
        #expect(second.contains(" 203 times "))
        #expect(log.line(about: "a.cfg:7", 1, stepsMax: 1_000, now: start + .seconds(19)) == nil)
        #expect(log.total == 207)
    }
}
