// Backends from the lines of a file, and the control plane of a site on a simulated kernel.

import Admin
import Balancing
import Basics
import Configuration
import HTTP
import KernelSimulation
import Reactor
import Resolvers
import Rules
import Testing

@testable import Control
@testable import Logging
@testable import Proxy

private let language = Language(
    keywords: BalancingKeywords.table,
    parameterGroups: [ParameterGroup(of: "server", BalancingKeywords.serverParameters)])

/// The settings of a backend with these lines, which must have no mistake in them.
func settings(_ lines: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> BalancingSettings {
    let text = "backend app\n" + lines.map { "    \($0)\n" }.joined()
    let loaded = language.load(text: text, named: "t.cfg")
    #expect(loaded.problems.isEmpty, sourceLocation: sourceLocation)
    return try #require(loaded.proxies.first, sourceLocation: sourceLocation)[BalancingSettings.self]
}

extension BalancingSettings {
    func backend(
        connectTimeout: TimeSpan = .seconds(5), now: Instant = Instant(nanoseconds: 1_000_000_000),
        resolve: (String) -> [IPAddress] = { _ in [] }
    ) -> Backend {
        makeBackend(name: "app", connectTimeout: connectTimeout, workers: 1, now: now, resolve: resolve)
    }
}

extension Backend {
    /// The names of the next `count` choices of one worker, as one word.
    func choices(_ count: Int) -> String {
        (0..<count).map { _ in
            let choice = take(for: NoRequest(), by: 0, now: Instant(nanoseconds: 0))
            guard case .server(let server) = choice else { return "-" }
            release(server, by: 0)
            return server.name
        }.joined()
    }
}

/// A request of which nothing is known.
private struct NoRequest: BalancingRequest {
    var client: SocketAddress { .ip(.anyV4, port: 0) }
    func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result { body(RequestHead()) }
}

/// The control plane of a site with one worker, on a simulated kernel whose clock costs no time. The runtime socket listens on
/// the kernel's listener, the test answers questions for names, and what the control plane wants of the worker is in its mailbox.
final class ControlledSite {
    let kernel: SimulatedKernel
    let plan: Plan
    let control: ControlPlane
    let mailbox = WorkerMailbox(wakeup: nil)
    let names = AnsweredNames()
    let hosts = AnsweredHosts()
    private let logger = Logger(rings: 1)
    private let start: Instant
    /// What each server does with a check that connects to it, by its port.
    var behaviours: [UInt16: Behaviour] = [:]
    /// When connections to servers were begun, in milliseconds since the start, and to which port.
    private(set) var visits: [String] = []

    private static let language = Language(
        keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table + LoggingKeywords.table
            + ResolversKeywords.table + AdminKeywords.table,
        parameterGroups: [])

    /// - Parameters:
    ///   - lines: of the section `listen site`, whose first lines are there already.
    ///   - sections: what stands below it.
    ///   - workerTime: the processor time of the workers.
    init(
        seed: UInt64 = 7, _ lines: String..., sections: String = "", hardStopAfter: TimeSpan? = nil,
        admin: AdminSettings = AdminSettings(), workerTime: (() -> TimeSpan)? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        kernel = SimulatedKernel(seed: seed)
        start = kernel.now
        let text = """
            global
                log stdout format raw local0
            listen site
                mode http
                bind 127.0.0.1:80
                log stdout format raw local0
                timeout connect 5s
                timeout client 60s
                timeout server 60s
            \(lines.map { "    " + $0 }.joined(separator: "\n"))
            \(sections)

            """
        let loaded = Self.language.load(text: text, named: "control.cfg")
        try #require(loaded.problems.isEmpty, "\(loaded.problems)", sourceLocation: sourceLocation)
        var facts = ProcessFacts()
        facts.descriptorsLimit = 10_000
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections, logger: logger,
            workers: 1, facts: facts, now: kernel.now)
        let plan = builder.build()
        self.plan = try #require(plan, "\(builder.problems)", sourceLocation: sourceLocation)
        var services = ProcessServices()
        services.nameSource = names
        services.hostLookup = hosts
        control = ControlPlane(
            plan: self.plan, kernel: kernel, mailboxes: [mailbox], log: logger.channel(0), admin: admin,
            hardStopAfter: hardStopAfter, services: services)
        for port in UInt16(9_001)...9_009 {
            kernel.servers[.ip(.loopbackV4, port: port)] = { [unowned self] _, wire in visit(port, wire) }
        }
        let word = SourceRange(file: "control.cfg", line: 1)
        var socket = StatsSocket(descriptor: kernel.listener.number, range: word)
        socket.level = .admin
        control.start(runtimeSockets: [(kernel.listener, socket)], workerTime: workerTime)
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
    func log() -> [String] {
        var lines: [String] = []
        var line: [UInt8] = []
        while logger.rings[0].pop(into: &line) != nil { lines.append(String(decoding: line, as: UTF8.self)) }
        return lines
    }

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
    private(set) var asked: [String] = []
    private var waiting: [(name: String, done: (Result<[IPAddress], ResolutionFault>) -> Void)] = []

    func look(
        for name: String, _ family: AddressFamily, done: @escaping (Result<[IPAddress], ResolutionFault>) -> Void
    ) {
        asked.append(name)
        if let answer = answers[name] { done(answer) } else { waiting.append((name, done)) }
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

    func takeAnswers() -> [IPAddress?]? {
        defer { answers = nil }
        return answers
    }
}
