// The idle connections to one server over all workers, and how many of them are worth keeping.

internal import Balancing
internal import Basics
internal import Synchronization

final class ServerIdles: Sendable {
    let server: Server
    /// By worker.
    let lists: [IdleList]
    // The most exchanges that the server had at a time, in this span of time and in the one before. Two workers that begin a span
    // at the same moment may lose one count: the next exchange notes it again.
    private let need = Atomic<Int>(0)
    private let needBefore = Atomic<Int>(0)
    private let spanEnd = Atomic<UInt64>(0)
    /// What was needed this long ago is forgotten.
    private static let span = TimeSpan.seconds(5)

    init(_ server: Server, workers: Int) {
        self.server = server
        lists = (0..<workers).map { _ in IdleList(isShared: workers > 1) }
    }

    /// Takes note of how many exchanges the server has at the moment.
    func note(need count: Int, now: Instant) {
        let end = spanEnd.load(ordering: .relaxed)
        if now.nanoseconds >= end,
            spanEnd.compareExchange(
                expected: end, desired: (now + Self.span).nanoseconds, ordering: .relaxed
            ).exchanged
        {
            needBefore.store(need.exchange(0, ordering: .relaxed), ordering: .relaxed)
        }
        if count > need.load(ordering: .relaxed) { need.max(count, ordering: .relaxed) }
    }

    /// Whether one more idle connection is likely to be needed: those in use, the one that asks among them, and the idle ones are
    /// not more than were in use at a time lately.
    var needsAnother: Bool {
        let used = server.active.current + 1
        let known = max(need.load(ordering: .relaxed), needBefore.load(ordering: .relaxed))
        return server.idle.current + used <= max(used, known) + server.poolConnectionsLow
    }

    /// Counts a connection that becomes idle. False if `pool-max-conn` would be exceeded.
    func count(_ entry: IdleEntry) -> Bool {
        if let most = server.poolConnectionsMax {
            guard server.idle.reserve(upTo: most) else { return false }
            server.idle.noteMaximum()
        } else {
            server.idle.increment()
        }
        if entry.kind == .reused { server.idleReused.increment() }
        return true
    }

    /// Counts one that is idle no more.
    func uncount(_ entry: IdleEntry) {
        server.idle.decrement()
        if entry.kind == .reused { server.idleReused.decrement() }
    }
}

/// The idle connections of the process, by server. A worker asks once for each server.
final class IdleRegistry: Sendable {
    private let workers: Int
    private let servers = Lock<(table: [ObjectIdentifier: ServerIdles], inOrder: [ServerIdles])>(([:], []))

    init(workers: Int) { self.workers = workers }

    func idles(of server: Server) -> ServerIdles {
        servers.withLock { servers in
            if let known = servers.table[ObjectIdentifier(server)] { return known }
            let fresh = ServerIdles(server, workers: workers)
            servers.table[ObjectIdentifier(server)] = fresh
            servers.inOrder.append(fresh)
            return fresh
        }
    }

    /// The server was removed.
    func forget(_ server: Server) {
        servers.withLock { servers in
            servers.table[ObjectIdentifier(server)] = nil
            servers.inOrder.removeAll { $0.server === server }
        }
    }

    /// Those of all servers that were asked for so far, in that order.
    var all: [ServerIdles] { servers.withLock { $0.inOrder } }
}
