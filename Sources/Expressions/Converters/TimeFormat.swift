// Dates in strftime(3)'s format, in the C locale. Not by the C library: that asks for the time zone under a lock.

internal import Basics

struct TimeFormat {
    private let time: WallTime
    private let civil: CivilTime
    private let isLocal: Bool
    /// Whether `%N` is known: digits of the second's fraction.
    private let hasFraction: Bool

    init(_ time: WallTime, isLocal: Bool, hasFraction: Bool) {
        self.time = time
        civil = isLocal ? LocalCalendar.civil(time) : time.utc
        self.isLocal = isLocal
        self.hasFraction = hasFraction
    }

    /// What stands between `%` and the letter.
    private struct Flags {
        /// nil for what the letter has: zeros for most numbers.
        var pad: UInt8?
        var isUnpadded = false
        var isUpper = false
        var swapsCase = false
        var width = 0

        /// Longer ones are cut to this.
        static let widthMax = 1_000
    }

    func append(_ format: RawSpan, to out: inout [UInt8]) {
        var i = 0
        while i < format.byteCount {
            let start = i
            let byte = format[i]
            i += 1
            guard byte == 0x25 else {
                out.append(byte)
                continue
            }
            let flags = Self.flags(format, &i)
            guard i < format.byteCount, append(format[i], flags, to: &out) else {
                // What is no conversion stands for itself.
                i = min(i + 1, format.byteCount)
                out.append(format.extracting(start..<i))
                continue
            }
            i += 1
        }
    }

    private static func flags(_ format: RawSpan, _ i: inout Int) -> Flags {
        var flags = Flags()
        loop: while i < format.byteCount {
            switch format[i] {
            case 0x5F: flags.pad = 0x20
            case 0x30: flags.pad = 0x30
            case 0x2D: flags.isUnpadded = true
            case 0x5E: flags.isUpper = true
            case 0x23: flags.swapsCase = true
            default: break loop
            }
            i += 1
        }
        while i < format.byteCount, format[i] &- 0x30 < 10 {
            flags.width = min(flags.width * 10 + Int(format[i] &- 0x30), Flags.widthMax)
            i += 1
        }
        // Other calendars and other digits, which the C locale has not.
        if i < format.byteCount, format[i] == 0x45 || format[i] == 0x4F { i += 1 }
        return flags
    }

    /// False if there is no such conversion.
    private func append(_ letter: UInt8, _ flags: Flags, to out: inout [UInt8]) -> Bool {
        if let (value, digits, pad) = number(letter) {
            append(value, digits: digits, pad: pad, flags, to: &out)
            return true
        }
        let start = out.count
        switch letter {
        case 0x61: out.append(CivilTime.weekdayNames[civil.weekday])  // a
        case 0x41: out.append(Self.longWeekdays[civil.weekday])  // A
        case 0x62, 0x68: out.append(CivilTime.monthNames[civil.month - 1])  // b, h
        case 0x42: out.append(Self.longMonths[civil.month - 1])  // B
        case 0x70: out.append(civil.hour < 12 ? (flags.swapsCase ? "am" : "AM") : (flags.swapsCase ? "pm" : "PM"))  // p
        case 0x50: out.append(civil.hour < 12 ? "am" : "pm")  // P
        case 0x63: append(composite: "%a %b %e %H:%M:%S %Y", to: &out)  // c
        case 0x44, 0x78: append(composite: "%m/%d/%y", to: &out)  // D, x
        case 0x46: append(composite: "%Y-%m-%d", to: &out)  // F
        case 0x52: append(composite: "%H:%M", to: &out)  // R
        case 0x54, 0x58: append(composite: "%H:%M:%S", to: &out)  // T, X
        case 0x72: append(composite: "%I:%M:%S %p", to: &out)  // r
        case 0x7A: TextWriter.append(to: &out) { $0.append(offsetOf: civil) }  // z
        case 0x5A: appendZone(flags, to: &out)  // Z
        case 0x6E: out.append(0x0A)  // n
        case 0x74: out.append(0x09)  // t
        case 0x25: out.append(0x25)  // %
        case 0x4E where hasFraction: appendFraction(flags, to: &out)  // N
        default: return false
        }
        if letter != 0x4E {
            // Names have no case to swap but this one.
            let isName = letter | 0x20 == 0x61 || letter | 0x20 == 0x62 || letter == 0x68
            finish(start, flags, isUpper: flags.isUpper || (isName && flags.swapsCase), in: &out)
        }
        return true
    }

    /// The value, how many digits it has at least, and what stands before fewer.
    private func number(_ letter: UInt8) -> (value: Int, digits: Int, pad: UInt8)? {
        let zero: UInt8 = 0x30
        let space: UInt8 = 0x20
        switch letter {
        case 0x59: return (civil.year, 1, zero)  // Y
        case 0x43: return (civil.year / 100, 2, zero)  // C
        case 0x79: return (civil.year % 100, 2, zero)  // y
        case 0x47: return (weekYear.year, 1, zero)  // G
        case 0x67: return (weekYear.year % 100, 2, zero)  // g
        case 0x56: return (weekYear.week, 2, zero)  // V
        case 0x6D: return (civil.month, 2, zero)  // m
        case 0x64: return (civil.day, 2, zero)  // d
        case 0x65: return (civil.day, 2, space)  // e
        case 0x6A: return (dayOfYear + 1, 3, zero)  // j
        case 0x48: return (civil.hour, 2, zero)  // H
        case 0x6B: return (civil.hour, 2, space)  // k
        case 0x49: return ((civil.hour + 11) % 12 + 1, 2, zero)  // I
        case 0x6C: return ((civil.hour + 11) % 12 + 1, 2, space)  // l
        case 0x4D: return (civil.minute, 2, zero)  // M
        case 0x53: return (civil.second, 2, zero)  // S
        case 0x73: return (time.seconds, 1, zero)  // s
        case 0x75: return ((civil.weekday + 6) % 7 + 1, 1, zero)  // u
        case 0x77: return (civil.weekday, 1, zero)  // w
        case 0x55: return ((dayOfYear - civil.weekday + 7) / 7, 2, zero)  // U
        case 0x57: return ((dayOfYear - (civil.weekday + 6) % 7 + 7) / 7, 2, zero)  // W
        default: return nil
        }
    }

    /// From 0.
    private var dayOfYear: Int {
        let today = CivilTime.secondsSince1970(year: civil.year, month: civil.month, day: civil.day)
        return (today - CivilTime.secondsSince1970(year: civil.year, month: 1, day: 1)) / 86_400
    }

    /// The week that has this year's first Thursday is its first (ISO 8601).
    private var weekYear: (year: Int, week: Int) {
        // The Thursday of this week decides.
        let today = CivilTime.secondsSince1970(year: civil.year, month: civil.month, day: civil.day)
        let thursday = CivilTime(secondsSince1970: today + (3 - (civil.weekday + 6) % 7) * 86_400)
        let day = CivilTime.secondsSince1970(year: thursday.year, month: thursday.month, day: thursday.day)
        let first = CivilTime.secondsSince1970(year: thursday.year, month: 1, day: 1)
        return (thursday.year, (day - first) / 86_400 / 7 + 1)
    }

    private func append(
        _ value: Int, digits: Int, pad: UInt8, _ flags: Flags, to out: inout [UInt8]
    ) {
        let start = out.count
        if value < 0 { out.append(0x2D) }
        out.append(decimal: value.magnitude)
        let width = flags.isUnpadded ? flags.width : max(digits, flags.width)
        let missing = width - (out.count - start)
        if missing > 0 {
            out.insert(
                contentsOf: repeatElement(flags.pad ?? (flags.isUnpadded ? 0x20 : pad), count: missing), at: start)
        }
    }

    private func append(composite format: StaticString, to out: inout [UInt8]) {
        // Safe: a static string's bytes live for ever.
        let format = unsafe RawSpan(
            _unsafeStart: UnsafeRawPointer(format.utf8Start), byteCount: format.utf8CodeUnitCount)
        append(format, to: &out)
    }

    private func appendZone(_ flags: Flags, to out: inout [UInt8]) {
        let start = out.count
        if isLocal { time.appendLocalZone(to: &out) } else { out.append("GMT" as StaticString) }
        guard flags.swapsCase else { return }
        for i in start..<out.count { out[i] = asciiLowercased(out[i]) }
    }

    /// The first digits of the second's fraction: as many as the width says, nine if it says nothing.
    private func appendFraction(_ flags: Flags, to out: inout [UInt8]) {
        let start = out.count
        out.append(decimal: time.microseconds * 1_000, width: 9)
        if 1..<9 ~= flags.width { out.removeLast(out.count - start - flags.width) }
    }

    /// Capitals and padding of what is no number.
    private func finish(_ start: Int, _ flags: Flags, isUpper: Bool, in out: inout [UInt8]) {
        if isUpper {
            for i in start..<out.count where out[i] &- 0x61 < 26 { out[i] &= 0xDF }
        }
        let missing = flags.width - (out.count - start)
        if missing > 0 { out.insert(contentsOf: repeatElement(flags.pad ?? 0x20, count: missing), at: start) }
    }

    private static let longWeekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]
    private static let longMonths = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}
