// The `resolvers` sections of the plan at work: they look up what workers ask for, and what servers are called.

internal import Admin
internal import Basics
internal import Proxy
internal import Reactor
internal import Resolvers

/// All `resolvers` sections at work.
final class ResolverSet {
    private let resolvers: [Resolver]

    /// Call it before the process changes its root: see `Resolver.init`.
    ///
    /// - Parameters:
    ///   - source: answers in the nameservers' stead; nil where those are asked.
    ///   - wakeup: ends the loop's wait when a worker asks for a name.
    ///   - mailboxes: one for each worker, by the worker's index.
    init(plan: Plan, source: (any NameSource)?, wakeup: Wakeup?, mailboxes: [WorkerMailbox], in loop: TaskLoop) {
        resolvers = plan.resolvers.map { section in
            let resolver = Resolver(section, in: loop, source: source) { waiter, address in
                mailboxes[waiter.worker].deliver(NameAnswer(for: waiter, address))
            }
            resolver.listen(waking: wakeup)
            return resolver
        }
    }

    /// The section of that name; nil if the plan has none.
    func resolver(named name: String) -> Resolver? { resolvers.first { $0.plan.name == name } }

    /// What the nameservers answered.
    var reports: [ResolversReport] {
        resolvers.map { resolver in
            ResolversReport(name: resolver.plan.name, nameservers: resolver.counts.map(NameserverReport.init))
        }
    }

    /// Called after each turn of the loop: looks up what workers have asked for since the last one.
    func collect() {
        for resolver in resolvers { resolver.collect() }
    }

    /// Closes everything.
    func close() {
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
