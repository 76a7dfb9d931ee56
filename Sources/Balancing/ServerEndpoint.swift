// Where a server's connections lead and how they begin: what a connection that is being made has to see as one.
//
// A connection that was begun to one address without TLS must not shake hands because the server's line says `ssl` by now, and one
// that stands idle must not get a request that belongs elsewhere. So a connection keeps the endpoint that it was begun with, and the
// endpoints of a server are told apart by numbers.

public import Basics
public import ProxyProtocol
public import TLS

/// How connections to a server begin, as it was at one moment. Immutable; the control thread replaces it.
public final class ServerEndpoint: Sendable {
    /// Where the server is; nil if its name has no address.
    public let address: SocketAddress?
    /// What encrypts connections; nil if they are plain.
    public let tls: TLSUpstream?
    /// The PROXY protocol header that connections begin with; nil for none.
    public let proxyHeader: ProxyHeaderVersion?
    public let proxyOptions: ProxyHeaderOptions
    /// How connections are made; nil if no line has anything about it.
    public let way: ServerWay?
    /// Which of the server's endpoints this is: connections with another number are not like its own. The first is 0, and each further
    /// one has the next number, which after 2^32 of them is 0 again.
    public let epoch: UInt32

    /// - Parameter before: the server's endpoint until now; nil for its first.
    init(at address: SocketAddress?, _ configuration: ServerConfiguration, after before: ServerEndpoint?) {
        self.address = address
        tls = configuration.tls
        proxyHeader = configuration.proxyHeader
        proxyOptions = configuration.proxyOptions
        way = configuration.way
        epoch = before.map { $0.epoch &+ 1 } ?? 0
    }

    /// Whether connections begin alike.
    func isSame(as other: ServerEndpoint) -> Bool {
        address == other.address && tls === other.tls && proxyHeader == other.proxyHeader
            && proxyOptions == other.proxyOptions && way === other.way
    }
}

extension Server {
    /// Replaces the endpoint where the address, or what the configuration says of connections, is another one.
    func renewEndpoint(at address: SocketAddress?) {
        let before = endpoint
        let fresh = ServerEndpoint(at: address, configuration, after: before)
        if !fresh.isSame(as: before) { setEndpoint(fresh) }
    }
}
