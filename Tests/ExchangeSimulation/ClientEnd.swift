// A client's end of one connection, whatever it speaks: it reads at its pace, suffers its mishap, loses its patience, and ends.

import Basics
import Chance
import KernelSimulation
import Reactor

class ClientEnd: CountedClient {
    unowned let peers: Peers
    let wire: Wire
    let link: Link
    let mishap: Mishap?
    let pace: Pace
    final private(set) var received = 0
    final var hasFinished = false
    /// Silent, by mishap.
    final private(set) var isMute = false
    final private(set) var isOver = false {
        didSet { if isOver && !oldValue { peers.clientEnded() } }
    }
    final var patienceEnds: Instant
    private var nextLook = Instant.never

    /// The statuses of all final heads it got, to be found in the log.
    final var statuses: [Int] = []
    final var port: UInt16 { wire.address.port ?? 0 }

    /// - Parameters:
    ///   - sending: about how many bytes it is to send.
    ///   - receiving: about how many it gets.
    init(_ peers: Peers, _ wire: Wire, _ link: Link, sending: Int, receiving: Int, hasMishap: Bool) {
        self.peers = peers
        self.wire = wire
        self.link = link
        let kernel = peers.kernel
        mishap = hasMishap ? Mishap.draw(sending: sending, receiving: receiving, &kernel.random) : nil
        pace = Pace.draw(hasFaults: peers.configuration.hasFaults, bytes: sending, &kernel.random)
        patienceEnds = kernel.now + Self.patience
    }

    /// Longer than any time-out that a round sets, shorter than for ever.
    static let patience = TimeSpan.seconds(10_000)

    // MARK: What each kind does in its way

    var isMultiplexed: Bool { false }
    var bytesSent: Int { sent }
    var bytesReceived: Int { received }
    /// Bytes that it has sent, for its mishap.
    var sent: Int { preconditionFailure("\(type(of: self)) does not count") }
    /// For complaints.
    var situation: String { "" }
    /// When it moves by itself.
    func movesAt(_ kernel: SimulatedKernel) -> Instant { .never }
    /// Whether it may do something before anything comes.
    func canMove(_ kernel: SimulatedKernel) -> Bool { preconditionFailure("\(type(of: self)) does not move") }
    func read(_ bytes: [UInt8], _ kernel: SimulatedKernel) {}
    func work(_ kernel: SimulatedKernel) {}
    /// Portico has ended the connection.
    func connectionEnded(_ kernel: SimulatedKernel) {}

    // MARK: Turns

    final func act(in kernel: SimulatedKernel) {
        guard !isOver else { return }
        if kernel.now >= nextLook { nextLook = .never }
        if !isMute { link.begin(kernel) }
        take(kernel)
        guard !isOver else { return }
        if let mishap, sent >= mishap.afterSent || received >= mishap.afterReceived, !isMute {
            suffer(mishap.kind, kernel)
            guard !isOver else { return }
        }
        if wire.weReset || wire.weFinished && wire.outbound.isEmpty { return connectionEnded(kernel) }
        if !isMute {
            work(kernel)
            guard !isOver else { return }
        }
        if kernel.now >= patienceEnds {
            if mishap == nil { peers.complain("client \(port) waited in vain: \(situation)") }
            return leave(kernel)
        }
        comeAgain(kernel)
    }

    private func comeAgain(_ kernel: SimulatedKernel) {
        if !isMute, !wire.outbound.isEmpty || canMove(kernel) {
            kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(pace.pause))))
        } else {
            wire.listener = self
            lookAgain(at: patienceEnds, kernel)
            let next = movesAt(kernel)
            if !isMute, next > kernel.now, next != .never { lookAgain(at: next, kernel) }
        }
    }

    /// One turn for patience's end waits in the kernel, and moves on when it has come up.
    private func lookAgain(at instant: Instant, _ kernel: SimulatedKernel) {
        guard instant < nextLook else { return }
        nextLook = instant
        kernel.schedule(self, after: instant.since(kernel.now))
    }

    private func take(_ kernel: SimulatedKernel) {
        // What a reset overtakes is lost, as far as it was not read before.
        guard !isMute, !wire.weReset || kernel.random.oneIn(2), !wire.outbound.isEmpty else { return }
        var count = min(pace.takes, wire.outbound.count)
        if let mishap { count = max(1, min(count, mishap.afterReceived - received)) }
        let bytes = link.take(count, kernel)
        patienceEnds = kernel.now + Self.patience
        defer { received += bytes.count }
        read(bytes, kernel)
    }

    /// How many of `count` bytes may leave now.
    final func paced(_ count: Int) -> Int {
        guard let mishap else { return min(count, pace.sends) }
        return max(1, min(count, pace.sends, mishap.afterSent - sent))
    }

    // MARK: Ends

    private func suffer(_ kind: Mishap.Kind, _ kernel: SimulatedKernel) {
        switch kind {
        case .reset:
            kernel.peerResets(wire)
            isOver = true
        case .close: leave(kernel)
        case .finish:
            kernel.peerFinishes(wire)
            hasFinished = true
        case .silence:
            isMute = true
            patienceEnds = kernel.now + .seconds(UInt64(kernel.random.number(0...300)))
        }
    }

    final func leave(_ kernel: SimulatedKernel) {
        kernel.peerCloses(wire)
        isOver = true
    }

    final func complain(_ what: String) {
        guard !isOver else { return }
        peers.complain("client \(port)\(isMultiplexed ? " in HTTP/2" : "") \(what)")
        isOver = true
        peers.kernel.peerCloses(wire)
    }
}
