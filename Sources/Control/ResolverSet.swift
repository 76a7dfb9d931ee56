// The `resolvers` sections of the plan at work: they look up what workers ask for, and what servers are called.

internal import Admin
internal import Basics
internal import Proxy
internal import Reactor
internal import Resolvers

/// All `resolvers` sections at work.
final class ResolverSet {
    private let source: (any NameSource)?
    private let wakeup: Wakeup?
    private let loop: TaskLoop
    private var resolvers: [Resolver] = []
    /// Those of plans before, until their questions have their answers.
    private var leaving: [Resolver] = []

    /// - Parameters:
    ///   - source: answers in the nameservers' stead; nil where those are asked.
    ///   - wakeup: ends the loop's wait when a worker asks for a name.
    init(source: (any NameSource)?, wakeup: Wakeup?, in loop: TaskLoop) {
        self.source = source
        self.wakeup = wakeup
        self.loop = loop
    }

    /// Serves the plan's sections. One that is as before keeps its channels. Call it before the process changes its root: see
    /// `Resolver.init`.
    func follow(_ plan: Plan) {
        var before = resolvers
        resolvers = plan.resolvers.map { section in
            guard let same = before.firstIndex(where: { $0.plan.isSame(as: section) }) else {
                return open(section, plan.site.workers)
            }
            return before.remove(at: same)
        }
        leaving += before
    }

    private func open(_ section: ResolversPlan, _ workers: WorkerSet) -> Resolver {
        let resolver = Resolver(section, in: loop, source: source) { waiter, address in
            workers.deliver(NameAnswer(for: waiter, address))
        }
        resolver.listen(waking: wakeup)
        return resolver
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
        leaving.removeAll { resolver in
            let isFollowed = resolvers.contains { $0.plan.names === resolver.plan.names }
            // Exchanges of a plan before may go on asking.
            if !isFollowed { resolver.collect() }
            if resolver.isIdle { resolver.close(keepsNames: isFollowed) }
            return resolver.isIdle
        }
    }

    /// Closes everything.
    func close() {
        for resolver in leaving + resolvers { resolver.close() }
        leaving = []
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
