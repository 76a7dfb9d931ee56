// Local time without asking the system for each line: its answer takes a lock that all threads share.

internal import Basics
internal import Synchronization

enum LocalCalendar {
    /// The quarter of an hour last asked about (upper half) and the offset from UTC in it (lower half). Offsets change
    /// on the quarter.
    private static let known = Atomic<UInt64>(.max)

    /// The civil date and time where this machine is.
    static func civil(_ time: WallTime) -> CivilTime {
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

extension [UInt8] {
    /// `21/Nov/2026:07:15:25`.
    mutating func append(logDate civil: CivilTime) {
        append(decimal: civil.day, width: 2)
        append(0x2F)
        append(CivilTime.monthNames[civil.month - 1])
        append(0x2F)
        append(decimal: civil.year, width: 4)
        append(0x3A)
        append(decimal: civil.hour, width: 2)
        append(0x3A)
        append(decimal: civil.minute, width: 2)
        append(0x3A)
        append(decimal: civil.second, width: 2)
    }

    /// `+0100`, with `separator` between hours and minutes.
    mutating func append(offsetOf civil: CivilTime, separator: UInt8? = nil) {
        let minutes = abs(civil.offsetSeconds) / 60
        append(civil.offsetSeconds < 0 ? 0x2D : 0x2B)
        append(decimal: minutes / 60, width: 2)
        if let separator { append(separator) }
        append(decimal: minutes % 60, width: 2)
    }
}
