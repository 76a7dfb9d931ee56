// The stats page: one HTML document that needs nothing but itself, works without scripts, in light and dark, on a desk and
// on a telephone. It is made front to back, a row at a time, while the client takes it.

internal import Basics

struct StatsPage: PieceProducer {
    let source: any StatsSource
    let settings: StatsPageSettings
    let request: StatsRequest
    let filter: RowFilter

    /// What the next piece is.
    enum Position {
        case head, banner, summary, troubles
        /// The table of frontends; `begun` once it has a row.
        case frontends(Int, begun: Bool)
        /// The tables of backends with servers, and the rows of one.
        case backends(Int)
        case servers(Int, of: Int)
        /// The table of backends without servers.
        case serverless(Int, begun: Bool)
        case certificates
        case footer
    }
    private var position = Position.head
    private(set) var process = ProcessStats()

    /// - Parameter filter: which proxies and servers are shown.
    init(_ source: any StatsSource, settings: StatsPageSettings, request: StatsRequest, filter: RowFilter) {
        self.source = source
        self.settings = settings
        self.request = request
        self.filter = filter
    }

    mutating func next(into out: inout [UInt8], at now: Instant) -> Bool {
        switch position {
        case .head:
            process = source.process(at: now)
            appendHead(to: &out)
            position = .banner
        case .banner:
            out.append("<body>\n")
            appendBanner(to: &out)
            out.append("<main>\n")
            position = .summary
        case .summary:
            appendSummary(to: &out)
            position = .troubles
        case .troubles:
            appendTroubles(to: &out)
            position = .frontends(0, begun: false)
        case .frontends(let proxy, let begun): position = appendFrontend(proxy, begun: begun, to: &out, at: now)
        case .backends(let proxy): position = beginBackend(proxy, to: &out, at: now)
        case .servers(let server, let proxy): position = append(server: server, of: proxy, to: &out, at: now)
        case .serverless(let proxy, let begun): position = appendServerless(proxy, begun: begun, to: &out, at: now)
        case .certificates:
            appendCertificates(to: &out)
            position = .footer
        case .footer:
            out.append("</main>\n")
            appendFooter(to: &out)
            out.append("</body>\n</html>\n")
            return false
        }
        return true
    }

    /// The identity of a proxy that is shown; nil if it is not.
    func shown(_ proxy: Int) -> ProxyIdentity? {
        let identity = source.identity(ofProxy: proxy)
        return filter.takes(identity) ? identity : nil
    }

    /// Calls `body` with each server of the proxies that are shown.
    private func forEachServer(_ body: (ProxyIdentity, _ name: String, RowState) -> Void) {
        for proxy in 0..<source.proxyCount {
            guard let identity = shown(proxy) else { continue }
            for server in 0..<source.serverCount(ofProxy: proxy) {
                let (name, state) = source.stateOfServer(server, ofProxy: proxy)
                body(identity, name, state)
            }
        }
    }

    // MARK: Around the tables

    private func appendHead(to out: inout [UInt8]) {
        out.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>")
        out.append(html: process.name)
        if let node {
            out.append(" · ")
            out.append(html: node)
        }
        out.append("</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        out.append("<meta name=\"color-scheme\" content=\"light dark\">\n")
        out.append("<meta name=\"robots\" content=\"noindex, nofollow\">\n")
        if let delay = refreshSeconds {
            out.append("<meta http-equiv=\"refresh\" content=\"")
            out.append(decimal: delay)
            out.append("\">\n")
        }
        out.append(StatsPageStyle.icon)
        out.append("<style>\n")
        out.append(StatsPageStyle.sheet)
        out.append("</style>\n</head>\n")
    }

    private func appendBanner(to out: inout [UInt8]) {
        out.append("<header>\n<h1>")
        out.append(StatsPageStyle.mark)
        out.append(html: process.name)
        if !settings.hidesVersion, !process.version.isEmpty {
            out.append(" <small>")
            out.append(html: process.version)
            out.append("</small>")
        }
        out.append("</h1>\n")
        let description = settings.description ?? process.description
        if node != nil || settings.showsDescription && !description.isEmpty {
            out.append("<p class=\"node\">")
            if let node {
                out.append("<b>")
                out.append(html: node)
                out.append("</b> ")
            }
            if settings.showsDescription { out.append(html: description) }
            out.append("</p>\n")
        }
        out.append("<nav>")
        append(link: "Reload", options: request.isStill ? ";norefresh" : "", to: &out)
        if settings.refresh != nil {
            append(
                link: request.isStill ? "Resume" : "Pause", options: request.isStill ? "" : ";norefresh", to: &out)
        }
        append(link: "CSV", options: ";csv", to: &out)
        append(link: "JSON", options: ";json", to: &out)
        out.append("</nav>\n</header>\n")
    }

    private func appendSummary(to out: inout [UInt8]) {
        out.append("<dl class=\"tiles\">\n")
        let (up, down, all) = serverCounts
        appendTile("Servers", down > 0 ? .bad : up < all || all == 0 ? .idle : .good, to: &out) { out in
            out.append(count: up)
            out.append(" <small>of ")
            out.append(count: all)
            out.append(" up</small>")
        }
        appendTile("Requests/s", to: &out) { out in
            out.append(count: process.requestRate)
            out.append(" <small>max ")
            out.append(count: process.requestRateMax)
            out.append("</small>")
        }
        appendTile("Connections", to: &out) { out in
            out.append(count: process.connectionsCurrent)
            out.append(" <small>of ")
            out.append(count: process.connectionsLimit)
            out.append("</small>")
        }
        appendTile("Connections/s", to: &out) { out in
            out.append(count: process.connectionRate)
            out.append(" <small>max ")
            out.append(count: process.connectionRateMax)
            out.append("</small>")
        }
        appendTile("Requests", to: &out) { out in out.append(count: process.requestsTotal) }
        appendTile("Sent", to: &out) { out in
            out.append(bytes: process.bytesOutTotal)
            out.append(" <small>")
            out.append(bytes: process.bytesOutRate)
            out.append("/s</small>")
        }
        if process.residentBytes > 0 {
            appendTile("Memory", to: &out) { out in out.append(bytes: process.residentBytes) }
        }
        appendTile("Uptime", to: &out) { out in TimeText.append(process.uptime, to: &out) }
        out.append("</dl>\n")
    }

    private func appendTile(
        _ name: StaticString, _ tone: StateTone = .idle, to out: inout [UInt8], _ body: (inout [UInt8]) -> Void
    ) {
        out.append("<div><dt>")
        out.append(name)
        out.append("</dt><dd class=\"")
        out.append(tone.className)
        out.append("\">")
        body(&out)
        out.append("</dd></div>\n")
    }

    /// What an operator should look at first: servers that are down, and whether the process is stopping.
    private func appendTroubles(to out: inout [UInt8]) {
        if process.isStopping {
            out.append("<p class=\"trouble\">Stopping: no new connections; the last ones are being finished.</p>\n")
        }
        let shownMax = 12
        var down = 0
        var list: [UInt8] = []
        forEachServer { proxy, name, state in
            guard state.isDown else { return }
            down += 1
            guard down <= shownMax else { return }
            list.append(down == 1 ? "<a href=\"#b" : ", <a href=\"#b")
            list.append(decimal: proxy.id)
            list.append("\">")
            list.append(html: proxy.name)
            list.append(0x2F)
            list.append(html: name)
            list.append("</a>")
        }
        guard down > 0 else { return }
        out.append("<p class=\"trouble\"><b>")
        out.append(count: down)
        out.append(down == 1 ? " server is down:</b> " : " servers are down:</b> ")
        out += list
        if down > shownMax { out.append(" and more") }
        out.append("</p>\n")
    }

    private func appendFooter(to out: inout [UInt8]) {
        out.append("<footer>")
        let now = wallTime.local
        for (part, width, separator) in [
            (now.year, 4, 0x2D), (now.month, 2, 0x2D), (now.day, 2, 0x20), (now.hour, 2, 0x3A), (now.minute, 2, 0x3A),
            (now.second, 2, 0x20),
        ] {
            out.append(decimal: part, width: width)
            out.append(UInt8(separator))
        }
        if let delay = refreshSeconds {
            out.append("· again every ")
            out.append(decimal: delay)
            out.append(" s ")
        }
        out.append("· process ")
        out.append(decimal: process.pid)
        out.append(", ")
        out.append(decimal: process.threads)
        out.append(process.threads == 1 ? " thread" : " threads")
        if process.logsDropped > 0 {
            out.append(" · ")
            out.append(count: process.logsDropped)
            out.append(" log lines lost")
        }
        out.append("</footer>\n")
    }

    /// When the page was made.
    var wallTime: WallTime {
        WallTime(seconds: process.startedAt.seconds + Int(process.uptime.nanoseconds / 1_000_000_000))
    }

    private func append(link name: StaticString, options: StaticString, to out: inout [UInt8]) {
        out.append("<a href=\"")
        out.append(html: settings.uri)
        out.append(options)
        if !request.scope.isEmpty {
            out.append(";scope=")
            out.append(html: request.scope)
        }
        out.append("\">")
        out.append(name)
        out.append("</a>")
    }

    private var node: String? {
        guard settings.showsNode else { return nil }
        let name = settings.node ?? process.node
        return name.isEmpty ? nil : name
    }

    private var refreshSeconds: UInt64? {
        guard let delay = settings.refresh, !request.isStill else { return nil }
        return max(1, delay.nanoseconds / 1_000_000_000)
    }

    /// The numbers of servers that take requests, of those that are down, and of all but those in maintenance.
    private var serverCounts: (up: Int, down: Int, all: Int) {
        var counts = (up: 0, down: 0, all: 0)
        forEachServer { _, _, state in
            guard !state.isInMaintenance else { return }
            counts.all += 1
            if state.takesRequests { counts.up += 1 }
            if state.isDown { counts.down += 1 }
        }
        return counts
    }
}
