// Who a client is: what all streams of its connection share, from the accept to the close.

internal import Basics
internal import Expressions
internal import ProxyProtocol

struct ClientSession {
    /// The client's address, and the one that it connected to, as a PROXY protocol header or rules may have told them.
    private(set) var client: SocketAddress
    private(set) var local: SocketAddress
    /// Where the connection comes from; nil for a client that connected itself, which most do.
    private(set) var origin: ConnectionOrigin?
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
        if keepsOwn, origin == nil { origin = ConnectionOrigin(peer: self.client, local: self.local) }
        self.client = client
        self.local = local
    }

    /// A PROXY protocol header was whole.
    mutating func note(_ values: TypedValues, at now: Instant) {
        origin = ConnectionOrigin(
            peer: origin?.peer ?? client, local: origin?.local ?? local, headerDone: now, headerValues: values)
    }
}
