// The server connections of one worker that can carry another request.
//
// The pool hands out streams: a connection of HTTP/1 has one at a time, so it is handed out idle and comes back when its
// response has ended; one of HTTP/2 stays with its worker, and its streams are handed out while it has room. Idle connections of
// HTTP/1 are in the lists of `ServerIdles`, which all workers share: a worker without one takes one that another keeps.

internal import Balancing
internal import Basics
internal import Reactor
internal import SystemPackage

/// What a request wants of a connection to its server.
struct ConnectionWish {
    let key: ConnectionKey
    let choice: Choice
    /// Where connections with this key lead; nil for the server's address.
    let target: SocketAddress?
    /// The request could not be sent again: the connection has to be asked whether the server has closed it.
    let mustBeQuiet: Bool
    /// Who asks.
    let client: ClientConnection
    /// What the connection is to speak.
    let protocolChoice: ProtocolChoice
    /// The request asks for another protocol: in HTTP/2 the server has to have agreed to such.
    let asksForUpgrade: Bool

    /// Which idle connections it may go over.
    enum Choice: Equatable {
        /// Any, those that have not been reused first: what goes wrong with them can be made good.
        case any
        /// Those that have been reused before.
        case reused
        /// Any, those that have been reused first.
        case reusedFirst
    }
}

/// A worker's connections to one server.
final class ServerPool {
    private let idles: ServerIdles
    /// This worker's idle connections.
    private let own: IdleList
    private let index: Int
    /// This worker's connections in HTTP/2.
    @safe @exclusivity(unchecked) private var multiplexers: [ServerMultiplexer] = []
    @safe @exclusivity(unchecked) private var lastSpokeHTTP2 = false
    @safe @exclusivity(unchecked) private var latestEpoch: UInt32 = 0
    /// Those that were being made when they were last looked at.
    @safe @exclusivity(unchecked) private var connecting: [UnderWay] = []

    /// Does not hold the connection, which would hold the plan that it was begun under.
    private struct UnderWay {
        weak var connection: ServerConnection?
    }

    /// The worker that is asked first for one of its connections: each in turn.
    @safe @exclusivity(unchecked) private var nextVictim: Int

    let server: Server

    init(_ idles: ServerIdles, for worker: Int) {
        self.idles = idles
        server = idles.server
        index = worker
        own = idles.lists[worker]
        nextVictim = worker + 1
    }

    /// Idle connections of this worker.
    var idleCount: Int { own.count }

    /// Takes note of how many exchanges the server has, over all workers: as many connections are worth keeping.
    func note(need: Int, now: Instant) { idles.note(need: need, now: now) }

    // MARK: Streams

    /// A stream on a connection that is there already; nil if there is none for such a request.
    func acquire(_ wish: ConnectionWish, of backend: BackendPlan, _ worker: Worker) -> ServerConnection? {
        if let stream = stream(wish) { return stream }
        return wish.protocolChoice == .http2 ? nil : idleConnection(wish, of: backend, worker)
    }

    /// Gives a connection back. False if it is not worth keeping: then it is to be closed.
    func release(_ connection: ServerConnection, _ worker: Worker) -> Bool { keep(connection, worker) }

    /// What the last connection agreed on by ALPN: the next will most likely too.
    func note(speaksHTTP2: Bool) { lastSpokeHTTP2 = speaksHTTP2 }

    /// Whether a new connection of that choice will speak HTTP/2, as far as is known.
    func expectsHTTP2(_ choice: ProtocolChoice) -> Bool {
        choice == .http2 || choice == .negotiated && lastSpokeHTTP2
    }

    /// A connection begins with the endpoint of this number: idle ones of other endpoints get no request, and take up the pool's room.
    func closeIdle(before epoch: UInt32, _ worker: Worker) {
        guard epoch != latestEpoch else { return }
        latestEpoch = epoch
        while closeOldest(worker) {}
    }

    /// A connection is being made, most likely in HTTP/2, for which others may wait.
    func noteUnderWay(_ connection: ServerConnection) {
        guard expectsHTTP2(connection.protocolChoice) else { return }
        connecting.removeAll { $0.connection?.isUnderWay != true }
        connecting.append(UnderWay(connection: connection))
    }

    /// The connection that is being made and satisfies `condition`; nil if there is none.
    func underWay(_ condition: (ServerConnection) -> Bool) -> ServerConnection? {
        connecting.last { $0.connection.map { $0.isUnderWay && condition($0) } ?? false }?.connection
    }

    /// Streams of the connection are handed out from here on.
    func offer(_ multiplexer: ServerMultiplexer) { multiplexers.append(multiplexer) }

    /// No more streams of it are handed out.
    func withdraw(_ multiplexer: ServerMultiplexer) { multiplexers.removeAll { $0 === multiplexer } }

    /// A stream on the connection in HTTP/2 that was made last and has room for it.
    func stream(_ wish: ConnectionWish) -> ServerConnection? {
        if multiplexers.isEmpty || wish.protocolChoice == .http1 { return nil }
        let found = multiplexers.last {
            guard $0.key == wish.key, $0.hasRoom(for: wish.client) else { return false }
            return (!wish.asksForUpgrade || $0.takesUpgrades) && (wish.choice != .reused || $0.streamsBegun > 1)
        }
        return found?.open()
    }

    // MARK: Idle connections

    private func keep(_ connection: ServerConnection, _ worker: Worker) -> Bool {
        forgetStolen(worker)
        guard server.poolIdleTime > .zero, server.state.isUsable else { return false }
        let needsAnother = idles.needsAnother
        let entry = connection.idleEntry
        guard idles.count(entry) else { return false }
        let position = own.add(entry, watchedBy: worker.kernel.watchSet, onlyAsFirst: !needsAnother)
        guard let position else {
            idles.uncount(entry)
            return false
        }
        connection.position = position
        return true
    }

    private func idleConnection(_ wish: ConnectionWish, of backend: BackendPlan, _ worker: Worker) -> ServerConnection?
    {
        guard server.idle.current > 0 else { return nil }
        switch wish.choice {
        case .any: return idleConnection(wish, .usedOnceFirst, of: backend, worker)
        case .reused: return idleConnection(wish, .reusedOnly, of: backend, worker)
        case .reusedFirst:
            return idleConnection(wish, .reusedOnly, of: backend, worker)
                ?? idleConnection(wish, .usedOnceFirst, of: backend, worker)
        }
    }

    private func idleConnection(
        _ wish: ConnectionWish, _ preference: IdlePreference, of backend: BackendPlan, _ worker: Worker
    ) -> ServerConnection? {
        if preference == .reusedOnly && server.idleReused.current == 0 { return nil }
        while let entry = own.takeNewest(wish.key, preference) {
            idles.uncount(entry)
            let connection = connection(of: entry, worker)
            if !wish.mustBeQuiet || worker.kernel.isQuiet(entry.socket) { return connection }
            connection.closeFromPool(worker)
        }
        return steal(wish, preference, of: backend, worker)
    }

    private func connection(of entry: IdleEntry, _ worker: Worker) -> ServerConnection {
        guard let connection = worker.slots[entry.handle] as? ServerConnection else {
            preconditionFailure("an idle connection of this worker has left its table")
        }
        return connection
    }

    /// An event or a deadline concerns an idle connection. False if another worker has it by now.
    func reclaim(_ connection: ServerConnection) -> Bool {
        guard let position = connection.position else { return false }
        guard own.remove(position, of: connection.handle) else { return false }
        idles.uncount(connection.idleEntry)
        return true
    }

    /// Puts back what was reclaimed. False if it is not worth keeping: then it is to be closed.
    func restore(_ connection: ServerConnection, _ worker: Worker) -> Bool { keep(connection, worker) }

    /// Closes the connection that is least likely to be used; false if there is none.
    func closeOldest(_ worker: Worker) -> Bool {
        guard let entry = own.takeOldest() else { return false }
        idles.uncount(entry)
        connection(of: entry, worker).closeFromPool(worker)
        return true
    }

    func closeAll(_ worker: Worker) {
        while closeOldest(worker) {}
        forgetStolen(worker)
        for multiplexer in multiplexers where multiplexer.memberCount == 0 { multiplexer.leave() }
    }

    // MARK: Other workers' connections

    /// Takes an idle connection of another worker, unless `pool-low-conn` says that there are too few for that.
    private func steal(
        _ wish: ConnectionWish, _ preference: IdlePreference, of backend: BackendPlan, _ worker: Worker
    ) -> ServerConnection? {
        let count = idles.lists.count
        guard count > 1, server.idle.current >= max(1, server.poolConnectionsLow) else { return nil }
        let first = nextVictim
        for step in 0..<count {
            let victim = (first + step) % count
            guard victim != index else { continue }
            while let stolen = idles.lists[victim].steal(wish.key, preference) {
                idles.uncount(stolen.entry)
                nextVictim = victim + 1
                if let connection = adopt(stolen, wish, of: backend, worker) { return connection }
            }
        }
        return nil
    }

    /// Makes the connection this worker's; nil if the server has closed it, or sent something that no request has asked for.
    private func adopt(
        _ stolen: StolenConnection, _ wish: ConnectionWish, of backend: BackendPlan, _ worker: Worker
    ) -> ServerConnection? {
        let socket = stolen.entry.socket
        guard let target = wish.target ?? server.address else {
            Self.close(stolen, worker)
            return nil
        }
        let connection = worker.serverPools.makeConnection()
        connection.begin(
            stolen.entry, to: server, at: target, from: worker.kernel.localAddress(socket), of: backend)
        guard worker.adopt(connection, from: stolen.watchSet) == nil else {
            connection.uncountTLS(worker)
            worker.kernel.close(socket, reset: false)
            return nil
        }
        guard worker.kernel.isQuiet(socket) else {
            connection.closeFromPool(worker)
            return nil
        }
        return connection
    }

    /// `strict-maxconn`: closes idle connections to the server, this worker's first, as long as there would be too many with the one that is
    /// to be made. The slot for that one is taken already.
    func keepWithinLimit(_ worker: Worker) {
        guard let most = server.limits.maxConnections else { return }
        while server.active.current + server.idle.current > most, closeOldest(worker) || closeOthersOldest(worker) {}
    }

    private func closeOthersOldest(_ worker: Worker) -> Bool {
        for list in idles.lists {
            guard let stolen = list.stealOldest() else { continue }
            idles.uncount(stolen.entry)
            Self.close(stolen, worker)
            return true
        }
        return false
    }

    /// Closes a connection of another worker.
    static func close(_ stolen: StolenConnection, _ worker: Worker) {
        // No slot has the token: an event that comes in between finds nothing.
        _ = worker.kernel.adopt(stolen.entry.socket, from: stolen.watchSet, token: SlotHandle.nowhere.packed)
        worker.kernel.close(stolen.entry.socket, reset: false)
        if stolen.entry.tls != nil { worker.shared.counters.tls.end() }
    }

    /// Gives up the slots of connections that other workers have taken.
    private func forgetStolen(_ worker: Worker) {
        for handle in own.takeStolen() { (worker.slots[handle] as? ServerConnection)?.forget(worker) }
    }
}

extension SlotHandle {
    /// Names no slot: generations begin at 1.
    fileprivate static let nowhere = SlotHandle(index: 0, generation: 0)
}
