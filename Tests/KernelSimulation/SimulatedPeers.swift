// What peers do: connect, send, take, finish, reset, close, accept, refuse. Whichever kernel is asked, it happens to the wire's own.

public import Basics
internal import Reactor
internal import SystemPackage

extension SimulatedKernel {
    /// Gives `peer` a turn after `delay`.
    public func schedule(_ peer: any SimulatedPeer, after delay: TimeSpan) {
        network.schedule(peer, in: self, after: delay)
    }

    public func peerSends(_ bytes: ArraySlice<UInt8>, on wire: Wire) {
        guard !wire.weClosed, !wire.isReset, !wire.peerFinished, !bytes.isEmpty else { return }
        wire.inbound.append(contentsOf: bytes)
        wire.kernel.edge(wire, .readable)
    }

    public func peerSends(_ bytes: some Sequence<UInt8>, on wire: Wire) { peerSends(Array(bytes)[...], on: wire) }

    /// Urgent data: what was sent before it and what comes after are read in two reads at least.
    public func peerSendsUrgently(on wire: Wire) {
        guard !wire.weClosed, !wire.isReset, !wire.peerFinished else { return }
        wire.urgentMark = wire.inbound.count
        wire.kernel.edge(wire, [.readable, .urgent])
    }

    public func peerFinishes(_ wire: Wire) {
        guard !wire.peerFinished, !wire.isReset else { return }
        wire.peerFinished = true
        wire.kernel.edge(wire, [.readable, .peerFinished])
    }

    public func peerResets(_ wire: Wire) {
        guard !wire.isReset else { return }
        wire.isReset = true
        wire.kernel.edge(wire, [.readable, .writable, .broken, .peerFinished])
    }

    /// The peer's process is gone, its system answers: an end, and a reset to whatever is sent afterwards.
    public func peerCloses(_ wire: Wire) {
        wire.peerIsGone = true
        // Closing with unread bytes is a reset.
        if wire.outbound.isEmpty { peerFinishes(wire) } else { peerResets(wire) }
    }

    /// The peer takes what we sent, at most `count` bytes of it, and makes room for as much.
    public func peerTakes(_ count: Int, from wire: Wire) -> [UInt8] {
        let taken: [UInt8]
        if count >= wire.outbound.count {
            taken = wire.outbound
            wire.outbound = []
        } else {
            taken = Array(wire.outbound.prefix(count))
            wire.outbound.removeFirst(count)
        }
        wire.window += taken.count
        if wire.wasFull && wire.window > 0 {
            wire.wasFull = false
            wire.kernel.edge(wire, .writable)
        }
        return taken
    }

    /// A server's decision about a connection attempt.
    public func accept(_ wire: Wire) {
        wire.isConnected = true
        wire.kernel.edge(wire, .writable)
    }

    public func refuse(_ wire: Wire) {
        wire.refusal = .connectionRefused
        wire.kernel.edge(wire, [.writable, .broken])
    }
}
