// The clients and servers of a round on one network, and what they have to complain of.

import Basics
import Chance
import KernelSimulation
import Reactor

/// A client as the books at the end of a round see it.
protocol CountedClient: SimulatedPeer {
    var port: UInt16 { get }
    /// The statuses of all final heads it got, to be found in the log: in this order, unless its requests overtake one another.
    var statuses: [Int] { get }
    var isMultiplexed: Bool { get }
    var bytesSent: Int { get }
    var bytesReceived: Int { get }
}

final class Peers {
    let network: SimulatedNetwork
    /// Any of the process's kernels: peers ask it for turns, and for chance.
    let kernel: SimulatedKernel
    let configuration: RoundConfiguration
    private let wanted: Int
    private(set) var clients: [any CountedClient] = []
    private(set) var complaints: [String] = []
    private var requests = 0
    private var portsOfRequests: [Int: UInt16] = [:]
    private var clientsLeft = 0
    private var isClosed = false
    /// Connections to each server that were tried, and requests whose head each got.
    private(set) var attempts: [UInt16: Int] = [:]
    private(set) var requestsOnServers: [UInt16: Int] = [:]

    /// - Parameter wanted: about how many requests clients are to send.
    init(_ kernel: SimulatedKernel, _ configuration: RoundConfiguration, requests wanted: Int) {
        network = kernel.network
        self.kernel = kernel
        self.configuration = configuration
        self.wanted = wanted
        for port in Route.ofServers.flatMap(\.ports) {
            network.servers[.ip(.loopbackV4, port: port)] = { [unowned self] kernel, wire in
                connect(wire, to: port)
            }
        }
        kernel.schedule(Door(self), after: .zero)
    }

    private func connect(_ wire: Wire, to port: UInt16) -> Bool {
        attempts[port, default: 0] += 1
        if configuration.hasFaults && network.random.oneIn(60) { return false }
        let wantsHeader = Route.announced.ports.contains(port)
        if configuration.speaksHTTP2(port) {
            _ = MultiplexedServer(self, wire, port: port, wantsHeader: wantsHeader)
        } else {
            _ = Server(self, wire, port: port, wantsHeader: wantsHeader)
        }
        return true
    }

    /// No client comes any more, and all who came are gone.
    var isDone: Bool { isClosed && clientsLeft == 0 }

    func complain(_ what: String) { complaints.append(what) }
    func clientEnded() { clientsLeft -= 1 }
    func requestCame(to port: UInt16) { requestsOnServers[port, default: 0] += 1 }

    /// The port of the client that sends this request.
    func port(ofRequest id: Int) -> UInt16? { portsOfRequests[id] }

    /// A client comes; false if there were enough.
    fileprivate func admit() -> Bool {
        guard requests < wanted, complaints.isEmpty else {
            isClosed = true
            return false
        }
        let hasMishap = configuration.hasFaults && network.random.oneIn(5)
        let isMultiplexed = configuration.hasMultiplexedClients && !network.random.oneIn(3)
        let count = network.random.oneIn(3) ? 1 : network.random.number(1...(isMultiplexed ? 30 : 8))
        let scripts = (1...count).map { number in
            // A stream of HTTP/2 may be a tunnel, whatever follows it.
            let isLast = isMultiplexed ? network.random.oneIn(4) : number == count
            return RequestScript.draw(id: requests + number, isLast: isLast, configuration, &network.random)
        }
        requests += count
        clientsLeft += 1
        let client: any CountedClient =
            isMultiplexed
            ? MultiplexedClient(self, requests: scripts, hasMishap: hasMishap)
            : Client(self, requests: scripts, hasMishap: hasMishap)
        for script in scripts { portsOfRequests[script.id] = client.port }
        clients.append(client)
        kernel.schedule(client, after: .milliseconds(UInt64(network.random.number(0...3))))
        return true
    }
}

/// Lets clients in, a few at a time.
private final class Door: SimulatedPeer {
    private unowned let peers: Peers
    init(_ peers: Peers) { self.peers = peers }

    func act(in kernel: SimulatedKernel) {
        let isRush = kernel.random.oneIn(50)
        for _ in 0..<(isRush ? 20 : 1) {
            guard peers.admit() else { return }
        }
        kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(0...20))))
    }
}
