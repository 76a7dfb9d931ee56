// Where statistics come from, row by row, and a walk over the rows. Each row says what is true when it is read; a walk that
// pauses for a slow reader holds a position and no rows.

public import Basics
public import TLS

/// The running process as the page, the tables and the runtime socket read it.
///
/// Proxies have positions from 0 in the order of their numbers, servers from 0 in the order of the configuration; neither
/// changes while the source lives.
public protocol StatsSource {
    func process(at now: Instant) -> ProcessStats
    var proxyCount: Int { get }
    func identity(ofProxy proxy: Int) -> ProxyIdentity
    /// The side that clients see; nil for a backend.
    func frontend(ofProxy proxy: Int, at now: Instant) -> StatsRow?
    func serverCount(ofProxy proxy: Int) -> Int
    func server(_ server: Int, ofProxy proxy: Int, at now: Instant) -> StatsRow
    /// A server's name and state alone, which cost less than its row.
    func stateOfServer(_ server: Int, ofProxy proxy: Int) -> (name: String, state: RowState)
    /// The side that servers see; nil for a frontend.
    func backend(ofProxy proxy: Int, at now: Instant) -> StatsRow?
    /// The certificates that peers are shown, the first to end first.
    var certificateEnds: [CertificateEnd] { get }
}

extension StatsSource {
    public var certificateEnds: [CertificateEnd] { [] }

    /// The number of the proxy with this name; nil if there is none.
    public func id(ofProxyNamed name: String) -> Int? {
        for proxy in 0..<proxyCount {
            let identity = identity(ofProxy: proxy)
            if identity.name == name { return identity.id }
        }
        return nil
    }
}

extension StatsSnapshot: StatsSource {
    public func process(at now: Instant) -> ProcessStats { process }
    public var proxyCount: Int { proxies.count }
    public func identity(ofProxy proxy: Int) -> ProxyIdentity { proxies[proxy].identity }
    public func frontend(ofProxy proxy: Int, at now: Instant) -> StatsRow? { proxies[proxy].frontend }
    public func serverCount(ofProxy proxy: Int) -> Int { proxies[proxy].servers.count }
    public func server(_ server: Int, ofProxy proxy: Int, at now: Instant) -> StatsRow {
        proxies[proxy].servers[server]
    }
    public func stateOfServer(_ server: Int, ofProxy proxy: Int) -> (name: String, state: RowState) {
        let row = proxies[proxy].servers[server]
        return (row.name, row.state)
    }
    public func backend(ofProxy proxy: Int, at now: Instant) -> StatsRow? { proxies[proxy].backend }

    /// All rows of `source` at one moment.
    public init(of source: some StatsSource, at now: Instant) {
        process = source.process(at: now)
        for proxy in 0..<source.proxyCount {
            var stats = ProxyStats(source.identity(ofProxy: proxy))
            stats.frontend = source.frontend(ofProxy: proxy, at: now)
            for server in 0..<source.serverCount(ofProxy: proxy) {
                stats.servers.append(source.server(server, ofProxy: proxy, at: now))
            }
            stats.backend = source.backend(ofProxy: proxy, at: now)
            proxies.append(stats)
        }
    }
}

/// Which rows are wanted.
struct RowFilter {
    /// Only this proxy.
    var proxyID: Int?
    var kinds = RowKinds.all
    /// Only this number within its proxy.
    var rowID: Int?
    /// Without servers that are down, or in maintenance.
    var hidesDown = false
    var hidesMaintenance = false
    /// The proxies that `stats scope` allows; empty for all.
    var scope: [String] = []
    /// The section that the page belongs to, which `stats scope .` means.
    var section = ""
    /// What a proxy's name has to contain, without regard to case; empty for nothing.
    var nameContains = ""

    func takes(_ proxy: ProxyIdentity) -> Bool {
        guard proxyID == nil || proxyID == proxy.id else { return false }
        guard scope.isEmpty || scope.contains(proxy.name) || proxy.name == section && scope.contains(".") else {
            return false
        }
        return nameContains.isEmpty || proxy.name.lowercased().contains(nameContains.lowercased())
    }

    func takes(_ row: StatsRow) -> Bool {
        guard kinds.contains(row.kind), rowID == nil || rowID == row.id else { return false }
        guard row.kind == .server else { return true }
        switch row.state {
        case .down, .downByAgent, .goingUp: return !hidesDown
        case .maintenance, .maintenanceOf, .unresolved: return !hidesMaintenance
        default: return true
        }
    }
}

/// A position among the rows of a source: each proxy's frontend, its servers, its backend.
struct RowCursor {
    private var proxy = 0
    /// 0 for the frontend, then the servers, then the backend.
    private var row = 0

    /// The next row that `filter` takes; nil behind the last.
    mutating func next(
        in source: any StatsSource, _ filter: RowFilter, at now: Instant
    ) -> (proxy: ProxyIdentity, row: StatsRow)? {
        while proxy < source.proxyCount {
            let identity = source.identity(ofProxy: proxy)
            if filter.takes(identity) {
                while let candidate = step(in: source, at: now) {
                    if let candidate, filter.takes(candidate) { return (identity, candidate) }
                }
            }
            proxy += 1
            row = 0
        }
        return nil
    }

    /// The next row of this proxy, which may not have it; nil behind its last.
    private mutating func step(in source: any StatsSource, at now: Instant) -> StatsRow?? {
        let servers = source.serverCount(ofProxy: proxy)
        defer { row += 1 }
        if row == 0 { return .some(source.frontend(ofProxy: proxy, at: now)) }
        if row <= servers { return .some(source.server(row - 1, ofProxy: proxy, at: now)) }
        return row == servers + 1 ? .some(source.backend(ofProxy: proxy, at: now)) : nil
    }
}
