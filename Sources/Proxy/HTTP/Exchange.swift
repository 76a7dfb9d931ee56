// One request and its response: from the first byte of the request until the last byte of the response is
// with the client, whatever happens in between. It ends exactly once, in `conclude`.
//
// The phases, and what moves an exchange from one to the next:
//
//   readingHead ──head──▶ (rules, routing) ──▶ connecting ──connected──▶ awaitingResponse ──head──▶ relaying ─▶ ended
//        │                     │                  │  ▲                         │                      ▲
//        │                     │                  ▼  │ retry                   ├──101──▶ tunnelling ──┤
//        └─────refused─────────┴──answered──▶ answering ◀────server failed─────┘                      │
//                                               └─────────────────────────────────────────────────────┘
//
// Where it is configured, rules wait for bytes (inspecting), the body (awaitingBody) or an address (resolving), and
// so does the choice of a server for the body (takingBody). With all servers full, a request is queued before it
// connects; a refused one may be tarpitted before it is answered.
//
// This file has the state and the dispatch. The parts: ExchangeRequest (from the head to its destination),
// ExchangeInspection (rules on bytes), ExchangeResolution (addresses for names), ExchangeRequestBuffer (waiting for
// the body first), ExchangeServer (choosing, connecting, trying again), ExchangeQueue (waiting for a place on a
// server), ExchangeRetry (sending a request again), ExchangeHalfClose (a client that sends no more),
// ExchangeTarpit, ExchangeRelay (bodies and the response's head),
// ExchangeResponseBuffer (the body at the server's speed), ExchangeAnswer (what Portico answers itself), ExchangeFiles,
// ExchangeTunnel, ExchangeEnd (endings, counters, the log).

internal import Balancing
internal import Basics
internal import HTTP
internal import Reactor
internal import Rules
internal import Transport

final class Exchange {
    enum Phase: Equatable {
        case readingHead
        /// Rules look at what the client has sent, and may wait for more.
        case inspecting(before: Step)
        /// `option http-buffer-request`: the body, or a buffer full of it, has to be here first.
        case awaitingBody(before: Step)
        /// A rule lets the request wait.
        case pausing(before: Step)
        /// A rule wants an address for a name.
        case resolving(before: Step, RequestRules)
        /// `request-buffer`: the whole body is taken before a server is chosen.
        case takingBody
        /// Waiting for a server that may have one request more.
        case queued
        /// Held for the time that `timeout tarpit` says; then it is refused.
        case tarpitted
        /// Waiting for a connection to the server, or to try again.
        case connecting
        /// The request is on its way or sent; no whole response head yet.
        case awaitingResponse
        /// The response's head is here, and a rule lets it wait.
        case holding(before: Step)
        /// The response's body is coming.
        case relaying
        /// Sending an answer of our own.
        case answering
        /// Bytes both ways, unread.
        case tunnelling
        case ended
    }

    /// Whose rules they are that wait, or are waited for.
    enum Step { case frontend, backend }
    /// Which of them.
    enum RequestRules { case content, request }

    let facts: ExchangeFacts
    var phase = Phase.ended
    /// The client's connection, for as long as the exchange lasts.
    private(set) var client: ClientConnection!
    var backend: BackendPlan?
    /// The server that was chosen; counted as active on it while `holdsServer`.
    var server: Server?
    var holdsServer = false
    /// While it waits for one.
    var queueTicket: QueueTicket?
    /// What a client that is held is to get.
    var tarpitAnswer = TarpitAnswer.status(500)
    /// The connection to it, once there is one.
    var connection: ServerConnection? {
        didSet { facts.serverSocket = connection?.socket.number }
    }
    var isFirst = false

    var requestBody = BodyRelay(from: .none, to: .none)
    var responseBody = BodyRelay(from: .none, to: .none)
    var requestFraming = BodyFraming.none
    /// Where the end of a body that is awaited was looked for so far.
    var bodyProbe = BodyProbe(.none)
    /// Rules on what a side sends, while they have not come to their end.
    var inspection = Inspection.none
    /// Of the name that is being looked up.
    var nameTicket: UInt64 = 0
    /// Where rules that wait are to go on.
    var rulePosition = RulePosition.start
    /// What is behind the response's head.
    var responseKind = ResponseKind.body(.none)
    /// A response is held for its body, or as many bytes of it, rather than for a time.
    var holdsForBody = false
    var heldBytes: Int?
    /// The rules on all responses have failed at this one, and are not asked about what is said instead.
    var afterRulesFailed = false
    /// The method as the client sent it, which says whether it expects a body. A rule may have given the request another.
    var clientMethod = Method.get
    /// The request's body, or its beginning, where a server is not to wait for it; it can be sent again from here.
    var requestStore: BodyStore?
    /// The response is taken at the server's speed.
    var holdsResponse = false
    /// What of it the client has not taken yet, beyond its connection's buffer.
    var responseStore: BodyStore?
    /// All of the request is with the server (or nobody wants the rest).
    var requestSent = false
    /// Some of the request's body went from the client to a server and is kept nowhere: it cannot be sent again.
    var bodyWasTouched = false
    var responseParser = ResponseParser(limits: HeadLimits())
    /// The client may send another request on this connection.
    var keepsClient = false
    /// It takes the connection to stay, and may have sent another request by now.
    var clientExpectsMore = false
    /// The client asked for another protocol, and no rule has forbidden it.
    var wantsUpgrade = false
    /// What the server is told of its connection.
    var requestConnection = MessageWriter.ConnectionHeader.none
    var retriesLeft = 0
    /// The response's end is the connection's: cutting it short looks like the end.
    var endsByClosing = false
    /// The client has had a 1xx of this exchange.
    var interimWasPassed = false
    var answer = LocalAnswer.none
    /// What a directory's answer means, and the status of the page that says so; an operator's page may have another.
    var fileStatus = 0
    var pageStatus = 0
    /// The request's head was not understood or never whole: nothing behind it can be read either.
    var headWasRefused = false
    /// The line of the log is written already, or there shall be none.
    var isLogged = false

    var frontend: FrontendPlan { client.frontend }

    /// - Parameter facts: of the worker whose exchange it is.
    init(_ facts: ExchangeFacts) { self.facts = facts }

    /// Starts afresh for a client; everything left over from the exchange before is forgotten.
    func begin(on client: ClientConnection, since start: Instant, isFirst: Bool, _ worker: Worker) {
        precondition(phase == .ended, "an exchange was taken while \(phase)")
        facts.clear()
        self.client = client
        phase = .readingHead
        backend = nil
        server = nil
        holdsServer = false
        queueTicket = nil
        connection = nil
        self.isFirst = isFirst
        requestFraming = .none
        inspection = .none
        afterRulesFailed = false
        clientMethod = .get
        holdsResponse = false
        requestSent = false
        bodyWasTouched = false
        keepsClient = false
        clientExpectsMore = false
        wantsUpgrade = false
        retriesLeft = 0
        interimWasPassed = false
        endsByClosing = false
        answer = .none
        headWasRefused = false
        isLogged = false
        requestBody = BodyRelay(from: .none, to: .none)
        responseParser = ResponseParser(limits: HeadLimits())
        client.introduce(to: facts)
        facts.isFirstRequest = isFirst
        facts.sessionVariables = client.variables
        // The time of the accept, which may be long ago.
        facts.timers.acceptDate = WallTime.now() - worker.now.since(start)
        facts.timers.accepted = start
        if isFirst, let origin = client.origin { facts.timers.handshakeDone = origin.headerDone }
        facts.timers.requestBegun = worker.now
        facts.requestCounter = worker.nextExchangeNumber()
    }

    /// Moves whatever can move. Called after every event on either connection.
    func advance(_ worker: Worker) {
        switch phase {
        case .readingHead: preconditionFailure("the client's connection reads heads")
        case .inspecting(let step): inspect(before: step, worker)
        case .awaitingBody(let step): awaitBody(before: step, worker)
        case .pausing, .resolving: watchClient(worker)
        case .holding(let step): keepHolding(before: step, worker)
        case .takingBody: takeBody(worker)
        case .queued, .connecting: watchClient(worker)
        case .tarpitted: watchTarpitted(worker)
        case .awaitingResponse, .relaying:
            sendRequestBody(worker)
            if phase == .awaitingResponse || phase == .relaying { receiveResponse(worker) }
        case .answering: sendAnswer(worker)
        case .tunnelling: advanceTunnel(worker)
        case .ended: break
        }
    }

    /// While a server is sought, a client that is gone for good ends the search; so does one that sends no more, unless the
    /// operator says that it may still want its answer.
    func watchClient(_ worker: Worker) {
        guard client.transport.mayHaveInput || client.transport.hasEnded,
            client.input.room > 0 || !client.input.holdsBlock
        else { return }
        switch client.fill(worker) {
        case .failed: clientAborted(worker)
        case .ended: if backend?.abortsOnClose == true { clientFinished(worker) }
        case .progressed, .blocked, .full: break
        }
    }

    /// Gives the references back; the object can serve again.
    func letGo() {
        client.variables = facts.sessionVariables
        facts.sessionVariables = nil
        client = nil
        backend = nil
        server = nil
        connection = nil
        answer = .none
        tarpitAnswer = .status(500)
    }
}
