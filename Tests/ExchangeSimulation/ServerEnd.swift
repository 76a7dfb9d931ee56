// A server's end of one connection, whatever it speaks: it comes to be or is refused, reads at its pace, suffers its mishap, and ends.

import Basics
import Chance
import KernelSimulation
import ProxyProtocol
import Reactor

class ServerEnd: SimulatedPeer {
    unowned let peers: Peers
    let wire: Wire
    let link: Link
    let port: UInt16
    let mishap: Mishap?
    final var pace = Pace()
    private let isLoath: Bool
    private var isAccepted = false
    /// What of a PROXY header has come; nil if none is awaited, or any more.
    private var header: [UInt8]?
    /// The client's port that it named.
    private var announcedPort: UInt16?
    private var received = 0
    final var hasFinished = false
    final private(set) var isMute = false
    final private(set) var isOver = false
    final var patienceEnds: Instant
    private var nextLook = Instant.never

    /// - Parameters:
    ///   - mishapOneIn: how rare mishaps are where there are any.
    ///   - mishapBytes: before how many bytes, sent or received, it comes.
    init(
        _ peers: Peers, _ wire: Wire, _ link: Link, port: UInt16, wantsHeader: Bool, mishapOneIn: Int, mishapBytes: Int
    ) {
        self.peers = peers
        self.wire = wire
        self.link = link
        self.port = port
        header = wantsHeader ? [] : nil
        let kernel = peers.kernel
        let hasFaults = peers.configuration.hasFaults
        isLoath = hasFaults && kernel.random.oneIn(25)
        mishap =
            hasFaults && kernel.random.oneIn(mishapOneIn)
            ? Mishap.draw(sending: mishapBytes, receiving: mishapBytes, &kernel.random) : nil
        patienceEnds = kernel.now + Self.patience
        kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(0...3))))
    }

    static let patience = TimeSpan.seconds(20_000)

    // MARK: What each kind does in its way

    /// Bytes that it has sent.
    var sent: Int { preconditionFailure("\(type(of: self)) does not count") }
    /// Whether it may do something before anything comes.
    var canMove: Bool { preconditionFailure("\(type(of: self)) does not move") }
    /// Whether it has more to say to a peer that has said its last.
    var isTunnelOpen: Bool { false }
    /// When it moves by itself.
    var movesAt: Instant { .never }
    func read(_ bytes: [UInt8], _ kernel: SimulatedKernel) {}
    func work(_ kernel: SimulatedKernel) {}

    // MARK: Turns

    final func act(in kernel: SimulatedKernel) {
        guard !isOver else { return }
        if kernel.now >= nextLook { nextLook = .never }
        guard isAccepted || decideToAccept(kernel) else { return }
        take(kernel)
        guard !isOver else { return }
        if let mishap, sent >= mishap.afterSent || received >= mishap.afterReceived, !isMute {
            suffer(mishap.kind, kernel)
            guard !isOver else { return }
        }
        if wire.weClosed || wire.weFinished && wire.outbound.isEmpty && !isTunnelOpen { return leave(kernel) }
        if !isMute {
            work(kernel)
            guard !isOver else { return }
        }
        if kernel.now >= patienceEnds { return leave(kernel) }
        if !isMute, !wire.outbound.isEmpty || canMove {
            kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(pace.pause))))
        } else {
            wire.listener = self
            let next = min(patienceEnds, movesAt > kernel.now ? movesAt : .never)
            guard next < nextLook else { return }
            nextLook = next
            kernel.schedule(self, after: next.since(kernel.now))
        }
    }

    private func decideToAccept(_ kernel: SimulatedKernel) -> Bool {
        if isLoath {
            // Refused, or never answered.
            if kernel.random.oneIn(2) { kernel.refuse(wire) } else if kernel.random.oneIn(2) { kernel.peerResets(wire) }
            isOver = true
            return false
        }
        isAccepted = true
        kernel.accept(wire)
        return true
    }

    private func take(_ kernel: SimulatedKernel) {
        guard !isMute, !wire.outbound.isEmpty else { return }
        var count = min(pace.takes, wire.outbound.count)
        if let mishap { count = max(1, min(count, mishap.afterReceived - received)) }
        var bytes = link.take(count, kernel)
        received += bytes.count
        patienceEnds = kernel.now + Self.patience
        if takeHeader(from: &bytes) { read(bytes, kernel) }
    }

    /// Takes the header off the first bytes; false while it is not whole.
    private func takeHeader(from bytes: inout [UInt8]) -> Bool {
        guard let begun = header else { return true }
        let all = begun + bytes
        switch unsafe ProxyHeaderParser.parse(all.span.bytes, bytesMax: 1_000) {
        case .needMore:
            header = all
            return false
        case .failed(let fault):
            complain("got a header with \(fault)")
            return false
        case .complete(let said, let count):
            header = nil
            announcedPort = said.ends?.source.port
            bytes = Array(all[count...])
            return true
        }
    }

    /// Counts a request whose head has come; false if it is wrong.
    final func counts(_ head: Head) -> Bool {
        peers.requestCame(to: port)
        if head.hosts != 1 && !peers.configuration.isTCP {
            complain("got \(head.hosts) Host fields")
        } else if let announcedPort, let id = head.id, announcedPort != peers.port(ofRequest: id) {
            complain("is announced as that of \(announcedPort) and got request \(id) of another client")
        }
        return !isOver
    }

    // MARK: Ends

    private func suffer(_ kind: Mishap.Kind, _ kernel: SimulatedKernel) {
        switch kind {
        case .reset:
            kernel.peerResets(wire)
            isOver = true
        case .close:
            // Without a word, if it is encrypted: what it sent cannot be taken for whole.
            kernel.peerCloses(wire)
            isOver = true
        case .finish:
            link.finish(kernel)
            hasFinished = true
        case .silence: isMute = true
        }
    }

    final func leave(_ kernel: SimulatedKernel) {
        link.close(kernel)
        isOver = true
    }

    final func complain(_ what: String) {
        guard !isOver else { return }
        peers.complain("a server's connection \(wire.number) \(what)")
        isOver = true
        peers.kernel.peerCloses(wire)
    }
}
