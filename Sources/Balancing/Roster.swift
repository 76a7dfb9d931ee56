// Which servers a backend has and how one is chosen, as one reading of the configuration says it, and which of them may be chosen now.
//
// Both are immutable: a backend replaces them as a whole (`Backend.replaceRoster`, `Backend.serverChanged`), so each reader sees a
// list that belongs together.

internal import Synchronization

/// What the configuration says of a backend's servers as a whole. Immutable; the servers in it live on from one roster to the next.
public final class Roster: Sendable {
    /// In the order of the configuration.
    public let servers: [Server]
    public let algorithm: BalanceLine
    public let hashing: HashSettings
    /// `option allbackups`
    public let usesAllBackups: Bool
    /// The load at which servers with `minconn` reach their `maxconn` (`fullconn`).
    public let loadAtFull: Int

    public init(
        servers: [Server], algorithm: BalanceLine, hashing: HashSettings = HashSettings(), usesAllBackups: Bool,
        loadAtFull: Int = 1
    ) {
        self.servers = servers
        self.algorithm = algorithm
        self.hashing = hashing
        self.usesAllBackups = usesAllBackups
        self.loadAtFull = loadAtFull
    }

    /// Whether a server has a `maxconn` now.
    var limitsServers: Bool { servers.contains { $0.limits.maxConnections != nil } }
}

/// The servers that may be chosen now. Immutable.
public final class EligibleServers: Sendable {
    public let servers: [Server]
    let algorithm: any BalancingAlgorithm
    /// What they were chosen from.
    let roster: Roster
    private let members: Set<ObjectIdentifier>

    init(of roster: Roster) {
        self.roster = roster
        let usable = roster.servers.filter(\.isEligible)
        let primary = usable.filter { !$0.isBackup }
        let backups = usable.filter(\.isBackup)
        // Backups serve only when no other server can: the first of them, or all with `option allbackups`.
        servers = !primary.isEmpty ? primary : roster.usesAllBackups ? backups : Array(backups.prefix(1))
        algorithm = roster.algorithm.algorithm(among: servers, hashing: roster.hashing)
        members = Set(servers.map(ObjectIdentifier.init))
    }

    func contains(_ server: Server) -> Bool { members.contains(ObjectIdentifier(server)) }
}

extension Server {
    /// A backend has it from now on. Its state is the one that it begins with, so that nothing follows from it (`StateReactions`).
    func join() {
        _ = states.set(isRemoved: false)
        wasUsable.store(state.isUsable, ordering: .relaxed)
    }

    /// Its backend has it no more. Connections to it are kept for no other request, as if its endpoint had changed.
    func leave() {
        _ = states.set(isRemoved: true)
        setEndpoint(ServerEndpoint(at: address, configuration, after: endpoint))
    }
}
