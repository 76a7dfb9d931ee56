// Clocks and calendars.

import Basics
import Foundation
import Testing

@Suite struct InstantTests {
    @Test func `a span moves an instant on, and never beyond never`() {
        let start = Instant(nanoseconds: 5)
        #expect(start + .milliseconds(2) == Instant(nanoseconds: 2_000_005))
        #expect(start + .forever == .never)
        #expect(Instant.never + .seconds(1) == .never)
        #expect(start < .never)
    }

    @Test func `time since a later instant is none, not a huge number`() {
        let early = Instant(nanoseconds: 10)
        let late = Instant(nanoseconds: 25)
        #expect(late.since(early) == TimeSpan(nanoseconds: 15))
        #expect(early.since(late) == .zero)
        #expect(early.since(early) == .zero)
    }

    @Test func `spans of too many seconds last for ever`() {
        #expect(TimeSpan.seconds(2) == .milliseconds(2_000))
        #expect(TimeSpan.seconds(.max) == .forever)
        #expect(TimeSpan.milliseconds(.max) == .forever)
        #expect(TimeSpan(nanoseconds: 1_999_999).wholeMilliseconds == 1, "rounded down")
    }

    @Test func `the monotonic clock does not go back`() {
        var last = Instant.now()
        for _ in 0..<1_000 {
            let now = Instant.now()
            #expect(now >= last)
            last = now
        }
    }
}

@Suite struct CivilTimeTests {
    private func text(_ seconds: Int) -> String {
        let t = CivilTime(secondsSince1970: seconds)
        let day = "\(CivilTime.weekdayNames[t.weekday]) \(t.year)-\(t.month)-\(t.day)"
        return "\(day) \(t.hour):\(t.minute):\(t.second)"
    }

    @Test(arguments: [
        (0, "Thu 1970-1-1 0:0:0"),
        (784_111_777, "Sun 1994-11-6 8:49:37"),  // RFC 9110 section 5.6.7
        (951_782_400, "Tue 2000-2-29 0:0:0"),  // a century that is a leap year
        (4_107_542_400, "Mon 2100-3-1 0:0:0"),  // and one that is not
        (4_107_542_399, "Sun 2100-2-28 23:59:59"),
        (1_709_164_799, "Wed 2024-2-28 23:59:59"), (1_709_164_800, "Thu 2024-2-29 0:0:0"),
        (2_147_483_647, "Tue 2038-1-19 3:14:7"), (2_147_483_648, "Tue 2038-1-19 3:14:8"),
        (-1, "Wed 1969-12-31 23:59:59"), (-86_400, "Wed 1969-12-31 0:0:0"), (-86_401, "Tue 1969-12-30 23:59:59"),
        (-2_203_891_200, "Thu 1900-3-1 0:0:0"),
        (253_402_300_799, "Fri 9999-12-31 23:59:59"),
    ])
    func `known dates`(_ seconds: Int, _ expected: String) {
        #expect(text(seconds) == expected)
    }

    @Test func `every day of eight centuries, there and back`() {
        // 1600-01-01 to 2400-01-01: two whole cycles of the Gregorian calendar.
        var expected = (year: 1600, month: 1, day: 1, weekday: 6)
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var mistakes = 0
        for day in -135_140..<157_054 {
            let time = CivilTime(secondsSince1970: day * 86_400 + 43_210)
            let back = CivilTime.secondsSince1970(
                year: time.year, month: time.month, day: time.day, hour: time.hour, minute: time.minute,
                second: time.second)
            let isRight =
                (time.year, time.month, time.day, time.weekday) == expected
                && (time.hour, time.minute, time.second) == (12, 0, 10) && back == day * 86_400 + 43_210
            if !isRight { mistakes += 1 }

            let isLeap = expected.year % 4 == 0 && (expected.year % 100 != 0 || expected.year % 400 == 0)
            expected.weekday = (expected.weekday + 1) % 7
            expected.day += 1
            if expected.day > lengths[expected.month - 1] + (expected.month == 2 && isLeap ? 1 : 0) {
                expected.day = 1
                expected.month += 1
            }
            if expected.month > 12 {
                expected.month = 1
                expected.year += 1
            }
        }
        #expect(mistakes == 0)
        #expect(expected == (2400, 1, 1, 6))
    }

    @Test func `dates further off than a Double can count seconds`() {
        // 200 million years ahead, the last second of a day; regression: it came out as second -1 of the next day.
        let end = 73_000_000_000 * 86_400 - 1
        let time = CivilTime(secondsSince1970: end)
        #expect((time.hour, time.minute, time.second) == (23, 59, 59))
        // A file may have any modification time.
        for seconds in [Int.min, Int.max] {
            let time = CivilTime(secondsSince1970: seconds)
            #expect((0..<24).contains(time.hour) && (1...12).contains(time.month) && (1...31).contains(time.day))
        }
    }

    @Test func `local time is UTC plus its offset`() {
        let time = WallTime(seconds: 1_720_000_000)
        let local = time.local
        var shifted = CivilTime(secondsSince1970: time.seconds + local.offsetSeconds)
        shifted.offsetSeconds = local.offsetSeconds
        #expect(local == shifted)
        #expect(local.offsetSeconds == TimeZone.current.secondsFromGMT(for: Date(timeIntervalSince1970: 1_720_000_000)))
        #expect(time.utc.offsetSeconds == 0)
    }

    @Test func `wall times are ordered by seconds, then by microseconds`() {
        #expect(WallTime(seconds: 1, microseconds: 999_999) < WallTime(seconds: 2))
        let noon = WallTime(seconds: 100, microseconds: 500)
        #expect(noon - .zero == noon)
        #expect(noon - .milliseconds(3_250) == WallTime(seconds: 96, microseconds: 750_500))
        #expect(noon - TimeSpan(nanoseconds: 500_999) == WallTime(seconds: 100))
        #expect(WallTime(seconds: 2, microseconds: 1) > WallTime(seconds: 2))
        let before = Int(Date().timeIntervalSince1970)
        let now = WallTime.now().seconds
        #expect((before...Int(Date().timeIntervalSince1970)).contains(now))
    }
}
