// Clocks: the monotonic clock for measuring, the wall clock for printing, and the civil calendar.

internal import Glibc
internal import Synchronization

/// A point in time on the monotonic clock, in nanoseconds from an arbitrary start.
public struct Instant: Comparable, Hashable, Sendable {
    public var nanoseconds: UInt64

    @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The end of time: no deadline.
    public static let never = Instant(nanoseconds: .max)

    @inlinable public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The instant `span` later; `never` on overflow.
    @inlinable public static func + (instant: Instant, span: TimeSpan) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(span.nanoseconds)
        return overflow ? .never : Instant(nanoseconds: sum)
    }

    /// The time elapsed since `earlier`; zero if `earlier` is in the future.
    @inlinable public func since(_ earlier: Instant) -> TimeSpan {
        TimeSpan(nanoseconds: nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0)
    }

    /// The current time of CLOCK_MONOTONIC.
    public static func now() -> Instant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}

/// A non-negative duration.
public struct TimeSpan: Comparable, Hashable, Sendable {
    public var nanoseconds: UInt64

    @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    public static let zero = TimeSpan(nanoseconds: 0)
    public static let forever = TimeSpan(nanoseconds: .max)
    @inlinable public static func milliseconds(_ n: UInt64) -> TimeSpan { scaled(n, by: 1_000_000) }
    @inlinable public static func seconds(_ n: UInt64) -> TimeSpan { scaled(n, by: 1_000_000_000) }

    /// Whole milliseconds, rounded down, as HAProxy's timers print them.
    @inlinable public var wholeMilliseconds: UInt64 { nanoseconds / 1_000_000 }

    @inlinable public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.nanoseconds < b.nanoseconds }

    @usableFromInline static func scaled(_ n: UInt64, by unit: UInt64) -> TimeSpan {
        let (product, overflow) = n.multipliedReportingOverflow(by: unit)
        return overflow ? .forever : TimeSpan(nanoseconds: product)
    }
}

/// Wall-clock time in seconds and microseconds since 1970. For logs and HTTP dates only: the clock may jump.
public struct WallTime: Comparable, Sendable {
    public var seconds: Int
    public var microseconds: Int

    public init(seconds: Int, microseconds: Int = 0) {
        self.seconds = seconds
        self.microseconds = microseconds
    }

    public static func now() -> WallTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(seconds: time.tv_sec, microseconds: time.tv_nsec / 1_000)
    }

    /// The time `span` earlier, truncated to microseconds.
    public static func - (time: WallTime, span: TimeSpan) -> WallTime {
        let back = Int(span.nanoseconds / 1_000)
        let microseconds = time.microseconds - back % 1_000_000
        let borrow = microseconds < 0 ? 1 : 0
        return WallTime(
            seconds: time.seconds - back / 1_000_000 - borrow, microseconds: microseconds + borrow * 1_000_000)
    }

    public static func < (a: WallTime, b: WallTime) -> Bool {
        (a.seconds, a.microseconds) < (b.seconds, b.microseconds)
    }

    /// The civil date and time in UTC.
    public var utc: CivilTime { CivilTime(secondsSince1970: seconds) }

    /// The civil date and time in the local time zone, with its offset from UTC.
    public var local: CivilTime {
        var clock = seconds
        var parts = unsafe tm()
        unsafe localtime_r(&clock, &parts)
        let offset = unsafe parts.tm_gmtoff
        var civil = CivilTime(secondsSince1970: seconds + offset)
        civil.offsetSeconds = offset
        return civil
    }

    /// Appends the abbreviation of the local time zone, such as `CET`.
    public func appendLocalZone(to out: inout [UInt8]) {
        var clock = seconds
        var parts = unsafe tm()
        unsafe localtime_r(&clock, &parts)
        guard let zone = unsafe parts.tm_zone else { return }
        // Safe: the text ends with a zero, and the C library never frees it.
        let count = unsafe strlen(zone)
        for i in 0..<Int(count) { out.append(UInt8(bitPattern: unsafe zone[i])) }
    }
}

/// A date and time in the proleptic Gregorian calendar.
public struct CivilTime: Equatable, Sendable {
    public var year, month, day, hour, minute, second: Int
    /// The day of the week; 0 is Sunday.
    public var weekday: Int
    /// Seconds east of UTC.
    public var offsetSeconds = 0

    public init(secondsSince1970 seconds: Int) {
        // Days are counted from 0000-03-01, so that a leap day is the last day of its year.
        var (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        if rest < 0 {
            days -= 1
            rest += 86_400
        }
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = rest / 3_600
        minute = rest / 60 % 60
        second = rest % 60
        weekday = ((days + 4) % 7 + 7) % 7
    }

    /// Seconds since 1970 of a date and time in UTC.
    public static func secondsSince1970(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
    ) -> Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (era * 146_097 + dayOfEra - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second
    }

    public static let monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    public static let weekdayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
}

/// Local time without a system call for each line: localtime_r takes a lock that all threads share.
public enum LocalCalendar {
    /// The last quarter of an hour (upper half) and the offset from UTC in it (lower half). Offsets change only at
    /// quarters of an hour.
    private static let known = Atomic<UInt64>(.max)

    /// The civil date and time in the local time zone.
    public static func civil(_ time: WallTime) -> CivilTime {
        let quarter = UInt64(UInt32(truncatingIfNeeded: time.seconds / 900))
        let entry = known.load(ordering: .relaxed)
        if entry >> 32 == quarter {
            let offset = Int(Int32(truncatingIfNeeded: entry))
            var civil = CivilTime(secondsSince1970: time.seconds + offset)
            civil.offsetSeconds = offset
            return civil
        }
        let civil = time.local
        known.store(
            quarter << 32 | UInt64(UInt32(truncatingIfNeeded: civil.offsetSeconds)), ordering: .relaxed)
        return civil
    }
}
