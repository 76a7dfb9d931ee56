// A client's connection, speaking HTTP/1: one exchange after another, each begun by the head of a request.
// In `mode tcp` there is one exchange, without a head, from the first moment to the last.

internal import Balancing
internal import Basics
internal import HTTP
internal import Reactor
internal import Rules
internal import SystemPackage
internal import Transport

final class ClientConnection: Connection {
    /// What the connection is at. The names may appear in messages.
    enum Phase {
        /// The PROXY protocol header is to come.
        case awaitingHeader
        /// Between exchanges: no request has begun.
        case idle
        /// Reading a request's head.
        case readingHead
        /// The exchange has the say.
        case exchanging
        /// Everything is sent; listening for the client's close, so that it reads our last bytes before a reset.
        case lingering
        case closed
    }

    let bind: BindPlan
    private(set) var peer: SocketAddress
    private(set) var local: SocketAddress
    /// What else there is to know of where it comes from; nil for most.
    var origin: ConnectionOrigin?
    // These three together: each alone would be as large as they are.
    var phase = Phase.idle
    private(set) var isFirstExchange = true
    /// Between exchanges, the CR of an empty line is here and its LF is not.
    private(set) var awaitsLineFeed = false
    private(set) var exchange: Exchange?
    private var parser: RequestParser
    /// Where the next exchange's time begins: the accept, or the end of the exchange before.
    private(set) var idleSince: Instant
    /// `sess` variables, while no exchange has them.
    var variables: VariableStore?
    var lingerBytesLeft = Limits.lingerBytes
    /// Idle server connections that no other client's request may use (`http-reuse never`).
    var ownConnections = OwnServerConnections()

    /// How its bytes are read: in the frontend's mode, or as HTTP once a frontend in TCP mode has led it to an HTTP backend.
    private(set) var mode: ProxyMode
    /// The HTTP backend that a frontend in TCP mode has led it to: all of its requests go there. Nil in all other cases.
    private(set) var fixedBackend: BackendPlan?

    var frontend: FrontendPlan { bind.frontend }

    /// A connection was accepted. Not nil if the system has not enough of something for it: then it is closed.
    static func begin(
        _ socket: Socket, from peer: SocketAddress, on bind: BindPlan, _ worker: Worker
    ) -> Errno? {
        let connection = ClientConnection(socket, peer, bind, worker)
        if let reason = worker.enter(connection) {
            worker.kernel.close(socket, reset: true)
            worker.plan.admission.release(for: bind.frontend)
            return reason
        }
        bind.frontend.countConnection(worker)
        bind.connections?.increment()
        connection.begin(worker)
        return nil
    }

    private init(_ socket: Socket, _ peer: SocketAddress, _ bind: BindPlan, _ worker: Worker) {
        self.bind = bind
        self.peer = peer
        mode = bind.frontend.mode
        // One address listens for most sockets; only a wildcard has to be asked for.
        local = bind.exactAddress ?? worker.kernel.localAddress(socket)
        parser = RequestParser(limits: worker.plan.headLimits(acceptInvalid: bind.frontend.acceptsInvalid))
        idleSince = worker.now
        super.init(socket)
    }

    private func begin(_ worker: Worker) {
        guard let expectsHeader = followConnectionRules(worker) else { return }
        if expectsHeader {
            phase = .awaitingHeader
            setDeadline(after: frontend.timeouts.client, worker)
        } else {
            beginSession(worker)
        }
    }

    /// The header is here, or there is to be none: what else comes is the client's.
    func beginSession(_ worker: Worker) {
        phase = .idle
        guard followSessionRules(worker) else { return }
        bind.frontend.countSession(worker)
        switch mode {
        case .http: setDeadline(after: headTimeout, worker)
        case .tcp:
            let exchange = beginExchange(worker)
            exchange.beginTunnel(worker)
            resume(worker)
        }
    }

    /// A frontend in TCP mode leads to an HTTP backend: what the client sends, and has sent, is read as requests from here on.
    /// The exchange goes on with the first of them.
    func becomeHTTP(for backend: BackendPlan, _ worker: Worker) {
        precondition(phase == .exchanging && mode == .tcp, "a connection becomes HTTP while \(phase)")
        mode = .http
        fixedBackend = backend
        // Bytes that rules have looked at are in the buffer already, and are read before more are asked for.
        phase = input.isEmpty ? .readingHead : .idle
        setDeadline(after: headTimeout, worker)
    }

    /// The connection is closed before it was of any use.
    func turnAway(_ mode: CloseMode, _ worker: Worker) { finish(worker, mode) }

    /// Says what rules and logs may know of the connection.
    func introduce(to facts: ExchangeFacts) {
        facts.clientSocket = socket.number
        facts.client = peer
        facts.local = local
        if let origin {
            facts.acceptedFrom = origin.peer
            facts.acceptedAt = origin.local
            facts.headerValues = origin.headerValues
        } else {
            facts.acceptedFrom = peer
            facts.acceptedAt = local
            if facts.headerValues != nil { facts.headerValues = nil }
        }
        facts.socketID = bind.number
        facts.socketName = bind.name
        facts.frontendName = frontend.name
        facts.frontendIndex = frontend.index
        // Until there is a backend.
        facts.backendName = frontend.name
    }

    /// Takes others for the connection's ends, as rules or a header say.
    func take(ends peer: SocketAddress, _ local: SocketAddress) {
        self.peer = peer
        self.local = local
    }

    // MARK: Events

    override func ready(_ readiness: Readiness, _ worker: Worker) {
        transport.note(readiness)
        switch phase {
        case .idle, .readingHead: resume(worker)
        case .exchanging: advanceExchange(worker)
        case .awaitingHeader: readHeader(worker)
        case .lingering: linger(worker)
        case .closed: break
        }
    }

    /// Something has happened on this connection, or on the server's. The exchange may end in there; then the next request's
    /// turn has come.
    func advanceExchange(_ worker: Worker) {
        exchange?.advance(worker)
        resume(worker)
    }

    override func expired(_ worker: Worker) {
        switch phase {
        case .lingering: finish(worker)
        case .awaitingHeader: failHandshake(.timedOut, worker)
        case .idle where !isFirstExchange || frontend.ignoresProbes: leaveIdle(worker)
        case .idle, .readingHead:
            let exchange = exchange ?? beginExchange(worker)
            phase = .exchanging
            exchange.headTimedOut(worker)
            resume(worker)
        case .exchanging:
            exchange?.clientTimedOut(worker)
            resume(worker)
        case .closed: preconditionFailure("a closed connection has no deadline")
        }
    }

    /// Reads requests until there is nothing more to read, or an exchange has the say.
    func resume(_ worker: Worker) {
        var turns = 0
        while phase == .idle || phase == .readingHead {
            // Pipelined requests that we answer ourselves could keep us here for long. What was read is always looked at before
            // the next turn.
            turns += 1
            if turns > Limits.movesPerTurn * 4 {
                worker.resumeLater(self)
                return
            }
            // What an unfinished head, or empty lines, left in the buffer was looked at before: only more bytes can help.
            if input.isEmpty || phase == .readingHead || awaitsLineFeed {
                switch fill(worker) {
                case .progressed: break
                case .blocked: return
                case .full: preconditionFailure("the parser bounds an unfinished line below a buffer's size")
                case .ended, .failed:
                    clientLeft(worker)
                    continue
                }
            }
            readHead(worker)
        }
    }

    func readHead(_ worker: Worker) {
        // Line ends that a client sends behind a body are not the beginning of a request: no time runs for it yet.
        if phase == .idle, !isFirstExchange, !parser.skipEmptyLines(&input) {
            awaitsLineFeed = !input.isEmpty
            input.releaseIfEmpty(to: worker.buffers)
            return
        }
        awaitsLineFeed = false
        let exchange = exchange ?? beginExchange(worker)
        if phase == .idle {
            phase = .readingHead
            // The first request's time runs from the accept, or from the end of the header.
            if !isFirstExchange { setDeadline(after: headTimeout, worker) }
        }
        let before = input.count
        let progress = parser.parse(&input, into: &exchange.facts.request)
        exchange.facts.bytesFromClient += UInt64(before - input.count)
        switch progress {
        case .needMore: break
        case .complete:
            phase = .exchanging
            setDeadline(.never, worker)
            if let fault = parser.toleratedFault {
                exchange.keepToleratedRequest(fault.description, at: parser.toleratedOffset, worker)
            }
            exchange.requestHeadComplete(worker)
        case .failed(let fault):
            phase = .exchanging
            frontend.countRequest(worker)
            exchange.refuse(fault, worker)
        }
    }

    /// For a request's head, from its first byte to its last.
    var headTimeout: TimeSpan { frontend.timeouts.httpRequest ?? frontend.timeouts.client }

    private func beginExchange(_ worker: Worker) -> Exchange {
        let exchange = worker.takeExchange()
        self.exchange = exchange
        if mode == .tcp { phase = .exchanging }
        exchange.begin(on: self, since: idleSince, isFirst: isFirstExchange, worker)
        return exchange
    }

    /// The client is gone, or sends no more, where a request was expected.
    private func clientLeft(_ worker: Worker) {
        // A connection that never carried a byte is an event worth a line; a kept-alive one that ends is not.
        guard phase == .readingHead || isFirstExchange && !frontend.ignoresProbes else {
            finish(worker)
            return
        }
        let exchange = exchange ?? beginExchange(worker)
        phase = .exchanging
        exchange.clientLeftDuringHead(mayRead: !transport.hasFailed, worker)
    }

    // MARK: What the exchange reports

    /// A place on a server was found for an exchange of this connection; false if that is not under way any more.
    func placeGranted(_ grant: PlaceGrant, _ worker: Worker) -> Bool {
        guard let exchange, exchange.placeGranted(grant, worker) else { return false }
        resume(worker)
        return true
    }

    /// A name was looked up that an exchange of this connection has waited for, or does still.
    func nameAnswered(_ answer: NameAnswer, _ worker: Worker) {
        exchange?.nameAnswered(answer, worker)
        resume(worker)
    }

    /// The exchange has ended and everything it had for the client is sent. `isClientDone`: nothing more is to come from it.
    func exchangeEnded(keepAlive: Bool, isClientDone: Bool, _ worker: Worker) {
        precondition(phase == .exchanging, "an exchange ended while \(phase)")
        exchange = nil
        isFirstExchange = false
        idleSince = worker.now
        parser.reset()
        // A client that has finished sending may have sent more requests before.
        let mayHaveAnother = !transport.hasEnded || !input.isEmpty
        if keepAlive && mayHaveAnother {
            phase = .idle
            input.releaseIfEmpty(to: worker.buffers)
            setDeadline(
                after: frontend.timeouts.httpKeepAlive ?? frontend.timeouts.httpRequest ?? frontend.timeouts.client,
                worker)
            // The response's head went out before the stop began and promised that another request is read.
            if worker.isStopping { stopWhenIdle(worker) }
        } else if transport.hasEnded || transport.hasFailed
            || (isClientDone && input.isEmpty && !transport.mayHaveInput)
        {
            finish(worker)
        } else {
            beginLinger(worker)
        }
    }

    /// The exchange has ended in the middle of something: nothing sensible can follow.
    func exchangeAborted(_ mode: CloseMode, _ worker: Worker) {
        exchange = nil
        if mode == .linger { beginLinger(worker) } else { finish(worker, mode) }
    }

    // MARK: Ending

    func finish(_ worker: Worker, _ mode: CloseMode = .close) {
        precondition(exchange == nil, "a connection is closed under its exchange")
        ownConnections.closeAll(worker)
        phase = .closed
        close(worker, mode)
        bind.connections?.decrement()
        worker.plan.admission.release(for: frontend)
    }

    /// The worker stops at once.
    func abandon(_ worker: Worker) {
        switch phase {
        case .closed: break
        case .awaitingHeader, .idle, .lingering: finish(worker)
        case .readingHead, .exchanging: exchange?.abandon(worker)
        }
    }
}
