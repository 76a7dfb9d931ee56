// The cells of the stats page's tables, and text from any source made safe for the page.

internal import Basics

extension StatsPage {
    func append(_ column: (name: StaticString, detail: StaticString), to out: inout [UInt8]) {
        out.append("<th scope=\"col\">")
        out.append(column.name)
        if column.detail.utf8CodeUnitCount > 0 {
            out.append("<small>")
            out.append(column.detail)
            out.append("</small>")
        }
        out.append("</th>")
    }

    func beginRow(
        _ row: StatsRow, name: String, note: String, tag: String? = nil, to out: inout [UInt8]
    ) {
        out.append("<tr class=\"")
        out.append(row.state.tone.className)
        out.append("\"><th scope=\"row\">")
        out.append(html: name)
        if let tag {
            out.append(" <i>")
            out.append(html: tag)
            out.append("</i>")
        }
        if !note.isEmpty {
            out.append("<small>")
            out.append(html: note)
            out.append("</small>")
        }
        out.append("</th>")
    }

    func appendStatus(_ row: StatsRow, to out: inout [UInt8]) {
        out.append("<td class=\"l\"><span class=\"s\">")
        out.append(html: row.state.text)
        out.append("</span>")
        if let age = row.stateAge {
            out.append(" <span class=\"m\">")
            TimeText.append(age, to: &out)
            out.append("</span>")
        }
        out.append("</td>")
    }

    func appendCheck(_ row: StatsRow, to out: inout [UInt8]) {
        guard let check = row.check, !row.state.isInMaintenance else { return out.append("<td></td>") }
        out.append("<td class=\"l\" title=\"")
        out.append(html: check.meaning)
        out.append("\">")
        out.append(html: check.code)
        if let status = check.status {
            out.append(0x20)
            out.append(decimal: status)
        }
        if let duration = check.duration {
            out.append(" <span class=\"m\">")
            out.append(decimal: duration.wholeMilliseconds)
            out.append(" ms</span>")
        }
        // The detail of a good check repeats its code.
        if !check.detail.isEmpty, !check.code.hasSuffix("OK") {
            out.append("<small>")
            out.append(html: check.detail)
            out.append("</small>")
        }
        out.append("</td>")
    }

    /// Numbers that belong together: the first, then the others in small type.
    func appendNumbers(_ numbers: [Int], to out: inout [UInt8]) {
        out.append(numbers.allSatisfy { $0 == 0 } ? "<td class=\"z\">" : "<td>")
        append(list: numbers.map { UInt64(max(0, $0)) }, to: &out)
        out.append("</td>")
    }

    private func append(list numbers: [UInt64], to out: inout [UInt8]) {
        for (index, number) in numbers.enumerated() {
            if index == 1 { out.append("<span class=\"m\">") }
            if index > 0 { out.append(" / ") }
            Amount.append(count: number, to: &out)
        }
        if numbers.count > 1 { out.append("</span>") }
    }

    /// Sessions, with a bar that shows how much of the limit is used.
    func appendSessions(_ row: StatsRow, to out: inout [UInt8]) {
        guard let limit = row.sessionsLimit, limit > 0 else {
            return appendNumbers([row.sessionsCurrent, row.sessionsMax], to: &out)
        }
        out.append(row.sessionsMax == 0 ? "<td class=\"z\">" : "<td>")
        append(list: [row.sessionsCurrent, row.sessionsMax, limit].map { UInt64(max(0, $0)) }, to: &out)
        out.append("<span class=\"u\" style=\"--p:")
        // A bar of at least 2 % where there is any session.
        out.append(decimal: row.sessionsCurrent == 0 ? 0 : min(100, max(2, row.sessionsCurrent * 100 / limit)))
        out.append("%\"></span></td>")
    }

    func appendCount(_ count: UInt64, to out: inout [UInt8]) {
        out.append(count == 0 ? "<td class=\"z\">" : "<td>")
        Amount.append(count: count, to: &out)
        out.append("</td>")
    }

    func appendBytes(_ bytes: UInt64, to out: inout [UInt8]) {
        out.append(bytes == 0 ? "<td class=\"z\">" : "<td>")
        Amount.append(bytes: bytes, to: &out)
        out.append("</td>")
    }

    /// Counts that should be zero.
    func appendFaults(_ counts: [UInt64], to out: inout [UInt8]) {
        out.append(counts.allSatisfy { $0 == 0 } ? "<td class=\"z\">" : "<td class=\"f\">")
        for (index, count) in counts.enumerated() {
            if index > 0 { out.append(" / ") }
            Amount.append(count: count, to: &out)
        }
        out.append("</td>")
    }

    /// Milliseconds, on average.
    func appendTimes(_ times: TimesStats, to out: inout [UInt8]) {
        out.append(times.connect == 0 && times.response == 0 ? "<td class=\"z\">" : "<td>")
        out.append(count: times.connect)
        out.append(" / ")
        out.append(count: times.response)
        out.append("</td>")
    }

    /// A bar of the shares of the status classes; the counts are in its text.
    func appendResponses(_ responses: StatusClassStats, to out: inout [UInt8]) {
        let classes: [(StaticString, StaticString, UInt64)] = [
            ("r1", "1xx ", responses.informational), ("r2", "2xx ", responses.success),
            ("r3", "3xx ", responses.redirect), ("r4", "4xx ", responses.clientError),
            ("r5", "5xx ", responses.serverError), ("r6", "other ", responses.other),
        ]
        let total = classes.reduce(0.0) { $0 + Double($1.2) }
        guard total > 0 else { return out.append("<td class=\"z\"></td>") }
        var text: [UInt8] = []
        for (_, name, count) in classes where count > 0 {
            text.append(text.isEmpty ? "" : ", ")
            text.append(name)
            Amount.append(count: count, to: &text)
        }
        out.append("<td><span class=\"r\" role=\"img\" title=\"")
        out += text
        out.append("\" aria-label=\"")
        out += text
        out.append("\">")
        for (className, _, count) in classes where count > 0 {
            out.append("<b class=\"")
            out.append(className)
            out.append("\" style=\"flex:")
            // Thousandths, at least one.
            out.append(decimal: max(1, UInt64(Double(count) / total * 1_000)))
            out.append("\"></b>")
        }
        out.append("</span></td>")
    }

    func appendDowntime(_ row: StatsRow, isKnown: Bool, to out: inout [UInt8]) {
        guard isKnown else { return out.append("<td></td>") }
        guard row.timesDown > 0 || row.downtime > .zero else { return out.append("<td class=\"z\">none</td>") }
        out.append("<td>")
        Amount.append(count: row.timesDown, to: &out)
        out.append("× <span class=\"m\">")
        TimeText.append(row.downtime, to: &out)
        out.append("</span></td>")
    }
}

/// What a state means for an operator: it decides the colours.
enum StateTone {
    case good, bad, changing, idle

    var className: StaticString {
        switch self {
        case .good: "good"
        case .bad: "bad"
        case .changing: "chg"
        case .idle: "idle"
        }
    }
}

extension RowState {
    var tone: StateTone {
        switch self {
        case .open, .up: .good
        case .down, .downByAgent, .stopped: .bad
        case .full, .goingDown, .goingUp: .changing
        case .paused, .drain, .stopping, .maintenance, .maintenanceOf, .unresolved, .noCheck: .idle
        }
    }

    /// Whether a server is out because its checks say so.
    var isDown: Bool {
        switch self {
        case .down, .downByAgent, .goingUp: true
        default: false
        }
    }

    /// Whether a server in this state gets new requests.
    var takesRequests: Bool {
        switch self {
        case .open, .full, .up, .goingDown, .noCheck: true
        case .paused, .stopped, .down, .downByAgent, .goingUp, .drain, .stopping, .maintenance, .maintenanceOf,
            .unresolved:
            false
        }
    }
}

extension [UInt8] {
    /// Appends text from any source for an element or a quoted attribute. What could end either is escaped; control
    /// characters, which HTML forbids, become blanks.
    mutating func append(html text: String) {
        for byte in text.verbatimBytes {
            switch byte {
            case 0x26: append("&amp;")
            case 0x3C: append("&lt;")
            case 0x3E: append("&gt;")
            case 0x22: append("&quot;")
            case 0x27: append("&#39;")
            case ..<0x20, 0x7F: append(0x20)
            default: append(byte)
            }
        }
    }

    mutating func append(count: Int) { Amount.append(count: UInt64(Swift.max(0, count)), to: &self) }
    mutating func append(count: UInt64) { Amount.append(count: count, to: &self) }
    mutating func append(bytes: UInt64) { Amount.append(bytes: bytes, to: &self) }
}
