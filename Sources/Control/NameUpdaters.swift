// What keeps servers where their names say that they are: one updater for each name, whichever servers have it.

internal import Balancing
internal import Proxy
internal import Reactor
internal import Resolvers

/// Servers of one backend that have the same name.
struct NamedServers {
    let backend: BackendPlan
    var servers: [Server]
}

/// Looks one name up again and again, for all servers that have it.
protocol NameUpdater: AnyObject, SendableMetatype {
    /// A name, and how it is looked up.
    associatedtype Key: NameKey

    /// Begins. Of `count` updaters that begin now, it is number `position`, from 0.
    static func start(
        _ key: Key, _ resolver: Resolver, _ log: HealthLog, at position: Int, of count: Int, in loop: TaskLoop
    ) -> Self
    /// These are its servers from now on, and this is what looks their name up.
    func follow(_ groups: [NamedServers], _ resolver: Resolver, in loop: TaskLoop)
    /// The servers stay where they are. Answers to questions under way are ignored.
    func stop(in loop: TaskLoop)
}

protocol NameKey: Hashable, Sendable {
    /// The name of the `resolvers` section.
    var resolvers: String { get }
    /// Nil for a server that has no such name.
    init?(_ server: Server)
}

/// The updaters of one kind, for the plan in force. A name that stays keeps its updater, and so what it is known to have been.
final class NameUpdaters<Updater: NameUpdater> {
    private let inForce: PlanInForce
    private let resolvers: ResolverSet
    private let log: HealthLog
    private let loop: TaskLoop
    private var updaters = KeptTasks<Updater.Key, Updater>()

    init(_ inForce: PlanInForce, _ resolvers: ResolverSet, log: HealthLog, in loop: TaskLoop) {
        self.inForce = inForce
        self.resolvers = resolvers
        self.log = log
        self.loop = loop
    }

    /// Looks up the names of the plan in force, and no others. The first look-ups of new names are spread over the time from one to the
    /// next.
    func follow() {
        let named = inForce.plan.backends.flatMap(Self.named)
        let groups = Dictionary(grouping: named, by: \.key)
        let keys = named.map(\.key).filter { resolvers.resolver(named: $0.resolvers) != nil }
        updaters.follow(keys, end: { $0.stop(in: loop) }) { missing in
            resolvers.resolver(named: missing.key.resolvers).map { resolver in
                Updater.start(missing.key, resolver, log, at: missing.position, of: missing.count, in: loop)
            }
        }
        for key in updaters.keys {
            guard let resolver = resolvers.resolver(named: key.resolvers), let servers = groups[key] else { continue }
            updaters[key]?.follow(servers.map(\.servers), resolver, in: loop)
        }
    }

    private static func named(of section: BackendPlan) -> [(key: Updater.Key, servers: NamedServers)] {
        var found: [(key: Updater.Key, servers: NamedServers)] = []
        var places: [Updater.Key: Int] = [:]
        for server in section.backend.servers {
            guard let key = Updater.Key(server) else { continue }
            if let place = places[key] {
                found[place].servers.servers.append(server)
            } else {
                places[key] = found.count
                found.append((key, NamedServers(backend: section, servers: [server])))
            }
        }
        return found
    }

    /// Ends all of them.
    func stop() { updaters.endAll { $0.stop(in: loop) } }
}
