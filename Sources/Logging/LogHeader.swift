// Writes the header and line end around a line's text in each format, as HAProxy does.

internal import Basics
internal import Glibc

/// Writes whole lines; used by the logger thread only.
struct LogLineWriter {
    /// The program name where no `log-tag` is set.
    let programName: String
    let machineName: String
    let processID: Int32
    // Cache of the local time: computed once per second.
    private var second = Int.min
    private var civil = CivilTime(secondsSince1970: 0)

    init(programName: String, machineName: String = LogLineWriter.machineName(), processID: Int32 = getpid()) {
        self.programName = programName
        self.machineName = machineName
        self.processID = processID
    }

    /// Appends the line for `destination`, truncated to its maximum length, with a line end.
    mutating func append(_ text: [UInt8], _ record: LogRecord, for destination: LogDestination, to out: inout [UInt8]) {
        let start = out.count
        // The start of the text, after the structured data, which only rfc5424 writes.
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
            // Lines about exchanges contain a date; events do not, so add one.
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
        // A text with line feeds would be read as several lines: escape control characters as HAProxy does.
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
        updateCalendar(for: time)
        out.append(CivilTime.monthNames[civil.month - 1])
        out.append(civil.day < 10 ? "  " : " ")
        out.append(decimal: civil.day)
        out.append(0x20)
        TextWriter.append(to: &out) { $0.append(clock: civil) }
        out.append(0x20)
    }

    /// `2026-11-21T06:57:51.112000+00:00`, local time (RFC 5424 section 6.2.3).
    private mutating func appendISODate(_ time: WallTime, to out: inout [UInt8]) {
        updateCalendar(for: time)
        TextWriter.append(to: &out) {
            $0.append(isoDate: civil)
            $0.append(0x2E)
            $0.append(threeDigits: time.microseconds / 1_000)
            $0.append(threeDigits: time.microseconds % 1_000)
            $0.append(offsetOf: civil, separator: 0x3A)
        }
    }

    private mutating func updateCalendar(for time: WallTime) {
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
        // Decode and encode, to replace invalid UTF-8, which would make the JSON invalid.
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

    /// Appends the byte, or for a control character `#` and two hexadecimal digits (manual, section 8.6).
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
