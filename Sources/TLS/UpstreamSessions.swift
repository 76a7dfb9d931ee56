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
        let isFit = unsafe SSL_SESSION_is_resumable(session) == 1
        guard let copy = unsafe (isFit ? nil : Self.rewritten(session)) ?? SSL_SESSION_dup(session) else { return nil }
        unsafe pointer = copy
    }

    /// A session that goes on with another under TLS 1.3 is good for later connections, and OpenSSL has made it with the mark of the
    /// one before, which it takes for spent. What is written does not have that mark. Nil if there is nothing to write.
    private static func rewritten(_ session: OpaquePointer) -> OpaquePointer? {
        defer { ERR_clear_error() }
        let count = unsafe i2d_SSL_SESSION(session, nil)
        guard count > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        defer { SecretBytes.wipe(&bytes) }
        return unsafe bytes.withUnsafeMutableBufferPointer { room in
            var end = room.baseAddress
            guard unsafe i2d_SSL_SESSION(session, &end) == count else { return nil }
            var start = unsafe UnsafePointer(room.baseAddress)
            return unsafe d2i_SSL_SESSION(nil, &start, Int(count))
        }
    }

    /// A copy for a connection of its own, which marks it as spent.
    func copied() -> TLSSession? { unsafe TLSSession(copyOf: pointer) }

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
            guard let copy = other.copied() else { return nil }
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
