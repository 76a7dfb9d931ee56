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
    /// The same for the names that a reload asks for; nil: reading the configuration takes as long as they take.
    public var nameLookup: (any HostLookup)?
    /// What a reload reads; nil where there is none.
    public var configuration: (any ConfigurationSource)?
    /// Whether the files of certificates are watched, and renewed ones taken.
    public var watchesCertificates = false
    /// Tells the service manager what the process does.
    public var announce: (ServiceManager.State) -> Void = { _ in }
    /// What was told at the start, as operators may read it later.
    public var startMessages = ""
    /// Answers in the nameservers' stead; nil where the nameservers of the `resolvers` sections are asked.
    public var nameSource: (any NameSource)?

    public init() {}
}

/// What the configuration says of the control plane, beside the plan.
public struct ControlSettings {
    /// The time-out of the runtime sockets, and how many connections they take.
    public var admin: AdminSettings
    /// How long a soft stop may take; nil for as long as connections last.
    public var hardStopAfter: TimeSpan?

    public init(admin: AdminSettings = AdminSettings(), hardStopAfter: TimeSpan? = nil) {
        self.admin = admin
        self.hardStopAfter = hardStopAfter
    }
}

/// The control plane of one process. Not shared between threads.
public final class ControlPlane {
    let inForce: PlanInForce
    var settings: ControlSettings
    let log: LogChannel
    let standardError: LogTargets
    let pool: BufferPool
    let checks: HealthChecks
    let sockets: RuntimeSocketSet
    /// Whether the addresses are not given up for a while (SIGTTOU).
    var isListening = true
    var hardStop: SlotHandle?
    let announceState: (ServiceManager.State) -> Void
    private let watchesCertificates: Bool
    private let resolvers: ResolverSet
    private let systemResolver: SystemResolver?
    private let addresses: NameUpdaters<ServerAddressUpdater>
    private let services: NameUpdaters<ServiceUpdater>
    private let context: RuntimeContext
    private let responseUpdater: ResponseUpdater
    private var certificateWatcher: CertificateWatcher?
    private var certificateEnds: CertificateEnds?
    private var sampler: RateSampler?
    private var memoryKeeper: MemoryKeeper?
    private var reloader: Reloader?
    /// Takes orders to read the configuration again.
    public let reloads: Reloads
    /// The loop that drives everything here; a program may add tasks of its own, for signals for instance.
    public let loop: TaskLoop

    /// Opens what has to be opened before the process changes its root, and makes the mailboxes known to all that write into
    /// them. Nothing happens before `start`.
    ///
    /// - Parameter mailboxes: one for each worker, by the worker's index.
    public init(
        plan: Plan, kernel: any Kernel, mailboxes: [WorkerMailbox], log: LogChannel,
        settings: ControlSettings = ControlSettings(), services: ProcessServices = ProcessServices()
    ) {
        let inForce = PlanInForce(plan)
        let loop = TaskLoop(kernel: kernel)
        let standardError = services.standardError
        self.inForce = inForce
        self.settings = settings
        self.log = log
        self.standardError = standardError
        self.loop = loop
        plan.site.workers.set(mailboxes)
        // A check reads heads as long as those that clients get; the runtime socket's commands have 16 KiB at least.
        pool = BufferPool(blockBytes: max(plan.site.bufferBytes, 16_384))
        let warn: (String) -> Void = { log.event(.warning, to: standardError, "warning: \($0)") }
        let healthLog = HealthLog(inForce, log: log, print: warn)
        checks = HealthChecks(
            inForce, log: healthLog, channel: log, pool: pool, wakeup: services.wakeup, in: loop)
        resolvers = ResolverSet(source: services.nameSource, wakeup: services.wakeup, in: loop)
        resolvers.follow(plan)
        addresses = NameUpdaters(inForce, resolvers, log: healthLog, in: loop)
        self.services = NameUpdaters(inForce, resolvers, log: healthLog, in: loop)
        systemResolver = services.hostLookup.map { lookup in
            SystemResolver(inForce, lookup: lookup) { log.event(.notice, to: inForce.logTargets, $0) }
        }
        responseUpdater = ResponseUpdater(
            inForce, names: ResponderNames(resolvers, services.responderLookup), pool: pool, log: log, in: loop,
            warn: warn)
        announceState = services.announce
        reloads = Reloads(startMessages: services.startMessages, clock: kernel, announce: services.announce)
        context = RuntimeContext(
            inForce, clock: kernel, resolvers: resolvers, updater: responseUpdater, reloads: reloads, log: log)
        sockets = RuntimeSocketSet(context, pool: pool, in: loop)
        watchesCertificates = services.watchesCertificates
        watchCertificates()
        guard let source = services.configuration else { return }
        let reloader = Reloader(self, source, lookup: services.nameLookup, wakeup: services.wakeup)
        self.reloader = reloader
        reloads.perform = { [unowned reloader] done in reloader.begin(done: done) }
    }

    private func watchCertificates() {
        guard watchesCertificates else { return }
        certificateWatcher = CertificateWatcher(inForce.plan.encryption.certificates) {
            [inForce, log, standardError] isWarning, message in
            if isWarning { log.event(.warning, to: standardError, "warning: \(message)") }
            log.event(isWarning ? .warning : .notice, to: inForce.logTargets, message)
        }
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
        watchServers()
        serve(runtimeSockets, listeners)
        sampler = RateSampler.start(inForce, workerTime: workerTime, in: loop)
        memoryKeeper = MemoryKeeper.start(inForce.site, pool: pool, in: loop)
        certificateWatcher?.start(in: loop)
        responseUpdater.start()
        certificateEnds = CertificateEnds.start(inForce, in: loop) { [log, inForce] message in
            log.event(.warning, to: inForce.logTargets, message)
        }
    }

    /// Goes by another plan from now on, whose backends have their servers already. What concerns both plans goes on: a server's
    /// checks, look-ups of a name, nameservers, runtime sockets and their conversations.
    ///
    /// - Parameters:
    ///   - runtimeSockets: as for `start`. Where a socket is served at that place already, the one here is not looked at.
    ///   - listeners: as for `start`.
    public func follow(
        _ plan: Plan, _ settings: ControlSettings, runtimeSockets: [(socket: Socket, settings: StatsSocket)] = [],
        listeners: ExposedListeners = ExposedListeners()
    ) {
        let store = inForce.plan.encryption.certificates
        inForce.replace(by: plan)
        self.settings = settings
        resolvers.follow(plan)
        if !plan.site.counters.isStopping { watchServers() }
        serve(runtimeSockets, listeners)
        for frontend in plan.frontends { frontend.live.isPaused.store(!isListening, ordering: .relaxed) }
        if store !== plan.encryption.certificates {
            certificateWatcher?.stop(in: loop)
            certificateWatcher = nil
            watchCertificates()
            certificateWatcher?.start(in: loop)
        }
        responseUpdater.follow()
        certificateEnds?.follow(in: loop)
    }

    /// Checks the servers of the plan in force, and looks their names up.
    private func watchServers() {
        checks.follow()
        addresses.follow()
        services.follow()
        systemResolver?.follow(in: loop)
    }

    private func serve(_ runtimeSockets: [(socket: Socket, settings: StatsSocket)], _ listeners: ExposedListeners) {
        context.listeners = listeners
        sockets.follow(runtimeSockets, settings.admin)
    }

    /// One round: waits until something is ready or due, `limit` at the latest, and does everything that is to be done now.
    public func turn(until limit: Instant) {
        loop.runOnce(until: limit)
        systemResolver?.collect(in: loop)
        resolvers.collect()
        responseUpdater.collect()
        checks.collect()
        reloader?.collect()
    }

    /// Buffers that hold bytes of a check or of a runtime connection: none when nothing is under way.
    var buffersLent: Int { pool.lent }

    /// Ends health checks, the look-ups of servers' names and of OCSP responses: no new request will need them. Names that exchanges under way
    /// wait for are still looked up.
    func stopWatchingServers() {
        checks.stop()
        addresses.stop()
        services.stop()
        systemResolver?.stop()
        responseUpdater.stop()
    }

    /// Closes every socket and ends every task of the control plane, once the workers have ended.
    public func close() {
        stopWatchingServers()
        resolvers.close()
        sockets.close()
        sampler?.stop(in: loop)
        sampler = nil
        memoryKeeper?.stop(in: loop)
        memoryKeeper = nil
        systemResolver?.close(in: loop)
        certificateWatcher?.stop(in: loop)
        certificateWatcher = nil
        certificateEnds?.stop(in: loop)
        certificateEnds = nil
        if let hardStop { loop.remove(hardStop) }
        hardStop = nil
        reloader?.close(in: loop)
        reloader = nil
        reloads.perform = nil
    }
}
