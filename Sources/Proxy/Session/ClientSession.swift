// Who a client is: what all streams of its connection share, from the accept to the close.

internal import Basics
internal import ProxyProtocol
internal import Rules

/// The ends of a proxied connection, where the client is not the peer that connected, and what the proxy told beside them.
final class ProxiedEndpoints {
    /// The connection's own ends.
    let peer: SocketAddress
    let local: SocketAddress
    /// When the PROXY protocol header was whole; nil if there was none.
    private(set) var headerDone: Instant?
    /// What the header told beside the ends.
    private(set) var headerValues: TypedValues?

    init(_ peer: SocketAddress, _ local: SocketAddress) {
        self.peer = peer
        self.local = local
    }

    func note(_ values: TypedValues, at now: Instant) {
        headerValues = values
        headerDone = now
    }
}

struct ClientSession {
    /// The client's address, and the one that it connected to, as a PROXY protocol header or rules may have told them.
    private(set) var client: SocketAddress
    private(set) var local: SocketAddress
    /// Nil for a client that connected itself, which most do.
    var proxied: ProxiedEndpoints?
    /// `sess` variables; nil until one is set.
    var variables: VariableStore?
    /// Streams that have ended.
    var streamsEnded: UInt32 = 0

    init(_ client: SocketAddress, _ local: SocketAddress) {
        self.client = client
        self.local = local
    }

    /// Takes other addresses for the client's, and keeps the connection's own if `keepsOwn` and they are not kept yet.
    mutating func take(ends client: SocketAddress, _ local: SocketAddress, keepsOwn: Bool) {
        if keepsOwn, proxied == nil { proxied = ProxiedEndpoints(self.client, self.local) }
        self.client = client
        self.local = local
    }

    /// Says what rules and logs may know of the client.
    func introduce(to context: inout ConnectionContext) {
        context.client = client
        context.local = local
        context.acceptedFrom = proxied?.peer ?? client
        context.acceptedAt = proxied?.local ?? local
        context.headerValues = proxied?.headerValues
        context.isFirstRequest = streamsEnded == 0
    }
}
