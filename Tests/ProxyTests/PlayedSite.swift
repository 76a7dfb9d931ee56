// A worker on the simulated kernel, with a configuration text and peers that follow a script exactly, on a clock
// that takes no real time. `SimulatedSite` draws faults from a seed; here a test has one fault, and its log line.

import Basics
import Configuration
import KernelSimulation
import Reactor
import SiteTesting
import Testing

@testable import Balancing
@testable import Logging
@testable import Proxy

/// One frontend on 127.0.0.1:80; servers on 127.0.0.1 from port 9001 on.
final class PlayedSite {
    let kernel = SimulatedKernel(seed: 7)
    private(set) var plan: Plan
    let worker: Worker
    let orders = WorkerMailbox(wakeup: nil)
    private let logger: Logger

    /// - Parameters:
    ///   - bind: parameters of the bind line.
    ///   - lines: of the section `listen site`, after its first lines.
    ///   - sections: further sections.
    ///   - balance: instead of a `balance` line.
    ///   - workers: of the plan; `worker` is the first of them, and `makeWorker` makes the others.
    init(
        mode: String = "http", bind: String = "", _ lines: String..., sections: String = "",
        balance: BalanceLine? = nil, workers: Int = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        logger = Logger(rings: workers)
        plan = try Plan.ofSite(
            mode: mode, bind: bind, lines: ["option \(mode)log"] + lines, sections: sections, balance: balance,
            workers: workers, logger: logger, now: kernel.now, sourceLocation: sourceLocation)
        plan.site.workers.set([orders])
        worker = Worker(
            index: 0, plan: plan, kernel: kernel, log: logger.channel(0), orders: orders,
            listeners: [(kernel.listener, plan.binds[0])])
    }

    /// Another worker of the site, on a kernel and with a clock of its own.
    func makeWorker(_ index: Int, on kernel: SimulatedKernel, _ orders: WorkerMailbox) -> Worker {
        Worker(
            index: index, plan: plan, kernel: kernel, log: logger.channel(index), orders: orders,
            listeners: [(kernel.listener, plan.binds[0])])
    }

    var backend: Backend { plan.backends[0].backend }

    /// Reads another text, which takes the place of the first one. The worker obeys at its next turn.
    func reload(
        mode: String = "http", bind: String = "", _ lines: String..., sections: String = "",
        isListening: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = plan.backends.flatMap(\.backend.servers)
        plan = try Plan.ofSite(
            mode: mode, bind: bind, lines: ["option \(mode)log"] + lines, sections: sections, logger: logger,
            site: plan.site, now: kernel.now, sourceLocation: sourceLocation)
        let after = plan.backends.flatMap(\.backend.servers)
        orders.switchTo(
            PlanSwitch(
                plan: plan, listeners: isListening ? [(kernel.listener, plan.binds[0])] : [],
                removedServers: before.filter { server in !after.contains { $0 === server } }))
    }

    /// The behaviour of a server on each of its connections.
    func server(_ number: Int, _ script: @escaping (PlayedServer.Connection) -> PlayedServer.Reaction) -> PlayedServer {
        let server = PlayedServer(self, script)
        kernel.servers[.ip(.loopbackV4, port: UInt16(9_000 + number))] = { [unowned self] _, wire in
            kernel.schedule(PlayedServer.Connection(server, wire), after: .zero)
            return true
        }
        return server
    }

    /// A client that connects and sends.
    func client(_ text: String) -> PlayedClient { client(Array(text.utf8)) }

    func client(_ bytes: [UInt8]) -> PlayedClient { PlayedClient(self, bytes) }

    func get(_ path: String) -> PlayedClient { client("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n") }

    /// Advances the time.
    func run(for milliseconds: UInt64) {
        let end = kernel.now + .milliseconds(milliseconds)
        // Changes made from outside take effect at once, as for a worker that is woken.
        worker.turn(until: kernel.now)
        while kernel.now < end { worker.turn(until: end) }
    }

    /// The lines logged since the last call, without client and date: from the backend's name on.
    func log() -> [String] {
        logger.takeLines().map { $0.split(separator: "] ", maxSplits: 1).last.map(String.init) ?? $0 }
    }

    /// Ends everything, and expects that nothing is left.
    func end(sourceLocation: SourceLocation = #_sourceLocation) {
        orders.give(.stopNow)
        var turns = 0
        while !worker.isFinished && turns < 1_000 {
            worker.turn(until: kernel.now + .seconds(10))
            turns += 1
        }
        let holdings = worker.holdings
        #expect(holdings == (0, 0, 0), sourceLocation: sourceLocation)
        #expect(kernel.openCount == 0, sourceLocation: sourceLocation)
        #expect(backend.active.current == 0 && backend.queued.current == 0, sourceLocation: sourceLocation)
        #expect(backend.servers.allSatisfy { $0.active.current == 0 && $0.queued.current == 0 })
    }
}

/// Checks for received bytes every millisecond.
final class PlayedClient: SimulatedPeer {
    private let wire: Wire
    private(set) var received = ""
    private unowned let site: PlayedSite
    private var hasLeft = false
    /// Whether it takes what is sent to it.
    var reads = true

    fileprivate init(_ site: PlayedSite, _ bytes: [UInt8]) {
        self.site = site
        wire = site.kernel.connectClient()
        site.kernel.peerSends(bytes, on: wire)
        site.kernel.schedule(self, after: .zero)
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) { site.kernel.peerSends(bytes, on: wire) }

    /// Shuts down the sending side, and reads on.
    func finish() { site.kernel.peerFinishes(wire) }

    func reset() {
        hasLeft = true
        site.kernel.peerResets(wire)
    }

    /// The status of the last response received; nil if there is none.
    var status: Int? {
        received.ranges(of: "HTTP/1.1 ").last.flatMap { Int(received[$0.upperBound...].prefix(3)) }
    }

    var isClosed: Bool { wire.weClosed || wire.weFinished }
    var address: SocketAddress { wire.address }
    /// The client's source port.
    var port: UInt16 { wire.address.port ?? 0 }
    /// Whether the connection was reset.
    var wasReset: Bool { wire.weReset }

    func act(in kernel: SimulatedKernel) {
        if reads { received += String(decoding: kernel.peerTakes(.max, from: wire), as: UTF8.self) }
        if wire.weFinished { kernel.peerFinishes(wire) }
        guard !wire.weClosed, !hasLeft else { return }
        kernel.schedule(self, after: .milliseconds(1))
    }
}

/// A server whose connections ask the script how to handle each request.
final class PlayedServer {
    enum Reaction {
        /// Sends this after a delay in milliseconds, and waits for the next request.
        case answer(String, after: UInt64 = 0)
        /// Sends the first part at once and the second after a delay in milliseconds.
        case answers(String, String, after: UInt64)
        /// Sends this at once and closes the connection.
        case close(saying: String = "")
        case reset
        case silence
        /// Does not respond, and closes when Portico shuts down its sending side.
        case closeLikewise
    }

    fileprivate unowned let site: PlayedSite
    private let script: (Connection) -> Reaction
    /// Complete requests received, over all connections.
    private(set) var requests: [String] = []
    private(set) var connectionCount = 0
    /// Connections on which Portico has shut down its sending side and still reads.
    fileprivate(set) var halfClosedCount = 0
    /// All bytes received, over all connections.
    fileprivate(set) var heard = ""

    fileprivate init(_ site: PlayedSite, _ script: @escaping (Connection) -> Reaction) {
        self.site = site
        self.script = script
    }

    static func ok(_ text: String = "ok", status: Int = 200) -> String {
        "HTTP/1.1 \(status) Said\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
    }

    final class Connection: SimulatedPeer {
        private let server: PlayedServer
        private let wire: Wire
        private var isAccepted = false
        private var closesLikewise = false
        private var hasFinished = false
        private var input = ""
        private(set) var request = ""
        private var answer: (text: String, at: Instant)?

        fileprivate init(_ server: PlayedServer, _ wire: Wire) {
            self.server = server
            self.wire = wire
            server.connectionCount += 1
        }

        func act(in kernel: SimulatedKernel) {
            guard !wire.weClosed else { return }
            if !isAccepted {
                isAccepted = true
                kernel.accept(wire)
            }
            if wire.weFinished { server.halfClosedCount += hasFinished ? 0 : 1 }
            hasFinished = wire.weFinished
            if closesLikewise && wire.weFinished { return kernel.peerFinishes(wire) }
            let text = String(decoding: kernel.peerTakes(.max, from: wire), as: UTF8.self)
            server.heard += text
            input += text
            if let (text, at) = answer {
                if at <= kernel.now {
                    answer = nil
                    kernel.peerSends(Array(text.utf8), on: wire)
                }
            } else if takeRequest() {
                server.requests.append(request)
                switch server.script(self) {
                case .answer(let text, let delay): answer = (text, kernel.now + .milliseconds(delay))
                case .answers(let first, let second, let delay):
                    kernel.peerSends(Array(first.utf8), on: wire)
                    answer = (second, kernel.now + .milliseconds(delay))
                case .close(let text):
                    kernel.peerSends(Array(text.utf8), on: wire)
                    return kernel.peerFinishes(wire)
                case .reset: return kernel.peerResets(wire)
                case .silence: return
                case .closeLikewise: closesLikewise = true
                }
            }
            kernel.schedule(self, after: .milliseconds(1))
        }

        /// A complete request at the start of the received bytes.
        private func takeRequest() -> Bool {
            guard let head = input.firstRange(of: "\r\n\r\n") else { return false }
            var end = head.upperBound
            if let field = input[..<head.lowerBound].firstRange(of: "content-length: ") {
                let length = Int(input[field.upperBound...].prefix { $0.isNumber }) ?? 0
                guard input[end...].utf8.count >= length else { return false }
                end = input.utf8.index(end, offsetBy: length)
            } else if input[..<head.lowerBound].contains("transfer-encoding: chunked") {
                guard let last = input[head.lowerBound...].firstRange(of: "\r\n0\r\n\r\n") else { return false }
                end = last.upperBound
            }
            request = String(input[..<end])
            input.removeSubrange(..<end)
            return true
        }
    }
}

// MARK: - States of servers, as the control thread sets them

extension PlayedSite {
    func takeDown(_ index: Int) { set(.down, index) }
    func bringUp(_ index: Int) {
        backend.setAdministrativeState(.ready, of: backend.servers[index], now: kernel.now)
        set(.unchecked, index)
    }

    private func set(_ health: HealthState, _ index: Int) {
        _ = backend.servers[index].states.set(health)
        backend.serverChanged(now: kernel.now)
    }
}
