// The plan's `resolvers` sections at work on the control thread: what workers ask for, and what servers are called.

internal import Admin
internal import Basics
public import Proxy
public import Reactor
internal import Resolvers

/// All `resolvers` sections at work.
public final class ResolverSet {
    private let resolvers: [Resolver]
    private let workers = Workers()
    /// The names of servers are looked up again and again.
    private(set) var followsServers = true

    /// Known when the workers are.
    private final class Workers {
        var orders: [WorkerOrders] = []
    }

    /// Call it before the process changes its root: see `Resolver.init`.
    /// - Parameter waker: ends the loop's wait when there is something to look up.
    public init(plan: Plan, waker: Waker?, in loop: TaskLoop) {
        let workers = workers
        resolvers = plan.resolvers.map { section in
            let resolver = Resolver(section, in: loop) { waiter, address in
                workers.orders[waiter.worker].deliver(NameAnswer(for: waiter, address))
            }
            resolver.listen(waking: waker)
            return resolver
        }
    }

    /// Who is to be told. Before they run.
    public func setWorkers(_ orders: [WorkerOrders]) { workers.orders = orders }

    /// The section of that name at work.
    func resolver(named name: String) -> Resolver? { resolvers.first { $0.plan.name == name } }

    /// What the nameservers answered.
    var reports: [ResolversReport] {
        resolvers.map { resolver in
            ResolversReport(name: resolver.plan.name, nameservers: resolver.counts.map(NameserverReport.init))
        }
    }

    /// From now on servers keep the addresses that they have. What rules ask for is still looked up.
    public func stopFollowingServers() { followsServers = false }

    /// Called after each turn of the loop.
    public func collect() {
        for resolver in resolvers { resolver.collect() }
    }

    /// Closes everything.
    public func close() {
        for resolver in resolvers { resolver.close() }
    }
}

extension NameserverReport {
    fileprivate init(_ nameserver: NameserverPlan, _ counts: NameserverCounts) {
        self.init(name: nameserver.name)
        sent = counts.sent
        valid = counts.valid
        noAddress = counts.noAddress
        noSuchName = counts.noSuchName
        timeout = counts.timeout
        refused = counts.refused
        other = counts.other
    }
}
