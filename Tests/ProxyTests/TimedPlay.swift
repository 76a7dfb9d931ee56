// A test on the simulated clock: one client and as many server connections as Portico opens, each following a
// script, and the times at which things ended, exact to the millisecond. Takes no real time.

import Basics
import ExchangeSimulation
import KernelSimulation
import Reactor

/// A line of a script.
enum Step {
    case says(String)
    /// Sends it byte by byte, with this many seconds before each.
    case drips(String, every: Double)
    /// Continues when this has been received.
    case hears(String)
    case waits(Double)
    /// From here on it reads nothing, or this many bytes in this many seconds.
    case stopsReading
    case sips(Int, every: Double)
    /// Shuts down its sending side, and reads on.
    case finishes
    case leaves
    /// For servers: the connection attempt is not answered, or refused.
    case neverAccepts
    case refuses
}

/// The result of a test run.
struct Played {
    /// The log lines of the exchanges: status, termination, timers, bytes.
    let log: [String]
    /// All bytes that the client received.
    let clientGot: String
    /// When the connections of the client and, in order, of the servers ended: seconds since the start.
    let clientEnded: Double?
    let serversEnded: [Double?]
    /// The problems of the configuration.
    let remarks: [String]
    let isAllOver: Bool

    /// Whether the client's connection, or the first server's, ended at this time, allowing for the delay until a peer notices it.
    func endedForClient(at seconds: Double) -> Bool { Self.isAbout(clientEnded, seconds) }
    func endedForServer(at seconds: Double) -> Bool { Self.isAbout(serversEnded.first ?? nil, seconds) }

    static func isAbout(_ found: Double?, _ wanted: Double) -> Bool {
        found.map { $0 >= wanted && $0 < wanted + 0.2 } ?? false
    }

    /// The duration of the first exchange according to the log, in seconds.
    var lasted: Double? {
        log.first?.split(separator: " ").dropFirst(2).first?.split(separator: "/").last.flatMap { Double($0) }
            .map { $0 / 1_000 }
    }

    /// Status and termination of the only exchange.
    var end: String { log.count == 1 ? log[0].split(separator: " ").prefix(2).joined(separator: " ") : "\(log)" }
}

/// Runs one client's script, and the server's on each connection, with these lines in the configuration.
func play(
    _ words: String..., mode: String = "http", backend: String = "", client: [Step], server: [Step] = []
) -> Played {
    let kernel = SimulatedKernel(seed: 1)
    let portico = SimulatedPortico(on: kernel, named: "play.cfg") { log in
        """
        global
            log fd@\(log) format raw local0
        defaults
            mode \(mode)
            log global
            log-format "\(mode == "tcp" ? "0" : "%ST") %ts %Tw/%Tc/%Tt %rc %B"
            \(words.joined(separator: "\n    "))
        frontend www
            bind 127.0.0.1:80
            default_backend app
        backend app
            \(backend)
            server s 127.0.0.1:9000
        """
    }
    let begin = kernel.now
    func seconds(_ instant: Instant?) -> Double? {
        instant.map { Double($0.since(begin).wholeMilliseconds) / 1_000 }
    }
    var servers: [Actor] = []
    kernel.servers[.ip(.loopbackV4, port: 9_000)] = { kernel, wire in
        let actor = Actor(wire, server, isServer: true)
        servers.append(actor)
        kernel.schedule(actor, after: .zero)
        return true
    }
    let actor = Actor(kernel.connectClient(), client, isServer: false)
    kernel.schedule(actor, after: .zero)
    var turns = 0
    while (!actor.isOver || kernel.peersLeft > 0) && turns < 200_000 {
        portico.turn()
        turns += 1
    }
    let isAllOver = portico.finish() && actor.isOver
    return Played(
        log: portico.logLines().lines.map(String.init), clientGot: String(decoding: actor.got, as: UTF8.self),
        clientEnded: seconds(actor.endedAt), serversEnded: servers.map { seconds($0.endedAt) },
        remarks: portico.remarks, isAllOver: isAllOver)
}

/// Follows its script on its end of a connection.
private final class Actor: SimulatedPeer {
    private let wire: Wire
    private var steps: [Step]
    private var isAccepted: Bool
    private(set) var got: [UInt8] = []
    private var heard = 0
    private var reads = true
    private var isSipping = false
    private var pauseEnds: Instant?
    /// When Portico or this script ended the connection.
    private(set) var endedAt: Instant?
    var isOver: Bool { endedAt != nil }

    init(_ wire: Wire, _ steps: [Step], isServer: Bool) {
        self.wire = wire
        self.steps = steps
        isAccepted = !isServer
    }

    func act(in kernel: SimulatedKernel) {
        guard !isOver else { return }
        if !isAccepted {
            isAccepted = true
            switch steps.first {
            case .neverAccepts:
                steps.removeFirst()
                reads = false
            case .refuses:
                kernel.refuse(wire)
                endedAt = kernel.now
                return
            default: kernel.accept(wire)
            }
        }
        if reads { got += kernel.peerTakes(.max, from: wire) }
        // A peer with lines left in its script continues after the other side has finished.
        if wire.weClosed && isSipping { got += kernel.peerTakes(.max, from: wire) }
        if wire.weClosed || wire.weFinished && wire.outbound.isEmpty && steps.isEmpty {
            endedAt = kernel.now
            kernel.peerCloses(wire)
            return
        }
        while let step = steps.first, follow(step, kernel) {}
        if !isOver { wire.listener = self }
    }

    /// Runs one line of the script; returns false if it continues later.
    private func follow(_ step: Step, _ kernel: SimulatedKernel) -> Bool {
        switch step {
        case .says(let text): kernel.peerSends(Array(text.utf8)[...], on: wire)
        case .drips(let text, let every):
            guard isPauseOver(every, kernel) else { return false }
            kernel.peerSends(Array(text.utf8.prefix(1))[...], on: wire)
            let rest = String(decoding: text.utf8.dropFirst(), as: UTF8.self)
            steps[0] = .drips(rest, every: every)
            if !rest.isEmpty { return true }
        case .hears(let text):
            let wanted = Array(text.utf8)
            guard let place = got[heard...].firstRange(of: wanted) else { return false }
            heard = place.upperBound
        case .waits(let seconds): guard isPauseOver(seconds, kernel) else { return false }
        case .stopsReading, .neverAccepts, .refuses: reads = false
        case .sips(let count, let every):
            reads = false
            isSipping = true
            guard isPauseOver(every, kernel) else { return false }
            got += kernel.peerTakes(count, from: wire)
            return true
        case .finishes: kernel.peerFinishes(wire)
        case .leaves:
            kernel.peerCloses(wire)
            endedAt = kernel.now
        }
        steps.removeFirst()
        return true
    }

    private func isPauseOver(_ seconds: Double, _ kernel: SimulatedKernel) -> Bool {
        let end = pauseEnds ?? kernel.now + .milliseconds(UInt64(seconds * 1_000))
        if kernel.now >= end {
            pauseEnds = nil
            return true
        }
        if pauseEnds == nil {
            pauseEnds = end
            kernel.schedule(self, after: end.since(kernel.now))
        }
        return false
    }
}
