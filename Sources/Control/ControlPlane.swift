// The control plane: health checks, the runtime socket, the names of servers and of rules, rate samples, and what the
// workers are told to do. It is everything that runs beside the data path and needs time, sockets or policy.
//
// It runs on any `Kernel`, starts no thread and reads no clock but the kernel's. The program gives it the main thread;
// a simulation gives it a simulated kernel and its turns. What it needs of the process beside a kernel is a
// `ProcessServices`.

public import Admin
internal import Balancing
public import Basics
public import Logging
public import Proxy
public import Reactor
public import Resolvers
internal import Synchronization
internal import TLS

/// What the control plane needs of the process beside its kernel. The values of `init()` suit a process of one thread: no
/// wake-ups, no system resolver, nothing printed.
public struct ProcessServices {
    /// Ends the wait of the control plane's kernel from another thread.
    public var wakeup: Wakeup?
    /// Where warnings go that an operator has to see although no log is configured; `.none` for nowhere.
    public var standardError = LogTargets.none
    /// Looks up host names through the system's resolver; nil where servers without an address stay so.
    public var hostLookup: (any HostLookup)?
    /// The same for the names of OCSP responders; nil where only those in `resolvers` sections are asked.
    public var responderLookup: (any HostLookup)?
    /// Whether the files of certificates are watched, and renewed ones taken.
    public var watchesCertificates = false
    /// Answers in the nameservers' stead; nil where the nameservers of the `resolvers` sections are asked.
    public var nameSource: (any NameSource)?

    public init() {}
}

/// The control plane of one process. Not shared between threads.
public final class ControlPlane {
    private let plan: Plan
    private let log: LogChannel
    private let standardError: LogTargets
    private let mailboxes: [WorkerMailbox]
    private let admin: AdminSettings
    private let hardStopAfter: TimeSpan?
    private let resolvers: ResolverSet
    private let systemResolver: SystemResolver?
    private let healthLog: HealthLog
    private let observedFailures: ObservedFailures
    private let pool: BufferPool
    private var checkers: [HealthChecker] = []
    private var updaters: [ServerAddressUpdater] = []
    private var serviceUpdaters: [ServiceUpdater] = []
    private var sockets: [RuntimeSocket] = []
    private var sampler: RateSampler?
    private var memoryKeeper: MemoryKeeper?
    private let certificateWatcher: CertificateWatcher?
    private var certificateEnds: CertificateEnds?
    private let responseUpdater: ResponseUpdater
    private var hardStop: SlotHandle?
    /// The loop that drives everything here; a program may add tasks of its own, for signals for instance.
    public let loop: TaskLoop

    /// Opens what has to be opened before the process changes its root, and makes the mailboxes known to all that write into
    /// them. Nothing happens before `start`.
    ///
    /// - Parameters:
    ///   - mailboxes: one for each worker, by the worker's index.
    ///   - admin: the time-out of the runtime sockets, and how many connections they take.
    ///   - hardStopAfter: how long a soft stop may take; nil for as long as connections last.
    public init(
        plan: Plan, kernel: any Kernel, mailboxes: [WorkerMailbox], log: LogChannel,
        admin: AdminSettings = AdminSettings(), hardStopAfter: TimeSpan? = nil,
        services: ProcessServices = ProcessServices()
    ) {
        self.plan = plan
        self.log = log
        self.mailboxes = mailboxes
        self.admin = admin
        self.hardStopAfter = hardStopAfter
        let standardError = services.standardError
        self.standardError = standardError
        loop = TaskLoop(kernel: kernel)
        // A check reads heads as long as those that clients get; the runtime socket's commands have 16 KiB at least.
        pool = BufferPool(blockBytes: max(plan.site.bufferBytes, 16_384))
        healthLog = HealthLog(plan: plan, log: log) { message in
            log.event(.warning, to: standardError, "warning: \(message)")
        }
        observedFailures = ObservedFailures(plan: plan, wakeup: services.wakeup)
        resolvers = ResolverSet(
            plan: plan, source: services.nameSource, wakeup: services.wakeup, mailboxes: mailboxes, in: loop)
        systemResolver = services.hostLookup.map { lookup in
            SystemResolver(plan: plan, lookup: lookup) { log.event(.notice, to: plan.logTargets, $0) }
        }
        certificateWatcher =
            services.watchesCertificates
            ? CertificateWatcher(plan.encryption.certificates) { isWarning, message in
                if isWarning { log.event(.warning, to: standardError, "warning: \(message)") }
                log.event(isWarning ? .warning : .notice, to: plan.logTargets, message)
            } : nil
        responseUpdater = ResponseUpdater(
            plan: plan, names: ResponderNames(resolvers, services.responderLookup), pool: pool, log: log, in: loop
        ) { log.event(.warning, to: standardError, "warning: \($0)") }
        plan.site.workers.set(mailboxes)
    }

    /// Starts health checks, look-ups of names, the runtime sockets and the rate samples.
    ///
    /// - Parameters:
    ///   - runtimeSockets: sockets that listen, with the `stats socket` line of each.
    ///   - listeners: what is handed out on those with `expose-fd listeners`.
    ///   - workerTime: the processor time that all worker threads together have used so far; nil where idle time is not measured.
    public func start(
        runtimeSockets: [(socket: Socket, settings: StatsSocket)] = [],
        listeners: ExposedListeners = ExposedListeners(), workerTime: (() -> TimeSpan)? = nil
    ) {
        startHealthChecks()
        updaters = ServerAddressUpdater.start(plan: plan, resolvers: resolvers, log: healthLog, in: loop)
        serviceUpdaters = ServiceUpdater.start(plan: plan, resolvers: resolvers, log: healthLog, in: loop)
        start(runtimeSockets, listeners)
        sampler = RateSampler.start(plan: plan, workers: mailboxes.count, workerTime: workerTime, in: loop)
        memoryKeeper = MemoryKeeper.start(plan: plan, workers: mailboxes, pool: pool, in: loop)
        systemResolver?.start(in: loop)
        certificateWatcher?.start(in: loop)
        responseUpdater.start()
        certificateEnds = CertificateEnds.start(plan.encryption, in: loop) { [log, plan] message in
            log.event(.warning, to: plan.logTargets, message)
        }
    }

    /// One round: waits until something is ready or due, `limit` at the latest, and does everything that is to be done now.
    public func turn(until limit: Instant) {
        loop.runOnce(until: limit)
        systemResolver?.collect(in: loop)
        resolvers.collect()
        responseUpdater.collect()
        for failure in observedFailures.take() {
            checkers.first { $0.checks(failure.server) }?.trafficFailed(failure.words, in: loop)
        }
    }

    /// Buffers that hold bytes of a check or of a runtime connection: none when nothing is under way.
    var buffersLent: Int { pool.lent }

    /// Closes every socket and ends every task of the control plane, once the workers have ended.
    public func close() {
        stopWatchingServers()
        resolvers.close()
        for socket in sockets { socket.close(in: loop) }
        sockets.removeAll()
        sampler?.stop(in: loop)
        sampler = nil
        memoryKeeper?.stop(in: loop)
        memoryKeeper = nil
        systemResolver?.close(in: loop)
        certificateWatcher?.stop(in: loop)
        certificateEnds?.stop(in: loop)
        certificateEnds = nil
        if let hardStop { loop.remove(hardStop) }
        hardStop = nil
    }

    /// Spreads the first checks over each server's interval, so that a thousand servers are not all asked at once.
    private func startHealthChecks() {
        let checked = plan.backends.flatMap { plan in
            plan.backend.servers.flatMap { server in
                [CheckSubject.server, .agent].compactMap { subject in
                    subject.plan(of: server).map { (plan.backend, server, subject, $0.interval) }
                }
            }
        }
        let site = plan.makeRuntimeState(loop.kernel, log)
        var surroundings = CheckSurroundings(pool: pool, observer: healthLog)
        surroundings.timing = plan.checkTiming
        surroundings.makeContext = { [plan] backend in
            CheckRun.makeContext(
                plan.site.variables, site: site, backendIndex: plan.backends.firstIndex { $0.backend === backend })
        }
        for (position, (backend, server, subject, interval)) in checked.enumerated() {
            let delay = plan.checkTiming.firstDelay(at: position, of: checked.count, interval: interval)
            let checker = HealthChecker.start(subject, server, of: backend, after: delay, surroundings, in: loop)
            if let checker { checkers.append(checker) }
        }
    }

    private func start(_ runtimeSockets: [(socket: Socket, settings: StatsSocket)], _ listeners: ExposedListeners) {
        let context = RuntimeContext(
            plan: plan, clock: loop.kernel, resolvers: resolvers, updater: responseUpdater, listeners: listeners,
            log: log)
        let limit = RuntimeSocket.ConnectionLimit(admin.connectionsLimit)
        for (socket, settings) in runtimeSockets {
            sockets.append(
                RuntimeSocket.start(
                    socket, at: settings.address,
                    interpreter: CommandInterpreter(
                        commands: RuntimeCommands.all, level: settings.level, severity: settings.severity,
                        takesProcess: settings.takesProcess, exposesListeners: settings.exposesListeners),
                    timeout: admin.timeout, limit: limit, context: context, pool: pool, in: loop))
        }
    }
}

// MARK: - What an operator asks for

extension ControlPlane {
    /// Ends every connection now.
    public func stopNow() { stop(.stopNow) }

    /// Closes the listeners and lets exchanges end, until `hard-stop-after` has passed.
    public func stopSoftly() {
        announce("Stopping softly: listeners are closed, what is under way finishes.")
        stop(.stopSoftly)
        guard let hardStopAfter, hardStop == nil else { return }
        let handle = loop.add(DelayedTask { [unowned self] in stopNow() })
        loop.setDeadline(loop.now + hardStopAfter, of: handle)
        hardStop = handle
    }

    private func stop(_ order: WorkerMailbox.Order) {
        plan.site.counters.isStopping = true
        for mailbox in mailboxes { mailbox.give(order) }
        stopWatchingServers()
    }

    /// Ends health checks, the look-ups of servers' names and of OCSP responses: no new request will need them. Names that exchanges under way
    /// wait for are still looked up.
    private func stopWatchingServers() {
        for checker in checkers { checker.stop(in: loop) }
        checkers.removeAll()
        for updater in updaters { updater.stop(in: loop) }
        updaters.removeAll()
        for updater in serviceUpdaters { updater.stop(in: loop) }
        serviceUpdaters.removeAll()
        systemResolver?.stop()
        responseUpdater.stop()
    }

    /// Gives the addresses up for a while, or takes them back. Another process may have them meanwhile: HAProxy's scripts hand
    /// them over that way.
    public func setListening(_ listens: Bool) {
        for mailbox in mailboxes { mailbox.setListening(listens) }
        for socket in sockets {
            guard let complaint = listens ? socket.listenAgain(in: loop) : socket.stopListening(in: loop) else {
                continue
            }
            warn(complaint, to: plan.logTargets)
        }
        for frontend in plan.frontends {
            frontend.live.isPaused.store(!listens, ordering: .relaxed)
            warn("\(listens ? "Resumed" : "Paused") frontend \(frontend.name).", to: frontend.logTargets)
        }
    }

    /// Writes the state of every proxy and server to the logs and to standard error.
    public func reportStatus() {
        for proxy in plan.snapshot(now: loop.now).proxies {
            for line in StatusReport.lines(of: proxy) {
                warn("SIGHUP: " + line, to: plan.logTargets(ofProxyWithID: proxy.id))
            }
        }
    }

    /// Asks the workers for the memory that they keep for speed alone.
    public func trimMemory() {
        _ = pool.trim()
        for mailbox in mailboxes { mailbox.trim() }
    }

    /// Writes to the proxy's log and to standard error, as HAProxy does.
    private func warn(_ message: String, to targets: LogTargets) {
        log.event(.warning, to: standardError, "warning: \(message)")
        log.event(.warning, to: targets, message)
    }

    private func announce(_ message: String) {
        if plan.logTargets.isEmpty { log.event(.notice, to: standardError, "notice: \(message)") }
        log.event(.notice, to: plan.logTargets, message)
    }

    private final class DelayedTask: LoopTask {
        private let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
        func ready(_ readiness: Readiness, in loop: TaskLoop) {}
        func expired(in loop: TaskLoop) { body() }
    }
}
