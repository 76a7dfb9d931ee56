// What workers have seen of servers with `observe`, on its way to the control thread, which counts it with the results of checks.

internal import Balancing
internal import Basics
internal import Reactor

/// Failures that the control thread has not looked at yet. One for the process: backends hold on to it.
final class ObservedFailures: Sendable {
    struct Failure: Sendable {
        let server: Server
        let words: String
    }

    private let waiting = Lock<[Failure]>([])
    private let wakeup: Wakeup?

    /// - Parameter wakeup: ends the control thread's wait when a worker has something to tell.
    init(wakeup: Wakeup?) { self.wakeup = wakeup }

    /// Takes what workers see of the backend's servers from now on.
    func observe(_ backend: Backend) {
        backend.setFailureReporter { [self] server, words in
            waiting.withLock { $0.append(Failure(server: server, words: words)) }
            wakeup?.wake()
        }
    }

    /// Returns what workers have reported since the last call. A server is reported once for each `error-limit` failures in a row, so
    /// these are few.
    func take() -> [Failure] {
        waiting.withLock { failures in
            defer { failures.removeAll() }
            return failures
        }
    }
}
