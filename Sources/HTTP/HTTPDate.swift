// Formats and parses dates in fields (RFC 9110 section 5.6.7). All three formats are parsed; IMF-fixdate is written.
// Independent of locale and time zone.

public import Basics

/// HTTP dates.
public enum HTTPDate {
    /// Appends `time` as an IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
    public static func append(_ time: WallTime, to out: inout [UInt8]) {
        let utc = time.utc
        out.append(CivilTime.weekdayNames[utc.weekday])
        out.append(", ")
        out.append(decimal: utc.day, width: 2)
        out.append(0x20)
        out.append(CivilTime.monthNames[utc.month - 1])
        out.append(0x20)
        out.append(decimal: utc.year, width: 4)
        out.append(0x20)
        TextWriter.append(to: &out) { $0.append(clock: utc) }
        out.append(" GMT")
    }

    /// Parses an IMF-fixdate (`Sun, 06 Nov 1994 08:49:37 GMT`), an RFC 850 date (`Sunday, 06-Nov-94 08:49:37 GMT`) or
    /// an asctime date (`Sun Nov  6 08:49:37 1994`); returns nil for anything else. The day of the week is not compared
    /// with the date. A two-digit year is at most 50 years after `now`.
    public static func parse(_ bytes: RawSpan, now: WallTime = .now()) -> WallTime? {
        guard let comma = bytes.firstIndex(of: 0x2C, in: 0..<bytes.byteCount) else { return asctime(bytes) }
        if comma == 3 { return fixdate(bytes) }
        guard isWeekday(bytes.extracting(0..<comma), in: longWeekdays) else { return nil }
        return rfc850(bytes.extracting(comma..<bytes.byteCount), thisYear: now.utc.year)
    }

    /// `day-name "," SP date1 SP time-of-day SP GMT`
    private static func fixdate(_ bytes: RawSpan) -> WallTime? {
        guard bytes.byteCount == 29, isWeekday(bytes.extracting(0..<3), in: CivilTime.weekdayNames),
            matches(bytes, "xxx, xx xxx xxxx xx:xx:xx GMT"),
            let day = number(bytes, 5..<7), let month = month(bytes, 8), let year = number(bytes, 12..<16)
        else { return nil }
        return time(bytes, 17, year: year, month: month, day: day)
    }

    /// `"," SP date2 SP time-of-day SP GMT`: an RFC 850 date after the day's name.
    private static func rfc850(_ bytes: RawSpan, thisYear: Int) -> WallTime? {
        guard bytes.byteCount == 24, matches(bytes, ", xx-xxx-xx xx:xx:xx GMT"),
            let day = number(bytes, 2..<4), let month = month(bytes, 5), let short = number(bytes, 9..<11)
        else { return nil }
        var year = thisYear / 100 * 100 + short
        if year > thisYear + 50 { year -= 100 }
        return time(bytes, 12, year: year, month: month, day: day)
    }

    /// `day-name SP month SP ( 2DIGIT / ( SP 1DIGIT )) SP time-of-day SP year`
    private static func asctime(_ bytes: RawSpan) -> WallTime? {
        guard bytes.byteCount == 24, isWeekday(bytes.extracting(0..<3), in: CivilTime.weekdayNames),
            matches(bytes, "xxx xxx xx xx:xx:xx xxxx"), let month = month(bytes, 4),
            let day = number(bytes, bytes[8] == 0x20 ? 9..<10 : 8..<10), let year = number(bytes, 20..<24)
        else { return nil }
        return time(bytes, 11, year: year, month: month, day: day)
    }

    /// Parses `hour ":" minute ":" second` at `start` and combines it with the date; nil if either is out of range.
    private static func time(_ bytes: RawSpan, _ start: Int, year: Int, month: Int, day: Int) -> WallTime? {
        guard let hour = number(bytes, start..<start + 2), let minute = number(bytes, start + 3..<start + 5),
            let second = number(bytes, start + 6..<start + 8),
            day >= 1, hour < 24, minute < 60, second <= 60  // 60 is a leap second
        else { return nil }
        let midnight = CivilTime.secondsSince1970(year: year, month: month, day: day)
        // A day past the end of its month would end up in the next month.
        guard CivilTime(secondsSince1970: midnight).month == month, day <= 31 else { return nil }
        return WallTime(seconds: midnight + hour * 3_600 + minute * 60 + second)
    }

    private static func number(_ bytes: RawSpan, _ range: Range<Int>) -> Int? {
        bytes.extracting(range).decimalValue.map { Int($0) }
    }

    /// The month, 1 to 12, named by the three letters at `start`. Case-sensitive.
    private static func month(_ bytes: RawSpan, _ start: Int) -> Int? {
        for (i, name) in CivilTime.monthNames.enumerated()
        where bytes.extracting(start..<start + 3).isSame(as: Array(name.utf8).bytes) {
            return i + 1
        }
        return nil
    }

    private static func isWeekday(_ bytes: RawSpan, in names: [String]) -> Bool {
        for name in names where bytes.isSame(as: Array(name.utf8).bytes) { return true }
        return false
    }

    /// Whether the bytes match `form`, in which `x` matches any byte.
    private static func matches(_ bytes: RawSpan, _ form: StaticString) -> Bool {
        let form = form.bytes
        for i in 0..<form.byteCount where form[i] != 0x78 && form[i] != bytes[i] { return false }
        return true
    }

    private static let longWeekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]
}

/// The value of the Date field, cached for one second.
public struct HTTPDateValue: Sendable {
    private var second = Int.min
    private var text: [UInt8] = []

    public init() {}

    /// `time` as an IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
    public mutating func value(at time: WallTime) -> [UInt8] {
        if time.seconds != second {
            second = time.seconds
            text.removeAll(keepingCapacity: true)
            HTTPDate.append(time, to: &text)
        }
        return text
    }
}
