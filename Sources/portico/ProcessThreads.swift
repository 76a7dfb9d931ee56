// The threads of the process: the workers, the logger, and the main thread with the control plane and the signals.

internal import Admin
internal import ArgumentParser
internal import Basics
internal import Control
internal import Glibc
internal import Logging
internal import Proxy
internal import Reactor
internal import Synchronization
internal import SystemPackage

/// The threads and what they share.
final class ProcessThreads {
    private let logger: Logger
    private let kernel: LinuxKernel
    private let workerKernels: [KernelBox]
    private let mailboxes: [WorkerMailbox]
    private let control: ControlPlane
    private var threads: [Reactor.Thread] = []
    private let running: RunningWorkers
    /// What SIGHUP asks for: a reload, as of HAProxy's master process, or the state of all servers.
    private let reloadsOnHangup: Bool
    /// The signal that stopped the process at once; nil if there was none.
    private(set) var endedBy: Int32?

    /// The number of workers that have not ended yet.
    private final class RunningWorkers: Sendable {
        let count: Atomic<Int>
        init(_ count: Int) { self.count = Atomic(count) }
    }

    /// Passes a kernel to the thread that uses it.
    private struct KernelBox: @unchecked Sendable {
        let kernel: LinuxKernel
        init(_ kernel: LinuxKernel) { self.kernel = kernel }
    }

    /// Opens the descriptors of the threads. Call before the process changes its root.
    ///
    /// - Parameter sharedSockets: listening sockets that other processes have as well.
    /// - Throws: the errno when the system is out of descriptors or memory.
    init(
        plan: Plan, logger: Logger, workers: Int, settings: ControlSettings, sharedSockets: SharedSockets,
        isQuiet: Bool, manager: ServiceManager?, startMessages: String, configuration: any ConfigurationSource,
        reloadsOnHangup: Bool
    ) throws(Errno) {
        try logger.prepare()
        kernel = try LinuxKernel()
        var kernels: [KernelBox] = []
        for _ in 0..<workers { kernels.append(KernelBox(try LinuxKernel(sharedSockets: sharedSockets))) }
        workerKernels = kernels
        mailboxes = kernels.map { WorkerMailbox(wakeup: $0.kernel.wakeup) }
        self.logger = logger
        self.reloadsOnHangup = reloadsOnHangup
        running = RunningWorkers(workers)
        var services = ProcessServices()
        services.wakeup = kernel.wakeup
        services.watchesCertificates = true
        services.standardError = isQuiet ? .none : logger.registerStandardError()
        services.hostLookup = ThreadedHostLookup(wakeup: kernel.wakeup)
        services.announce = { manager?.say($0) }
        services.startMessages = startMessages
        services.responderLookup = ThreadedHostLookup(wakeup: kernel.wakeup)
        services.nameLookup = ThreadedHostLookup(wakeup: kernel.wakeup)
        services.configuration = configuration
        control = ControlPlane(
            plan: plan, kernel: kernel, mailboxes: mailboxes, log: logger.channel(0), settings: settings,
            services: services)
    }

    /// Blocks the signals that the process handles, and returns their source.
    ///
    /// Call it before the process listens, because another process may then send a signal at once, and before any
    /// thread is started, so that each thread inherits the signal mask.
    static func collectSignals() -> SignalSource {
        SignalSource([SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGUSR2, SIGQUIT, SIGTTOU, SIGTTIN])
    }

    /// Starts the threads and everything that the control thread does.
    func begin(_ plan: Plan, _ listeners: Listeners, _ signals: SignalSource) {
        logger.start()
        startWorkers(plan, listeners)
        let task = SignalTask(signals) { [unowned self] signal in take(signal) }
        control.loop.watch(signals.socket, for: .reading, as: control.loop.add(task))
        control.start(runtimeSockets: listeners.now.admin, listeners: listeners.now.exposedListeners) {
            [unowned self] in
            threads.reduce(.zero) { TimeSpan(nanoseconds: $0.nanoseconds + ($1.processorTime?.nanoseconds ?? 0)) }
        }
    }

    /// Runs until the last worker has ended.
    func run() {
        while running.count.load(ordering: .acquiring) > 0 { control.turn(until: .never) }
        control.close()
        for thread in threads { thread.join() }
        logger.stop()
    }

    /// What a worker begins with. Taken once, so that no thread keeps it.
    private final class Beginning: Sendable {
        private let contents: Lock<(plan: Plan, listeners: [(socket: Socket, bind: BindPlan)])?>

        init(_ plan: Plan, _ listeners: [(socket: Socket, bind: BindPlan)]) { contents = Lock((plan, listeners)) }

        func take() -> (plan: Plan, listeners: [(socket: Socket, bind: BindPlan)]) {
            guard let contents = contents.withLock({ $0.take() }) else { preconditionFailure("a worker began twice") }
            return contents
        }
    }

    private func startWorkers(_ plan: Plan, _ listeners: Listeners) {
        let running = running
        let mainWaker = kernel.wakeup
        for index in workerKernels.indices {
            let box = workerKernels[index]
            let channel = logger.channel(index + 1)
            let mailbox = mailboxes[index]
            let beginning = Beginning(plan, listeners.now.workers[index])
            threads.append(
                Thread(name: "portico-\(index + 1)") {
                    Self.makeWorker(index, beginning, box, channel, mailbox).run()
                    running.count.wrappingSubtract(1, ordering: .releasing)
                    mainWaker.wake()
                })
        }
    }

    private static func makeWorker(
        _ index: Int, _ beginning: Beginning, _ box: KernelBox, _ channel: LogChannel, _ mailbox: WorkerMailbox
    ) -> Worker {
        let (plan, listeners) = beginning.take()
        return Worker(
            index: index, plan: plan, kernel: box.kernel, log: channel, orders: mailbox, listeners: listeners)
    }

    private func take(_ signal: Int32) {
        switch signal {
        case SIGTERM, SIGINT:
            endedBy = signal
            control.stopNow()
        case SIGUSR1: control.stopSoftly()
        case SIGHUP where reloadsOnHangup: control.reloads.request()
        case SIGHUP: control.reportStatus()
        case SIGUSR2: control.reloads.request()
        case SIGQUIT: control.trimMemory()
        case SIGTTOU: control.setListening(false)
        case SIGTTIN: control.setListening(true)
        default: break
        }
    }

    /// Reads signals from their descriptor.
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
}

/// A process that runs, and what it leaves behind at its end.
struct Started {
    let threads: ProcessThreads
    let listeners: Listeners
    let pidFile: PIDFile?
    let actsAsMaster: Bool

    /// Runs until the last worker has ended.
    func run() throws {
        threads.run()
        listeners.now.removeFiles()
        pidFile?.remove()
        // The exit status of HAProxy's master: systemd unit files expect 143.
        if actsAsMaster, let signal = threads.endedBy { throw ExitCode(128 + signal) }
    }
}
