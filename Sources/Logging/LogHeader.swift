// The bytes around a line's text in each format, as HAProxy writes them.

internal import Basics
internal import Glibc

/// Writes whole lines; used by the logger thread alone.
struct LogLineWriter {
    /// The program's name where no `log-tag` says otherwise.
    let programName: String
    let machineName: String
    let processID: Int32
    // Lines come many to the second: the calendar is asked once for each.
    private var second = Int.min
    private var civil = CivilTime(secondsSince1970: 0)

    init(programName: String, machineName: String = LogLineWriter.machineName(), processID: Int32 = getpid()) {
        self.programName = programName
        self.machineName = machineName
        self.processID = processID
    }

    /// Appends the line of `text` for `destination`, cut to its length, with a line end.
    mutating func append(_ text: [UInt8], _ record: LogRecord, for destination: LogDestination, to out: inout [UInt8]) {
        let start = out.count
        // Where the text begins, behind structured data that only one format has.
        var textStart = 0
        if record.content == .structured { textStart = 2 + (Int(text[0]) << 8 | Int(text[1])) }
        let level = max(record.level, destination.minimumLevel)
        switch destination.format {
        case .local, .rfc3164:
            appendPriority(destination.facility, level, to: &out)
            appendSyslogDate(record.time, to: &out)
            if destination.format == .rfc3164 {
                out.append(destination.hostname ?? machineName)
                out.append(0x20)
            }
            out.append(destination.tag ?? programName)
            out.append("[")
            out.append(decimal: Int(processID))
            out.append("]: ")
        case .rfc5424:
            appendPriority(destination.facility, level, to: &out)
            out.append("1 ")
            appendISODate(record.time, to: &out)
            out.append(0x20)
            out.append(destination.hostname ?? "-")
            out.append(0x20)
            out.append(destination.tag ?? programName)
            out.append(0x20)
            out.append(decimal: Int(processID))
            out.append(" - ")
            if textStart > 2 { out.append(contentsOf: text[2..<textStart]) } else { out.append(0x2D) }
            out.append(0x20)
        case .priority:
            appendPriority(destination.facility, level, to: &out)
        case .short, .timed:
            out.append(0x3C)
            out.append(level.rawValue &+ 0x30)
            out.append(0x3E)
            if destination.format == .timed {
                appendISODate(record.time, to: &out)
                out.append(0x20)
            }
        case .iso:
            appendISODate(record.time, to: &out)
            out.append(0x20)
        case .raw:
            // Lines of exchanges have their own; what happens to Portico itself would have none.
            if record.content == .event, case .descriptor = destination.target {
                appendISODate(record.time, to: &out)
                out.append(0x20)
            }
        case .json:
            if record.content == .event {
                appendEventObject(text, level, record.time, to: &out)
                out.append(0x0A)
                return
            }
        }
        // A text of several lines would be read as several: what would end a line is written as HAProxy writes it.
        let room = destination.length - 1 - (out.count - start)
        if record.content == .event {
            for byte in text.prefix(max(0, room)) { appendVisible(byte, to: &out) }
        } else {
            out.append(contentsOf: text[textStart...].prefix(max(0, room)))
        }
        if out.count - start > destination.length - 1 { out.removeLast(out.count - start - (destination.length - 1)) }
        out.append(0x0A)
    }

    private func appendPriority(_ facility: LogFacility, _ level: LogLevel, to out: inout [UInt8]) {
        out.append(0x3C)
        out.append(decimal: Int(facility.number) * 8 + Int(level.rawValue))
        out.append(0x3E)
    }

    /// `Nov  1 06:57:51 `, local time (RFC 3164 section 4.1.2).
    private mutating func appendSyslogDate(_ time: WallTime, to out: inout [UInt8]) {
        look(at: time)
        out.append(CivilTime.monthNames[civil.month - 1])
        out.append(civil.day < 10 ? "  " : " ")
        out.append(decimal: civil.day)
        out.append(0x20)
        appendClock(to: &out)
        out.append(0x20)
    }

    /// `2026-11-21T06:57:51.112000+00:00`, local time (RFC 5424 section 6.2.3).
    private mutating func appendISODate(_ time: WallTime, to out: inout [UInt8]) {
        look(at: time)
        out.append(decimal: civil.year, width: 4)
        out.append(0x2D)
        out.append(decimal: civil.month, width: 2)
        out.append(0x2D)
        out.append(decimal: civil.day, width: 2)
        out.append(0x54)
        appendClock(to: &out)
        out.append(0x2E)
        out.append(decimal: time.microseconds, width: 6)
        let minutes = abs(civil.offsetSeconds) / 60
        out.append(civil.offsetSeconds < 0 ? 0x2D : 0x2B)
        out.append(decimal: minutes / 60, width: 2)
        out.append(0x3A)
        out.append(decimal: minutes % 60, width: 2)
    }

    private func appendClock(to out: inout [UInt8]) {
        out.append(decimal: civil.hour, width: 2)
        out.append(0x3A)
        out.append(decimal: civil.minute, width: 2)
        out.append(0x3A)
        out.append(decimal: civil.second, width: 2)
    }

    private mutating func look(at time: WallTime) {
        guard time.seconds != second else { return }
        second = time.seconds
        civil = time.local
    }

    private mutating func appendEventObject(
        _ text: [UInt8], _ level: LogLevel, _ time: WallTime, to out: inout [UInt8]
    ) {
        out.append("{\"time\":\"")
        appendISODate(time, to: &out)
        out.append("\",\"level\":\"")
        out.append(level.name)
        out.append("\",\"message\":\"")
        // Through String, so that what is not UTF-8 does not make the whole object unreadable.
        for byte in String(decoding: text, as: UTF8.self).utf8 {
            switch byte {
            case 0x22, 0x5C:
                out.append(0x5C)
                out.append(byte)
            case 0..<0x20, 0x7F:
                out.append("\\u00")
                appendHexadecimal(byte, to: &out)
            default: out.append(byte)
            }
        }
        out.append("\"}")
    }

    /// The byte, or `#` and two digits for a control character (manual, section 8.6).
    private func appendVisible(_ byte: UInt8, to out: inout [UInt8]) {
        if byte >= 0x20 && byte != 0x7F {
            out.append(byte)
        } else {
            out.append(0x23)
            appendHexadecimal(byte, to: &out)
        }
    }

    private func appendHexadecimal(_ byte: UInt8, to out: inout [UInt8]) {
        for digit in [byte >> 4, byte & 15] { out.append(digit < 10 ? digit &+ 0x30 : digit &+ 0x37) }
    }

    static func machineName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0, name[0] != 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
