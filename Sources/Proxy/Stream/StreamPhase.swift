// What a stream is at, and what can happen to it. The tables of what follows from what are `Exchange.handle` and `Tunnel.handle`.

internal import Balancing
internal import Basics
internal import HTTP
internal import Reactor
internal import Resolvers
internal import Rules

/// Whose rules are run, or waited with.
enum Step { case frontend, backend }

/// What waits has what it waits for in the phase's payload. Payloads that few requests have are indirect, so that the phases of
/// the others are small.
enum StreamPhase {
    // Before a server.

    /// The client's connection reads a request's head.
    case readingHead
    /// Rules look at what the client has sent, and may wait for more (`tcp-request content`).
    indirect case inspecting(Inspection)
    /// A rule lets the request wait for a time.
    case pausing(RuleBookmark)
    /// A rule wants an address for a name.
    indirect case resolving(NameWait)
    /// The body, or enough of it, has to be here before rules go on.
    indirect case awaitingBody(BodyWait)
    /// `request-buffer`: the whole body is taken before a server is chosen.
    case takingBody
    /// Waiting for a slot on a server.
    case queued(QueueTicket)
    /// The client is held for `timeout tarpit`; then it is refused.
    indirect case tarpitted(TarpitAnswer)

    // With a server.

    case connecting
    /// A connection attempt failed; the next one, to the same server, comes after a pause.
    case retrying
    /// The request is on its way or sent; no whole response head yet.
    case awaitingResponse
    /// The response's head is here, and a rule lets it wait.
    indirect case holding(ResponseHold)
    case relaying
    /// Bytes both ways, unread.
    case tunnelling

    // At the end.

    /// Sending a response of Portico's own.
    case answering(LocalAnswer)
    /// `mode tcp`: the server was given up; what it has sent goes to the client.
    case draining
    case ended
}

/// What happens to a stream from outside.
enum StreamEvent {
    /// A descriptor of either connection became ready, or the stream's turn has come.
    case progress
    /// The stream's own deadline has passed.
    case timeUp

    // The client's connection.

    case headComplete
    case headMalformed(MessageFault)
    case headTimedOut
    /// It closed inside a request's head, or before one. `canBeTold`: it sends no more, and can still read.
    case clientLeft(canBeTold: Bool)
    /// Its deadline of input or output has passed.
    case clientTimedOut

    // The server's connection.

    case connected
    case connectFailed(ConnectionFailure)
    case connectTimedOut
    case serverTimedOut

    // Other threads.

    case slotGranted(SlotGrant)
    case nameAnswered(NameAnswer)
    /// The worker stops at once.
    case stopped
}

/// Where rules that wait go on, once what they wait for is there.
struct RuleBookmark {
    let step: Step
    let position: RulePosition
    /// They go on when the client's TLS handshake is complete, and not when their time is over.
    var waitsForHandshake = false
}

/// Rules on content that have not come to their end.
struct Inspection {
    let step: Step
    let rules: RuleSet
    var position = RulePosition.start
    /// When what has not come is taken as not coming; `never` for rules on responses before the server's first byte.
    var end: Instant
}

/// Rules that wait for an address.
struct NameWait {
    enum Rules {
        /// `tcp-request content`
        case content(Inspection)
        /// `http-request`
        case request(RuleBookmark)
    }

    let rules: Rules
    /// Of the question; an answer with another ticket is to an earlier one.
    let ticket: UInt64
}

/// Rules that wait for a request's body.
struct BodyWait {
    let rules: RuleBookmark
    var probe: BodyProbe
    /// As many bytes of content are enough; nil for all of it, or a full buffer.
    let enough: Int?
}

/// A response that a rule holds back.
struct ResponseHold {
    let rules: RuleBookmark
    /// For its body, rather than for a time; what was found of it so far.
    var probe: BodyProbe?
    /// As many bytes of content are enough.
    var enough: Int?
}
