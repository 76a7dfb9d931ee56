// The tables of the stats page: one of all frontends, one for each backend with servers, one of the backends without.

internal import Basics

extension StatsPage {
    /// The row of one frontend, with the head of the table before the first and its end behind the last.
    func appendFrontend(_ proxy: Int, begun: Bool, to out: inout [UInt8], at now: Instant) -> Position {
        guard proxy < source.proxyCount else {
            if begun { out.append("</tbody></table></div>\n</section>\n") }
            return .backends(0)
        }
        guard let identity = shown(proxy), let row = source.frontend(ofProxy: proxy, at: now) else {
            return .frontends(proxy + 1, begun: begun)
        }
        if !begun {
            out.append("<section>\n<h2>Frontends</h2>\n")
            beginTable(
                [
                    ("Frontend", ""), ("Status", ""), ("Requests/s", "now / max"), ("Connections/s", "now / max"),
                    ("Sessions", "now / max / limit"), ("Requests", "total"), ("Responses", "by status"),
                    ("Received", ""), ("Sent", ""), ("Denied", "req. / resp."), ("Errors", "of requests"),
                ], to: &out)
        }
        beginRow(row, name: identity.name, note: identity.mode == "http" ? "" : identity.mode, to: &out)
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
        return .frontends(proxy + 1, begun: true)
    }

    /// The head of the table of one backend with servers.
    func beginBackend(_ proxy: Int, to out: inout [UInt8], at now: Instant) -> Position {
        guard proxy < source.proxyCount else { return .serverless(0, begun: false) }
        guard source.serverCount(ofProxy: proxy) > 0, let identity = shown(proxy),
            let sum = source.backend(ofProxy: proxy, at: now)
        else { return .backends(proxy + 1) }
        out.append("<section id=\"b")
        out.append(decimal: identity.id)
        out.append("\">\n<h2>")
        out.append(html: identity.name)
        if settings.showsLegends { append(small: sum.algorithm, to: &out) }
        if identity.mode != "http" { append(small: identity.mode, to: &out) }
        append(small: identity.description, to: &out)
        out.append("</h2>\n")
        beginTable(
            [
                ("Server", ""), ("Status", ""), ("Last check", ""), ("Weight", ""), ("Queue", "now / max"),
                ("Sessions", "now / max / limit"), ("Sessions/s", "now / max"), ("Sessions", "total"),
                ("Responses", "by status"), ("Time, ms", "conn. / first byte"), ("Received", ""), ("Sent", ""),
                ("Errors", "conn. / resp."), ("Retries", ""), ("Downtime", "times, in all"),
            ], to: &out)
        return .servers(0, of: proxy)
    }

    /// The row of one server, or behind the last the backend's sums and the end of the table.
    func append(server: Int, of proxy: Int, to out: inout [UInt8], at now: Instant) -> Position {
        let count = source.serverCount(ofProxy: proxy)
        if server < count {
            let row = source.server(server, ofProxy: proxy, at: now)
            if filter.takes(row) { append(server: row, to: &out) }
            return .servers(server + 1, of: proxy)
        }
        out.append("</tbody>\n<tfoot>\n")
        if let sum = source.backend(ofProxy: proxy, at: now) { append(backendSum: sum, servers: count, to: &out) }
        out.append("</tfoot></table></div>\n</section>\n")
        return .backends(proxy + 1)
    }

    /// The row of one backend that Portico answers for itself: files, redirects, the stats page. One that is only the other
    /// side of its frontend and was never used is left out.
    func appendServerless(_ proxy: Int, begun: Bool, to out: inout [UInt8], at now: Instant) -> Position {
        guard proxy < source.proxyCount else {
            if begun { out.append("</tbody></table></div>\n</section>\n") }
            return .certificates
        }
        guard source.serverCount(ofProxy: proxy) == 0, let identity = shown(proxy),
            let row = source.backend(ofProxy: proxy, at: now),
            row.sessionsTotal > 0 || source.frontend(ofProxy: proxy, at: now) == nil
        else { return .serverless(proxy + 1, begun: begun) }
        if !begun {
            out.append("<section>\n<h2>Backends without servers</h2>\n")
            beginTable(
                [
                    ("Backend", ""), ("Status", ""), ("Sessions", "now / max / limit"), ("Sessions/s", "now / max"),
                    ("Sessions", "total"), ("Responses", "by status"), ("Received", ""), ("Sent", ""),
                    ("Errors", "conn. / resp."),
                ], to: &out)
        }
        beginRow(row, name: identity.name, note: identity.description, to: &out)
        appendStatus(row, to: &out)
        appendSessions(row, to: &out)
        appendNumbers([row.sessionRate, row.sessionRateMax], to: &out)
        appendCount(row.sessionsTotal, to: &out)
        appendResponses(row.responses, to: &out)
        appendBytes(row.bytesIn, to: &out)
        appendBytes(row.bytesOut, to: &out)
        appendFaults([row.connectErrors, row.responseErrors], to: &out)
        out.append("</tr>\n")
        return .serverless(proxy + 1, begun: true)
    }

    func beginTable(_ columns: [(name: StaticString, detail: StaticString)], to out: inout [UInt8]) {
        out.append("<div class=\"scroll\"><table>\n<thead><tr>")
        for column in columns { append(column, to: &out) }
        out.append("</tr></thead>\n<tbody>\n")
    }

    private func append(small text: String, to out: inout [UInt8]) {
        guard !text.isEmpty else { return }
        out.append(" <small>")
        out.append(html: text)
        out.append("</small>")
    }

    private func append(server row: StatsRow, to out: inout [UInt8]) {
        let note = settings.showsLegends ? row.address : ""
        let slowStart = row.throttle.map { "slow start, \($0) %" }
        beginRow(row, name: row.name, note: note, tag: slowStart ?? (row.backupServers > 0 ? "backup" : nil), to: &out)
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

    /// The cells that servers and backends share.
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
}
