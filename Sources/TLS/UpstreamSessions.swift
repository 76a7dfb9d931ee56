// The TLS sessions that servers have given, for later connections to go on with: by thread, and by the name that the server was asked
// for. A session of one name is never offered under another: the server's certificate was checked for the first.

internal import Basics
internal import COpenSSL

/// A session of its own, which no connection uses.
@safe
final class TLSSession: Sendable {
    // Safe: it is not changed; OpenSSL counts references to it with atomics.
    nonisolated(unsafe) let pointer: OpaquePointer

    /// A copy of a connection's session: the end of the connection may make its own unfit for others. Nil without memory.
    init?(copyOf session: OpaquePointer) {
        guard let copy = unsafe SSL_SESSION_dup(session) else { return nil }
        unsafe pointer = copy
    }

    deinit { unsafe SSL_SESSION_free(pointer) }
}

/// The sessions with one server.
final class UpstreamSessions: Sendable {
    /// Names of which a thread keeps a session. With `sni` names come from clients: without a limit each would stay for ever.
    static let namesMax = 1_000

    private final class Shelf: Sendable {
        let sessions = Lock<[[UInt8]: TLSSession]>([:])
    }

    /// By worker. A connection may end on another worker than the one that opened it, so that two meet here now and then.
    private let shelves: [Shelf]

    init(workers: Int) { shelves = (0..<max(1, workers)).map { _ in Shelf() } }

    /// The newest session with the server under this name; nil for none. A worker that has none yet begins with a copy of another's.
    func find(worker: Int, name: ServerHelloName?) -> TLSSession? {
        let key = name?.bytes ?? []
        if let own = shelves[worker].sessions.withLock({ $0[key] }) { return own }
        for (index, shelf) in shelves.enumerated() where index != worker {
            guard let other = shelf.sessions.withLock({ $0[key] }) else { continue }
            guard let copy = unsafe TLSSession(copyOf: other.pointer) else { return nil }
            keep(copy, worker: worker, name: name)
            return copy
        }
        return nil
    }

    func keep(_ session: TLSSession, worker: Int, name: ServerHelloName?) {
        let key = name?.bytes ?? []
        shelves[worker].sessions.withLock { shelf in
            if shelf.count >= Self.namesMax, shelf[key] == nil { shelf.remove(at: shelf.startIndex) }
            shelf[key] = session
        }
    }
}

/// Where a connection's session goes.
struct SessionPlace: Sendable {
    private let sessions: UpstreamSessions
    private let worker: Int
    private let name: ServerHelloName?

    init(_ sessions: UpstreamSessions, worker: Int, name: ServerHelloName?) {
        self.sessions = sessions
        self.worker = worker
        self.name = name
    }

    /// Keeps a copy of a session that the server has given.
    func keep(_ session: OpaquePointer) {
        guard let copy = unsafe TLSSession(copyOf: session) else { return }
        sessions.keep(copy, worker: worker, name: name)
    }
}
