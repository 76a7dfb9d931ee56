// What an operator asks the control plane for, by signals and commands: to stop, to give addresses up for a while, to report, to give
// memory back.

internal import Admin
internal import Basics
internal import Logging
internal import Proxy
internal import Reactor
internal import Synchronization

extension ControlPlane {
    /// Ends every connection now.
    public func stopNow() { stop(.stopNow) }

    /// Closes the listeners and lets exchanges end, until `hard-stop-after` has passed.
    public func stopSoftly() {
        announce("Stopping softly: listeners are closed, what is under way finishes.")
        stop(.stopSoftly)
        guard let hardStopAfter = settings.hardStopAfter, hardStop == nil else { return }
        let handle = loop.add(DelayedTask { [unowned self] in stopNow() })
        loop.setDeadline(loop.now + hardStopAfter, of: handle)
        hardStop = handle
    }

    private func stop(_ order: WorkerMailbox.Order) {
        if !inForce.site.counters.isStopping { announceState(.stopping) }
        inForce.site.counters.isStopping = true
        for mailbox in mailboxes { mailbox.give(order) }
        stopWatchingServers()
    }

    private var plan: Plan { inForce.plan }
    private var mailboxes: [WorkerMailbox] { inForce.site.workers.mailboxes }

    /// Gives the addresses up for a while, or takes them back. Another process may have them meanwhile: HAProxy's scripts hand
    /// them over that way.
    public func setListening(_ listens: Bool) {
        isListening = listens
        for mailbox in mailboxes { mailbox.setListening(listens) }
        for complaint in sockets.setListening(listens) { warn(complaint, to: plan.logTargets) }
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

    /// Tells of a reload, on standard error as well.
    func tell(_ level: LogLevel, _ message: String) {
        let word = level <= .err ? "error" : level == .warning ? "warning" : "notice"
        log.event(level, to: standardError, "\(word): \(message)")
        log.event(level, to: plan.logTargets, message)
    }

    /// Passes on a message that says itself whether it is an error or a warning.
    func pass(on message: String, _ level: LogLevel) {
        log.event(level, to: standardError, message)
        log.event(level, to: plan.logTargets, message)
    }

    private final class DelayedTask: LoopTask {
        private let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
        func ready(_ readiness: Readiness, in loop: TaskLoop) {}
        func expired(in loop: TaskLoop) { body() }
    }
}
