// One exchange with an OCSP responder: connects, sends the request and reads the answer, within bounds of time. And the look-up of
// the responder's name before it.

internal import Admin
internal import Basics
internal import HTTP
internal import Reactor
internal import Resolvers
internal import SystemPackage
internal import Transport

/// One request and its answer.
final class ResponderExchange: LoopTask {
    /// Until the connection is established.
    private static let connectTimeout = TimeSpan.seconds(5)
    /// From then on, until the answer is complete.
    private static let answerTimeout = TimeSpan.seconds(30)

    private var stream: ByteStream?
    private var answer: ResponderAnswer
    private let message: [UInt8]
    private var isConnected = false
    private var handle = SlotHandle(index: 0, generation: 0)
    /// Nil once it was called.
    private var done: ((ResponderAnswer.Outcome) -> Void)?

    /// Begins an exchange.
    /// - Parameters:
    ///   - message: the HTTP request.
    ///   - limits: of the answer's head.
    ///   - contentBytesMax: of the answer's content.
    ///   - done: called once, possibly before this function returns.
    static func start(
        _ message: [UInt8], to address: SocketAddress, limits: HeadLimits, contentBytesMax: Int, pool: BufferPool,
        in loop: TaskLoop, done: @escaping (ResponderAnswer.Outcome) -> Void
    ) -> ResponderExchange {
        let exchange = ResponderExchange(
            message, ResponderAnswer(limits: limits, contentBytesMax: contentBytesMax), done)
        exchange.handle = loop.add(exchange)
        do throws(ByteStream.Refusal) {
            exchange.stream = try ByteStream(connectingTo: address, pool: pool, as: exchange.handle, in: loop)
            loop.setDeadline(loop.now + connectTimeout, of: exchange.handle)
        } catch {
            switch error {
            case .unreachable(let reason), .unwatched(let reason): exchange.fail(reason.description, in: loop)
            }
        }
        return exchange
    }

    private init(
        _ message: [UInt8], _ answer: consuming ResponderAnswer, _ done: @escaping (ResponderAnswer.Outcome) -> Void
    ) {
        self.message = message
        self.answer = answer
        self.done = done
    }

    deinit { stream?.releaseBuffers() }

    func expired(in loop: TaskLoop) {
        fail(
            isConnected ? "the responder did not answer in time" : "the responder does not accept the connection",
            in: loop)
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        stream?.note(readiness)
        guard isConnected || connect(in: loop) else { return }
        switch stream?.send(loop.kernel) {
        case .all?: read(in: loop)
        case .failed?: fail(stream?.failure?.description ?? "sending failed", in: loop)
        case .blocked?, nil: break
        }
    }

    /// Returns whether the connection is established.
    private func connect(in loop: TaskLoop) -> Bool {
        switch stream?.connectProgress(loop.kernel) {
        case .connected?: break
        case .failed(let reason)?:
            fail(reason.description, in: loop)
            return false
        case .pending?, nil: return false
        }
        isConnected = true
        loop.setDeadline(loop.now + Self.answerTimeout, of: handle)
        stream?.queue(message)
        return true
    }

    private func read(in loop: TaskLoop) {
        while true {
            switch stream?.read(loop.kernel) {
            case .progressed?, .full?: break
            case .ended?: return finish(answer.ended(), in: loop)
            case .failed?: return fail(stream?.failure?.description ?? "reading failed", in: loop)
            case .blocked?, nil: return
            }
            let outcome = stream?.consumeInput { bytes, consumed in answer.read(bytes, consumed: &consumed) }
            if let outcome = outcome ?? nil { return finish(outcome, in: loop) }
        }
    }

    private func fail(_ reason: String, in loop: TaskLoop) {
        finish(.failure(ResponderAnswer.httpError(reason)), in: loop)
    }

    private func finish(_ outcome: ResponderAnswer.Outcome, in loop: TaskLoop) {
        guard let done else { return }
        cancel(in: loop)
        done(outcome)
    }

    /// Ends it without an outcome.
    func cancel(in loop: TaskLoop) {
        guard done != nil else { return }
        done = nil
        stream?.close(.reset, loop.kernel)
        stream = nil
        loop.remove(handle)
    }
}

/// Finds the addresses of responders: through the `resolvers` section `default` where there is one, else through the system's resolver.
final class ResponderNames {
    typealias Outcome = Result<IPAddress, ResponseUpdateFault>

    private let resolvers: ResolverSet
    private let lookup: (any HostLookup)?
    /// Who waits for the system's resolver, which is asked for one name at a time.
    private var waiting: (host: String, done: (Outcome) -> Void)?

    init(_ resolvers: ResolverSet, _ lookup: (any HostLookup)?) {
        self.resolvers = resolvers
        self.lookup = lookup
    }

    /// Looks a name up; an address is its own. `done` is called once, possibly before this function returns. One at a time.
    func look(for host: String, done: @escaping (Outcome) -> Void) {
        if let address = IPAddress(host) { return done(.success(address)) }
        if let resolver = resolvers.resolver(named: "default") {
            return resolver.look(for: host, .v4) { result in
                switch result {
                case .success(let addresses) where !addresses.isEmpty: done(.success(addresses[0]))
                case .success: done(.failure(Self.unknown(host)))
                case .failure(let fault): done(.failure(Self.unknown(host, fault.rawValue)))
                }
            }
        }
        guard let lookup else { return done(.failure(Self.unknown(host))) }
        precondition(waiting == nil, "'\(host)' is looked up while another name is")
        waiting = (host, done)
        lookup.begin([host])
    }

    /// Called after each turn of the loop: takes in what the system's resolver has found.
    func collect() {
        guard let waiting, let answers = lookup?.takeAnswers() else { return }
        self.waiting = nil
        waiting.done(answers.first?.first.map { .success($0) } ?? .failure(Self.unknown(waiting.host)))
    }

    private static func unknown(_ host: String, _ why: String? = nil) -> ResponseUpdateFault {
        ResponderAnswer.httpError("no address is known of '\(host)'" + (why.map { ": \($0)" } ?? ""))
    }
}
