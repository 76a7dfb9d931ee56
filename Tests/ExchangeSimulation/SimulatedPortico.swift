// One worker of Portico on a simulated kernel, made from the text of a configuration with one `bind` line.

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
    public let kernel: SimulatedKernel
    public let plan: Plan
    public let worker: Worker
    /// What was said about the configuration.
    public let remarks: [String]
    private let log = LogFile()
    private let logger = Logger(rings: 1, ringBytes: 1 << 23)
    private let orders = WorkerOrders(waker: nil)
    private var wasStopped = false
    /// Names that are being looked up, and when that is done.
    private var names: [(key: NameTable.Key, doneAt: Instant)] = []

    /// - Parameter configuration: the text, given the descriptor for its `log fd@` line.
    public init(on kernel: SimulatedKernel, named name: String, _ configuration: (_ log: Int32) -> String) {
        self.kernel = kernel
        let text = configuration(log.descriptor)
        let loaded = Self.language.load(text: text, named: name)
        var facts = ProcessFacts()
        facts.descriptorsLimit = 100_000
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections,
            environment: loaded.environment,
            logger: logger, workers: 1, facts: facts, now: kernel.now)
        guard let plan = builder.build(), !loaded.hasErrors else {
            fatalError("\(name): \(loaded.problems + builder.problems) in\n\(text)")
        }
        remarks = (loaded.problems + builder.problems).map(\.message)
        self.plan = plan
        plan.admission.setWorkers([orders])
        worker = Worker(
            index: 0, plan: plan, kernel: kernel, log: logger.channel(0), orders: orders,
            listeners: [(kernel.listener, plan.binds[0])])
    }

    private static let language = Language(
        keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table + StaticFilesKeywords.table
            + ResolversKeywords.table + LoggingKeywords.table + AdminKeywords.table + ConfigurationKeywords.table,
        parameterGroups: [
            ParameterGroup(of: "bind", ProxyKeywords.bindParameters),
            ParameterGroup(of: "server", BalancingKeywords.serverParameters),
        ] + AdminKeywords.parameterGroups + RulesKeywords.expressionHelp)

    /// One turn of the worker, whenever there is something to do.
    public func turn() {
        let limit = names.map(\.doneAt).min() ?? .never
        worker.turn(until: min(limit, kernel.now + .seconds(1_000)))
        lookNamesUp()
    }

    /// In the control thread's place: some names are known soon, some late, some not at all.
    private func lookNamesUp() {
        guard let table = plan.resolvers.first?.names else { return }
        for key in table.takeQuestions() {
            names.append((key, kernel.now + .milliseconds(UInt64(kernel.random.number(0...1_500)))))
        }
        while let at = names.firstIndex(where: { $0.doneAt <= kernel.now }) {
            let key = names.remove(at: at).key
            let address: IPAddress? = kernel.random.oneIn(3) ? nil : .v4(0x0A00_0001)
            for waiter in table.settle(key, address, hold: plan.resolvers[0].holds.valid, now: kernel.now) {
                orders.deliver(NameAnswer(for: waiter, address))
            }
        }
    }

    /// Works until every peer has done its part, in `turns` turns at most; false if that was not enough.
    public func work(turns: Int) -> Bool {
        for _ in 0..<turns {
            guard kernel.peersLeft > 0 else { return true }
            turn()
        }
        return false
    }

    public func stop(_ order: WorkerOrders.Order) {
        wasStopped = true
        orders.give(order)
    }

    /// Stops, if nobody has done so before, and works until all has ended; false if it does not end.
    public func finish() -> Bool {
        if !wasStopped { stop(.stopSoftly) }
        for _ in 0..<1_000 where !worker.isFinished { turn() }
        return worker.isFinished
    }

    /// All lines of the log; asked for once, at the end.
    public func logLines() -> (lines: [Substring], lost: UInt64) {
        logger.start()
        logger.stop(within: .seconds(30))
        return (log.text().split(separator: "\n"), logger.lost)
    }
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
