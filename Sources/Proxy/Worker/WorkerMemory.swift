// Memory that a worker keeps for speed alone, given back when the control thread asks for it.

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
        for exchange in spareExchanges.takeUnused(all: true) { leave(exchange) }
        for tunnel in spareTunnels.takeUnused(all: true) { leave(tunnel) }
        spareClientStreams = []
        serverPools.trim()
        Heap.trim()
        log.event(
            .notice, to: plan.logTargets,
            "Worker \(index + 1) gave back \(blocks) buffers of \(buffers.blockBytes) bytes and \(exchanges) exchanges, closed "
                + "\(files.removeAll()) files; \(buffers.lent) buffers and \(streamsUnderWay) exchanges are in use.")
    }
}
