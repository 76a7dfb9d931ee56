// What leads one client's stream to a server: an exchange of HTTP, or a tunnel of bytes. Both choose a backend, run rules on
// content, wait for addresses and for slots, connect and try again, and are counted and logged in the same way; that is here and
// in the other files of this folder.
//
// A stream ends exactly once, in `conclude`, whatever happens in between; its object then serves another. It keeps its slot in
// the worker's table meanwhile, so that a new stream costs neither an allocation nor a timer; what is addressed to an earlier
// stream on the same object carries a ticket that misses.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import SystemPackage
internal import Transport

/// Where a stream goes: the server, the slot on it and the connection to it.
struct ServerAttempt {
    /// The server that was chosen; or, in its own queue, the one that is waited for.
    var server: Server?
    /// The stream is counted as active on the server, and has to give its slot back.
    var holdsSlot = false
    var connection: ServerConnection?
    /// A connection that is given back once the log's line is written, which looks at its TLS: from then on another worker may use it.
    var keptForLog: ServerConnection?
    var retriesLeft = 0
}

class ProxyStream: EventSource {
    /// What rules and logs may know. A tunnel that an exchange has become has the exchange's.
    final let context: ExchangeContext
    @safe @exclusivity(unchecked) final var phase = StreamPhase.ended
    /// The client's connection, for as long as the stream lasts.
    @safe @exclusivity(unchecked) final var client: ClientConnection!
    @safe @exclusivity(unchecked) final var backend: BackendPlan?
    @safe @exclusivity(unchecked) final var attempt = ServerAttempt()
    /// What this stream asks its server for in TLS; empty for none. Made for each attempt.
    @safe @exclusivity(unchecked) final var requestedName: [UInt8] = []
    /// What its connection is told apart by from others to the same server; empty for nothing. Made with it.
    @safe @exclusivity(unchecked) final var poolName: [UInt8] = []
    /// The line of the log is written already, or there shall be none.
    @safe @exclusivity(unchecked) final var isLogged = false

    final var frontend: FrontendPlan { client.frontend }
    final var server: Server? { attempt.server }
    final var connection: ServerConnection? { attempt.connection }

    init(_ context: ExchangeContext) { self.context = context }

    // MARK: Beginning

    /// Begins for a client. The object is fresh, or was made so by `forget`.
    /// - Parameter start: where the stream's time begins: the accept, or the end of the stream before.
    final func begin(on client: ClientConnection, since start: Instant, _ worker: Worker) {
        guard case .ended = phase else { preconditionFailure("a stream begins while \(phase)") }
        self.client = client
        context.clear()
        client.introduce(to: context)
        // The time of the accept, which may be long ago.
        context.timers.acceptDate = worker.kernel.wallTime() - worker.now.since(start)
        context.timers.accepted = start
        if client.isFirstStream, let origin = client.session.origin {
            context.timers.handshakeDone = origin.headerDone
        }
        context.timers.requestBegun = worker.now
        context.requestCounter = worker.nextExchangeNumber()
    }

    /// Lets go of the stream that has ended.
    func forget() {
        phase = .ended
        client = nil
        backend = nil
        attempt = ServerAttempt()
        isLogged = false
    }

    // MARK: Events

    /// Delivers an event from outside: the stream may end, and then the client's next request may be there.
    final func deliver(_ event: StreamEvent, _ worker: Worker) {
        let client = client
        handle(event, worker)
        client?.resume(worker)
    }

    /// The transition function: does what follows from `event` in the present phase.
    func handle(_ event: StreamEvent, _ worker: Worker) {
        preconditionFailure("\(type(of: self)) has no transitions")
    }

    final override func ready(_ readiness: Readiness, _ worker: Worker) { deliver(.progress, worker) }

    final override func expired(_ worker: Worker) { deliver(.timeUp, worker) }

    /// Goes to a phase that waits until `deadline`, if something does not end it before.
    final func enter(_ next: StreamPhase, until deadline: Instant = .never, _ worker: Worker) {
        phase = next
        if deadline != self.deadline { setDeadline(deadline, worker) }
    }

    // MARK: What exchanges and tunnels do each in their way

    /// The rules on content of a section have let it pass.
    func contentPassed(_ step: Step, _ worker: Worker) { preconditionFailure("\(type(of: self)) has no content rules") }

    /// `http-request` rules that waited go on.
    func requestRulesGoOn(_ bookmark: RuleBookmark, _ worker: Worker) {
        preconditionFailure("\(type(of: self)) has no rules on requests")
    }

    /// An idle connection to the server that this stream may use; nil for a new one.
    func idleConnection(to server: Server, of backend: BackendPlan, _ worker: Worker) -> ServerConnection? { nil }

    /// A place on a connection to the server that is being made, for another request; nil to make one.
    func connectionUnderWay(to server: Server, at address: SocketAddress, _ worker: Worker) -> ServerConnection? { nil }

    /// What this stream's connection to the server is to speak.
    func protocolChoice(for server: Server) -> ProtocolChoice { .http1 }

    /// The place in the plan of the server that the request's cookie names; nil if there is none.
    var placeOfPersistentServer: Int? { nil }
    /// The server that the cookie names has failed.
    func losePersistence() {}

    /// Whether it asks its server for another protocol, such as WebSocket.
    var asksForUpgrade: Bool { false }

    /// There is a connection to the server, new or used before.
    func serverReady(_ worker: Worker) { preconditionFailure("\(type(of: self)) has no server") }

    /// Ends with an error, of which the client is told as far as that is possible.
    func fail(
        status: Int, detail: String? = nil, _ cause: Termination.Cause, _ at: Termination.Phase, _ worker: Worker
    ) {
        preconditionFailure("\(type(of: self)) does not fail")
    }

    /// The client has gone, or cannot be reached any more.
    func clientAborted(_ worker: Worker) { preconditionFailure("\(type(of: self)) has no client") }

    /// Gives back what the subclass holds, when the stream has ended.
    func releaseResources(_ worker: Worker) {}

    /// Gives the object back to the worker.
    func recycle(_ worker: Worker) { preconditionFailure("\(type(of: self)) is not recycled") }

    // MARK: Watching the client

    /// While a server is sought, a client that is gone for good ends the search; so does one that sends no more, unless the
    /// operator says that it may still want its answer.
    final func watchClient(_ worker: Worker) {
        client.releaseEmptyInput(worker)
        guard client.mayRead else { return }
        switch client.fill(worker) {
        case .failed: clientAborted(worker)
        case .ended: if backend?.abortsOnClose == true { clientFinished(worker) }
        case .progressed, .blocked, .full: break
        }
    }

    /// The client sends no more, and its request is not with a server yet. A connection that is under way may stand in this very
    /// turn: it has `Limits.halfClosedWait`. Everything else ends.
    private func clientFinished(_ worker: Worker) {
        guard case .connecting = phase, let connection else { return clientAborted(worker) }
        connection.setDeadline(min(connection.deadline, worker.now + Limits.halfClosedWait), worker)
    }

    /// The client is to read on. Only what it takes moves its deadline: other signs of life do not free a buffer.
    final func awaitClient(progressed: Bool, _ worker: Worker) {
        if progressed || client.deadline == .never { client.setDeadline(after: clientTimeout, worker) }
    }

    // MARK: Settings of both sections and of rules

    /// The time-outs, which rules may have changed for this stream (`set-timeout`).
    final var serverTimeout: TimeSpan { context.directives.serverTimeout ?? backend?.timeouts.server ?? .forever }
    final var clientTimeout: TimeSpan { context.directives.clientTimeout ?? frontend.timeouts.client }
    final var connectTimeout: TimeSpan { context.directives.connectTimeout ?? backend?.timeouts.connect ?? .forever }
}

/// Streams of one kind that have ended, for reuse by the next: a warm worker allocates nothing for a request. They keep their
/// slots in the worker's table.
struct SpareStreams<Stream: ProxyStream> {
    private var streams: [Stream] = []
    /// The fewest there were since memory was last given back.
    private var fewest = 0
    /// How many are kept.
    let most: Int

    init(keeping most: Int) { self.most = most }

    var count: Int { streams.count }

    mutating func take() -> Stream? {
        guard let stream = streams.popLast() else { return nil }
        if streams.count < fewest { fewest = streams.count }
        return stream
    }

    /// False if there are enough.
    mutating func keep(_ stream: Stream) -> Bool {
        guard streams.count < most else { return false }
        streams.append(stream)
        return true
    }

    /// Takes out those that were not needed since the last call; or all of them.
    mutating func takeUnused(all: Bool = false) -> ArraySlice<Stream> {
        let unused = streams.suffix(all ? streams.count : fewest)
        streams.removeLast(unused.count)
        fewest = streams.count
        return unused
    }
}
