// The tables of the stats page: one of all frontends, one for each backend with servers, one of the backends without.

internal import Basics

extension StatsPage {
    func appendFrontends(to out: inout [UInt8]) {
        guard snapshot.proxies.contains(where: { $0.frontend != nil }) else { return }
        out.append("<section>\n<h2>Frontends</h2>\n<div class=\"scroll\"><table>\n<thead><tr>")
        for column: (StaticString, StaticString) in [
            ("Frontend", ""), ("Status", ""), ("Requests/s", "now / max"), ("Connections/s", "now / max"),
            ("Sessions", "now / max / limit"), ("Requests", "total"), ("Responses", "by status"), ("Received", ""),
            ("Sent", ""), ("Denied", "req. / resp."), ("Errors", "of requests"),
        ] { append(column, to: &out) }
        out.append("</tr></thead>\n<tbody>\n")
        for proxy in snapshot.proxies {
            guard let row = proxy.frontend else { continue }
            beginRow(row, name: proxy.name, note: proxy.mode == "http" ? "" : proxy.mode, to: &out)
            appendStatus(row, to: &out)
            appendNumbers([row.requestRate, row.requestRateMax], to: &out)
            appendNumbers([row.connectionRate, row.connectionRateMax], to: &out)
            appendSessions(row, to: &out)
            appendCount(row.requestsTotal, to: &out)
            appendResponses(row.responses, to: &out)
            appendBytes(row.bytesIn, to: &out)
            appendBytes(row.bytesOut, to: &out)
            appendNumbers([Int(clamping: row.requestsDenied), Int(clamping: row.responsesDenied)], to: &out)
            appendCount(row.requestErrors, to: &out)
            out.append("</tr>\n")
        }
        out.append("</tbody></table></div>\n</section>\n")
    }

    func append(backend proxy: ProxyStats, to out: inout [UInt8]) {
        guard let sum = proxy.backend else { return }
        out.append("<section id=\"b")
        out.append(decimal: proxy.id)
        out.append("\">\n<h2>")
        out.append(html: proxy.name)
        if settings.showsLegends, !sum.algorithm.isEmpty {
            out.append(" <small>")
            out.append(html: sum.algorithm)
            out.append("</small>")
        }
        if proxy.mode != "http" {
            out.append(" <small>")
            out.append(html: proxy.mode)
            out.append("</small>")
        }
        if !proxy.description.isEmpty {
            out.append(" <small>")
            out.append(html: proxy.description)
            out.append("</small>")
        }
        out.append("</h2>\n<div class=\"scroll\"><table>\n<thead><tr>")
        for column: (StaticString, StaticString) in [
            ("Server", ""), ("Status", ""), ("Last check", ""), ("Weight", ""), ("Queue", "now / max"),
            ("Sessions", "now / max / limit"), ("Sessions/s", "now / max"), ("Sessions", "total"),
            ("Responses", "by status"), ("Time, ms", "conn. / first byte"), ("Received", ""), ("Sent", ""),
            ("Errors", "conn. / resp."), ("Retries", ""), ("Downtime", "times, in all"),
        ] { append(column, to: &out) }
        out.append("</tr></thead>\n<tbody>\n")
        for server in proxy.servers where request.filter.takes(server, of: proxy) {
            append(server: server, to: &out)
        }
        out.append("</tbody>\n<tfoot>\n")
        append(backendSum: sum, servers: proxy.servers.count, to: &out)
        out.append("</tfoot></table></div>\n</section>\n")
    }

    /// Backends that Portico answers for itself: files, redirects, the stats page. One that is only the other side of
    /// its frontend and was never used is left out.
    func appendServerless(to out: inout [UInt8]) {
        let proxies = snapshot.proxies.filter { proxy in
            guard let row = proxy.backend, proxy.servers.isEmpty else { return false }
            return proxy.frontend == nil || row.sessionsTotal > 0
        }
        guard !proxies.isEmpty else { return }
        out.append("<section>\n<h2>Backends without servers</h2>\n<div class=\"scroll\"><table>\n<thead><tr>")
        for column: (StaticString, StaticString) in [
            ("Backend", ""), ("Status", ""), ("Sessions", "now / max / limit"), ("Sessions/s", "now / max"),
            ("Sessions", "total"), ("Responses", "by status"), ("Received", ""), ("Sent", ""),
            ("Errors", "conn. / resp."),
        ] { append(column, to: &out) }
        out.append("</tr></thead>\n<tbody>\n")
        for proxy in proxies {
            guard let row = proxy.backend else { continue }
            beginRow(row, name: proxy.name, note: proxy.description, to: &out)
            appendStatus(row, to: &out)
            appendSessions(row, to: &out)
            appendNumbers([row.sessionRate, row.sessionRateMax], to: &out)
            appendCount(row.sessionsTotal, to: &out)
            appendResponses(row.responses, to: &out)
            appendBytes(row.bytesIn, to: &out)
            appendBytes(row.bytesOut, to: &out)
            appendFaults([row.connectErrors, row.responseErrors], to: &out)
            out.append("</tr>\n")
        }
        out.append("</tbody></table></div>\n</section>\n")
    }

    private func append(server row: StatsRow, to out: inout [UInt8]) {
        let note = settings.showsLegends ? row.address : ""
        beginRow(row, name: row.name, note: note, tag: row.backupServers > 0 ? "backup" : nil, to: &out)
        appendStatus(row, to: &out)
        appendCheck(row, to: &out)
        appendNumbers([row.weight], to: &out)
        appendTraffic(row, to: &out)
        appendDowntime(row, isKnown: row.check != nil, to: &out)
        out.append("</tr>\n")
    }

    private func append(backendSum row: StatsRow, servers: Int, to out: inout [UInt8]) {
        beginRow(row, name: "Backend", note: "", to: &out)
        appendStatus(row, to: &out)
        out.append("<td class=\"l\">")
        if servers > 0 {
            out.append(count: row.activeServers + row.backupServers)
            out.append(" of ")
            out.append(count: servers)
            out.append(" up")
        }
        out.append("</td>")
        appendNumbers([row.weight], to: &out)
        appendTraffic(row, to: &out)
        appendDowntime(row, isKnown: servers > 0, to: &out)
        out.append("</tr>\n")
    }

    /// The cells that servers and backends have in common.
    private func appendTraffic(_ row: StatsRow, to out: inout [UInt8]) {
        appendNumbers([row.queueCurrent, row.queueMax], to: &out)
        appendSessions(row, to: &out)
        appendNumbers([row.sessionRate, row.sessionRateMax], to: &out)
        appendCount(row.sessionsTotal, to: &out)
        appendResponses(row.responses, to: &out)
        appendTimes(row.timesAverage, to: &out)
        appendBytes(row.bytesIn, to: &out)
        appendBytes(row.bytesOut, to: &out)
        appendFaults([row.connectErrors, row.responseErrors], to: &out)
        appendFaults([row.retries &+ row.redispatches], to: &out)
    }

    // MARK: Cells

    private func append(_ column: (name: StaticString, detail: StaticString), to out: inout [UInt8]) {
        out.append("<th scope=\"col\">")
        out.append(column.name)
        if column.detail.utf8CodeUnitCount > 0 {
            out.append("<small>")
            out.append(column.detail)
            out.append("</small>")
        }
        out.append("</th>")
    }

    private func beginRow(
        _ row: StatsRow, name: String, note: String, tag: StaticString? = nil, to out: inout [UInt8]
    ) {
        out.append("<tr class=\"")
        out.append(row.state.tone.className)
        out.append("\"><th scope=\"row\">")
        out.append(html: name)
        if let tag {
            out.append(" <i>")
            out.append(tag)
            out.append("</i>")
        }
        if !note.isEmpty {
            out.append("<small>")
            out.append(html: note)
            out.append("</small>")
        }
        out.append("</th>")
    }

    private func appendStatus(_ row: StatsRow, to out: inout [UInt8]) {
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

    private func appendCheck(_ row: StatsRow, to out: inout [UInt8]) {
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
        // What a good check got says nothing new.
        if !check.detail.isEmpty, !check.code.hasSuffix("OK") {
            out.append("<small>")
            out.append(html: check.detail)
            out.append("</small>")
        }
        out.append("</td>")
    }

    /// Numbers that belong together, the first one the one that counts.
    private func appendNumbers(_ numbers: [Int], to out: inout [UInt8]) {
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
    private func appendSessions(_ row: StatsRow, to out: inout [UInt8]) {
        guard let limit = row.sessionsLimit, limit > 0 else {
            return appendNumbers([row.sessionsCurrent, row.sessionsMax], to: &out)
        }
        out.append(row.sessionsMax == 0 ? "<td class=\"z\">" : "<td>")
        append(list: [row.sessionsCurrent, row.sessionsMax, limit].map { UInt64(max(0, $0)) }, to: &out)
        out.append("<span class=\"u\" style=\"--p:")
        // At least a trace of a bar where there is anything.
        out.append(decimal: row.sessionsCurrent == 0 ? 0 : min(100, max(2, row.sessionsCurrent * 100 / limit)))
        out.append("%\"></span></td>")
    }

    private func appendCount(_ count: UInt64, to out: inout [UInt8]) {
        out.append(count == 0 ? "<td class=\"z\">" : "<td>")
        Amount.append(count: count, to: &out)
        out.append("</td>")
    }

    private func appendBytes(_ bytes: UInt64, to out: inout [UInt8]) {
        out.append(bytes == 0 ? "<td class=\"z\">" : "<td>")
        Amount.append(bytes: bytes, to: &out)
        out.append("</td>")
    }

    /// Counts that should be zero.
    private func appendFaults(_ counts: [UInt64], to out: inout [UInt8]) {
        out.append(counts.allSatisfy { $0 == 0 } ? "<td class=\"z\">" : "<td class=\"f\">")
        for (index, count) in counts.enumerated() {
            if index > 0 { out.append(" / ") }
            Amount.append(count: count, to: &out)
        }
        out.append("</td>")
    }

    /// Milliseconds, on average.
    private func appendTimes(_ times: TimesStats, to out: inout [UInt8]) {
        out.append(times.connect == 0 && times.response == 0 ? "<td class=\"z\">" : "<td>")
        out.append(count: times.connect)
        out.append(" / ")
        out.append(count: times.response)
        out.append("</td>")
    }

    /// A bar of the shares of the status classes; the counts are in its text.
    private func appendResponses(_ responses: StatusClassStats, to out: inout [UInt8]) {
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
            // Thousandths; a share too small for one is still a line.
            out.append(decimal: max(1, UInt64(Double(count) / total * 1_000)))
            out.append("\"></b>")
        }
        out.append("</span></td>")
    }

    private func appendDowntime(_ row: StatsRow, isKnown: Bool, to out: inout [UInt8]) {
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
        case .down, .stopped: .bad
        case .full, .goingDown, .goingUp: .changing
        case .paused, .drain, .maintenance, .unresolved, .noCheck: .idle
        }
    }

    /// Whether a server is out because its checks say so.
    var isDown: Bool {
        switch self {
        case .down, .goingUp: true
        default: false
        }
    }

    /// Whether a server in this state gets new requests.
    var takesRequests: Bool {
        switch self {
        case .open, .full, .up, .goingDown, .noCheck: true
        case .paused, .stopped, .down, .goingUp, .drain, .maintenance, .unresolved: false
        }
    }
}
