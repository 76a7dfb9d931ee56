// A server that refuses connections is left alone for a moment: it is never busy, so it would otherwise draw one request after the
// other, each of which loses an attempt there.
//
// Each worker has a breaker for each server. Connections that fail in a row open it; while it is open, the worker passes the server
// over if there is another. After a pause one request tries the server, and a connection that succeeds closes the breaker.

public import Basics
internal import Synchronization

/// What one worker has seen of connections to one server. That worker writes it; any worker that gives away slots reads it.
final class CircuitBreaker: Sendable {
    /// Connections that fail in a row before it opens: one or two may be an accident.
    static let failuresMax = 3
    /// How long the server is left alone before the next request tries: short enough that a restarted server is soon used again,
    /// long enough that a dead one costs one attempt a second.
    static let pause = TimeSpan.seconds(1)

    private let failures = Atomic<Int>(0)
    /// Nanoseconds of the instant from which one request may try; 0 while it is closed.
    private let openUntil = Atomic<UInt64>(0)

    var isClosed: Bool { openUntil.load(ordering: .relaxed) == 0 }

    /// When the next request may try; nil while it is closed.
    var retryTime: Instant? {
        let nanoseconds = openUntil.load(ordering: .relaxed)
        return nanoseconds == 0 ? nil : Instant(nanoseconds: nanoseconds)
    }

    func isOpen(at now: Instant) -> Bool { openUntil.load(ordering: .relaxed) > now.nanoseconds }

    /// A request goes to the server. If it is the one that tries, the others wait for its outcome.
    func noteAttempt(at now: Instant) {
        guard !isClosed else { return }
        openUntil.store((now + Self.pause).nanoseconds, ordering: .relaxed)
    }

    /// Returns true if this failure opens it.
    func noteFailure(at now: Instant) -> Bool {
        let count = failures.load(ordering: .relaxed) + 1
        failures.store(count, ordering: .relaxed)
        guard count >= Self.failuresMax else { return false }
        defer { openUntil.store((now + Self.pause).nanoseconds, ordering: .relaxed) }
        return isClosed
    }

    /// A connection is established. Returns true if the breaker was open.
    func noteSuccess() -> Bool {
        guard failures.load(ordering: .relaxed) != 0 else { return false }
        failures.store(0, ordering: .relaxed)
        return openUntil.exchange(0, ordering: .relaxed) != 0
    }
}

extension Server {
    /// How many connections in a row fail before a worker leaves a server alone.
    public static var failuresToLeaveAlone: Int { CircuitBreaker.failuresMax }
    /// For how long it does.
    public static var timeLeftAlone: TimeSpan { CircuitBreaker.pause }

    /// A connection of this worker failed through the server's fault. Returns true if the worker leaves the server alone from now on.
    public func connectionFailed(by worker: Int, now: Instant) -> Bool { breakers[worker].noteFailure(at: now) }

    /// A connection of this worker is established. Returns true if the worker had left the server alone.
    public func connectionStood(by worker: Int) -> Bool { breakers[worker].noteSuccess() }

    /// When a request of this worker may try again; nil if the worker does not leave the server alone.
    public func retryTime(for worker: Int) -> Instant? { breakers[worker].retryTime }
}

/// The servers that one request passes over while there is another.
struct Avoidance {
    /// One that has just failed the request.
    let server: Server?
    /// Those that its worker leaves alone.
    let worker: Int
    let now: Instant

    func allows(_ candidate: Server) -> Bool {
        candidate !== server && !candidate.breakers[worker].isOpen(at: now)
    }

    /// Passes over nothing: for when no other server is left.
    static let none = Avoidance(server: nil, worker: 0, now: .never)
}

extension Backend {
    /// Whether a request of `worker` that has tried `server` should go elsewhere: the worker leaves that server alone, and there is
    /// another.
    public func isLeftAlone(_ server: Server, by worker: Int, now: Instant) -> Bool {
        guard server.breakers[worker].isOpen(at: now) else { return false }
        let avoidance = Avoidance(server: server, worker: worker, now: now)
        return eligibleNow.servers.contains(where: avoidance.allows)
    }
}
