// Messages that were refused because they could not be understood, for `show errors`.

public import Basics

/// One refused message, with the bytes that were still in the buffer.
public struct CapturedError: Sendable {
    public enum Side: String, Sendable { case request, response }

    /// A proxy or a server: its name and number.
    public struct Place: Sendable {
        public var name: String
        public var id: Int

        public init(name: String, id: Int) {
            self.name = name
            self.id = id
        }
    }

    public var side: Side
    /// Its number among all refused messages of the process, from 0.
    public var number: UInt64 = 0
    public var time: WallTime
    public var frontend: Place
    public var backend: Place?
    public var server: Place?
    public var client: SocketAddress
    /// What was wrong, in words.
    public var reason: String
    /// Bytes of the message before `bytes`, which are no longer in the buffer.
    public var skipped = 0
    public var bytes: [UInt8]
    /// Where the fault is, in `bytes`.
    public var position: Int
    /// The size of the buffer it was read into.
    public var bufferBytes: Int

    public init(
        _ side: Side, at time: WallTime, frontend: Place, backend: Place? = nil, server: Place? = nil,
        client: SocketAddress, reason: String, bytes: [UInt8], position: Int, bufferBytes: Int
    ) {
        self.side = side
        self.time = time
        self.frontend = frontend
        self.backend = backend
        self.server = server
        self.client = client
        self.reason = reason
        self.bytes = bytes
        self.position = position
        self.bufferBytes = bufferBytes
    }

    /// The proxy it is kept at: a request is its frontend's, a response its backend's.
    var owner: Place { side == .request ? frontend : backend ?? frontend }
}

/// The last refused request of each frontend and the last refused response of each backend.
public struct CapturedErrors: Sendable {
    public var errors: [CapturedError]
    /// Refused since the process began.
    public var total: UInt64

    public init(_ errors: [CapturedError] = [], total: UInt64 = 0) {
        self.errors = errors
        self.total = total
    }
}
