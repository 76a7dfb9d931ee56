// What is counted of TLS in the process, and the limits on it: `maxsslconn` and `maxsslrate`. What a frontend or a server counts for
// itself is with its other counters.

internal import Balancing
internal import Basics
internal import Configuration

final class TLSCounters: Sendable {
    /// Encrypted connections now, to clients and to servers; no more than this of clients are accepted.
    let connections = Gauge()
    let connectionsMax: Int
    /// Clients' connections accepted in a second, at most; nil for any number.
    let rateMax: Int?
    /// Connections of clients, and the full handshakes among them, and with servers: a full one costs a signature.
    let accepted: RateMeter
    let clientKeys: RateMeter
    let serverKeys: RateMeter
    private let sheet: PerThreadCounters

    private enum Column: Int, CaseIterable { case total }

    init(_ settings: ProcessSettings, workers: Int) {
        connectionsMax = settings.tlsConnectionsMax ?? .max
        rateMax = settings.tlsRateMax
        accepted = RateMeter(workers: workers)
        clientKeys = RateMeter(workers: workers)
        serverKeys = RateMeter(workers: workers)
        sheet = PerThreadCounters(rows: workers, columns: Column.allCases.count)
    }

    /// Whether one more client may come in now.
    func mayAccept(at now: Instant) -> Bool {
        if connections.current >= connectionsMax { return false }
        guard let rateMax else { return true }
        return accepted.rate(at: now) < rateMax
    }

    /// A client's connection begins its handshake.
    func begin(worker: Int, at now: Instant) {
        connections.increment()
        accepted.count(worker: worker, at: now)
        sheet.row(worker).add(1, column: Column.total.rawValue)
    }

    /// An encrypted connection is closed.
    func end() { connections.decrement() }

    /// Connections since the start.
    var total: UInt64 { sheet.total(Column.total.rawValue) }

    /// Share of the last second's clients that went on with an earlier session, in percent.
    func reusePercent(at now: Instant) -> Int {
        let all = accepted.rate(at: now)
        guard all > 0 else { return 0 }
        return max(0, 100 - (100 * clientKeys.rate(at: now) + all - 1) / all)
    }

    /// Looks at the last seconds for maxima. Called once a second.
    func keepMaxima(at now: Instant) {
        for meter in [accepted, clientKeys, serverKeys] { meter.keepMaximum(at: now) }
    }
}
