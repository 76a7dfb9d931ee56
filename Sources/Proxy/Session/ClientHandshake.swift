// The headers at the beginning of a client's connection, of the PROXY protocol (`accept-proxy`, `expect-proxy`) and NetScaler's
// (`accept-netscaler-cip`), in which a proxy before it tells who the client is. What is behind the header is the client's; of the
// header itself nothing goes any further.

internal import Basics
internal import Expressions
internal import LogFormat
internal import Logging
internal import ProxyProtocol
internal import Reactor
internal import Transport

extension ClientConnection {
    /// Reads on in the header, and goes on when it is whole.
    func readHeader(_ worker: Worker) {
        while true {
            switch fill(worker) {
            case .progressed: break
            case .blocked: return
            case .full: preconditionFailure("the parser bounds an unfinished header below a buffer's size")
            case .ended: return failHandshake(input.isEmpty ? .closed : .truncated, worker)
            case .failed: return failHandshake(.broken, worker)
            }
            switch Self.parse(input, bytesMax: worker.bufferBytes) {
            case .needMore: continue
            case .failed(let fault): return failHandshake(HandshakeFault(fault), worker)
            case .complete(let header, let count):
                input.consume(count)
                input.releaseIfEmpty(to: worker.buffers)
                return take(header, worker)
            }
        }
    }

    // A span of a property of a class does not outlive the expression it stands in; one of a parameter does.
    private static func parse(_ bytes: borrowing ByteBuffer, bytesMax: Int) -> ProxyHeaderParser.Outcome {
        ProxyHeaderParser.parse(bytes.readable, bytesMax: bytesMax)
    }

    private func take(_ header: ProxyHeader, _ worker: Worker) {
        session.note(header.values, at: worker.now)
        if let ends = header.ends { session.take(ends: ends.source, ends.destination, keepsOwn: false) }
        beginBehindHeader(worker)
        if phase != .handshaking, phase != .awaitingClientAddress { resume(worker) }
    }

    /// There is no PROXY protocol header, or it is here.
    func beginBehindHeader(_ worker: Worker) {
        guard bind.clientAddressMagic != nil else { return beginContent(worker) }
        phase = .awaitingClientAddress
        setDeadline(after: frontend.timeouts.client, worker)
        if !input.isEmpty { readClientAddress(worker) }
    }

    /// Reads on in a NetScaler Client IP header, and goes on when it is whole.
    func readClientAddress(_ worker: Worker) {
        guard let magic = bind.clientAddressMagic else { preconditionFailure("no such header is to come") }
        while true {
            switch Self.parse(input, magic: magic, bytesMax: worker.bufferBytes) {
            case .needMore: break
            case .failed(let fault): return failHandshake(HandshakeFault(fault), worker)
            case .complete(let ends, let count):
                input.consume(count)
                input.releaseIfEmpty(to: worker.buffers)
                session.take(ends: ends.source, ends.destination, keepsOwn: true)
                beginContent(worker)
                if phase != .handshaking { resume(worker) }
                return
            }
            switch fill(worker) {
            case .progressed: break
            case .blocked: return
            case .full: preconditionFailure("the parser bounds an unfinished header below a buffer's size")
            case .ended:
                return failHandshake(input.isEmpty ? .closedBeforeClientAddress : .truncatedClientAddress, worker)
            case .failed: return failHandshake(.brokenBeforeClientAddress, worker)
            }
        }
    }

    private static func parse(
        _ bytes: borrowing ByteBuffer, magic: UInt32, bytesMax: Int
    ) -> ClientAddressParser.Outcome {
        ClientAddressParser.parse(bytes.readable, magic: magic, bytesMax: bytesMax)
    }

    /// There will be no header that is one: the connection is closed. It has a line in the log, of a form of its own, and no
    /// session was begun that could be counted.
    func failHandshake(_ fault: HandshakeFault, _ worker: Worker) {
        logFailedHandshake(beginFailure(fault, worker), hasReceived: !input.isEmpty, worker)
        // A client that speaks another protocol sees a reset.
        turnAway(input.isEmpty ? .close : .reset, worker)
    }

    /// The worker's context, about a connection that will not carry anything.
    func beginFailure(_ fault: HandshakeFault, _ worker: Worker) -> ExchangeContext {
        let context = lend(worker)
        context.handshakeFault = fault
        context.outcome.termination = Termination(.proxy, .request)
        // As in HAProxy's log, where no answer is sent.
        context.outcome.status = 0
        context.timers.ended = worker.now
        context.requestCounter = worker.nextExchangeNumber()
        return context
    }

    func logFailedHandshake(_ context: ExchangeContext, hasReceived: Bool, _ worker: Worker) {
        switch frontend.log.verdict(onFailedHandshake: hasReceived) {
        case .skip: break
        case .info: frontend.writeLog(context, .info, worker)
        case .error: frontend.writeLog(context, .err, worker)
        }
        context.handshakeFault = nil
        context.forgetConnection()
    }
}
