// HTTP/2 on a server's connection: what the connection object of one stream does in other ways than one with a descriptor, and requests
// that wait for a connection that is under way. The frames are the multiplexer's.

internal import Balancing
internal import Basics
internal import HTTP
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

extension ServerConnection {
    /// It is the connection of one stream from here on, for a stream that `use` gives it.
    func begin(_ stream: HTTP2Stream, of parent: ServerConnection, isFirst: Bool) {
        self.parent = parent
        transport = Transport(over: stream)
        server = parent.server
        address = parent.address
        local = parent.local
        backend = parent.backend
        key = parent.key
        codec = ServerCodec(stream)
        useCount = isFirst ? 0 : 1
        if phase != .connecting { phase = .idle }
    }

    /// The connection stands, and both sides speak HTTP/2: the stream that has waited for it gets the first of its streams.
    func beginMultiplexing(_ worker: Worker) {
        guard let user else { preconditionFailure("a connection is made for a stream") }
        // Streams of any plan may go over it.
        _ = followPlan(worker)
        let multiplexer = ServerMultiplexer(self, worker)
        self.multiplexer = multiplexer
        phase = .multiplexing
        self.user = nil
        if isPrivate { multiplexer.belong(to: user.client.base) }
        worker.serverPools[server].offer(multiplexer)
        let stream = multiplexer.open()
        user.replaceConnection(by: stream)
        multiplexer.flushLater()
        if user.asksForUpgrade {
            // The server's settings say whether it takes such requests.
            stream.awaitSettings(for: user, worker)
            multiplexer.awaitsSettings(stream)
        } else {
            stream.use(for: user, worker)
            user.deliver(.connected, worker)
        }
        // The server's first frames may be here already.
        self.multiplexer?.ready()
    }

    /// The stream goes on when the server's settings have come.
    private func awaitSettings(for user: ProxyStream, _ worker: Worker) {
        phase = .connecting
        self.user = user
        setDeadline(after: user.connectTimeout, worker)
    }

    func settingsArrived(_ worker: Worker) {
        guard phase == .connecting, let user else { return }
        phase = .inUse
        setDeadline(.never, worker)
        user.deliver(.connected, worker)
    }

    /// Closes the connection, whose streams have ended.
    func finishMultiplexing(_ mode: CloseMode, _ worker: Worker) {
        guard phase == .multiplexing else { return }
        phase = .closed
        multiplexer = nil
        uncountTLS(worker)
        close(worker, mode)
        if !waiters.isEmpty { fail(.system(.connectionReset), worker) }
    }

    /// Whether requests go over it in HTTP/2.
    var speaksHTTP2: Bool { backend.mode == .http && protocolChoice.isHTTP2(over: transport.engine) }

    // MARK: Waiting for a connection that is under way

    /// Whether it is not known yet how many streams it can carry: before it stands, and until the server's settings have come.
    var isUnderWay: Bool {
        switch phase {
        case .connecting, .handshaking: true
        case .multiplexing: multiplexer?.hasSettings == false
        case .inUse, .idle, .closed: false
        }
    }

    /// A connection of a stream to come, for `user`, which waits until this connection stands. Nil if enough wait for it.
    func wait(for user: ProxyStream, _ worker: Worker) -> ServerConnection? {
        guard isUnderWay, waiters.count + 1 < backend.settings.http2.backend.maxConcurrentStreams
        else { return nil }
        let waiter = worker.serverPools.makeStreamConnection()
        if let stream = waiter.transport.stream { waiter.transport = Transport(over: stream) }
        waiter.parent = self
        waiter.server = server
        waiter.backend = backend
        waiter.address = address
        waiter.key = key
        waiter.useCount = 0
        worker.enterStream(waiter)
        waiter.awaitSettings(for: user, worker)
        waiters.append(waiter)
        return waiter
    }

    /// The server's settings have come: those who have waited get their streams, or connections of their own if there are too many.
    func serveWaiters(_ worker: Worker) {
        let all = waiters
        waiters = []
        for waiter in all {
            guard waiter.phase == .connecting, waiter.parent === self, let user = waiter.user else { continue }
            guard let multiplexer, multiplexer.hasRoom(for: user.client.base) else {
                user.dropConnection(worker)
                user.connectAnew(worker)
                continue
            }
            multiplexer.open(on: waiter)
            waiter.settingsArrived(worker)
        }
    }

    /// The server speaks HTTP/1 this time: each of those who have waited gets a connection of its own.
    func connectAnew(_ waiting: [ServerConnection], _ worker: Worker) {
        for waiter in waiting where waiter.phase == .connecting && waiter.parent === self {
            guard let user = waiter.user else { continue }
            user.dropConnection(worker)
            user.connectAnew(worker)
        }
    }

    /// No connection comes about, for none of those who wait for it.
    func fail(_ reason: ConnectionFailure, _ worker: Worker) {
        hasFailed = true
        let all = waiters
        waiters = []
        user?.deliver(.connectFailed(reason), worker)
        for waiter in all where waiter.phase == .connecting && waiter.parent === self {
            waiter.user?.deliver(.connectFailed(reason), worker)
        }
    }

    /// The stream for which the connection was begun wants it no more: the first of those who wait for it goes on with it.
    func isLeftToWaiters(_ worker: Worker) -> Bool {
        guard phase == .connecting || phase == .handshaking, !hasFailed else { return false }
        let heir = waiters.removeFirst()
        guard let user = heir.user else { return false }
        self.user = user
        user.replaceConnection(by: self)
        setDeadline(heir.deadline, worker)
        heir.user = nil
        heir.shut(worker)
        return true
    }

    /// The connection of a stream has closed: its object can serve another.
    func leaveParent(_ worker: Worker) {
        guard let parent else { return }
        if !parent.waiters.isEmpty { parent.waiters.removeAll { $0 === self } }
        self.parent = nil
        // One of another plan would keep that, and one to a removed server the server.
        if backend.generation == worker.generation, !server.state.isRemoved { worker.serverPools.recycle(self) }
    }
}
