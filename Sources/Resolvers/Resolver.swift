// A `resolvers` section at work, on the control thread: looks up what rules ask for, and what servers are called.

public import Basics
public import Reactor

/// Answers questions about names in the nameservers' stead: a simulation has one, and with it no sockets.
public protocol NameSource: AnyObject {
    /// Looks a name up; `done` is called once, possibly before this returns, and on the thread of the caller.
    func look(
        for name: String, _ family: AddressFamily, done: @escaping (Result<[IPAddress], ResolutionFault>) -> Void)
}

public final class Resolver {
    public let plan: ResolversPlan
    let loop: TaskLoop
    private let source: (any NameSource)?
    private(set) var nameservers: [Nameserver] = []
    /// Tells somebody who has waited in the table of names.
    private let deliver: (NameWaiter, IPAddress?) -> Void
    private var inquiries: [ObjectIdentifier: Inquiry] = [:]
    private var isWorking = false
    public private(set) var isClosed = false

    /// Opens a channel to each nameserver; one for which there is no memory is left out.
    ///
    /// Call it before the process locks itself in: where identifiers of questions come from is a file of the system.
    ///
    /// - Parameter source: answers instead of the nameservers, to which no channel is opened then.
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

    /// Looks up what workers have asked for since the last time; `waker` ends the loop's wait when there is more.
    public func listen(waking waker: Waker?) { plan.names.setWaker(waker) }

    /// Called after each turn of the loop.
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

    /// Looks a name up; `done` is called once, be it before this returns. The addresses are of `family`, or of the other if there
    /// is none of it.
    public func look(
        for name: String, _ family: AddressFamily, done: @escaping (Result<[IPAddress], ResolutionFault>) -> Void
    ) {
        if let source { return source.look(for: name, family, done: done) }
        guard !nameservers.isEmpty else { return done(.failure(.other)) }
        let inquiry = Inquiry(name, family, of: self, done: done)
        inquiries[ObjectIdentifier(inquiry)] = inquiry
        work()
    }

    /// An inquiry has ended.
    func forget(_ inquiry: Inquiry) { inquiries[ObjectIdentifier(inquiry)] = nil }

    /// Hands replies to those who asked, until there are none. What they ask in turn may be answered at once.
    func work() {
        guard !isWorking else { return }
        isWorking = true
        defer { isWorking = false }
        while true {
            let replies = nameservers.flatMap { $0.takeReplies() }
            if replies.isEmpty { return }
            for (question, reply) in replies { question.inquiry.take(reply, ofRound: question.round) }
        }
    }

    /// Closes everything. Whoever still waits is told that there is no answer.
    public func close() {
        isClosed = true
        for inquiry in Array(inquiries.values) { inquiry.cancel() }
        for waiter in plan.names.close() { deliver(waiter, nil) }
        for nameserver in nameservers {
            nameserver.close()
            _ = nameserver.takeReplies()
        }
        nameservers = []
    }

    /// What has become of the questions so far, by nameserver.
    public var counts: [(nameserver: NameserverPlan, counts: NameserverCounts)] {
        nameservers.map { ($0.plan, $0.counts) }
    }
}
