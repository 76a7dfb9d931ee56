// The resolver of one `resolvers` section. It runs on the control thread and resolves names for rules and for servers.

public import Basics
public import Reactor

/// A substitute for the nameservers: a simulation has one, and needs no sockets.
public protocol NameSource: AnyObject {
    /// Resolves a name. Calls `done` once, possibly before this function returns, on the caller's thread.
    func look(
        for name: String, _ family: AddressFamily, done: @escaping (Result<[IPAddress], ResolutionFault>) -> Void)
    /// Asks for SRV records, likewise.
    func lookForServices(of name: String, done: @escaping (Result<[ServiceRecord], ResolutionFault>) -> Void)
}

extension NameSource {
    /// A source that knows no services.
    public func lookForServices(
        of name: String, done: @escaping (Result<[ServiceRecord], ResolutionFault>) -> Void
    ) { done(.failure(.noSuchName)) }
}

/// Resolves names through the nameservers of a `resolvers` section.
public final class Resolver {
    public let plan: ResolversPlan
    let loop: TaskLoop
    private let source: (any NameSource)?
    private(set) var nameservers: [Nameserver] = []
    /// Notifies a waiter of the name table.
    private let deliver: (NameWaiter, IPAddress?) -> Void
    private var lookups: [ObjectIdentifier: DNSLookup] = [:]
    private var isWorking = false
    /// Questions that have no answer yet.
    private var openCount = 0
    public private(set) var isClosed = false

    /// Whether all questions have their answers.
    public var isIdle: Bool { openCount == 0 }

    /// Opens a channel to each nameserver. A nameserver is omitted when out of memory.
    ///
    /// Call it before a chroot: c-ares reads the seed for its query IDs from /dev/urandom.
    ///
    /// - Parameter source: answers in place of the nameservers, to which no channel is opened then.
    public init(
        _ plan: ResolversPlan, in loop: TaskLoop, source: (any NameSource)? = nil,
        deliver: @escaping (NameWaiter, IPAddress?) -> Void
    ) {
        self.plan = plan
        self.loop = loop
        self.source = source
        self.deliver = deliver
        guard source == nil else { return }
        nameservers = plan.nameservers.compactMap { nameserver in
            Nameserver(nameserver, timeout: plan.retryTime, payloadBytes: plan.payloadBytes, in: loop) {
                [unowned self] in
                work()
            }
        }
    }

    /// Sets the wakeup that interrupts the loop's wait when a worker asks for a name.
    public func listen(waking wakeup: Wakeup?) { plan.names.setWaker(wakeup) }

    /// Starts to resolve the names that workers have asked for. Call after each iteration of the loop.
    public func collect() {
        for key in plan.names.takeQuestions() {
            look(for: key.name, key.family) { [weak self] result in
                self?.settle(key, try? result.get().first)
            }
        }
    }

    private func settle(_ key: NameTable.Key, _ address: IPAddress?) {
        for waiter in plan.names.settle(key, address, hold: plan.holds.valid, now: loop.now) {
            deliver(waiter, address)
        }
    }

    /// Resolves a name. Calls `done` once, possibly before this function returns. The addresses are of `family`, or of
    /// the other family if the name has none of it.
    public func look(
        for name: String, _ family: AddressFamily, done: @escaping (Result<[IPAddress], ResolutionFault>) -> Void
    ) {
        let done = counting(done)
        if let source { return source.look(for: name, family, done: done) }
        begin(name, RecordKind(family)) { result in
            done(
                result.map { found in
                    guard case .addresses(let addresses) = found else { preconditionFailure("\(found) for \(name)") }
                    return addresses
                })
        }
    }

    /// Asks for the SRV records of a name. Calls `done` once, possibly before this function returns.
    public func lookForServices(
        of name: String, done: @escaping (Result<[ServiceRecord], ResolutionFault>) -> Void
    ) {
        let done = counting(done)
        if let source { return source.lookForServices(of: name, done: done) }
        begin(name, .services) { result in
            done(
                result.map { found in
                    guard case .services(let records) = found else { preconditionFailure("\(found) for \(name)") }
                    return records
                })
        }
    }

    private func counting<Answer>(_ done: @escaping (Answer) -> Void) -> (Answer) -> Void {
        openCount += 1
        return { [weak self] answer in
            self?.openCount -= 1
            done(answer)
        }
    }

    private func begin(
        _ name: String, _ kind: RecordKind, done: @escaping (Result<DNSResult, ResolutionFault>) -> Void
    ) {
        guard !nameservers.isEmpty else { return done(.failure(.other)) }
        let lookup = DNSLookup(name, kind, of: self, done: done)
        lookups[ObjectIdentifier(lookup)] = lookup
        work()
    }

    /// Removes a lookup that has ended.
    func remove(_ lookup: DNSLookup) { lookups[ObjectIdentifier(lookup)] = nil }

    /// Passes replies to their lookups until there are none left: a lookup may send further queries, which may be
    /// answered at once.
    func work() {
        guard !isWorking else { return }
        isWorking = true
        defer { isWorking = false }
        while true {
            let replies = nameservers.flatMap { $0.takeReplies() }
            if replies.isEmpty { return }
            for (query, reply) in replies { query.lookup.receive(reply, ofRound: query.round) }
        }
    }

    /// Closes all channels. Pending lookups fail, and waiters are notified that there is no address.
    ///
    /// - Parameter keepsNames: whether the name table stays open, because another resolver has it.
    public func close(keepsNames: Bool = false) {
        isClosed = true
        for lookup in Array(lookups.values) { lookup.cancel() }
        if !keepsNames { for waiter in plan.names.close() { deliver(waiter, nil) } }
        for nameserver in nameservers {
            nameserver.close()
            _ = nameserver.takeReplies()
        }
        nameservers = []
    }

    /// The query counters of each nameserver.
    public var counts: [(nameserver: NameserverPlan, counts: NameserverCounts)] {
        nameservers.map { ($0.plan, $0.counts) }
    }
}
