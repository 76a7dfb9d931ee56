// Local time without asking the system for each line: its answer takes a lock that all threads share.

internal import Synchronization

public enum LocalCalendar {
    /// The quarter of an hour last asked about (upper half) and the offset from UTC in it (lower half). Offsets change
    /// on the quarter.
    private static let known = Atomic<UInt64>(.max)

    /// The civil date and time where this machine is.
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
