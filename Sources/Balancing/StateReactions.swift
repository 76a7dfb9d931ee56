// What follows when a server becomes usable or ceases to be: slow starts begin and end, sessions end where the configuration says so
// (`on-marked-down`, `on-marked-up`), and servers that track it follow (`track`).

public import Basics
internal import Synchronization

/// Why a server's sessions are ended.
public enum SessionEnd: Sendable {
    /// It is down, or in maintenance.
    case serverDown
    /// It is a backup, and a server is up again.
    case serverUp
}

/// A server that follows another one (`track`), and the backends of both.
public struct Tracker: Sendable {
    let server: Server
    let backend: Backend
    let tracked: Server
    let trackedBackend: Backend

    public init(_ server: Server, of backend: Backend, following tracked: Server, of trackedBackend: Backend) {
        self.server = server
        self.backend = backend
        self.tracked = tracked
        self.trackedBackend = trackedBackend
    }
}

extension Roster {
    /// Whether its algorithm takes changes of weights into account.
    var raisesWeights: Bool { !algorithm.hasFixedWeights(hashing) }
}

extension Backend {
    /// Sets the function that has workers end the sessions on a server. It is called on the thread that has changed a state.
    public func setSessionEnder(_ end: @escaping @Sendable (Server, SessionEnd) -> Void) {
        sessionEnder.withLock { $0 = end }
    }

    /// Servers have become usable, or are so no longer. Returns whose sessions are to end for that.
    func followStates(of roster: Roster, at now: Instant) -> [(server: Server, end: SessionEnd)] {
        let servers = roster.servers
        let raisesWeights = roster.raisesWeights
        var ends: [(server: Server, end: SessionEnd)] = []
        for server in servers {
            let isUsable = server.state.isUsable
            guard server.wasUsable.exchange(isUsable, ordering: .relaxed) != isUsable else { continue }
            let reactions = server.reactions
            if isUsable {
                if reactions.slowStart != nil {
                    server.slowStart.begin(raisesWeight: raisesWeights, at: now)
                    hasSlowStarts.store(true, ordering: .relaxed)
                }
                if reactions.endsBackupSessions, !server.isBackup, server.weight > 0 {
                    ends += servers.filter(\.isBackup).map { ($0, .serverUp) }
                }
            } else {
                server.slowStart.end()
                if reactions.endsSessions { ends.append((server, .serverDown)) }
            }
        }
        return ends
    }

    func endSessions(_ ends: [(server: Server, end: SessionEnd)]) {
        guard !ends.isEmpty, let end = sessionEnder.withLock({ $0 }) else { return }
        for (server, reason) in ends { end(server, reason) }
    }

    // MARK: Tracking

    /// Says which servers follow which from now on, in all backends at once. A server that followed one before and follows none now
    /// has the health that its own checks have found.
    /// - Parameter backends: those of all these servers, and those that have or had servers which follow or are followed.
    public static func setTrackers(_ trackers: [Tracker], among backends: [Backend], now: Instant) {
        let before = backends.flatMap { $0.trackers.withLock { $0 } }
        let byBackend = Dictionary(grouping: trackers) { ObjectIdentifier($0.trackedBackend) }
        for backend in backends {
            backend.trackers.withLock { $0 = byBackend[ObjectIdentifier(backend)] ?? [] }
        }
        let followers = Set(trackers.map { ObjectIdentifier($0.server) })
        var changed: [ObjectIdentifier: Backend] = [:]
        for link in before where !followers.contains(ObjectIdentifier(link.server)) {
            if link.server.followNone() { changed[ObjectIdentifier(link.backend)] = link.backend }
        }
        for link in trackers {
            link.server.follow(link.tracked)
            if link.server.inherit(from: link.tracked.state) { changed[ObjectIdentifier(link.backend)] = link.backend }
        }
        for backend in backends where changed[ObjectIdentifier(backend)] != nil { backend.serverChanged(now: now) }
    }

    /// Servers that track one of this backend's follow its state.
    func passOnStates(now: Instant) {
        for tracker in trackers.withLock({ $0 }) where tracker.server.inherit(from: tracker.tracked.state) {
            tracker.backend.serverChanged(now: now)
        }
    }

    /// The servers that follow this one directly, with their backends.
    public func trackers(of server: Server) -> [(backend: Backend, server: Server)] {
        trackers.withLock { $0.filter { $0.tracked === server }.map { ($0.backend, $0.server) } }
    }
}

extension Server {
    /// The server that it tracks, and that one's backend; nil if it tracks none.
    public var tracked: (server: Server, backendName: String)? {
        trackedBox.withLock { $0.map { ($0, $0.backendName) } }
    }

    /// The end of the chain of servers that it tracks: the one that is checked. Itself, if it tracks none.
    public var checkedServer: Server {
        var server = self
        while let next = server.tracked?.server { server = next }
        return server
    }

    fileprivate func follow(_ tracked: Server) { trackedBox.withLock { $0 = tracked } }

    /// Goes by its own checks again. True if that changes its state.
    fileprivate func followNone() -> Bool {
        trackedBox.withLock { $0 = nil }
        let isOther = states.set(inherited: .ready)
        return states.set(ownHealth) || isOther
    }

    /// Takes over what the server that it tracks has: its health, and maintenance and drain, whatever they came from. True if that was
    /// something else before.
    fileprivate func inherit(from state: ServerState) -> Bool {
        let isOther = states.set(inherited: state.name == .unresolved ? .maintenance : state.decided)
        return states.set(state.health) || isOther
    }
}

/// What a `server` line says about changes of the server's state.
public struct ServerReactions: Sendable, Equatable {
    /// `slowstart`: how long its weight and `maxconn` rise when it comes back; nil for not at all.
    public var slowStart: TimeSpan?
    /// `on-marked-down shutdown-sessions`
    public var endsSessions = false
    /// `on-marked-up shutdown-backup-sessions`
    public var endsBackupSessions = false

    public init() {}
}
