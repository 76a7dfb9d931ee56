// The output for a ring: appends lines to it, counts those that are dropped, and drives the connections to its servers.

internal import Basics
internal import Reactor

final class RingOutput {
    private let ring: EventRing
    private let loop: TaskLoop
    private let forwarders: [RingForwarder]
    /// Lines dropped since the last announcement.
    private(set) var unannouncedDrops = 0

    /// - Parameter pool: the pool for bytes sent to the servers.
    init(_ ring: EventRing, pool: BufferPool, in loop: TaskLoop) {
        self.ring = ring
        self.loop = loop
        forwarders = ring.servers.indices.map { RingForwarder(ring, server: $0, pool: pool, in: loop) }
    }

    /// Whether any server has not received all lines.
    var hasUnsent: Bool { forwarders.contains(where: \.hasUnsent) }

    /// Sends lines to the servers without blocking; returns when to call again.
    func step(at now: Instant) -> Instant {
        forwarders.reduce(.never) { min($0, $1.step(at: now)) }
    }

    /// Appends a line, given without its line end; drops and counts it if there is no room.
    func append(_ line: ArraySlice<UInt8>, _ tally: inout LogTally) {
        if tryAppend(line) {
            tally.written += 1
        } else {
            tally.lost += 1
            unannouncedDrops += 1
            ring.countDropped()
        }
    }

    /// Appends the line that announces the dropped lines, if there is room for it.
    func announce(_ line: ArraySlice<UInt8>) {
        if tryAppend(line) { unannouncedDrops = 0 }
    }

    /// Closes the connections.
    func close() {
        for forwarder in forwarders { forwarder.disconnect() }
    }

    /// Discards the lines that servers have not received.
    func discardUnsent(_ tally: inout LogTally) {
        for forwarder in forwarders { tally.lost += forwarder.discardUnsent() }
    }

    private func tryAppend(_ line: ArraySlice<UInt8>) -> Bool {
        if ring.append(line) { return true }
        // During a burst, sending to a server may free space.
        guard !forwarders.isEmpty else { return false }
        loop.runOnce(until: loop.now)
        _ = step(at: loop.now)
        return ring.append(line)
    }
}
