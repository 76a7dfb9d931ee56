// Takes connections in, as many as the limits allow. Beyond a limit, connections wait in the system's
// queue, not in memory: the listener stops looking until one ends.

internal import Basics
internal import Configuration
internal import Logging
internal import Reactor
internal import StaticFiles
internal import SystemPackage

final class Listener: EventSource {
    /// Where connections go that come in from here on.
    var bind: BindPlan
    private var frontend: FrontendPlan { bind.frontend }
    /// Not looked at: before the start, at a limit, or while the system is short of something.
    private var isPaused = true
    /// Its address is given up (SIGTTOU).
    private var isSuspended = false

    let socket: Socket
    /// Whether another worker gives up the address of the socket that both share, and listens on it again. If each did, one that
    /// is late would reset the clients of the one that listens again already.
    private let isGuest: Bool

    init(_ socket: Socket, _ bind: BindPlan, ofWorker worker: Int) {
        self.socket = socket
        self.bind = bind
        isGuest = bind.place.options.sockets.map { worker >= $0 } ?? false
    }

    override func ready(_ readiness: Readiness, _ worker: Worker) {
        if !isSuspended { acceptAll(worker, upTo: Limits.acceptsPerTurn) }
    }

    /// The pause after the system ran out of descriptors is over.
    override func expired(_ worker: Worker) { resume(worker) }

    /// - Parameter isLast: whether nothing is accepted here after that: then no rate is a reason to leave a client in the queue.
    private func acceptAll(_ worker: Worker, upTo count: Int, isLast: Bool = false) {
        for _ in 0..<count {
            if bind.tls != nil, !worker.shared.counters.tls.mayAccept(at: worker.now) {
                pause(worker)
                setDeadline(after: Limits.tlsPause, worker)
                return
            }
            guard worker.shared.admission.reserve(for: bind, worker) else {
                pause(worker)
                return
            }
            if !isLast, let wait = takeRates(worker) {
                worker.shared.admission.cancel(for: bind, worker)
                pause(worker)
                setDeadline(after: wait, worker)
                return
            }
            switch worker.kernel.accept(on: socket) {
            case .connection(let socket, let peer):
                worker.shared.admission.confirm(for: frontend)
                if let reason = ClientConnection.begin(socket, from: peer, on: bind, worker) {
                    pauseForWant(of: reason, worker)
                    return
                }
            case .gone:
                cancel(isLast: isLast, worker)
            case .wouldBlock:
                cancel(isLast: isLast, worker)
                return
            // Another worker has given the address up, with which this one shares the socket.
            case .exhausted(.invalidArgument) where isGuest:
                cancel(isLast: isLast, worker)
                return
            // The other end of a pair of sockets is closed.
            case .exhausted(.brokenPipe):
                cancel(isLast: isLast, worker)
                return pause(worker)
            case .exhausted(let reason):
                cancel(isLast: isLast, worker)
                if worker.makeRoom(for: reason) { continue }
                pauseForWant(of: reason, worker)
                return
            }
        }
    }

    /// No client has come for the places that were taken.
    private func cancel(isLast: Bool, _ worker: Worker) {
        worker.shared.admission.cancel(for: bind, worker)
        if !isLast { for limit in bind.rateLimits { limit.giveBack() } }
    }

    /// Takes a place of each limit on rates. Returns nil if there is one, else how long to wait.
    private func takeRates(_ worker: Worker) -> TimeSpan? {
        for (index, limit) in bind.rateLimits.enumerated() {
            guard let wait = limit.take(at: worker.now) else { continue }
            for taken in bind.rateLimits[..<index] { taken.giveBack() }
            return wait
        }
        return nil
    }

    /// The system has no descriptor, no memory or no watch left.
    private func pauseForWant(of reason: Errno, _ worker: Worker) {
        pause(worker)
        setDeadline(after: Accepted.exhaustionPause, worker)
        let advice =
            reason == .noSpace
            ? "raise the system's limit on watched descriptors (fs.epoll.max_user_watches)"
            : "raise the limit on open files (ulimit -n)"
        worker.log.event(
            .alert, to: worker.plan.logTargets,
            "Cannot accept on frontend \(frontend.name): \(reason). Accepting pauses for a moment; \(advice) or lower maxconn."
        )
    }

    private func pause(_ worker: Worker) {
        guard !isPaused else { return }
        isPaused = true
        worker.kernel.unwatch(socket)
    }

    /// Looks again for connections.
    func resume(_ worker: Worker) {
        guard isPaused, !isSuspended else { return }
        setDeadline(.never, worker)
        if worker.kernel.watch(socket, for: .accepting, token: handle.packed) == nil {
            isPaused = false
        } else {
            setDeadline(after: Accepted.exhaustionPause, worker)
        }
    }

    // MARK: Giving the address up for a while

    /// Takes what is in the system's queue, and lets another process have the address.
    func stopListening(_ worker: Worker) {
        guard !isSuspended else { return }
        acceptLast(worker)
        isSuspended = true
        pause(worker)
        setDeadline(.never, worker)
        if hasOwnAddress { worker.kernel.stopListening(socket) }
    }

    /// Takes all that is in the system's queue, to which nothing is added from now on.
    private func acceptLast(_ worker: Worker) {
        if hasOwnAddress { worker.kernel.ignoreAttempts(on: socket) }
        acceptAll(worker, upTo: .max, isLast: true)
    }

    func listenAgain(_ worker: Worker) {
        guard isSuspended else { return }
        isSuspended = false
        if hasOwnAddress, let reason = worker.kernel.listenAgain(socket, backlog: bind.backlog) {
            isSuspended = true
            worker.log.event(
                .alert, to: worker.plan.logTargets,
                "Cannot listen again on \(bind.place.word.text) of frontend \(frontend.name): \(reason). SIGTTIN tries again."
            )
            return
        }
        resume(worker)
    }

    /// Socket files and inherited descriptors are not given up: their connections wait in the system's queue.
    private var hasOwnAddress: Bool {
        if case .ip? = bind.place.address { return !isGuest }
        return false
    }

    /// Takes what is already in the system's queue, so that no client that got through is reset, then closes.
    /// - Parameter leavesOpen: whether the socket stays open, for a plan to come.
    func close(_ worker: Worker, leavesOpen: Bool = false) {
        if !isSuspended { acceptLast(worker) }
        // Closing is not enough where another process has the socket too: the system would go on reporting its clients here.
        pause(worker)
        if deadline != .never { setDeadline(.never, worker) }
        worker.leave(self)
        if !leavesOpen { worker.kernel.close(socket, reset: false) }
    }
}

extension Worker {
    /// Closes pipes that nothing uses, a file that is kept open, or an idle server connection, where the system is short of what a new
    /// connection needs; false if that does not help.
    func makeRoom(for want: Errno) -> Bool {
        guard [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noSpace].contains(want) else { return false }
        return want != .noSpace && (pipes.trim() > 0 || files.removeOldest()) || serverPools.makeRoom(self)
    }
}
