// The pools of one worker, by server, and the objects that it keeps for server connections to come.

internal import Balancing
internal import Basics
internal import Reactor

/// All server connections of one worker that can carry another request, by server.
final class ServerPools {
    private let registry: IdleRegistry
    private let worker: Int
    @safe @exclusivity(unchecked) private var pools: [ObjectIdentifier: ServerPool] = [:]
    /// The same in the order in which they were made.
    @safe @exclusivity(unchecked) private var inOrder: [ServerPool] = []
    /// The one that was asked for last.
    @safe @exclusivity(unchecked) private var last: ServerPool?
    var loggedFaults = LoggedFaults()
    /// Objects for connections to come.
    @safe @exclusivity(unchecked) private(set) var spare: [ServerConnection] = []
    private static let spareCount = 32

    init(_ registry: IdleRegistry, worker: Int) {
        self.registry = registry
        self.worker = worker
    }

    subscript(server: Server) -> ServerPool {
        // Where a backend has one server, or balancing stays with one, no table is searched.
        if let last, last.server === server { return last }
        let pool = pools[ObjectIdentifier(server)] ?? makePool(server)
        last = pool
        return pool
    }

    private func makePool(_ server: Server) -> ServerPool {
        let fresh = ServerPool(registry.idles(of: server), for: worker)
        pools[ObjectIdentifier(server)] = fresh
        inOrder.append(fresh)
        return fresh
    }

    /// An object for a connection that begins. They are made in rows, which lie together in memory: an object that is made in the middle
    /// of a burst, between the memory of its exchanges, keeps a page of it for as long as the connection is idle.
    func makeConnection() -> ServerConnection {
        if spare.isEmpty { for _ in 0..<Self.spareCount { spare.append(ServerConnection()) } }
        return spare.removeLast()
    }

    /// Connection objects for streams of HTTP/2.
    @safe @exclusivity(unchecked) private var spareStreams: [ServerConnection] = []

    /// An object for a stream that begins.
    func makeStreamConnection() -> ServerConnection { spareStreams.popLast() ?? ServerConnection(over: HTTP2Stream()) }

    /// The stream has ended: its object can serve another.
    func recycle(_ connection: ServerConnection) {
        if spareStreams.count < Limits.spareStreams { spareStreams.append(connection) }
    }

    /// No backend has the server any more: closes the connections to it that nothing uses.
    func forget(_ server: Server, _ worker: Worker) {
        // A connection that closes looks its pool up.
        pools[ObjectIdentifier(server)]?.closeAll(worker)
        pools[ObjectIdentifier(server)] = nil
        inOrder.removeAll { $0.server === server }
        if last?.server === server { last = nil }
        loggedFaults.forget(server)
        registry.forget(server)
    }

    /// The same for servers that were removed before, and that a stream was using then.
    func forgetRemoved(_ worker: Worker) {
        for pool in inOrder where pool.server.state.isRemoved { forget(pool.server, worker) }
    }

    /// The connection takes no more requests.
    func withdraw(_ multiplexer: ServerMultiplexer) {
        // That of a removed server is gone.
        pools[ObjectIdentifier(multiplexer.server)]?.withdraw(multiplexer)
    }

    /// Gives back the objects that are only kept for speed.
    func trim() { spareStreams = [] }

    /// Closes an idle connection, of the server to which this worker keeps most, or of another worker; false if there is none.
    func makeRoom(_ worker: Worker) -> Bool {
        if let most = inOrder.max(by: { $0.idleCount < $1.idleCount }), most.closeOldest(worker) { return true }
        for idles in registry.all where idles.server.idle.current > 0 {
            for list in idles.lists {
                guard let stolen = list.stealOldest() else { continue }
                idles.uncount(stolen.entry)
                ServerPool.close(stolen, worker)
                return true
            }
        }
        return false
    }

    func closeAll(_ worker: Worker) {
        for pool in inOrder { pool.closeAll(worker) }
    }
}
