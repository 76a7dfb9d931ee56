// What is counted of HTTP/2 for a frontend, and for a backend: the columns `h2_*` of the statistics.

public import Basics

/// One count of HTTP/2.
public enum HTTP2Counter: Int, CaseIterable, Sendable {
    /// Frames of the peer. A block of fields counts once, however many CONTINUATION frames it takes.
    case headersReceived, dataReceived, settingsReceived, resetsReceived, goAwaysReceived
    /// Errors of peers that ended a connection, and those that ended a stream.
    case connectionErrors, streamErrors
    /// RST_STREAM and GOAWAY that told peers of such an error.
    case resetsSent, goAwaysSent
    /// Connections and streams since the start. Use `HTTP2Counters.openConnection` and `openStream`.
    case connections, streams
    /// Faults and oddities of peers, whether they ended something or not.
    case glitches
}

/// The HTTP/2 of one proxy's connections. Any worker may change it.
public struct HTTP2Counters: Sendable {
    @usableFromInline let sheet: PerThreadCounters
    /// Connections and streams now.
    public let connections = Gauge()
    public let streams = Gauge()

    public init(workers: Int) { sheet = PerThreadCounters(rows: workers, columns: HTTP2Counter.allCases.count) }

    /// Adds to the row of worker `worker`, which must be the caller's own.
    @inlinable @inline(__always)
    public func add(_ counter: HTTP2Counter, _ amount: UInt64 = 1, worker: Int) {
        sheet.add(amount, row: worker, column: counter.rawValue)
    }

    /// A connection speaks HTTP/2 from here on.
    public func openConnection(worker: Int) {
        connections.increment()
        add(.connections, worker: worker)
    }

    public func closeConnection() { connections.decrement() }

    /// A request, or what is to become one, has its stream.
    public func openStream(worker: Int) {
        streams.increment()
        add(.streams, worker: worker)
    }

    public func closeStream() { streams.decrement() }

    public func total(_ counter: HTTP2Counter) -> UInt64 { sheet.total(counter.rawValue) }
}
