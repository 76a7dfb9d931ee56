// Sends a ring's lines to one server, over a connection that is made when there is something to send.
//
// Nothing here waits: the logger thread calls `step` again when `wake` says so. A server that refuses, is silent or takes
// nothing costs the other targets nothing, and its own ring the lines that find no room. A line that the server's
// end of a lost connection has not been given whole is sent again, from its start, over the next one.

internal import Basics
internal import Glibc
internal import Reactor
internal import SystemPackage

final class RingForwarder {
    /// From one attempt to connect to the next, as in HAProxy.
    private static let pause = TimeSpan.seconds(1)
    /// How soon to look again at a socket that takes nothing now.
    private static let glance = TimeSpan.milliseconds(10)
    /// Bytes taken out of the ring at a time.
    private static let pendingBytesMax = 65_536

    private enum State {
        case closed(notBefore: Instant)
        case connecting(Int32, until: Instant)
        case open(Int32)
    }

    private let ring: EventRing
    private let index: Int
    private var state = State.closed(notBefore: Instant(nanoseconds: 0))
    /// Framed lines on their way, the place where each ends, and how much of them the socket has.
    private var pending: [UInt8] = []
    private var ends: [Int] = []
    private var sent = 0
    /// When the socket last took something, or was opened.
    private var progressAt = Instant(nanoseconds: 0)

    init(_ ring: EventRing, server index: Int) {
        self.ring = ring
        self.index = index
    }

    deinit { disconnect() }

    private var server: RingServer { ring.servers[index] }

    /// Whether there are lines that the server has not had.
    var hasUnsent: Bool { !pending.isEmpty || ring.waiting(for: index) }

    /// Does what can be done without waiting; returns when to call again, `.never` if only for new lines.
    func step(at now: Instant) -> Instant {
        while true {
            switch state {
            case .closed(let notBefore):
                guard hasUnsent else { return .never }
                guard now >= notBefore else { return notBefore }
                guard begin(at: now) else { return now + Self.pause }
            case .connecting(let descriptor, let limit):
                switch StreamSocket.outcome(of: descriptor) {
                case nil where now < limit: return now + Self.glance
                case nil, .failure: close(at: now)
                case .success:
                    state = .open(descriptor)
                    progressAt = now
                }
            case .open(let descriptor):
                guard isAlive(descriptor) else {
                    close(at: now)
                    continue
                }
                guard hasUnsent else { return .never }
                switch send(descriptor) {
                case .some(0):
                    if now.since(progressAt) < server.sendTimeout { return now + Self.glance }
                    close(at: now)
                case .some: progressAt = now
                case nil: close(at: now)
                }
            }
        }
    }

    /// Gives up; returns how many lines the server has not had.
    func giveUp() -> UInt64 {
        disconnect()
        defer { (pending, ends, sent) = ([], [], 0) }
        return UInt64(ends.count { $0 > sent }) + ring.countWaiting(for: index)
    }

    private func begin(at now: Instant) -> Bool {
        do throws(Errno) {
            state = .connecting(try StreamSocket.connect(to: server.address), until: now + server.connectTimeout)
            return true
        } catch {
            state = .closed(notBefore: now + Self.pause)
            return false
        }
    }

    /// Ends the connection. What it has had whole is done with, the rest is for the next one.
    private func close(at now: Instant) {
        disconnect()
        state = .closed(notBefore: now + Self.pause)
        let done = ends.count { $0 <= sent }
        let bytes = done == 0 ? 0 : ends[done - 1]
        pending.removeFirst(bytes)
        ends.removeFirst(done)
        for i in ends.indices { ends[i] -= bytes }
        sent = 0
    }

    private func disconnect() {
        switch state {
        case .closed: break
        case .connecting(let descriptor, _), .open(let descriptor): _ = Glibc.close(descriptor)
        }
        state = .closed(notBefore: Instant(nanoseconds: 0))
    }

    /// Reads and drops what the server says, which should be nothing; false if it has closed.
    private func isAlive(_ descriptor: Int32) -> Bool {
        var scratch = [UInt8](repeating: 0, count: 512)
        // Bounded, for a server that talks without end.
        for _ in 0..<16 {
            let count = unsafe recv(descriptor, &scratch, scratch.count, Int32(MSG_DONTWAIT))
            if count == 0 { return false }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
        }
        return true
    }

    /// Sends what the socket takes; returns how many bytes that was, nil if the connection is lost.
    private func send(_ descriptor: Int32) -> Int? {
        if sent == pending.count {
            pending.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            sent = 0
            ring.take(for: index, into: &pending, ends: &ends, bytesMax: Self.pendingBytesMax)
        }
        var total = 0
        while sent < pending.count {
            let count = unsafe pending.withUnsafeBytes { bytes in
                unsafe Glibc.send(
                    descriptor, bytes.baseAddress.unsafelyUnwrapped + sent, bytes.count - sent,
                    Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
                total += count
            } else if errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM {
                return total
            } else if errno != EINTR {
                return nil
            }
        }
        pending.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        sent = 0
        return total
    }
}
