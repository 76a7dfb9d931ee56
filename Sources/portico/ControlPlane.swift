// The main thread while Portico runs: starts the workers, then checks health, answers the runtime socket,
// takes signals, samples rates, until everything has ended.

internal import Admin
internal import Balancing
internal import Basics
internal import Control
internal import Glibc
internal import Logging
internal import Proxy
internal import Reactor
internal import Synchronization
internal import SystemPackage

final class ControlPlane {
    private let plan: Plan
    private let logger: Logger
    private let log: LogChannel
    /// Standard error as the logger writes it: never waiting for its reader.
    private let standardError: LogTargets
    private let workerCount: Int
    private let admin: AdminSettings
    private let hardStopAfter: TimeSpan?
    private let kernel: LinuxKernel
    private let workerKernels: [KernelBox]
    private let loop: TaskLoop
    private let pool: BufferPool
    private var orders: [WorkerOrders] = []
    private var threads: [Reactor.Thread] = []
    private let lookup: ResolverSet
    private let running: RunningWorkers
    /// The signal that asked for the end at once, once there was one.
    private(set) var endedBy: Int32?
    private var checkers: [HealthChecker] = []
    private var names: SystemResolver?
    private var adminSockets: [RuntimeSocket] = []

    /// How many workers have not ended yet.
    private final class RunningWorkers: Sendable {
        let count: Atomic<Int>
        init(_ count: Int) { self.count = Atomic(count) }
    }

    /// Call it before the process changes its root.
    ///
    /// - Throws: what the system is short of.
    init(
        plan: Plan, logger: Logger, workers: Int, admin: AdminSettings, hardStopAfter: TimeSpan?, isQuiet: Bool
    ) throws(Errno) {
        kernel = try LinuxKernel()
        var kernels: [KernelBox] = []
        for _ in 0..<workers { kernels.append(KernelBox(try LinuxKernel())) }
        workerKernels = kernels
        self.plan = plan
        self.logger = logger
        log = logger.channel(0)
        standardError = isQuiet ? .none : logger.registerStandardError()
        workerCount = workers
        self.admin = admin
        self.hardStopAfter = hardStopAfter
        loop = TaskLoop(kernel: kernel)
        // A check reads heads as long as those that clients get; the runtime socket's commands have 16 KiB at least.
        pool = BufferPool(blockBytes: max(plan.bufferBytes, 16_384))
        lookup = ResolverSet(plan: plan, waker: kernel.waker, in: loop)
        running = RunningWorkers(workers)
    }

    /// The signals that mean something. They are collected before anybody sees the process listen, who may send one at once,
    /// and before any thread exists, so that no thread takes one but through the source.
    static func collectSignals() -> SignalSource {
        SignalSource([SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGUSR2, SIGQUIT, SIGTTOU, SIGTTIN])
    }

    /// Runs until the last worker has ended.
    func run(_ listening: Listening, _ signals: SignalSource) {
        logger.start()
        startWorkers(listening)
        watch(signals)
        startHealthChecks()
        ServerAddressUpdater.start(plan: plan, lookup: lookup, log: healthLog, in: loop)
        startAdmin(listening)
        startSampling()
        MemoryKeeper.start(plan: plan, workers: orders, pool: pool, in: loop)
        names = SystemResolver.start(
            plan: plan, waker: kernel.waker,
            announce: { [self] in log.event(.notice, to: plan.logTargets, $0) }, in: loop)
        while running.count.load(ordering: .acquiring) > 0 {
            loop.runOnce()
            names?.collect(in: loop)
            lookup.collect()
        }
        lookup.close()
        for thread in threads { thread.join() }
        logger.stop()
    }

    // MARK: Workers

    private func startWorkers(_ listening: Listening) {
        let running = running
        let mainWaker = kernel.waker
        orders = workerKernels.map { WorkerOrders(waker: $0.kernel.waker) }
        plan.admission.setWorkers(orders)
        lookup.setWorkers(orders)
        for index in 0..<workerCount {
            let box = workerKernels[index]
            let plan = plan
            let channel = logger.channel(index + 1)
            let orders = orders[index]
            let listeners = listening.workers[index]
            threads.append(
                Thread(name: "portico-\(index + 1)") {
                    let worker = Worker(
                        index: index, plan: plan, kernel: box.kernel, log: channel, orders: orders,
                        listeners: listeners)
                    worker.run()
                    running.count.wrappingSubtract(1, ordering: .releasing)
                    mainWaker.wake()
                })
        }
    }

    /// Carries a kernel to the one thread that will use it.
    private struct KernelBox: @unchecked Sendable {
        let kernel: LinuxKernel
        init(_ kernel: LinuxKernel) { self.kernel = kernel }
    }

    // MARK: Signals

    private func watch(_ signals: SignalSource) {
        let task = SignalTask(signals) { [unowned self] signal in take(signal) }
        loop.watch(signals.socket, for: .reading, as: loop.add(task))
    }

    private final class SignalTask: LoopTask {
        private let source: SignalSource
        private let take: (Int32) -> Void

        init(_ source: SignalSource, _ take: @escaping (Int32) -> Void) {
            self.source = source
            self.take = take
        }

        func ready(_ readiness: Readiness, in loop: TaskLoop) {
            while let signal = source.next() { take(signal) }
        }

        func expired(in loop: TaskLoop) {}
    }

    private func take(_ signal: Int32) {
        switch signal {
        case SIGTERM, SIGINT:
            endedBy = signal
            stop(.stopNow)
        case SIGUSR1:
            announce("Stopping softly: listeners are closed, what is under way finishes.")
            stop(.stopSoftly)
            if let hardStopAfter {
                let task = DelayedTask { [unowned self] in stop(.stopNow) }
                loop.setDeadline(loop.now + hardStopAfter, of: loop.add(task))
            }
        case SIGHUP:
            for proxy in plan.snapshot(now: loop.now).proxies {
                for line in StatusReport.lines(of: proxy) {
                    warn("SIGHUP: " + line, to: plan.logTargets(ofProxyWithID: proxy.id))
                }
            }
        case SIGQUIT:
            _ = pool.trim()
            for worker in orders { worker.trim() }
        case SIGTTOU: setListening(false)
        case SIGTTIN: setListening(true)
        default: break
        }
    }

    private func stop(_ order: WorkerOrders.Order) {
        plan.counters.isStopping = true
        for worker in orders { worker.give(order) }
        stopWatchingServers()
    }

    /// No new request comes from now on: servers need not be checked for it, nor their names looked up. Names that exchanges
    /// under way ask for are still looked up.
    private func stopWatchingServers() {
        for checker in checkers { checker.stop(in: loop) }
        checkers.removeAll()
        lookup.stopFollowingServers()
        names?.stop()
    }

    /// Another process may take the addresses meanwhile: that is how HAProxy's scripts hand them over.
    private func setListening(_ listens: Bool) {
        for worker in orders { worker.setListening(listens) }
        for socket in adminSockets {
            guard let complaint = listens ? socket.listenAgain(in: loop) : socket.stopListening(in: loop) else {
                continue
            }
            warn(complaint, to: plan.logTargets)
        }
        for frontend in plan.frontends {
            frontend.isPaused.store(!listens, ordering: .relaxed)
            warn("\(listens ? "Resumed" : "Paused") frontend \(frontend.name).", to: frontend.logTargets)
        }
    }

    /// Says it as HAProxy does: to the proxy's log, and on standard error.
    private func warn(_ message: String, to targets: LogTargets) {
        log.event(.warning, to: standardError, "warning: \(message)")
        log.event(.warning, to: targets, message)
    }

    private func announce(_ message: String) {
        if plan.logTargets.isEmpty { log.event(.notice, to: standardError, "notice: \(message)") }
        log.event(.notice, to: plan.logTargets, message)
    }

    // MARK: Tasks

    private final class DelayedTask: LoopTask {
        private let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
        func ready(_ readiness: Readiness, in loop: TaskLoop) {}
        func expired(in loop: TaskLoop) { body() }
    }

    private lazy var healthLog = HealthLog(plan: plan, log: log) { [log, standardError] message in
        log.event(.warning, to: standardError, "warning: \(message)")
    }

    /// Spreads the first checks over each server's interval, so that a thousand servers are not all asked at once.
    private func startHealthChecks() {
        let checked = plan.backends.flatMap { plan in plan.backend.servers.map { (plan.backend, $0) } }
            .filter { $0.1.check != nil }
        for (position, (backend, server)) in checked.enumerated() {
            guard let interval = server.check?.interval else { continue }
            let delay = TimeSpan(
                nanoseconds: UInt64(Double(interval.nanoseconds) * Double(position) / Double(checked.count)))
            let checker = HealthChecker.start(
                server, of: backend, after: delay, pool: pool, observer: healthLog, in: loop)
            if let checker { checkers.append(checker) }
        }
    }

    private func startAdmin(_ listening: Listening) {
        let context = RuntimeContext(plan: plan, clock: kernel, lookup: lookup)
        let limit = RuntimeSocket.ConnectionLimit(admin.connectionsLimit)
        for (socket, settings) in listening.admin {
            adminSockets.append(
                RuntimeSocket.start(
                    socket, at: settings.address,
                    interpreter: CommandInterpreter(level: settings.level, takesProcess: settings.takesProcess),
                    timeout: admin.timeout, limit: limit, context: context, pool: pool, in: loop))
        }
    }

    private func startSampling() {
        let task = SamplingTask(plan, threads)
        task.handle = loop.add(task)
        loop.setDeadline(loop.now + SamplingTask.period, of: task.handle)
    }

    private final class SamplingTask: LoopTask {
        static let period = TimeSpan.seconds(1)
        private let plan: Plan
        private let threads: [Reactor.Thread]
        private var last = Instant.now()
        /// Of all workers together.
        private var worked = TimeSpan.zero
        var handle = SlotHandle(index: 0, generation: 0)

        init(_ plan: Plan, _ threads: [Reactor.Thread]) {
            self.plan = plan
            self.threads = threads
        }

        func ready(_ readiness: Readiness, in loop: TaskLoop) {}

        func expired(in loop: TaskLoop) {
            plan.keepHighestRates(at: loop.now)
            measureIdleTime(until: loop.now)
            loop.setDeadline(loop.now + Self.period, of: handle)
        }

        private func measureIdleTime(until now: Instant) {
            let elapsed = now.since(last).nanoseconds
            last = now
            let sum = threads.reduce(0) { $0 + ($1.processorTime?.nanoseconds ?? 0) }
            // A worker that has ended takes its time with it.
            let used = sum > worked.nanoseconds ? sum - worked.nanoseconds : 0
            worked = TimeSpan(nanoseconds: sum)
            guard elapsed > 0, !threads.isEmpty else { return }
            let share = Double(used) / (Double(elapsed) * Double(threads.count))
            plan.counters.setIdle(percent: Int((100 * (1 - min(1, share))).rounded()))
        }
    }
}
