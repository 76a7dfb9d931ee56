// What an exchange's context holds about the client's connection and about where the exchange went: two values, each filled in at once.

public import Basics
public import ProxyProtocol
public import TLS

/// What a listener's connections have in common. A class, because each exchange refers to it.
public final class ListenerIdentity: Sendable {
    public let frontendName: String
    /// The frontend's index in the plan.
    public let frontendIndex: Int
    /// The number and the name of the bind line; empty if it has none.
    public let socketID: Int
    public let socketName: String

    public init(frontendName: String = "", frontendIndex: Int = 0, socketID: Int = 0, socketName: String = "") {
        self.frontendName = frontendName
        self.frontendIndex = frontendIndex
        self.socketID = socketID
        self.socketName = socketName
    }

    public static let none = ListenerIdentity()
}

/// The ends of a connection as the system has them, where a PROXY protocol header or a rule has told others, and what such a
/// header told beside them.
public final class ConnectionOrigin: Sendable {
    /// The peer that connected, and the address it connected to.
    public let peer: SocketAddress
    public let local: SocketAddress
    /// When the PROXY protocol header was whole, and what it told beside the ends; nil if there was none.
    public let headerDone: Instant?
    public let headerValues: TypedValues?

    public init(
        peer: SocketAddress, local: SocketAddress, headerDone: Instant? = nil, headerValues: TypedValues? = nil
    ) {
        self.peer = peer
        self.local = local
        self.headerDone = headerDone
        self.headerValues = headerValues
    }
}

/// What there is to know of a connection that carries several exchanges at a time (HTTP/2), while it changes. The worker that has the
/// connection keeps it current; no other thread sees it.
@safe
public final class SharedConnectionFacts: @unchecked Sendable {
    /// Faults and oddities of the peer so far.
    @safe @exclusivity(unchecked) public var glitches = 0
    /// Exchanges that it carries now, and how many it may carry at a time.
    @safe @exclusivity(unchecked) public var streams = 0
    @safe @exclusivity(unchecked) public var streamsMax = 0

    public init() {}
}

/// The client's connection, as rules and logs may know it.
public struct ConnectionContext: Sendable {
    /// The client's address.
    public var client = SocketAddress.ip(.anyV4, port: 0)
    /// The address the client connected to.
    public var local = SocketAddress.ip(.anyV4, port: 0)
    /// Where the connection comes from; nil where that is `client` and `local`, as with most.
    public var origin: ConnectionOrigin?
    public var listener = ListenerIdentity.none
    /// The number of the socket, while there is one.
    public var clientSocket: Int32?
    /// Whether it is encrypted.
    public var isTLS = false
    /// What encrypts it, while there is such a connection; nil if nothing does.
    public var clientTLS: TLSEngine?
    /// What is known of it where it speaks HTTP/2; nil where it speaks HTTP/1, and carries one exchange at a time.
    public var shared: SharedConnectionFacts?
    /// The number of the exchange's stream there; 0 with HTTP/1.
    public var streamID: UInt32 = 0
    /// Whether this is the first request of its connection.
    public var isFirstRequest = true

    public init() {}

    /// Keeps the connection's own ends: `client` or `local` is about to change.
    public mutating func keepOrigin() {
        if origin == nil { origin = ConnectionOrigin(peer: client, local: local) }
    }
}

/// The backend and the server that an exchange was led to.
public struct Destination: Sendable {
    /// Nil until they are chosen.
    public var backendName: String?
    public var serverName: String?
    /// The backend's index in the plan, and the server's number in the process; nil until they are chosen.
    public var backendIndex: Int?
    public var serverNumber: Int?
    /// The server's address, and ours on the connection to it.
    public var serverAddress: SocketAddress?
    public var sourceAddress: SocketAddress?
    /// Whether the connection to the server has carried an earlier request.
    public var serverConnectionWasUsed = false
    public var serverSocket: Int32?
    /// What encrypts the connection to the server; nil if nothing does.
    public var serverTLS: TLSEngine?
    /// What is known of that connection where it speaks HTTP/2; nil where it speaks HTTP/1.
    public var sharedConnection: SharedConnectionFacts?
    /// The number of the exchange's stream there; 0 with HTTP/1.
    public var streamID: UInt32 = 0

    public init() {}
}

// Short names for both.
extension ExchangeContext {
    @inlinable public var client: SocketAddress {
        get { connection.client }
        set { connection.client = newValue }
    }
    @inlinable public var local: SocketAddress {
        get { connection.local }
        set { connection.local = newValue }
    }
    /// The client's address as the connection has it, which only `tcp-request connection` rules change; and the one it connected to.
    public var acceptedFrom: SocketAddress { connection.origin?.peer ?? client }
    public var acceptedAt: SocketAddress { connection.origin?.local ?? local }
    /// What else the PROXY protocol header said with which the connection began; nil if it began with none.
    public var headerValues: TypedValues? { connection.origin?.headerValues }
    public var frontendName: String { connection.listener.frontendName }
    public var socketID: Int { connection.listener.socketID }
    public var socketName: String { connection.listener.socketName }
    public var frontendIndex: Int { connection.listener.frontendIndex }
    public var clientSocket: Int32? { connection.clientSocket }
    @inlinable public var isTLS: Bool {
        get { connection.isTLS }
        set { connection.isTLS = newValue }
    }
    @inlinable public var isFirstRequest: Bool { connection.isFirstRequest }
    /// The frontend's name until a backend is chosen, which logs write in its place.
    @inlinable public var backendName: String {
        get { destination.backendName ?? connection.listener.frontendName }
        set { destination.backendName = newValue }
    }
    @inlinable public var serverName: String {
        get { destination.serverName ?? ExchangeContext.noServer }
        set { destination.serverName = newValue }
    }
    @inlinable public var backendIndex: Int? {
        get { destination.backendIndex }
        set { destination.backendIndex = newValue }
    }
    @inlinable public var serverNumber: Int? {
        get { destination.serverNumber }
        set { destination.serverNumber = newValue }
    }
    @inlinable public var serverAddress: SocketAddress? {
        get { destination.serverAddress }
        set { destination.serverAddress = newValue }
    }
    @inlinable public var sourceAddress: SocketAddress? {
        get { destination.sourceAddress }
        set { destination.sourceAddress = newValue }
    }
    @inlinable public var serverConnectionWasUsed: Bool {
        get { destination.serverConnectionWasUsed }
        set { destination.serverConnectionWasUsed = newValue }
    }
    @inlinable public var serverTLS: TLSEngine? {
        get { destination.serverTLS }
        set { destination.serverTLS = newValue }
    }
    @inlinable public var serverSocket: Int32? {
        get { destination.serverSocket }
        set { destination.serverSocket = newValue }
    }
}
