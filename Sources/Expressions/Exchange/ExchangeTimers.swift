// When an exchange reached each stage, and the durations that HAProxy's log computes from it (manual, section 8.4).

public import Basics

/// Instants of one exchange; nil where it has not come that far.
public struct ExchangeTimers: Equatable, Sendable {
    /// When the client's connection was accepted; for a later request on it, when the exchange before had ended.
    public var accepted = Instant(nanoseconds: 0)
    /// The same on the wall clock.
    public var acceptDate = WallTime(seconds: 0)
    /// When TLS and PROXY protocol were done; nil where there were none, or they were before `accepted`.
    public var handshakeDone: Instant?
    /// When the request's first byte came.
    public var requestBegun: Instant?
    /// When the request's head was complete.
    public var requestDone: Instant?
    /// When the request left the queues, and a connection to the server was begun or taken from the pool.
    public var queueLeft: Instant?
    /// When the connection to the server stood.
    public var connected: Instant?
    /// When the response's head was complete.
    public var responseHeadDone: Instant?
    /// When the last byte had gone; nil in a line that is written before that (`option logasap`).
    public var ended: Instant?

    public init() {}
}

/// The times of the log in whole milliseconds; -1 for a stage that was not reached.
///
/// Like HAProxy's they are differences of milliseconds since `accepted`, each rounded down, so that
/// Th + Ti + TR + Tw + Tc + Tr + Td is exactly Tt.
extension ExchangeTimers {
    /// Th: TLS and PROXY protocol.
    public var handshakeTime: Int { handshakeDone.map(milliseconds) ?? 0 }
    /// Ti: waiting for the request's first byte.
    public var idleTime: Int { requestBegun.map { milliseconds($0) - handshakeTime } ?? -1 }
    /// Tq: everything before the request was complete.
    public var requestCompleteTime: Int { requestDone.map(milliseconds) ?? -1 }
    /// TR: from the request's first byte to the end of its head.
    public var requestTime: Int { requestDone.map { milliseconds($0) - begin } ?? -1 }
    /// Tw: in queues.
    public var queueTime: Int {
        queueLeft.map { milliseconds($0) - (requestDone.map(milliseconds) ?? handshakeTime) } ?? -1
    }
    /// Tc: connecting to the server.
    public var connectTime: Int {
        guard let connected, let queueLeft else { return -1 }
        return milliseconds(connected) - milliseconds(queueLeft)
    }
    /// Tr: from the connection to the end of the response's head.
    public var responseTime: Int {
        guard let responseHeadDone, let connected else { return -1 }
        return milliseconds(responseHeadDone) - milliseconds(connected)
    }
    /// Td: sending the body; in TCP mode everything from the connection on.
    public var dataTime: Int {
        guard let dataBegin = responseHeadDone ?? (requestDone == nil ? connected : nil) else { return -1 }
        return totalTime - milliseconds(dataBegin)
    }
    /// Ta: from the request's first byte to the end; with `option logasap` as far as it has come.
    public var activeTime: Int { totalTime - begin }
    /// Tt: from accepting to the end; with `option logasap` as far as it has come.
    public var totalTime: Int {
        milliseconds(ended ?? responseHeadDone ?? connected ?? queueLeft ?? requestDone ?? accepted)
    }
    /// Tu: Tt without waiting for the request's first byte.
    public var userTime: Int { totalTime - max(0, idleTime) }

    /// The wall clock at the request's first byte (%tr).
    public var requestDate: WallTime {
        let microseconds = acceptDate.microseconds + begin * 1_000
        return WallTime(
            seconds: acceptDate.seconds + microseconds / 1_000_000, microseconds: microseconds % 1_000_000)
    }

    /// Milliseconds from accepting to the request's first byte; 0 if none came.
    private var begin: Int { requestBegun.map(milliseconds) ?? 0 }

    private func milliseconds(_ instant: Instant) -> Int {
        Int(truncatingIfNeeded: instant.since(accepted).wholeMilliseconds)
    }
}

/// The point in an exchange's life at which a line is written; the raw value is what `on` calls it.
public enum LogStep: String, CaseIterable, Sendable {
    case accept, request, connect, response, close
    /// The line of a client with which it never came to an exchange.
    case error
}
