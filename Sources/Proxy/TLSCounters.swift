// What is counted of TLS in the process, and the limits on it: `maxsslconn` and `maxsslrate`. What a frontend or a server counts for
// itself is with its other counters.

internal import Balancing
internal import Basics
internal import Synchronization

final class TLSCounters: Sendable {
    /// Encrypted connections now, to clients and to servers.
    let connections = Gauge()
    private let mostConnections = Atomic<Int>(.max)
    private let mostInSecond = Atomic<Int>(.max)
    /// Connections of clients, and the full handshakes among them, and with servers: a full one costs a signature.
    let accepted: RateMeter
    let clientKeys: RateMeter
    let serverKeys: RateMeter
    private let sheet: PerThreadCounters

    private enum Column: Int, CaseIterable { case total }

    init(workers: Int) {
        accepted = RateMeter(workers: workers)
        clientKeys = RateMeter(workers: workers)
        serverKeys = RateMeter(workers: workers)
        sheet = PerThreadCounters(rows: workers, columns: Column.allCases.count)
    }

    /// With this many connections no more of clients are accepted; `Int.max` for any number.
    var connectionsMax: Int {
        get { mostConnections.load(ordering: .relaxed) }
        set { mostConnections.store(newValue, ordering: .relaxed) }
    }

    /// Clients' connections accepted in a second, at most; `Int.max` for any number.
    var rateMax: Int {
        get { mostInSecond.load(ordering: .relaxed) }
        set { mostInSecond.store(newValue, ordering: .relaxed) }
    }

    /// Whether one more client may come in now.
    func mayAccept(at now: Instant) -> Bool {
        if connections.current >= connectionsMax { return false }
        let most = rateMax
        return most == .max || accepted.rate(at: now) < most
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
