// Sends a ring's lines to one server, over a connection that is made when there is something to send.
//
// Nothing here waits: the logger thread calls `step` in each of its rounds, and its loop ends the wait when the connection
// can go on. A server that refuses, is silent or takes nothing costs the other targets nothing, and its own ring the lines that find
// no room. A line that was not sent whole over a connection that is lost is sent again, from its start, over the next one.

internal import Basics
internal import Reactor
internal import Transport

final class RingForwarder: LoopTask {
    /// From one attempt to connect to the next, as in HAProxy.
    private static let pause = TimeSpan.seconds(1)
    /// Bytes taken out of the ring at a time.
    private static let pendingBytesMax = 65_536
    /// Reads in a row from a server that talks although nothing is expected of it.
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
    /// Framed lines on their way, and the index in `pending` at which each ends.
    private var pending: [UInt8] = []
    private var ends: [Int] = []
    /// Bytes that the connection had taken before the first of `pending`.
    private var sentBefore: UInt64 = 0
    /// When the connection last took something, or was opened.
    private var progressAt = Instant(nanoseconds: 0)

    init(_ ring: EventRing, server index: Int, pool: BufferPool, in loop: TaskLoop) {
        self.ring = ring
        self.index = index
        self.pool = pool
        self.loop = loop
    }

    private var server: RingServer { ring.servers[index] }

    /// Whether there are lines that the server has not had.
    var hasUnsent: Bool { !pending.isEmpty || ring.waiting(for: index) }

    func ready(_ readiness: Readiness, in loop: TaskLoop) { stream?.note(readiness) }

    func expired(in loop: TaskLoop) {}

    /// Does what can be done without waiting; returns when to call again even if no event and no line comes.
    func step(at now: Instant) -> Instant {
        while true {
            switch state {
            case .closed(let notBefore):
                guard hasUnsent else { return .never }
                guard now >= notBefore else { return notBefore }
                guard begin(at: now) else { return now + Self.pause }
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

    /// Closes for good; returns how many lines the server has not had.
    func giveUp() -> UInt64 {
        let done = sent
        disconnect()
        defer { (pending, ends) = ([], []) }
        return UInt64(ends.count { $0 > done }) + ring.countWaiting(for: index)
    }

    /// Bytes of `pending` that the connection has taken.
    private var sent: Int { Int((stream?.bytesSent ?? sentBefore) - sentBefore) }

    private func begin(at now: Instant) -> Bool {
        handle = loop.add(self)
        do throws(ByteStream.Refusal) {
            stream = try ByteStream(connectingTo: server.address, pool: pool, as: handle, in: loop)
        } catch {
            loop.remove(handle)
            state = .closed(notBefore: now + Self.pause)
            return false
        }
        state = .connecting(until: now + server.connectTimeout)
        sentBefore = 0
        stream?.queue(pending)
        return true
    }

    /// Ends the connection. Lines that it has taken whole are done with, the rest is for the next one.
    private func close(at now: Instant) {
        let sent = sent
        disconnect()
        state = .closed(notBefore: now + Self.pause)
        let done = ends.count { $0 <= sent }
        let bytes = done == 0 ? 0 : ends[done - 1]
        pending.removeFirst(bytes)
        ends.removeFirst(done)
        for i in ends.indices { ends[i] -= bytes }
    }

    /// Closes the connection, if there is one.
    func disconnect() {
        if stream != nil { loop.remove(handle) }
        stream?.close(.close, loop.kernel)
        stream = nil
        state = .closed(notBefore: Instant(nanoseconds: 0))
    }

    /// Reads and drops what the server says, which should be nothing; false if it has closed.
    private func isAlive() -> Bool {
        for _ in 0..<Self.readsMax {
            switch stream?.read(loop.kernel) {
            case .progressed?, .full?: stream?.discardInput()
            case .blocked?: return true
            case .ended?, .failed?, nil: return false
            }
        }
        return true
    }

    /// Sends lines as far as the connection takes them.
    private func send(at now: Instant) -> WriteResult? {
        if pending.isEmpty {
            sentBefore = stream?.bytesSent ?? 0
            ring.take(for: index, into: &pending, ends: &ends, bytesMax: Self.pendingBytesMax)
            stream?.queue(pending)
        }
        let before = sent
        let result = stream?.send(loop.kernel)
        if sent > before { progressAt = now }
        if result == .all {
            pending.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            sentBefore = stream?.bytesSent ?? 0
        }
        return result
    }
}
