// Clients that keep asking while something happens.

import Foundation
import Synchronization

/// Clients that keep sending requests, each one at a time, until they are stopped.
final class Crowd: Sendable {
    private let state: Mutex<State>
    private let port: Int

    private struct State {
        var answered = 0
        var failures: [String] = []
        /// How often failures have been discarded.
        var chapter = 0
        var isLeaving = false
        var present: Int
    }

    init(at port: Int, of count: Int = 2) {
        self.port = port
        state = Mutex(State(present: count))
        for _ in 1...count { Thread.detachNewThread { [self] in keepAsking() } }
        Stage.current.atTheEnd { [self] in leave() }
    }

    var answered: Int { state.withLock { $0.answered } }
    var failures: [String] { state.withLock { $0.failures } }

    /// Discards the failures of all requests so far, including those still in progress.
    func forgetFailures() {
        state.withLock { state in
            state.failures = []
            state.chapter += 1
        }
    }

    func leave() {
        state.withLock { $0.isLeaving = true }
        _ = eventually { state.withLock { $0.present } == 0 }
    }

    private func keepAsking() {
        while true {
            let (isLeaving, chapter) = state.withLock { ($0.isLeaving, $0.chapter) }
            if isLeaving { break }
            let failure: String?
            do {
                let status = try fetch("/", from: port).status
                failure = status == 200 ? nil : "status \(status)"
            } catch {
                failure = "\(error)"
            }
            state.withLock { state in
                state.answered += 1
                if let failure, state.chapter == chapter { state.failures.append(failure) }
            }
        }
        state.withLock { $0.present -= 1 }
    }
}
