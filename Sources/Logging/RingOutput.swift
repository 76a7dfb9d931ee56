// A ring as the logger thread has it: with the connections that empty it, and the count of what was dropped.

internal import Basics
internal import Reactor

final class RingOutput {
    private let ring: EventRing
    private let loop: TaskLoop
    private let forwarders: [RingForwarder]
    /// Lines dropped since the last announcement that some were.
    private(set) var droppedUntold = 0

    /// - Parameter pool: for the bytes on their way to the servers.
    init(_ ring: EventRing, pool: BufferPool, in loop: TaskLoop) {
        self.ring = ring
        self.loop = loop
        forwarders = ring.servers.indices.map { RingForwarder(ring, server: $0, pool: pool, in: loop) }
    }

    /// Whether some server has not had every line.
    var hasUnsent: Bool { forwarders.contains(where: \.hasUnsent) }

    /// Sends what can be sent; returns when to try again.
    func step(at now: Instant) -> Instant {
        forwarders.reduce(.never) { min($0, $1.step(at: now)) }
    }

    /// Appends a line without its end, or drops and counts it.
    func append(_ line: ArraySlice<UInt8>, _ tally: inout LogTally) {
        if take(line) {
            tally.written += 1
        } else {
            tally.lost += 1
            droppedUntold += 1
            ring.countDropped()
        }
    }

    /// Appends the line that says how many were dropped, if there is room for it.
    func announce(_ line: ArraySlice<UInt8>) {
        if take(line) { droppedUntold = 0 }
    }

    /// Closes the connections.
    func close() {
        for forwarder in forwarders { forwarder.disconnect() }
    }

    /// Gives up what servers have not had.
    func giveUp(_ tally: inout LogTally) {
        for forwarder in forwarders { tally.lost += forwarder.giveUp() }
    }

    private func take(_ line: ArraySlice<UInt8>) -> Bool {
        if ring.append(line) { return true }
        // Lines come in bursts: a server that is well takes what the ring has now.
        guard !forwarders.isEmpty else { return false }
        loop.runOnce(until: loop.now)
        _ = step(at: loop.now)
        return ring.append(line)
    }
}
