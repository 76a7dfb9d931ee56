// The control plane of a site on a simulated kernel.

import Admin
import Balancing
import Basics
import Configuration
import HTTP
import KernelSimulation
import Reactor
import Resolvers
import SiteTesting
import Testing

@testable import Control
@testable import Logging
@testable import Proxy

/// The control plane of a site with one worker, on a simulated kernel whose clock costs no time. The runtime socket listens on
/// the kernel's listener, the test answers questions for names, and what the control plane wants of the worker is in its mailbox.
final class ControlledSite {
    let kernel: SimulatedKernel
    let plan: Plan
    let control: ControlPlane
    let mailbox = WorkerMailbox(wakeup: nil)
    let names = AnsweredNames()
    let hosts = AnsweredHosts()
    let responderHosts = AnsweredHosts()
    /// The names that a reload asks for.
    let reloadHosts = AnsweredHosts()
    private let logger = Logger(rings: 1)
    private let start: Instant
    /// What each server does with a check that connects to it, by its port.
    var behaviours: [UInt16: Behaviour] = [:]
    /// When connections to servers were begun, in milliseconds since the start, and to which port.
    private(set) var visits: [String] = []

    /// - Parameters:
    ///   - lines: of the section `listen site`, whose first lines are there already.
    ///   - sections: what stands below it.
    ///   - workerTime: the processor time of the workers.
    init(
        seed: UInt64 = 7, _ lines: String..., sections: String = "", hardStopAfter: TimeSpan? = nil,
        admin: AdminSettings = AdminSettings(), configuration: (any ConfigurationSource)? = nil,
        workerTime: (() -> TimeSpan)? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        kernel = SimulatedKernel(seed: seed)
        start = kernel.now
        plan = try Plan.ofSite(
            lines: lines, sections: sections + "\nglobal\n    log stdout format raw local0", logger: logger,
            now: kernel.now, sourceLocation: sourceLocation)
        var services = ProcessServices()
        services.nameSource = names
        services.hostLookup = hosts
        services.responderLookup = responderHosts
        services.nameLookup = reloadHosts
        services.configuration = configuration
        control = ControlPlane(
            plan: plan, kernel: kernel, mailboxes: [mailbox], log: logger.channel(0),
            settings: ControlSettings(admin: admin, hardStopAfter: hardStopAfter), services: services)
        for port in UInt16(9_001)...9_009 {
            kernel.servers[.ip(.loopbackV4, port: port)] = { [unowned self] _, wire in visit(port, wire) }
        }
        control.start(runtimeSockets: [(kernel.listener, runtimeSocket)], workerTime: workerTime)
    }

    /// The line of the runtime socket.
    var runtimeSocket: StatsSocket {
        var socket = StatsSocket(
            descriptor: kernel.listener.number, range: SourceRange(file: "control.cfg", line: 1))
        socket.level = .admin
        return socket
    }

    var backend: Backend { plan.backends[0].backend }
    var milliseconds: UInt64 { kernel.now.since(start).wholeMilliseconds }

    private func visit(_ port: UInt16, _ wire: Wire) -> Bool {
        visits.append("\(milliseconds) \(port)")
        let behaviour = behaviours[port] ?? .ok
        switch behaviour {
        case .refuses: kernel.refuse(wire)
        case .unreachable: return false
        case .neverAccepts: break
        case .acceptsAfter(let delay): kernel.schedule(Visit(wire, behaviour), after: delay)
        default:
            kernel.accept(wire)
            kernel.schedule(Visit(wire, behaviour), after: .zero)
        }
        return true
    }

    /// Lets time pass.
    func run(for milliseconds: UInt64) {
        let end = kernel.now + .milliseconds(milliseconds)
        // What was done from outside is noticed at once, as by a thread that is woken.
        control.turn(until: kernel.now)
        while kernel.now < end { control.turn(until: end) }
    }

    /// The lines logged since the last call.
    func log() -> [String] { logger.takeLines() }

    /// Connects to the runtime socket.
    func connect(_ says: String, bytesAtOnce: Int = .max, reads: Int = .max) -> Operator {
        Operator(kernel, says, bytesAtOnce: bytesAtOnce, reads: reads)
    }

    /// Closes the control plane, and expects that nothing is left of it.
    func end(sourceLocation: SourceLocation = #_sourceLocation) {
        control.close()
        #expect(control.loop.taskCount == 0, sourceLocation: sourceLocation)
        #expect(kernel.openCount == 0, sourceLocation: sourceLocation)
        #expect(control.buffersLent == 0, sourceLocation: sourceLocation)
    }
}

/// An operator's connection to the runtime socket: sends a few bytes each millisecond, and reads some.
final class Operator: SimulatedPeer {
    private let kernel: SimulatedKernel
    private let wire: Wire
    private var unsent: [UInt8]
    private let bytesAtOnce: Int
    /// Bytes read in a millisecond.
    var reads: Int
    private(set) var heard = ""
    private var hasLeft = false

    fileprivate init(_ kernel: SimulatedKernel, _ says: String, bytesAtOnce: Int, reads: Int) {
        self.kernel = kernel
        self.bytesAtOnce = bytesAtOnce
        self.reads = reads
        unsent = Array(says.utf8)
        wire = kernel.connectClient()
        kernel.schedule(self, after: .zero)
    }

    var isClosed: Bool { wire.weClosed }

    func says(_ text: String) { unsent += Array(text.utf8) }

    /// Finishes sending, and keeps reading.
    func finish() {
        precondition(unsent.isEmpty)
        kernel.peerFinishes(wire)
    }

    func reset() {
        hasLeft = true
        kernel.peerResets(wire)
    }

    func act(in kernel: SimulatedKernel) {
        guard !hasLeft else { return }
        let count = min(bytesAtOnce, unsent.count)
        kernel.peerSends(unsent.prefix(count), on: wire)
        unsent.removeFirst(count)
        heard += String(decoding: kernel.peerTakes(reads, from: wire), as: UTF8.self)
        if wire.weClosed && wire.outbound.isEmpty { return }
        kernel.schedule(self, after: .milliseconds(1))
    }
}

/// Answers questions for names from a table, in the nameservers' stead; questions for other names wait.
final class AnsweredNames: NameSource {
    var answers: [String: Result<[IPAddress], ResolutionFault>] = [:]
    /// SRV records, which there are at once.
    var services: [String: Result<[ServiceRecord], ResolutionFault>] = [:]
    private(set) var asked: [String] = []
    private var waiting: [(name: String, done: (Result<[IPAddress], ResolutionFault>) -> Void)] = []

    func look(
        for name: String, _ family: AddressFamily, done: @escaping (Result<[IPAddress], ResolutionFault>) -> Void
    ) {
        asked.append(name)
        if let answer = answers[name] { done(answer) } else { waiting.append((name, done)) }
    }

    func lookForServices(of name: String, done: @escaping (Result<[ServiceRecord], ResolutionFault>) -> Void) {
        done(services[name] ?? .failure(.noSuchName))
    }

    /// Answers the open questions for a name.
    func settle(_ name: String, _ answer: Result<[IPAddress], ResolutionFault>) {
        let settled = waiting.filter { $0.name == name }
        waiting.removeAll { $0.name == name }
        for (_, done) in settled { done(answer) }
    }
}

/// Host names as the system's resolver knows them: a look-up ends when the test says so.
final class AnsweredHosts: HostLookup {
    private(set) var asked: [[String]] = []
    var answers: [IPAddress?]?

    func begin(_ names: [String]) { asked.append(names) }

    func takeAnswers() -> [[IPAddress]]? {
        defer { answers = nil }
        return answers?.map { $0.map { [$0] } ?? [] }
    }
}
