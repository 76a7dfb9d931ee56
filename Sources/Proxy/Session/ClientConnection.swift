// A client's connection: a transport, a codec and its streams. In HTTP/1 it has one exchange after another, each begun by the
// head of a request. In `mode tcp` it has one tunnel, from the first byte to the last.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

final class ClientConnection: Connection, SessionVariables {
    /// What the connection is at. The names may appear in messages.
    enum Phase {
        /// The PROXY protocol header is to come, or NetScaler's.
        case awaitingHeader, awaitingClientAddress
        /// The TLS handshake is under way.
        case handshaking
        /// Between streams: no request has begun.
        case idle
        /// Reading a request's head.
        case readingHead
        /// A stream decides what is read and sent.
        case streaming
        /// HTTP/2: `multiplexer` has its streams, each of which has a connection object of its own.
        case multiplexing
        /// Everything is sent; listening for the client's close, so that it reads our last bytes before a reset.
        case lingering
        case closed
    }

    @safe @exclusivity(unchecked) var bind: BindPlan
    /// Of one stream of HTTP/2: a copy of that of its connection, which keeps what changes.
    @safe @exclusivity(unchecked) var session: ClientSession
    /// The connection whose stream this is, in HTTP/2; nil for a connection with a descriptor.
    @safe @exclusivity(unchecked) var parent: ClientConnection?
    /// The connection with the descriptor.
    var base: ClientConnection { parent ?? self }
    /// Its streams, in HTTP/2.
    @safe @exclusivity(unchecked) var multiplexer: ClientMultiplexer?
    // These three together: each alone would be as large as they are.
    @safe @exclusivity(unchecked) var phase = Phase.idle
    var isFirstStream: Bool { session.streamsEnded == 0 }
    /// Between streams, the beginning of something is here that tells nothing without its end: the CR of an empty line, or what may
    /// become the preface of HTTP/2.
    @safe @exclusivity(unchecked) var holdsBeginning = false
    /// The one stream that HTTP/1 has at a time.
    @safe @exclusivity(unchecked) var stream: ProxyStream?
    /// Reads requests and writes responses, in the frontend's mode, or as HTTP once a frontend in TCP mode has led the connection to
    /// an HTTP backend.
    @safe @exclusivity(unchecked) var codec: ClientCodec
    /// Where the next stream's time begins: the accept, or the end of the stream before.
    @safe @exclusivity(unchecked) var idleSince: Instant
    /// Among the encrypted connections of the process, from its handshake on.
    @safe @exclusivity(unchecked) var countsAsTLS = false
    @safe @exclusivity(unchecked) var lingerBytesLeft = Limits.lingerBytes
    /// Idle server connections that no other client's request may use (`http-reuse never`).
    @safe @exclusivity(unchecked) var ownConnections = OwnServerConnections()

    /// The HTTP backend that a frontend in TCP mode has led it to: all of its requests go there. Nil in all other cases.
    @safe @exclusivity(unchecked) var fixedBackend: BackendPlan?

    var frontend: FrontendPlan { bind.frontend }

    /// A connection was accepted. Not nil if the system has not enough of something for it: then it is closed.
    static func begin(
        _ socket: Socket, from peer: SocketAddress, on bind: BindPlan, _ worker: Worker
    ) -> Errno? {
        let connection = ClientConnection(socket, peer, bind, worker)
        if let reason = worker.enter(connection) {
            worker.kernel.close(socket, reset: true)
            worker.shared.admission.release(for: bind)
            return reason
        }
        bind.frontend.countConnection(worker)
        if bind.segmentReduction > 0 { worker.kernel.reduceSegments(of: socket, by: bind.segmentReduction) }
        connection.begin(worker)
        return nil
    }

    /// An object for streams of HTTP/2; `begin` gives it one.
    init(streamOf client: ClientConnection, _ worker: Worker) {
        bind = client.bind
        session = client.session
        codec = ClientCodec(.http, limits: HeadLimits())
        idleSince = worker.now
        super.init(over: HTTP2Stream())
    }

    private init(_ socket: Socket, _ peer: SocketAddress, _ bind: BindPlan, _ worker: Worker) {
        self.bind = bind
        // One address listens for most sockets; only a wildcard has to be asked for.
        session = ClientSession(peer, bind.exactAddress ?? worker.kernel.localAddress(socket))
        codec = ClientCodec(
            bind.frontend.mode, limits: bind.frontend.headLimits)
        idleSince = worker.now
        super.init(socket)
    }

    private func begin(_ worker: Worker) {
        guard let expectsHeader = followConnectionRules(worker) else { return }
        if expectsHeader {
            phase = .awaitingHeader
            setDeadline(after: frontend.timeouts.client, worker)
        } else {
            beginBehindHeader(worker)
        }
    }

    /// The header is here, or there is to be none: what else comes is the client's.
    func beginSession(_ worker: Worker) {
        phase = .idle
        followPlan(worker)
        guard followSessionRules(worker) else { return }
        bind.frontend.countSession(worker)
        switch codec.kind {
        case .http1 where speaksHTTP2FromTheBeginning: beginMultiplexing(worker)
        case .http1: setDeadline(after: headTimeout, worker)
        case .http2: preconditionFailure("a session begins on a stream")
        case .tcp:
            setDeadline(.never, worker)
            let tunnel = worker.takeTunnel()
            lendRuntimeState(to: tunnel, worker)
            stream = tunnel
            phase = .streaming
            tunnel.begin(on: self, since: idleSince, worker)
            tunnel.beginSession(worker)
            resume(worker)
        }
    }

    /// A frontend in TCP mode leads to an HTTP backend: what the client sends, and has sent, is read as requests from here on,
    /// the first of them for `exchange`.
    func becomeHTTP(for backend: BackendPlan, _ exchange: Exchange, _ worker: Worker) {
        precondition(phase == .streaming, "a connection becomes HTTP while \(phase)")
        stream = exchange
        codec.becomeHTTP()
        fixedBackend = backend
        // Bytes that rules have looked at are in the buffer already, and are read before more are asked for.
        phase = input.isEmpty ? .readingHead : .idle
        setDeadline(after: headTimeout, worker)
    }

    /// The connection is closed before it was of any use.
    func turnAway(_ mode: CloseMode, _ worker: Worker) { finish(worker, mode) }

    /// Says what rules and logs may know of the connection.
    func introduce(to context: ExchangeContext) {
        describe(in: &context.connection)
        context.session = base
    }

    private func describe(in context: inout ConnectionContext) {
        let base = base
        // Part by part: the session is not copied.
        context.client = session.client
        context.local = session.local
        context.origin = session.origin
        context.isFirstRequest = session.streamsEnded == 0
        context.clientSocket = base.socket.number
        context.isTLS = bind.tls != nil
        context.clientTLS = base.transport.engine
        context.shared = base.multiplexer?.facts
        context.streamID = codec.streamID
        context.listener = bind.identity
    }

    /// An exchange has become a tunnel.
    func replaceStream(by tunnel: Tunnel) {
        stream = tunnel
    }

    var sessionVariables: VariableStore? {
        get { session.variables }
        set { session.variables = newValue }
    }

    // MARK: Events

    override func ready(_ readiness: Readiness, _ worker: Worker) {
        transport.note(readiness)
        switch phase {
        case .multiplexing: multiplexer?.ready()
        case .idle, .readingHead: resume(worker)
        case .streaming:
            stream?.handle(.progress, worker)
            resume(worker)
        case .awaitingHeader: readHeader(worker)
        case .awaitingClientAddress: readClientAddress(worker)
        case .handshaking: shakeHands(worker)
        case .lingering: linger(worker)
        case .closed: break
        }
    }

    override func expired(_ worker: Worker) {
        switch phase {
        case .multiplexing: multiplexer?.expired()
        case .lingering: finish(worker)
        case .awaitingHeader: failHandshake(.timedOut, worker)
        case .awaitingClientAddress: failHandshake(.timedOutBeforeClientAddress, worker)
        case .handshaking: failTLS(TLSFault(.timedOut), worker)
        case .idle where !isFirstStream || frontend.ignoresProbes: leaveIdle(worker)
        case .idle, .readingHead:
            endHead(.headTimedOut, worker)
            resume(worker)
        case .streaming: stream?.deliver(.clientTimedOut, worker)
        case .closed: preconditionFailure("a closed connection has no deadline")
        }
    }

    /// Reads requests until there is nothing more to read, or a stream has begun.
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
            if input.isEmpty || phase == .readingHead || holdsBeginning {
                switch fill(worker) {
                case .progressed: break
                case .blocked: return
                case .full: preconditionFailure("the parser bounds an unfinished line below a buffer's size")
                case .ended, .failed:
                    clientLeft(worker)
                    continue
                }
            }
            if isFirstStream, phase == .idle, mayBeginWithPreface, awaitsPreface(worker) { continue }
            readHead(worker)
        }
    }

    func readHead(_ worker: Worker) {
        // Line ends that a client sends behind a body are not the beginning of a request: no time runs for it yet.
        if phase == .idle, !isFirstStream, !codec.skipEmptyLines(&input) {
            holdsBeginning = !input.isEmpty
            input.releaseIfEmpty(to: worker.buffers)
            return
        }
        holdsBeginning = false
        let exchange = stream ?? beginExchange(worker)
        if phase == .idle {
            phase = .readingHead
            // The first request's time runs from the accept, or from the end of the header.
            if !isFirstStream { setDeadline(after: headTimeout, worker) }
        }
        switch codec.readHead(from: &input, into: &exchange.context.request) {
        case .needMore: break
        case .complete:
            if let tolerated = codec.toleratedFault {
                exchange.keepToleratedRequest(tolerated.fault.description, at: tolerated.offset, worker)
            }
            endHead(.headComplete, worker)
        case .failed(let fault):
            frontend.countRequest(worker)
            endHead(.headMalformed(fault), worker)
        }
    }

    /// The head is whole, or never will be: the exchange decides from here on.
    private func endHead(_ event: StreamEvent, _ worker: Worker) {
        let exchange = stream ?? beginExchange(worker)
        phase = .streaming
        setDeadline(.never, worker)
        exchange.handle(event, worker)
    }

    /// For a request's head, from its first byte to its last.
    var headTimeout: TimeSpan { frontend.timeouts.httpRequest ?? frontend.timeouts.client }

    func beginExchange(_ worker: Worker) -> ProxyStream {
        followPlan(worker)
        let exchange = worker.takeExchange()
        lendRuntimeState(to: exchange, worker)
        stream = exchange
        exchange.begin(on: self, since: idleSince, worker)
        exchange.phase = .readingHead
        return exchange
    }

    /// The client is gone, or sends no more, where a request was expected.
    private func clientLeft(_ worker: Worker) {
        // A connection that never carried a byte is an event worth a line; a kept-alive one that ends is not.
        guard phase == .readingHead || isFirstStream && !frontend.ignoresProbes else {
            finish(worker)
            return
        }
        endHead(.clientLeft(canBeTold: !transport.hasFailed), worker)
    }

    // MARK: What streams report

    /// The stream has ended and everything it had for the client is sent.
    /// - Parameter requestIsComplete: whether the stream has read all that the client sent for it.
    func streamEnded(requestIsComplete: Bool, _ worker: Worker) {
        precondition(phase == .streaming, "a stream ended while \(phase)")
        if parent != nil {
            codec.finish()
            return leaveStream(.close, worker)
        }
        let keepsAlive = codec.keepsAlive
        let isClientDone = requestIsComplete && codec.isClientDone
        stream = nil
        followPlan(worker)
        session.streamsEnded &+= 1
        idleSince = worker.now
        codec.reset()
        // A client that has finished sending may have sent more requests before.
        let mayHaveAnother = !transport.hasEnded || !input.isEmpty
        if keepsAlive && mayHaveAnother {
            phase = .idle
            input.releaseIfEmpty(to: worker.buffers)
            setDeadline(
                after: frontend.timeouts.httpKeepAlive ?? frontend.timeouts.httpRequest ?? frontend.timeouts.client,
                worker)
            // The response's head went out before the stop began and promised that another request is read.
            if isLastStream(worker) { stopWhenIdle(worker) }
        } else if transport.hasEnded || transport.hasFailed
            || (isClientDone && input.isEmpty && !transport.mayHaveInput)
        {
            leave(worker)
        } else {
            beginLinger(worker)
        }
    }

    /// The stream has ended in the middle of something: no other can follow.
    func streamAborted(_ mode: CloseMode, _ worker: Worker) {
        if parent != nil { return leaveStream(mode, worker) }
        stream = nil
        if mode == .linger { beginLinger(worker) } else { finish(worker, mode) }
    }
}
