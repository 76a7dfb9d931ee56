// Time spans, sizes and counts for human readers: `3m 12s`, `1.4 GiB`, `12,345`.

internal import Basics

enum TimeText {
    /// The two largest units: `2d 3h`, `1h 0m`, `3m 12s`, `4s`.
    static func append(_ span: TimeSpan, to out: inout [UInt8]) {
        let seconds = span.nanoseconds / 1_000_000_000
        switch seconds {
        case ..<60: append(seconds, "s", to: &out)
        case ..<3_600: append(seconds / 60, "m ", seconds % 60, "s", to: &out)
        case ..<86_400: append(seconds / 3_600, "h ", seconds / 60 % 60, "m", to: &out)
        default: append(seconds / 86_400, "d ", seconds / 3_600 % 24, "h", to: &out)
        }
    }

    /// HAProxy's form of an uptime: `0d 0h04m32s`.
    static func clock(_ span: TimeSpan) -> String {
        let seconds = span.nanoseconds / 1_000_000_000
        var out: [UInt8] = []
        append(seconds / 86_400, "d ", seconds / 3_600 % 24, "h", to: &out)
        out.append(decimal: seconds / 60 % 60, width: 2)
        out.append(0x6D)
        out.append(decimal: seconds % 60, width: 2)
        out.append(0x73)
        return String(decoding: out, as: UTF8.self)
    }

    private static func append(_ number: UInt64, _ unit: StaticString, to out: inout [UInt8]) {
        out.append(decimal: number)
        out.append(unit)
    }

    private static func append(
        _ first: UInt64, _ unit: StaticString, _ second: UInt64, _ secondUnit: StaticString, to out: inout [UInt8]
    ) {
        append(first, unit, to: &out)
        append(second, secondUnit, to: &out)
    }
}

enum Amount {
    /// Bytes with three digits at most: `0 B`, `312 B`, `1.4 KiB`, `23 MiB`.
    static func append(bytes: UInt64, to out: inout [UInt8]) {
        let units: [StaticString] = [" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"]
        var unit = 0
        // Tenths of the unit, rounded down; the rest of a division by 1024 never makes a tenth too many.
        var whole = bytes
        var tenths: UInt64 = 0
        while whole >= 1_000 && unit + 1 < units.count {
            tenths = whole % 1_024 * 10 / 1_024
            whole /= 1_024
            unit += 1
        }
        out.append(decimal: whole)
        if unit > 0 && whole < 10 {
            out.append(0x2E)
            out.append(decimal: tenths)
        }
        out.append(units[unit])
    }

    /// A count with a separator between thousands: `1,234,567`.
    static func append(count: UInt64, to out: inout [UInt8]) {
        guard count >= 1_000 else { return out.append(decimal: count) }
        append(count: count / 1_000, to: &out)
        out.append(0x2C)
        out.append(decimal: count % 1_000, width: 3)
    }
}
