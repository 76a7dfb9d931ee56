// What the configuration says of a server, and what becomes of a running server when it says something else by now.
//
// Commands, agents and records of nameservers change servers while they run. What the configuration said before decides whose word
// counts: where it says the same as before, what was changed since stays; where it says something else, that counts.

public import Basics

/// One server as the configuration has it.
public struct FiledServer: Sendable {
    public let name: String
    public var configuration: ServerConfiguration
    /// Where it is; nil if its host name has no address yet.
    public var address: SocketAddress?
    /// `disabled`: it begins in maintenance.
    public var isDisabled: Bool

    public init(
        name: String, configuration: ServerConfiguration, address: SocketAddress?, isDisabled: Bool = false
    ) {
        self.name = name
        self.configuration = configuration
        self.address = address
        self.isDisabled = isDisabled
    }
}

/// What a reading of the configuration says of a backend's servers: made without effect, and applied as a whole.
public struct BackendRevision: Sendable {
    public let roster: Roster
    /// What it says of each server of the roster, those included that are new.
    public let filed: [FiledServer]

    init(roster: Roster, filed: [FiledServer]) {
        precondition(roster.servers.count == filed.count, "\(filed.count) lines for \(roster.servers.count) servers")
        self.roster = roster
        self.filed = filed
    }
}

extension Backend {
    /// Makes the revision count. Servers that it had before keep their counters, their states, the requests on them, and what was
    /// changed of them while they ran where the configuration says the same as before. The control thread calls it.
    public func apply(_ revision: BackendRevision, now: Instant) {
        for (server, filed) in zip(revision.roster.servers, revision.filed) { server.follow(filed, now: now) }
        replaceRoster(by: revision.roster, now: now)
    }
}

extension FiledServer {
    /// The configuration of a server that has `live` now, and of which the configuration said `before` last.
    fileprivate func configuration(
        keeping live: ServerConfiguration, since before: FiledServer
    ) -> ServerConfiguration {
        let old = before.configuration
        var new = configuration
        let (hasAgent, hadAgent) = (new.agentCheck != nil, old.agentCheck != nil)
        // What an agent has said counts no more than the agent: one that is gone takes it along.
        if hasAgent || !hadAgent {
            if new.weight == old.weight { new.weight = live.weight }
            if new.limits.maxConnections == old.limits.maxConnections {
                new.limits.maxConnections = live.limits.maxConnections
            }
        }
        if hasAgent == hadAgent, live.agentCheck == nil { new.agentCheck = nil }
        if (new.check == nil) == (old.check == nil), live.check == nil { new.check = nil }
        if hasSameName(as: before) { new.hostName = live.hostName }
        if hasSamePlace(as: before) { new.port = live.port }
        // The same object: its ports go on in turn, and connections that were begun with it are like new ones.
        if let way = new.way, let old = live.way, way.isSame(as: old) { new.way = old }
        return new
    }

    /// This, with the address that the name had before if it was not found this time.
    fileprivate func remembering(_ before: FiledServer) -> FiledServer {
        guard address == nil, hasSameName(as: before) else { return self }
        var filed = self
        filed.address = before.address
        return filed
    }

    private func hasSameName(as before: FiledServer) -> Bool {
        configuration.hostName == before.configuration.hostName
            && configuration.serviceName == before.configuration.serviceName
    }

    /// Whether the configuration leads to the same place as before. The address of a name that is looked up while Portico runs is not
    /// the configuration's, nor is that of a name without one.
    fileprivate func hasSamePlace(as before: FiledServer) -> Bool {
        guard hasSameName(as: before), configuration.port == before.configuration.port else { return false }
        let isFollowed = configuration.naming != nil && before.configuration.naming != nil
        return isFollowed || address == before.address || configuration.hostName != nil && address == nil
    }

    /// Where a server is that is at `live`, and of which the configuration said `before` last.
    fileprivate func address(keeping live: SocketAddress?, since before: FiledServer) -> SocketAddress? {
        if hasSamePlace(as: before) { return live }
        // Only the port is another one.
        if hasSameName(as: before), configuration.naming != nil, let ip = live?.ip {
            return .ip(ip, port: configuration.port)
        }
        return address
    }
}

extension Server {
    /// Takes over what the configuration says by now. `Backend.serverChanged` then makes that count.
    fileprivate func follow(_ filed: FiledServer, now: Instant) {
        let before = self.filed
        let live = configuration
        let new = filed.configuration(keeping: live, since: before)
        let address = filed.address(keeping: address, since: before)
        setFiled(filed.remembering(before))
        if let plan = new.check { adopt(plan) }
        let isElsewhere = address != self.address
        // At once: no connection begins to the old address with the new words.
        reconfigure(as: new, at: address)
        if new.check != nil, live.check == nil, before.configuration.check == nil { beginHealthAnew(now: now) }
        if filed.configuration.agentCheck == nil, before.configuration.agentCheck != nil { forgetAgent(now: now) }
        if isElsewhere { move(to: address, now: now) }
        if filed.isDisabled != before.isDisabled { _ = decide(filed.isDisabled ? .maintenance : .ready, now: now) }
    }
}
