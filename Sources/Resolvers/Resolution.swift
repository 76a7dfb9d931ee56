// What is asked next about one name, and when it is known or given up. No sockets and no clock here.
//
// All nameservers are asked at a time, and the first with an address is believed. When all have failed, the other family is
// asked for; when that has failed too, everything begins anew, as often as there are tries (manual, section 5.3.2). Where the
// nameservers that answer agree that there is no such name or address, HAProxy asks as often all the same; here that is the answer.

internal import Basics

/// One question to one nameserver has come to its end.
enum NameserverReply: Sendable, Equatable {
    /// At least one.
    case addresses([IPAddress])
    /// The name exists, and has no address of this family.
    case noAddress
    case noSuchName
    case refused
    case timedOut
    /// The nameserver failed, or cannot be reached, or says what makes no sense.
    case failed
}

/// The questions about one name.
struct Resolution {
    enum Next: Equatable {
        /// Not all have answered.
        case wait
        /// All nameservers are to be asked for this family.
        case ask(AddressFamily)
        /// Likewise, but not before the next try's time.
        case askLater(AddressFamily)
        case found([IPAddress])
        case failed(ResolutionFault)
    }

    private let preferred: AddressFamily
    private let nameservers: Int
    private var triesLeft: Int
    /// What is being asked for.
    private var family: AddressFamily
    private var answersMissing: Int
    private var round = Round()
    /// What the round before came to, if that was for the preferred family.
    private var roundBefore = Round()

    /// What the nameservers have said to one round of questions.
    private struct Round {
        /// There is no such name, or no such address (`other`).
        var denial: ResolutionFault?
        /// Anything else that somebody said.
        var failure: ResolutionFault?

        /// With nobody having said anything, time is over.
        var fault: ResolutionFault { failure ?? denial ?? .timeout }
        /// All who said something have denied it.
        var isDenied: Bool { denial != nil && failure == nil }
    }

    /// Begins with a round of questions for `preferred`.
    init(for preferred: AddressFamily, of nameservers: Int, tries: Int) {
        precondition(nameservers > 0 && tries > 0, "\(nameservers) nameservers are asked \(tries) times")
        self.preferred = preferred
        self.nameservers = nameservers
        family = preferred
        triesLeft = tries
        answersMissing = nameservers
    }

    /// What it has come to so far, for whoever will wait no longer.
    var fault: ResolutionFault { round.fault }

    /// Takes in one nameserver's reply in the present round.
    mutating func take(_ reply: NameserverReply) -> Next {
        precondition(answersMissing > 0, "an answer that nobody waits for")
        answersMissing -= 1
        switch reply {
        case .addresses(let addresses): return .found(addresses)
        case .noSuchName: round.denial = .noSuchName
        case .noAddress: if round.denial == nil { round.denial = .other }
        case .refused: round.failure = .refused
        case .failed: round.failure = .other
        case .timedOut: break
        }
        return answersMissing > 0 ? .wait : roundFailed()
    }

    private mutating func roundFailed() -> Next {
        // Who is silent is not asked for something else.
        if round.fault == .timeout { return tryAgain(.ask(family)) }
        if family == preferred {
            roundBefore = round
            return begin(.ask(preferred.other))
        }
        if roundBefore.isDenied && round.isDenied {
            // That there is no such name at all says more than that it has no address.
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
        case .ask(let family), .askLater(let family): self.family = family
        case .wait, .found, .failed: preconditionFailure("\(next) begins nothing")
        }
        answersMissing = nameservers
        round = Round()
        return next
    }
}
