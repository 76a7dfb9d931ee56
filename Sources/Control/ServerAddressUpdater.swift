// The host names of servers that have `resolvers`: looked up again and again while Portico runs, on the control thread. A
// server goes where its name leads; one whose name leads nowhere for longer than `hold` says gets no requests.

internal import Balancing
internal import Basics
internal import Configuration
public import Proxy
public import Reactor
internal import Resolvers

public enum ServerAddressUpdater {
    /// Begins with all of them, spread over the time from one look-up to the next.
    public static func start(plan: Plan, lookup: ResolverSet, log: HealthLog, in loop: TaskLoop) {
        var names: [ServerAddressTask] = []
        var places: [ServerAddressTask.Key: Int] = [:]
        for backend in plan.backends {
            for server in backend.backend.servers {
                guard let key = ServerAddressTask.Key(server), let resolver = lookup.resolver(named: key.resolvers) else {
                    continue
                }
                let place = places[key] ?? names.count
                if place == names.count {
                    places[key] = place
                    names.append(ServerAddressTask(key, lookup, resolver, log, since: loop.now))
                }
                names[place].add(server, of: backend)
            }
        }
        for (position, name) in names.enumerated() { name.start(position, of: names.count, in: loop) }
    }
}

/// One name, looked up for all servers that have it.
private final class ServerAddressTask: LoopTask {
    struct Key: Hashable {
        let name: String
        let resolvers: String
        let family: AddressFamily

        /// Nil if the server's name is not looked up, or it has none.
        init?(_ server: Server) {
            guard let naming = server.naming, let resolvers = naming.resolvers, let name = server.hostName else {
                return nil
            }
            self.name = name
            self.resolvers = resolvers.text
            family = naming.prefersIPv4 ? .v4 : .v6
        }
    }

    private let key: Key
    private let lookup: ResolverSet
    private let resolver: Resolver
    private let log: HealthLog
    private var groups: [(backend: BackendPlan, servers: [Server])] = []
    /// The addresses of the latest answer, and behind them those of earlier ones that are still held (`hold obsolete`).
    private var known: [(address: IPAddress, seen: Instant)] = []
    /// When an answer had an address; at first when Portico began, which took the servers' first addresses from somewhere.
    private var lastValid: Instant
    private var handle = SlotHandle(index: 0, generation: 0)

    init(_ key: Key, _ lookup: ResolverSet, _ resolver: Resolver, _ log: HealthLog, since start: Instant) {
        self.key = key
        self.lookup = lookup
        self.resolver = resolver
        self.log = log
        lastValid = start
    }

    func add(_ server: Server, of backend: BackendPlan) {
        if groups.last?.backend === backend {
            groups[groups.count - 1].servers.append(server)
        } else {
            groups.append((backend, [server]))
        }
    }

    func start(_ position: Int, of count: Int, in loop: TaskLoop) {
        handle = loop.add(self)
        let share = Double(position) / Double(count)
        loop.setDeadline(
            loop.now + TimeSpan(nanoseconds: UInt64(Double(resolver.plan.refreshTime.nanoseconds) * share)), of: handle)
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    func expired(in loop: TaskLoop) {
        guard lookup.followsServers else { return }
        resolver.look(for: key.name, key.family) { [unowned self] result in
            // Portico is ending.
            guard !resolver.isClosed, lookup.followsServers else { return }
            switch result {
            case .success(let addresses): take(addresses, loop.now)
            case .failure(let fault): take(fault, loop.now)
            }
            loop.setDeadline(loop.now + resolver.plan.refreshTime, of: handle)
        }
    }

    private func take(_ addresses: [IPAddress], _ now: Instant) {
        lastValid = now
        let hold = resolver.plan.holds.obsolete
        let old = known.filter { !addresses.contains($0.address) && now < $0.seen + hold }
        known = addresses.map { ($0, now) } + old
        for (backend, servers) in groups { give(servers, of: backend, now) }
    }

    private func give(_ servers: [Server], of backend: BackendPlan, _ now: Instant) {
        let assigned = ServerNaming.assign(
            known.map(\.address), to: servers.map { ($0.address?.ip, $0.naming ?? ServerNaming()) })
        for (server, address) in zip(servers, assigned) {
            let old = server.address?.ip
            guard old != address else { continue }
            if let address {
                server.resolved(to: .ip(address, port: server.port), now: now)
                if old == nil { backend.backend.serverChanged(now: now) }
                log.moved(server, of: backend, from: old, to: address, by: key.resolvers)
            } else {
                lose(server, of: backend, "no address is left for it", now)
            }
        }
    }

    private func take(_ fault: ResolutionFault, _ now: Instant) {
        guard now >= lastValid + resolver.plan.holds[fault] else { return }
        known = []
        for (backend, servers) in groups {
            for server in servers where server.address != nil {
                lose(server, of: backend, "DNS \(fault.rawValue) status", now)
            }
        }
    }

    private func lose(_ server: Server, of backend: BackendPlan, _ why: String, _ now: Instant) {
        server.unresolved()
        backend.backend.serverChanged(now: now)
        log.lost(server, of: backend, why)
    }
}
