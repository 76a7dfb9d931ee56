// One request and its response: from the first byte of the request until the last byte of the response is with the client. It
// speaks to both sides in heads, content and ends, and knows no framing; that is the codecs'.
//
//   readingHead ──head──▶ (rules, backend) ──▶ connecting ──connected──▶ awaitingResponse ──head──▶ relaying ─▶ ended
//        │                     │                  │  ▲                         │                      ▲
//        │                     │                  ▼  │ retrying                ├──101, CONNECT──▶ a Tunnel
//        └─────refused─────────┴──answered──▶ answering ◀────server failed─────┘                      │
//                                               └─────────────────────────────────────────────────────┘
//
// Where it is configured, rules wait for bytes (inspecting), a time (pausing), the body (awaitingBody) or an address (resolving),
// and so does the choice of a server for the body (takingBody). With all servers full, a request is queued before it connects;
// a refused one may be tarpitted before it is answered; a response may be held back (holding).
//
// The table of transitions is in Transitions. Choosing a backend and a server, connecting and ending are shared with tunnels, in
// Stream/.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor

/// The request on its way to the server.
struct RequestState {
    var content = ContentLength.none
    var transfer = BodyTransfer.none
    /// The method as the client sent it, which says whether it expects content. A rule may have given the request another.
    var clientMethod = Method.get
    /// What the server is told of its connection.
    var options: RequestConnectionOptions = []
    /// The client asked for another protocol, and no rule has forbidden it.
    var wantsUpgrade = false
    /// The client has named no host, as HTTP/1.0 allows.
    var wantsHost = false
    /// The head was malformed or never whole.
    var wasRefused = false
    /// What its cookie says of its server.
    var cookie = CookieState()
    /// The body, or its beginning, where a server is not to wait for it; it can be sent again from here.
    var store: BodyStore?
    /// What the system moves of the body by itself goes through it.
    var pipe: (any Pipe)?
    /// Some of the body went from the client to a server and is kept nowhere: it cannot be sent again.
    var wasTouched = false
    /// All of it is with the server, or the rest is not to be sent.
    var isSent = false
}

/// The response on its way to the client.
struct ResponseState {
    var kind = ResponseKind.content(.none)
    var transfer = BodyTransfer.none
    /// `response-buffer`: taken at the server's speed.
    var isHeld = false
    /// What of it the client has not taken yet, beyond its connection's buffer.
    var store: BodyStore?
    /// What the system moves of the body by itself goes through it.
    var pipe: (any Pipe)?
    /// The client has had a 1xx of this exchange.
    var interimWasPassed = false
    /// The rules on all responses have failed at this one, and do not run on the answer that replaces it.
    var afterRulesFailed = false
}

/// What follows the head of a response.
enum ResponseKind {
    case content(ContentLength)
    /// After 101, whatever both sides agreed on.
    case upgrade
    /// After a CONNECT.
    case tunnel
    /// The answer comes from a directory, not from a server.
    case file(FileResponse)

    var isUpgrade: Bool { if case .upgrade = self { true } else { false } }
}

final class Exchange: ProxyStream {
    @safe @exclusivity(unchecked) var request = RequestState()
    @safe @exclusivity(unchecked) var response = ResponseState()

    override func forget() {
        super.forget()
        request = RequestState()
        response = ResponseState()
    }

    override func releaseResources(_ worker: Worker) {
        request.store?.release()
        response.store?.release()
        releasePipes(worker)
    }

    override func recycle(_ worker: Worker) { worker.recycle(self) }

    /// What frontend and backend together say about what stays open.
    var keepAliveMode: KeepAliveMode { max(frontend.keepAlive, backend?.keepAlive ?? .keepAlive) }

    override func contentPassed(_ step: Step, _ worker: Worker) {
        switch step {
        case .frontend: awaitFrontend(worker)
        case .backend: awaitBackend(worker)
        }
    }

    override func serverReady(_ worker: Worker) { sendRequestHead(worker) }

    override func idleConnection(to server: Server, of backend: BackendPlan, _ worker: Worker) -> ServerConnection? {
        takeIdleConnection(to: server, of: backend, worker)
    }

    override func connectionUnderWay(
        to server: Server, at address: SocketAddress, _ worker: Worker
    ) -> ServerConnection? {
        waitForConnectionUnderWay(to: server, at: address, worker)
    }

    override var placeOfPersistentServer: Int? { request.cookie.server }

    override func losePersistence() {
        request.cookie.server = nil
        if context.outcome.termination.clientCookie == .valid { context.outcome.termination.clientCookie = .serverDown }
    }

    override var asksForUpgrade: Bool { request.wantsUpgrade && context.request.asksForUpgrade }

    /// `ws`: WebSockets may go over another protocol than other requests. Where ALPN offers both versions, HTTP/1.1 carries them: not all
    /// servers know WebSocket over HTTP/2.
    override func protocolChoice(for server: Server) -> ProtocolChoice {
        let usual = server.protocolChoice
        guard asksForUpgrade else { return usual }
        switch server.webSocketProtocol {
        case .automatic: return usual == .negotiated && server.offersHTTP1 ? .http1 : usual
        case .http1: return .http1
        case .http2: return .http2
        }
    }

    override func requestRulesGoOn(_ bookmark: RuleBookmark, _ worker: Worker) {
        followRequestRules(of: bookmark.step, from: bookmark.position, worker)
    }

    override func fail(
        status: Int, detail: String? = nil, _ cause: Termination.Cause, _ at: Termination.Phase, _ worker: Worker
    ) {
        answerError(status, detail: detail, cause, at, worker)
    }

    // MARK: Events

    override func handle(_ event: StreamEvent, _ worker: Worker) {
        worker.transitions?.note(phase: phase.number, event: event.number)
        transition(on: event, worker)
    }

    override func clientAborted(_ worker: Worker) { clientGone(worker) }
}
