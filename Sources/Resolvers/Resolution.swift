// The state machine of a name's resolution: decides what to query next, and when to stop. It uses neither sockets nor
// clocks.
//
// All nameservers are queried at once, and the first reply with an address wins. If all fail, the other address family
// is queried; if that fails too, the next try starts over, up to the configured number of tries (manual, section
// 5.3.2). For SRV records there is no other family. If all replies agree that the name or address does not exist, that is
// final; HAProxy would use up its tries.

internal import Basics

/// The outcome of one query to one nameserver.
enum NameserverReply: Sendable, Equatable {
    /// At least one address.
    case addresses([IPAddress])
    /// At least one SRV record.
    case services([ServiceRecord])
    /// The name exists but has no address of this family.
    case noAddress
    case noSuchName
    case refused
    case timedOut
    /// The nameserver failed, is unreachable, or sent a malformed response.
    case failed
}

/// The state of a name's resolution.
struct Resolution {
    enum Next: Equatable {
        /// Wait for the remaining replies.
        case wait
        /// Query all nameservers for this kind of record.
        case ask(RecordKind)
        /// Query all nameservers for this kind of record, once `retryTime` has passed since the last round.
        case askLater(RecordKind)
        case found([IPAddress])
        case foundServices([ServiceRecord])
        case failed(ResolutionFault)
    }

    private let preferred: RecordKind
    private let nameservers: Int
    private var triesLeft: Int
    /// What the current round asks for.
    private var kind: RecordKind
    private var answersMissing: Int
    private var round = Round()
    /// The result of the preferred family's round, while the other family is queried.
    private var roundBefore = Round()

    /// The replies to one round of queries.
    private struct Round {
        /// A reply that the name or the address does not exist (`noSuchName` or `other`).
        var denial: ResolutionFault?
        /// Any other error reply.
        var failure: ResolutionFault?

        /// The fault of the round; a time-out if no nameserver has replied.
        var fault: ResolutionFault { failure ?? denial ?? .timeout }
        /// Whether all replies deny the name or the address.
        var isDenied: Bool { denial != nil && failure == nil }
    }

    /// Starts with a round of queries for `preferred`.
    init(for preferred: RecordKind, of nameservers: Int, tries: Int) {
        precondition(nameservers > 0 && tries > 0, "\(nameservers) nameservers, \(tries) tries")
        self.preferred = preferred
        self.nameservers = nameservers
        kind = preferred
        triesLeft = tries
        answersMissing = nameservers
    }

    /// The fault of the current round so far, for a resolution that is cancelled or times out.
    var fault: ResolutionFault { round.fault }

    /// Processes one nameserver's reply in the current round; returns what to do next.
    mutating func receive(_ reply: NameserverReply) -> Next {
        precondition(answersMissing > 0, "more replies than queries in a round")
        answersMissing -= 1
        switch reply {
        case .addresses(let addresses): return .found(addresses)
        case .services(let records): return .foundServices(records)
        case .noSuchName: round.denial = .noSuchName
        case .noAddress: if round.denial == nil { round.denial = .other }
        case .refused: round.failure = .refused
        case .failed: round.failure = .other
        case .timedOut: break
        }
        return answersMissing > 0 ? .wait : roundFailed()
    }

    private mutating func roundFailed() -> Next {
        // If no nameserver replied, querying the other family makes no sense.
        if round.fault == .timeout { return tryAgain(.ask(kind)) }
        guard let other = preferred.other else {
            return round.isDenied ? .failed(round.fault) : tryAgain(.askLater(preferred))
        }
        if kind == preferred {
            roundBefore = round
            return begin(.ask(other))
        }
        if roundBefore.isDenied && round.isDenied {
            // NXDOMAIN is more specific than the absence of addresses.
            return .failed(roundBefore.denial == .noSuchName ? .noSuchName : round.fault)
        }
        return tryAgain(.askLater(preferred))
    }

    private mutating func tryAgain(_ next: Next) -> Next {
        triesLeft -= 1
        return triesLeft == 0 ? .failed(round.fault) : begin(next)
    }

    private mutating func begin(_ next: Next) -> Next {
        switch next {
        case .ask(let kind), .askLater(let kind): self.kind = kind
        case .wait, .found, .foundServices, .failed: preconditionFailure("\(next) does not start a round")
        }
        answersMissing = nameservers
        round = Round()
        return next
    }
}
