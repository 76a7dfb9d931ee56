// What servers say to health checks, which changes in the course of a round: they fall ill and get well again.

import Basics
import Chance
import KernelSimulation
import Reactor

/// The health of the servers of the route `checked`, as a round's seed has it.
final class CheckedServers: SimulatedPeer {
    enum Health: CaseIterable { case well, refusing, failing, silent, babbling }

    private var health: [UInt16: Health] = [:]
    private let hasFaults: Bool
    /// Checks that came to each server.
    private(set) var checks = 0
    private var answerers: [Answerer] = []

    /// - Parameter kernel: the control thread's, whose connections to these servers are checks.
    init(in kernel: SimulatedKernel, hasFaults: Bool) {
        self.hasFaults = hasFaults
        let network = kernel.network
        for port in Route.checked.ports {
            let address = SocketAddress.ip(.loopbackV4, port: port)
            let forRequests = network.servers[address]
            network.servers[address] = { [unowned self, unowned kernel] asking, wire in
                guard asking === kernel else { return forRequests?(asking, wire) ?? false }
                checks += 1
                // A wire does not hold its peer.
                answerers.removeAll { $0.isDone }
                let answerer = Answerer(wire, health[port] ?? .well)
                answerers.append(answerer)
                kernel.schedule(answerer, after: .milliseconds(1))
                return true
            }
        }
        kernel.schedule(self, after: .seconds(1))
    }

    /// One of them changes. What they do with requests does not: among peers that behave one is always well, so that all are answered.
    func act(in kernel: SimulatedKernel) {
        let ports = Array(Route.checked.ports).dropFirst(hasFaults ? 0 : 1)
        if let port = ports.randomElement(using: &kernel.random) {
            health[port] = kernel.random.oneIn(2) ? .well : Health.allCases.randomElement(using: &kernel.random)
        }
        kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(100...20_000))))
    }

    /// A server's end of one check.
    private final class Answerer: SimulatedPeer {
        private let wire: Wire
        private let health: Health
        private var asked: [UInt8] = []
        var isDone: Bool { wire.weClosed }

        init(_ wire: Wire, _ health: Health) {
            self.wire = wire
            self.health = health
        }

        func act(in kernel: SimulatedKernel) {
            guard !wire.weClosed else { return }
            if !wire.isOpen {
                if health == .refusing { return kernel.random.oneIn(2) ? kernel.refuse(wire) : kernel.peerResets(wire) }
                kernel.accept(wire)
            }
            asked += kernel.peerTakes(.max, from: wire)
            if asked.suffix(4) == Array("\r\n\r\n".utf8) {
                switch health {
                case .well: kernel.peerSends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8, on: wire)
                case .failing: kernel.peerSends("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n".utf8, on: wire)
                case .babbling: kernel.peerSends("not HTTP at all\r\n\r\n".utf8, on: wire)
                case .silent, .refusing: return
                }
                kernel.peerCloses(wire)
            } else {
                wire.listener = self
            }
        }
    }
}
