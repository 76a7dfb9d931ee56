// A server's connection in HTTP/2: requests of many exchanges at a time, each over a connection object of its own. The pool of its
// worker hands out streams while there is room.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Logging
internal import Reactor
internal import Transport

final class ServerMultiplexer: Multiplexer {
    private let carrier: ServerConnection
    /// For requests that wait for the server's settings, which say whether it takes WebSocket.
    private var waiting: ServerConnection?
    /// The server may be gone without a word: no further requests go over the connection.
    private var isMute = false
    /// It is counted among the server's idle connections.
    private var isIdle = false
    /// When it is closed unless a request goes over it.
    private var idleEnd = Instant.never

    init(_ carrier: ServerConnection, _ worker: Worker) {
        self.carrier = carrier
        let backend: BackendPlan = carrier.backend
        let limits = backend.settings.http2.backend
        super.init(
            HTTP2Connection(.client, limits: limits, headLimits: backend.headLimits),
            limits, backend.settings, backend.http2, on: carrier, worker)
    }

    var server: Server { carrier.server }
    var key: ConnectionKey { carrier.key }
    /// The client's connection to whose requests alone it belongs; nil for any.
    private(set) var owner: ClientConnection?
    /// Requests that it has carried.
    var streamsBegun: Int { http2.streamsBegun }

    /// Whether another request of `client` can go over it.
    func hasRoom(for client: ClientConnection) -> Bool {
        guard !isClosed, !isMute, hasSettings, http2.mayOpen, owner == nil || owner === client else { return false }
        guard let most = server.connectionReusesMax else { return true }
        return http2.streamsBegun <= most
    }

    /// Whether the server takes requests for other protocols (RFC 8441).
    var takesUpgrades: Bool { http2.peerTakesExtendedConnect }

    func awaitsSettings(_ stream: ServerConnection) { waiting = stream }

    /// Whether the server's settings have come.
    var hasSettings: Bool { http2.hasPeerSettings }

    override func settingsArrived() {
        if let stream = waiting {
            waiting = nil
            stream.settingsArrived(worker)
        }
        if !carrier.waiters.isEmpty { carrier.serveWaiters(worker) }
    }

    func belong(to client: ClientConnection) { owner = client }

    // MARK: Streams

    /// Begins a stream for another request.
    func open() -> ServerConnection {
        let connection = worker.serverPools.makeStreamConnection()
        worker.enterStream(connection)
        open(on: connection)
        return connection
    }

    /// Begins a stream on a connection object that waits for one.
    func open(on connection: ServerConnection) {
        if isIdle { countIdle(false) }
        let slot = http2.open()
        guard let stream = connection.transport.stream as? HTTP2Stream else {
            preconditionFailure("a stream's connection is carried by something else")
        }
        stream.begin(self, slot, for: connection)
        add(stream, at: slot)
        connection.begin(stream, of: carrier, isFirst: http2.streamsBegun == 1)
        if carrier.deadline != .never, !isBlocked { carrier.setDeadline(.never, worker) }
    }

    override func headArrived(_ slot: StreamSlot) {
        guard let stream = member(slot) else { preconditionFailure("the head of a stream that is not there") }
        stream.receiveResponse()
        stream.owner.ready(.readable, worker)
    }

    override func streamLeft() {
        guard !isClosed else { return }
        if memberCount > 0 { return }
        if !http2.mayOpen || worker.isStopping || carrier.leadsElsewhere { return leave() }
        guard carrier.followPlan(worker) else { return leave() }
        if isMute || isUsedUp || server.poolIdleTime == .zero || !server.state.isUsable { return leave() }
        countIdle(true)
        keepTime(progressed: true)
    }

    /// A request was not answered in time; nor has anything else come, if the connection leads nowhere.
    func answerTimedOut() {
        guard worker.now.since(heardAt) >= carrier.backend.timeouts.server else { return }
        isMute = true
        worker.serverPools.withdraw(self)
    }

    private var isUsedUp: Bool {
        guard let most = server.connectionReusesMax else { return false }
        return http2.streamsBegun > most
    }

    private func countIdle(_ becomesIdle: Bool) {
        isIdle = becomesIdle
        if becomesIdle { server.idle.increment() } else { server.idle.decrement() }
    }

    override func keepTime(progressed: Bool) {
        guard !isClosed else { return }
        if isBlocked {
            if progressed || carrier.deadline == .never {
                carrier.setDeadline(after: carrier.backend.timeouts.server, worker)
            }
        } else if memberCount == 0 {
            guard carrier.deadline == .never else { return }
            idleEnd = worker.now + server.poolIdleTime
            pings.forget()
            carrier.setDeadline(min(idleEnd, pings.next(every: server.idlePing, now: worker.now)), worker)
        } else if carrier.deadline != .never {
            carrier.setDeadline(.never, worker)
        }
    }

    func expired() {
        guard memberCount == 0 else { return peerLeft() }
        let interval = server.idlePing
        guard worker.now < idleEnd, pings.ask(every: interval, over: http2, now: worker.now) else { return leave() }
        flushLater()
        carrier.setDeadline(min(idleEnd, pings.next(every: interval, now: worker.now)), worker)
    }

    // MARK: Ending

    override func noteReset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        (stream.owner as? ServerConnection)?.user?.context.outcome.serverResetCode = code.rawValue
    }

    override func peerGoesAway(lastStream last: UInt32, _ code: HTTP2ErrorCode) {
        worker.serverPools.withdraw(self)
        if code != .noError { report("went away with \(code.name)") }
        endUnprocessed(above: last)
        if memberCount == 0, !isClosed { leave() }
    }

    /// Closes a connection without streams.
    func leave() {
        guard !isClosed else { return }
        http2.goAway("the connection is not needed any more")
        finish(.close)
    }

    override func peerLeft() {
        finish(.close)
    }

    override func failed(_ fault: HTTP2Fault) {
        report("HTTP/2 connection ended with \(fault.code.name): \(fault.words)")
        finish(.close)
    }

    private func report(_ what: String) {
        worker.log.event(
            .warning, to: carrier.backend.logTargets, "Server \(carrier.backend.name)/\(server.name): \(what).")
    }

    override func close(_ mode: CloseMode) {
        if isIdle { countIdle(false) }
        worker.serverPools.withdraw(self)
        endMembers(.internalError)
        if http2.pendingControlBytes > 0, connection.output.isEmpty {
            connection.output.acquire(from: worker.buffers)
            http2.drain(into: &connection.output)
            _ = connection.flush(worker)
        }
        carrier.finishMultiplexing(mode, worker)
    }
}
