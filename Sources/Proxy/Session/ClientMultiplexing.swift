// HTTP/2 on a client's connection: how it is told from HTTP/1, and what the connection object of one stream does in other ways than one
// with a descriptor. The frames are the multiplexer's.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import TLS
internal import Transport

extension ClientConnection {
    // MARK: The connection with the descriptor

    /// Whether the client has agreed to HTTP/2 before its first byte.
    var speaksHTTP2FromTheBeginning: Bool { bind.protocolChoice.isHTTP2(over: transport.engine) }

    /// Whether a connection that was not told apart may turn out to be HTTP/2.
    var mayBeginWithPreface: Bool { frontend.takesPriorKnowledge && bind.protocolChoice == .negotiated }

    /// Looks whether a connection begins with the preface of HTTP/2 (prior knowledge, RFC 9113 section 3.3); false if it does not. Else
    /// it goes on as HTTP/2, or waits for the rest of the preface.
    func awaitsPreface(_ worker: Worker) -> Bool {
        switch Self.isPreface(input) {
        case true?:
            holdsBeginning = false
            beginMultiplexing(worker)
            return true
        case nil:
            holdsBeginning = true
            return true
        case false?:
            holdsBeginning = false
            return false
        }
    }

    // A span of a property of a class does not outlive the expression it stands in; one of a parameter does.
    private static func isPreface(_ bytes: borrowing ByteBuffer) -> Bool? { HTTP2Connection.isPreface(bytes.readable) }

    func beginMultiplexing(_ worker: Worker) {
        phase = .multiplexing
        let multiplexer = ClientMultiplexer(self, worker)
        self.multiplexer = multiplexer
        setDeadline(after: headTimeout, worker)
        multiplexer.flushLater()
        multiplexer.ready()
    }

    /// Nothing more is to be sent in HTTP/2.
    func finishMultiplexing(_ mode: CloseMode, _ worker: Worker) {
        guard phase == .multiplexing else { return }
        multiplexer = nil
        if mode == .linger { beginLinger(worker) } else { finish(worker, mode) }
    }

    // MARK: The connection of one stream

    /// It is the connection of one stream from here on.
    func begin(_ stream: HTTP2Stream, of parent: ClientConnection, since start: Instant, _ worker: Worker) {
        self.parent = parent
        parent.followPlan(worker)
        bind = parent.bind
        session = parent.session
        parent.session.streamsEnded &+= 1
        transport = Transport(over: stream)
        codec = ClientCodec(stream)
        idleSince = start
        phase = .streaming
        worker.enterStream(self)
        _ = beginExchange(worker)
    }

    /// The stream's head has come: its exchange goes on from here.
    func readRequest(from source: HTTP2Stream, _ worker: Worker) {
        guard let exchange = stream else { preconditionFailure("a head is read and there is no exchange") }
        switch codec.readHead(from: &input, into: &exchange.context.request) {
        case .complete: exchange.handle(.headComplete, worker)
        case .failed(let fault):
            frontend.countRequest(worker)
            exchange.handle(.headMalformed(fault), worker)
        case .needMore: preconditionFailure("a stream begins with its head")
        }
    }

    /// The stream of HTTP/2 has ended: the object can serve another.
    func leaveStream(_ mode: CloseMode, _ worker: Worker) {
        stream = nil
        phase = .closed
        setDeadline(.never, worker)
        close(worker, mode)
        parent = nil
        worker.recycle(self)
    }
}
