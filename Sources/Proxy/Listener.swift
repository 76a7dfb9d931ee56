// Takes connections in, as many as the limits allow. Beyond a limit, connections wait in the system's
// queue, not in memory: the listener stops looking until one ends.

internal import Basics
internal import Logging
internal import Reactor
internal import SystemPackage

final class Listener: Watched {
    let bind: BindPlan
    private var frontend: FrontendPlan { bind.frontend }
    private var isPaused = false

    init(_ socket: Socket, _ bind: BindPlan) {
        self.bind = bind
        super.init(socket)
    }

    override func ready(_ readiness: Readiness, _ worker: Worker) { acceptAll(worker, upTo: Limits.acceptsPerTurn) }

    /// The pause after the system ran out of descriptors is over.
    override func expired(_ worker: Worker) { resume(worker) }

    private func acceptAll(_ worker: Worker, upTo count: Int) {
        for _ in 0..<count {
            guard worker.plan.admission.reserve(for: frontend, worker) else {
                pause(worker)
                return
            }
            switch worker.kernel.accept(on: socket) {
            case .connection(let socket, let peer):
                worker.plan.admission.confirm(for: frontend)
                ClientConnection.begin(socket, from: peer, on: bind, worker)
            case .gone:
                worker.plan.admission.cancel(for: frontend, worker)
            case .wouldBlock:
                worker.plan.admission.cancel(for: frontend, worker)
                return
            case .exhausted(let reason):
                worker.plan.admission.cancel(for: frontend, worker)
                pause(worker)
                setDeadline(after: Limits.exhaustionPause, worker)
                worker.log.event(
                    .alert, to: worker.plan.logTargets,
                    "Cannot accept on frontend \(frontend.name): \(reason). Accepting pauses for a moment; raise the limit on open files (ulimit -n) or lower maxconn."
                )
                return
            }
        }
    }

    private func pause(_ worker: Worker) {
        guard !isPaused else { return }
        isPaused = true
        worker.kernel.unwatch(socket)
    }

    func resume(_ worker: Worker) {
        guard isPaused else { return }
        isPaused = false
        setDeadline(.never, worker)
        worker.kernel.watch(socket, for: .accepting, token: handle.packed)
    }

    /// Takes what is already in the system's queue, so that nobody who got through is reset, then closes.
    func close(_ worker: Worker) {
        acceptAll(worker, upTo: .max)
        worker.leave(self)
        worker.kernel.close(socket, reset: false)
    }
}
