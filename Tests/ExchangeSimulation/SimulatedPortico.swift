// Portico on simulated kernels, made from the text of a configuration with one `bind` line: some workers and a control thread.

import Admin
import Balancing
import Basics
import Chance
import Configuration
import Glibc
public import KernelSimulation
import Logging
public import Proxy
import Reactor
import Resolvers
import Rules
import StaticFiles

public final class SimulatedPortico {
    /// The first worker's.
    public let kernel: SimulatedKernel
    public let plan: Plan
    public let workers: [Worker]
    public var worker: Worker { workers[0] }
    /// What was said about the configuration.
    public let remarks: [String]
    let orders: [WorkerMailbox]
    let control: SimulatedControl
    private let log = LogFile()
    let logger: Logger
    /// Says whose turn it is; nil for one worker that is given its turns by `turn`.
    private let system: SimulatedSystem?

    /// Who gives the threads their turns.
    enum Threads {
        /// `turn`, to the only worker.
        case one
        /// A `SimulatedSystem`, by the network's seed.
        case scheduled
        /// The operating system: each thread has a network of its own.
        case real
    }

    /// One worker, whose control thread does no more than look names up.
    /// - Parameter configuration: the text, given the descriptor for its `log fd@` line.
    public convenience init(on kernel: SimulatedKernel, named name: String, _ configuration: (_ log: Int32) -> String) {
        self.init(on: [kernel], control: kernel, .one, named: name, configuration)
    }

    /// A worker for each kernel.
    init(
        on kernels: [SimulatedKernel], control controlKernel: SimulatedKernel, _ threads: Threads, named name: String,
        _ configuration: (_ log: Int32) -> String
    ) {
        kernel = kernels[0]
        let count = kernels.count
        let logger = Logger(rings: count + 1, ringBytes: 1 << 23)
        self.logger = logger
        let text = configuration(log.descriptor)
        let loaded = Self.language.load(text: text, named: name)
        var facts = ProcessFacts()
        facts.descriptorsLimit = 100_000
        facts.threads = count
        facts.residentBytes = { 0 }
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections,
            environment: loaded.environment,
            logger: logger, workers: count, facts: facts, now: kernel.now)
        guard let plan = builder.build(), !loaded.hasErrors else {
            fatalError("\(name): \(loaded.problems + builder.problems) in\n\(text)")
        }
        remarks = (loaded.problems + builder.problems).map(\.message)
        self.plan = plan
        // One worker alone looks into its mailbox in each turn, and is never waited for.
        let orders = kernels.map { WorkerMailbox(wakeup: threads == .one ? nil : $0.wakeup) }
        self.orders = orders
        control = SimulatedControl(
            on: controlKernel, plan, orders, log: logger.channel(0, clock: Clock(controlKernel).read),
            isThread: threads != .one)
        workers = kernels.enumerated().map { index, kernel in
            Worker(
                index: index, plan: plan, kernel: kernel, log: logger.channel(index + 1, clock: Clock(kernel).read),
                orders: orders[index], listeners: [(kernel.listener, plan.binds[0])])
        }
        if threads != .one { control.start() }
        guard threads == .scheduled else {
            system = nil
            return
        }
        let workerThreads = zip(kernels, workers).map { WorkerThread($0, $1) }
        let control = control
        control.isNeeded = { [unowned control] in !control.wasStopped || !workerThreads.allSatisfy(\.isFinished) }
        system = SimulatedSystem(kernel.network, workerThreads + [control])
    }

    private static let language = Language(
        keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table + StaticFilesKeywords.table
            + ResolversKeywords.table + LoggingKeywords.table + AdminKeywords.table + ConfigurationKeywords.table,
        parameterGroups: [
            ParameterGroup(of: "bind", ProxyKeywords.bindParameters),
            ParameterGroup(of: "server", BalancingKeywords.serverParameters),
        ] + AdminKeywords.parameterGroups + RulesKeywords.expressionHelp)

    /// Carries a kernel's wall clock to its log channel, which is the same thread's.
    private struct Clock: @unchecked Sendable {
        unowned let kernel: SimulatedKernel
        init(_ kernel: SimulatedKernel) { self.kernel = kernel }
        @Sendable func read() -> WallTime { kernel.wallTime() }
    }

    /// One turn of a thread, whenever there is something to do.
    public func turn() {
        if let system { return system.step() }
        worker.turn(until: min(control.nextName, kernel.now + .seconds(1_000)))
        control.lookNamesUp()
    }

    /// Works until every peer has done its part, in `turns` turns at most; false if that was not enough.
    public func work(turns: Int) -> Bool { work(turns: turns) { kernel.peersLeft == 0 } }

    func work(turns: Int, until isDone: () -> Bool) -> Bool {
        for _ in 0..<turns {
            if isDone() { return true }
            turn()
        }
        return false
    }

    /// Counts the transitions of all workers' exchanges from now on.
    func recordTransitions() { for worker in workers { worker.transitions = TransitionCoverage.ofStreams } }

    /// What was counted.
    var transitions: TransitionCoverage {
        workers.reduce(into: TransitionCoverage.ofStreams) { sum, worker in
            if let counted = worker.transitions { sum.add(counted) }
        }
    }

    public func stop(_ order: WorkerMailbox.Order) { control.stop(order) }

    /// Stops, unless that was done before, and works until all has ended; false if it does not end.
    public func finish() -> Bool {
        if !control.wasStopped { stop(.stopSoftly) }
        for _ in 0..<(100_000 * workers.count) where !isFinished { turn() }
        if isFinished { control.close() }
        return isFinished
    }

    private var isFinished: Bool { workers.allSatisfy(\.isFinished) }

    /// All lines of the log; asked for once, at the end.
    public func logLines() -> (lines: [Substring], lost: UInt64) {
        logger.start()
        return stopLogging()
    }

    /// As `logLines`, of a logger that was started.
    func stopLogging() -> (lines: [Substring], lost: UInt64) {
        logger.stop(within: .seconds(30))
        return (log.text().split(separator: "\n"), logger.lost)
    }
}

/// A worker as the system sees it.
private final class WorkerThread: SimulatedThread {
    let kernel: SimulatedKernel
    private let worker: Worker

    init(_ kernel: SimulatedKernel, _ worker: Worker) {
        self.kernel = kernel
        self.worker = worker
    }

    var isFinished: Bool { worker.isFinished }
    func turn() { worker.turn(until: .never) }
}

/// A file without a name that takes the log.
@safe
private final class LogFile {
    private let file: UnsafeMutablePointer<FILE>
    let descriptor: Int32

    init() {
        guard let made = unsafe tmpfile() else { fatalError("no file for the log") }
        unsafe file = made
        unsafe descriptor = fileno(made)
    }

    deinit { unsafe fclose(file) }

    func text() -> String {
        let count = Int(lseek(descriptor, 0, SEEK_END))
        return unsafe String(unsafeUninitializedCapacity: count) { buffer in
            max(0, unsafe pread(descriptor, buffer.baseAddress, count, 0))
        }
    }
}
