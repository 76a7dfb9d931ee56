// The servers that one worker leaves alone because they refuse connections, and when a waiting request may try each of them.

internal import Balancing
internal import Basics
internal import Logging
internal import SystemPackage

/// A few at most: a server that answers again is removed.
struct ServersLeftAlone {
    private struct Entry {
        let server: Server
        let backend: Backend
        /// The retry time at which its slots were last offered to waiting requests.
        var offered: Instant?
        /// When a waiting request that it has failed may try it again.
        var due: Instant?
    }

    private var entries: [Entry] = []

    /// When slots of the next one are to be offered.
    func next(for worker: Int) -> Instant {
        var next = Instant.never
        for entry in entries {
            if let time = entry.server.retryTime(for: worker), time != entry.offered { next = min(next, time) }
            if let due = entry.due { next = min(next, due) }
        }
        return next
    }

    mutating func add(_ server: Server, of backend: BackendPlan) {
        guard !entries.contains(where: { $0.server === server }) else { return }
        entries.append(Entry(server: server, backend: backend.backend))
    }

    /// Offers its slots to waiting requests at `due`, whether it is left alone or not.
    mutating func offerLater(_ server: Server, of backend: BackendPlan, at due: Instant) {
        add(server, of: backend)
        for index in entries.indices where entries[index].server === server { entries[index].due = due }
    }

    mutating func remove(_ server: Server) { entries.removeAll { $0.server === server && $0.due == nil } }

    /// Forgets those that no backend has any more.
    mutating func forgetRemoved() { entries.removeAll { $0.server.state.isRemoved } }

    /// Lets waiting requests try the servers whose pause is over.
    mutating func offer(_ worker: Worker) {
        if entries.isEmpty { return }
        for index in entries.indices {
            let entry = entries[index]
            let time = entry.server.retryTime(for: worker.index)
            let mayTry = time.map { $0 != entry.offered && $0 <= worker.now } ?? false
            let isDue = entry.due.map { $0 <= worker.now } ?? false
            guard mayTry || isDue else { continue }
            if mayTry { entries[index].offered = time }
            if isDue { entries[index].due = nil }
            entry.backend.offerSlots(of: entry.server, by: worker.index, now: worker.now)
        }
        entries.removeAll { $0.due == nil && $0.server.retryTime(for: worker.index) == nil }
    }
}

extension ProxyStream {
    /// A connection to the chosen server failed. After several failures in a row the worker leaves the server alone for a moment.
    final func noteConnectionFailure(_ reason: ConnectionFailure?, _ worker: Worker) {
        if case .tls(let fault) = reason { report(fault, worker) }
        if reason?.isOurs != true { observe(.notConnected) }
        guard let server, let backend, backend.backend.servers.count > 1, reason?.isOurs != true,
            server.connectionFailed(by: worker.index, now: worker.now)
        else { return }
        worker.leaveAlone(server, of: backend)
        worker.log.event(
            .warning, to: backend.logTargets,
            "Server \(backend.name)/\(server.name): \(Server.failuresToLeaveAlone) connections in a row failed "
                + "(\(reason?.description ?? "time-out")). Worker \(worker.index + 1) prefers other servers, and tries it again "
                + "every \(Server.timeLeftAlone.wholeMilliseconds) ms.")
    }

    /// A connection to the chosen server is established.
    final func noteConnectionSuccess(_ worker: Worker) {
        if let server, !worker.serverPools.loggedFaults.isEmpty { worker.serverPools.loggedFaults.forget(server) }
        observe(.connected)
        guard let server, let backend, server.connectionStood(by: worker.index) else { return }
        worker.leaveAloneNoMore(server)
        worker.log.event(
            .notice, to: backend.logTargets,
            "Server \(backend.name)/\(server.name) takes connections again from worker \(worker.index + 1).")
        backend.backend.offerSlots(of: server, by: worker.index, now: worker.now)
    }
}

extension ConnectionFailure {
    fileprivate var isOurs: Bool {
        switch self {
        case .system(let reason): reason.isOurs
        case .tls, .proxy: false
        }
    }
}

extension Errno {
    /// Whether this machine lacks a resource or a route, so that the failure is not the server's fault.
    fileprivate var isOurs: Bool {
        switch self {
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .noMemory, .noSpace, .addressNotAvailable,
            .noSuchAddressOrDevice, .notPermitted, .permissionDenied:
            true
        default: false
        }
    }
}
