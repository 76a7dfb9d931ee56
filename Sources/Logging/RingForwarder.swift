// Sends a ring's lines to one log server, over a connection that is opened when there are lines to send.
//
// Nothing here blocks: the logger thread calls `step` in each iteration, and its loop ends the wait when the connection
// is ready. A server that is unreachable or slow does not affect other targets; only its own ring drops lines once it
// is full. After a connection is lost, a line that was not sent completely is sent again from its start over the next
// one.

internal import Basics
internal import Reactor
internal import Transport

/// The connection of a ring to one of its servers.
final class RingForwarder: LoopTask {
    /// The interval between attempts to connect, as in HAProxy.
    private static let reconnectInterval = TimeSpan.seconds(1)
    /// Limit for the bytes taken out of the ring at a time.
    private static let pendingBytesMax = 65_536
    /// Limit for consecutive reads from a server, which is not expected to send anything.
    private static let readsMax = 16

    private enum State {
        case closed(notBefore: Instant)
        case connecting(until: Instant)
        case open
    }

    private let ring: EventRing
    private let index: Int
    private let loop: TaskLoop
    private let pool: BufferPool
    private var handle = SlotHandle(index: 0, generation: 0)
    private var state = State.closed(notBefore: Instant(nanoseconds: 0))
    /// Nil while `state` is `closed`.
    private var stream: ByteStream?
    /// Framed lines being sent, and the offset in `pending` where each ends.
    private var pending: [UInt8] = []
    private var lineEnds: [Int] = []
    /// Bytes that the connection had sent before the first byte of `pending`.
    private var sentBefore: UInt64 = 0
    /// When the connection was opened or last accepted bytes.
    private var progressAt = Instant(nanoseconds: 0)

    init(_ ring: EventRing, server index: Int, pool: BufferPool, in loop: TaskLoop) {
        self.ring = ring
        self.index = index
        self.pool = pool
        self.loop = loop
    }

    private var server: RingServer { ring.servers[index] }

    /// Whether there are lines that have not been sent.
    var hasUnsent: Bool { !pending.isEmpty || ring.waiting(for: index) }

    func ready(_ readiness: Readiness, in loop: TaskLoop) { stream?.note(readiness) }

    func expired(in loop: TaskLoop) {}

    /// Makes as much progress as possible without blocking. Returns when to call again if there is neither an event nor
    /// a new line before that.
    func step(at now: Instant) -> Instant {
        while true {
            switch state {
            case .closed(let notBefore):
                guard hasUnsent else { return .never }
                guard now >= notBefore else { return notBefore }
                guard connect(at: now) else { return now + Self.reconnectInterval }
            case .connecting(let limit):
                switch stream?.connectProgress(loop.kernel) {
                case .pending? where now < limit: return limit
                case .connected?:
                    state = .open
                    progressAt = now
                case .pending?, .failed?, nil: close(at: now)
                }
            case .open:
                guard isAlive() else {
                    close(at: now)
                    continue
                }
                guard hasUnsent else { return .never }
                switch send(at: now) {
                case .all?: break
                case .blocked?:
                    let limit = progressAt + server.sendTimeout
                    if now < limit { return limit }
                    close(at: now)
                case .failed?, nil: close(at: now)
                }
            }
        }
    }

    /// Closes the connection and discards the remaining lines; returns their number.
    func discardUnsent() -> UInt64 {
        let done = sent
        disconnect()
        defer { (pending, lineEnds) = ([], []) }
        return UInt64(lineEnds.count { $0 > done }) + ring.countWaiting(for: index)
    }

    /// Bytes of `pending` that the connection has sent.
    private var sent: Int { Int((stream?.bytesSent ?? sentBefore) - sentBefore) }

    private func connect(at now: Instant) -> Bool {
        handle = loop.add(self)
        do throws(ByteStream.Refusal) {
            stream = try ByteStream(connectingTo: server.address, pool: pool, as: handle, in: loop)
        } catch {
            loop.remove(handle)
            state = .closed(notBefore: now + Self.reconnectInterval)
            return false
        }
        state = .connecting(until: now + server.connectTimeout)
        sentBefore = 0
        stream?.queue(pending)
        return true
    }

    /// Closes the connection. Drops the lines that were sent completely and keeps the others for the next connection.
    private func close(at now: Instant) {
        let sent = sent
        disconnect()
        state = .closed(notBefore: now + Self.reconnectInterval)
        let done = lineEnds.count { $0 <= sent }
        let bytes = done == 0 ? 0 : lineEnds[done - 1]
        pending.removeFirst(bytes)
        lineEnds.removeFirst(done)
        for i in lineEnds.indices { lineEnds[i] -= bytes }
    }

    /// Closes the connection, if there is one.
    func disconnect() {
        if stream != nil { loop.remove(handle) }
        stream?.close(.close, loop.kernel)
        stream = nil
        state = .closed(notBefore: Instant(nanoseconds: 0))
    }

    /// Reads and discards data from the server, which is not expected to send any. Returns false if it closed the
    /// connection.
    private func isAlive() -> Bool {
        // A server may have closed since the last event: a line that is sent then would be lost.
        stream?.expectInput()
        for _ in 0..<Self.readsMax {
            switch stream?.read(loop.kernel) {
            case .progressed?, .full?: stream?.discardInput()
            case .blocked?: return true
            case .ended?, .failed?, nil: return false
            }
        }
        return true
    }

    /// Sends as many lines as the connection accepts.
    private func send(at now: Instant) -> WriteResult? {
        if pending.isEmpty {
            sentBefore = stream?.bytesSent ?? 0
            ring.moveLines(for: index, into: &pending, ends: &lineEnds, bytesMax: Self.pendingBytesMax)
            stream?.queue(pending)
        }
        let before = sent
        let result = stream?.send(loop.kernel)
        if sent > before { progressAt = now }
        if result == .all {
            pending.removeAll(keepingCapacity: true)
            lineEnds.removeAll(keepingCapacity: true)
            sentBefore = stream?.bytesSent ?? 0
        }
        return result
    }
}
