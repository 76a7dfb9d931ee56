// Objects and memory that a worker keeps for speed alone: for streams to come, and given back when the control thread asks.

internal import Basics
internal import Logging
internal import Reactor
internal import StaticFiles

extension Worker {
    /// Gives memory back that is only kept for speed.
    func trim() {
        let blocks = buffers.trim()
        pipes.trim()
        let exchanges = spareExchanges.count + spareTunnels.count
        dropSpares()
        Heap.trim()
        log.event(
            .notice, to: plan.logTargets,
            "Worker \(index + 1) gave back \(blocks) buffers of \(buffers.blockBytes) bytes and \(exchanges) exchanges, closed "
                + "\(files.removeAll()) files; \(buffers.lent) buffers and \(streamsUnderWay) exchanges are in use.")
    }

    /// Gives up the objects that are kept for streams to come.
    func dropSpares() {
        for exchange in spareExchanges.takeUnused(all: true) { leave(exchange) }
        for tunnel in spareTunnels.takeUnused(all: true) { leave(tunnel) }
        spareClientStreams = []
        serverPools.trim()
    }

    /// Gives back buffers and exchanges that were not needed since the last call, and closes files that were not for longer.
    func trimUnused() {
        _ = buffers.trimUnused()
        files.removeIdle(at: now)
        pipes.trimUnused()
        for exchange in spareExchanges.takeUnused() { leave(exchange) }
        for tunnel in spareTunnels.takeUnused() { leave(tunnel) }
    }

    /// A connection object for a stream of `client` in HTTP/2.
    func takeClientStream(of client: ClientConnection) -> ClientConnection {
        spareClientStreams.popLast() ?? ClientConnection(streamOf: client, self)
    }

    /// The stream has ended: its object can serve another.
    func recycle(_ stream: ClientConnection) {
        // One of another plan would keep all of that.
        if stream.bind.generation == generation, spareClientStreams.count < Limits.spareStreams {
            spareClientStreams.append(stream)
        }
    }
}
