// Keeps the addresses of servers that have `resolvers` up to date: their host names are looked up again and again, and each
// server follows its name. A server whose name has had no address for longer than `hold` allows gets no requests.

internal import Balancing
internal import Basics
internal import Configuration
internal import Proxy
internal import Reactor
internal import Resolvers

/// Looks one name up, for all servers that have it.
final class ServerAddressUpdater: LoopTask, NameUpdater {
    struct Key: NameKey {
        let name: String
        let resolvers: String
        let family: AddressFamily

        /// Nil for a server whose name is not looked up, or that has none.
        init?(_ server: Server) {
            guard let naming = server.naming, let resolvers = naming.resolvers, server.serviceName == nil,
                let name = server.hostName
            else {
                return nil
            }
            self.name = name
            self.resolvers = resolvers.text
            family = naming.prefersIPv4 ? .v4 : .v6
        }
    }

    private let key: Key
    private var resolver: Resolver
    private let log: HealthLog
    private var groups: [NamedServers] = []
    /// The addresses of the latest answer, then those of earlier answers that are still held (`hold obsolete`).
    private var known: [(address: IPAddress, seen: Instant)] = []
    /// When an answer last had an address. At first the time of the start: the servers' first addresses count as an answer.
    private var lastValid: Instant
    private var handle = SlotHandle(index: 0, generation: 0)
    private var isStopped = false

    static func start(
        _ key: Key, _ resolver: Resolver, _ log: HealthLog, at position: Int, of count: Int, in loop: TaskLoop
    ) -> ServerAddressUpdater {
        let updater = ServerAddressUpdater(key, resolver, log, since: loop.now)
        updater.handle = loop.add(updater)
        let share = Double(position) / Double(count)
        let delay = TimeSpan(nanoseconds: UInt64(Double(resolver.plan.refreshTime.nanoseconds) * share))
        loop.setDeadline(loop.now + delay, of: updater.handle)
        return updater
    }

    private init(_ key: Key, _ resolver: Resolver, _ log: HealthLog, since start: Instant) {
        self.key = key
        self.resolver = resolver
        self.log = log
        lastValid = start
    }

    /// A server that comes to the name later need not wait for the next look-up.
    func follow(_ groups: [NamedServers], _ resolver: Resolver, in loop: TaskLoop) {
        let before = Set(self.groups.flatMap(\.servers).map(\.number))
        let isNew = before.isEmpty
        self.groups = groups
        self.resolver = resolver
        guard !isNew, groups.contains(where: { $0.servers.contains { !before.contains($0.number) } }) else { return }
        loop.setDeadline(loop.now, of: handle)
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    func expired(in loop: TaskLoop) {
        resolver.look(for: key.name, key.family) { [weak self] result in self?.take(result, in: loop) }
    }

    func stop(in loop: TaskLoop) {
        guard !isStopped else { return }
        isStopped = true
        loop.remove(handle)
    }

    private func take(_ result: Result<[IPAddress], ResolutionFault>, in loop: TaskLoop) {
        guard !isStopped else { return }
        switch result {
        case .success(let addresses): take(addresses, loop.now)
        case .failure(let fault): take(fault, loop.now)
        }
        loop.setDeadline(loop.now + resolver.plan.refreshTime, of: handle)
    }

    private func take(_ addresses: [IPAddress], _ now: Instant) {
        lastValid = now
        let hold = resolver.plan.holds.obsolete
        let old = known.filter { !addresses.contains($0.address) && now < $0.seen + hold }
        known = addresses.map { ($0, now) } + old
        for group in groups { assign(group.servers, of: group.backend, now) }
    }

    private func assign(_ servers: [Server], of backend: BackendPlan, _ now: Instant) {
        let assigned = ServerNaming.assign(
            known.map(\.address), to: servers.map { ($0.address?.ip, $0.naming ?? ServerNaming()) })
        for (server, address) in zip(servers, assigned) {
            let old = server.address?.ip
            guard old != address else { continue }
            if let address {
                server.resolved(to: .ip(address, port: server.port), now: now)
                if old == nil || server.isPlacedByAddress { backend.backend.serverChanged(now: now) }
                log.moved(server, of: backend, from: old, to: address, by: key.resolvers)
            } else {
                lose(server, of: backend, "no address is left for it", now)
            }
        }
    }

    private func take(_ fault: ResolutionFault, _ now: Instant) {
        guard now >= lastValid + resolver.plan.holds[fault] else { return }
        known = []
        for group in groups {
            for server in group.servers where server.address != nil {
                lose(server, of: group.backend, "DNS \(fault.rawValue) status", now)
            }
        }
    }

    private func lose(_ server: Server, of backend: BackendPlan, _ why: String, _ now: Instant) {
        server.unresolved()
        backend.backend.serverChanged(now: now)
        log.lost(server, of: backend, why)
    }
}
