// The resolution of one name: sends the queries that its `Resolution` asks for to all nameservers, and keeps the
// deadline.

internal import Basics
internal import Reactor

/// What a name resolves to.
enum DNSResult: Sendable {
    case addresses([IPAddress])
    case services([ServiceRecord])
}

/// A name being resolved. Calls back once, with what was asked for or a fault, after `ResolversPlan.longestWait` at the latest.
final class DNSLookup: LoopTask {
    let name: String
    private unowned let resolver: Resolver
    private var resolution: Resolution
    /// The current round of queries. Replies to earlier rounds are ignored.
    private var round = 0
    private var roundBegan: Instant
    private let end: Instant
    private var later: RecordKind?
    private var done: ((Result<DNSResult, ResolutionFault>) -> Void)?
    private var handle = SlotHandle(index: 0, generation: 0)

    init(
        _ name: String, _ preferred: RecordKind, of resolver: Resolver,
        done: @escaping (Result<DNSResult, ResolutionFault>) -> Void
    ) {
        self.name = name
        self.resolver = resolver
        self.done = done
        let plan = resolver.plan
        resolution = Resolution(for: preferred, of: resolver.nameservers.count, tries: plan.tries)
        roundBegan = resolver.loop.now
        end = roundBegan + plan.longestWait
        handle = resolver.loop.add(self)
        ask(preferred)
    }

    private func ask(_ kind: RecordKind) {
        later = nil
        round += 1
        roundBegan = resolver.loop.now
        resolver.loop.setDeadline(end, of: handle)
        for nameserver in resolver.nameservers {
            nameserver.ask(name, for: DNSQuery(self, round: round, kind, nameserver))
        }
    }

    /// Processes a nameserver's reply to a query of `round`.
    func receive(_ reply: NameserverReply, ofRound round: Int) {
        guard done != nil, round == self.round else { return }
        switch resolution.receive(reply) {
        case .wait: break
        case .ask(let kind): ask(kind)
        case .askLater(let kind):
            later = kind
            self.round += 1
            resolver.loop.setDeadline(min(end, roundBegan + resolver.plan.retryTime), of: handle)
        case .found(let addresses): finish(.success(.addresses(addresses)))
        case .foundServices(let records): finish(.success(.services(records)))
        case .failed(let fault): finish(.failure(fault))
        }
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    func expired(in loop: TaskLoop) {
        if let later, loop.now < end {
            ask(later)
            resolver.work()
        } else {
            finish(.failure(resolution.fault))
        }
    }

    /// Ends the resolution with its fault so far.
    func cancel() { finish(.failure(resolution.fault)) }

    private func finish(_ result: Result<DNSResult, ResolutionFault>) {
        resolver.loop.remove(handle)
        resolver.remove(self)
        let done = done
        self.done = nil
        done?(result)
    }
}
