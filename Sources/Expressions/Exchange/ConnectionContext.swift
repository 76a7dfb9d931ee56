// What an exchange's context holds about the client's connection and of where the exchange went: two values, each filled in at once.

public import Basics
public import ProxyProtocol

/// The client's connection, as rules and logs may know it.
public struct ConnectionContext: Sendable {
    /// The client's address.
    public var client = SocketAddress.ip(.anyV4, port: 0)
    /// The address the client connected to.
    public var local = SocketAddress.ip(.anyV4, port: 0)
    /// The same two as the connection has them, which only `tcp-request connection` rules change.
    public var acceptedFrom = SocketAddress.ip(.anyV4, port: 0)
    public var acceptedAt = SocketAddress.ip(.anyV4, port: 0)
    /// What else the PROXY protocol header said with which the connection began; nil if it began with none.
    public var headerValues: TypedValues?
    public var frontendName = ""
    /// The number and the name of the bind line; empty if it has none.
    public var socketID = 0
    public var socketName = ""
    /// The frontend's index in the plan.
    public var frontendIndex = 0
    /// The numbers of the sockets of both connections, while there are any.
    public var clientSocket: Int32?
    /// Whether this is the first request of its connection.
    public var isFirstRequest = true

    public init() {}
}

/// The backend and the server that an exchange was led to.
public struct Destination: Sendable {
    /// The frontend's name until a backend is chosen.
    public var backendName = ""
    public var serverName = ExchangeContext.noServer
    /// The backend's index in the plan, and the server's in the backend; nil until they are chosen.
    public var backendIndex: Int?
    public var serverIndex: Int?
    /// The server's address, and ours on the connection to it.
    public var serverAddress: SocketAddress?
    public var sourceAddress: SocketAddress?
    /// Whether the connection to the server has carried an earlier request.
    public var serverConnectionWasUsed = false
    public var serverSocket: Int32?

    public init() {}

    /// Before a backend is chosen: logs name the frontend in its place.
    init(of frontendName: String) { backendName = frontendName }
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
    @inlinable public var acceptedFrom: SocketAddress {
        get { connection.acceptedFrom }
        set { connection.acceptedFrom = newValue }
    }
    @inlinable public var acceptedAt: SocketAddress {
        get { connection.acceptedAt }
        set { connection.acceptedAt = newValue }
    }
    @inlinable public var headerValues: TypedValues? {
        get { connection.headerValues }
        set { connection.headerValues = newValue }
    }
    @inlinable public var frontendName: String {
        get { connection.frontendName }
        set { connection.frontendName = newValue }
    }
    @inlinable public var socketID: Int {
        get { connection.socketID }
        set { connection.socketID = newValue }
    }
    @inlinable public var socketName: String {
        get { connection.socketName }
        set { connection.socketName = newValue }
    }
    @inlinable public var frontendIndex: Int {
        get { connection.frontendIndex }
        set { connection.frontendIndex = newValue }
    }
    @inlinable public var clientSocket: Int32? {
        get { connection.clientSocket }
        set { connection.clientSocket = newValue }
    }
    @inlinable public var isFirstRequest: Bool {
        get { connection.isFirstRequest }
        set { connection.isFirstRequest = newValue }
    }
    @inlinable public var backendName: String {
        get { destination.backendName }
        set { destination.backendName = newValue }
    }
    @inlinable public var serverName: String {
        get { destination.serverName }
        set { destination.serverName = newValue }
    }
    @inlinable public var backendIndex: Int? {
        get { destination.backendIndex }
        set { destination.backendIndex = newValue }
    }
    @inlinable public var serverIndex: Int? {
        get { destination.serverIndex }
        set { destination.serverIndex = newValue }
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
    @inlinable public var serverSocket: Int32? {
        get { destination.serverSocket }
        set { destination.serverSocket = newValue }
    }
}
