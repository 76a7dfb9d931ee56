// What lives of a backend: its servers with their states and queues, and what is counted of it. A plan says how a backend is configured,
// and another plan may say so otherwise; what is here goes on for as long as there is a backend of that name.

public import Balancing
internal import Basics

/// The servers and counts of one backend. Written by workers, read by the control plane and for statistics.
public final class LiveBackend: Sendable {
    public let backend: Backend
    /// Of the connections to its servers that speak HTTP/2.
    let http2: HTTP2Counters
    /// The last response that could not be parsed.
    let refused = CapturedErrorSlot()

    /// - Parameters:
    ///   - workers: who gets the slots that its waiting requests are given, and ends sessions on its servers.
    ///   - count: how many threads count.
    init(_ backend: Backend, deliveringTo workers: WorkerSet, count: Int) {
        self.backend = backend
        http2 = HTTP2Counters(workers: count)
        deliver(to: workers)
    }

    /// The closures hold the set, which is the process's, and no worker: there may be more of these later.
    private func deliver(to workers: WorkerSet) {
        backend.setDelivery { grant, giver in
            // A worker that is at work looks into its mailbox before it waits.
            workers[grant.worker].deliver(grant, wakes: grant.worker != giver)
        }
        backend.setSessionEnder { server, end in
            for mailbox in workers.mailboxes { mailbox.endSessions(on: server, end) }
        }
    }

    /// Looks at the last seconds for maxima. Called once a second.
    func keepMaxima(at now: Instant) {
        backend.rate.keepMaximum(at: now)
        for server in backend.servers { server.rate.keepMaximum(at: now) }
    }
}
