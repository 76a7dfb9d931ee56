// What a proxy says at the beginning of a connection about the client behind it: the header of the PROXY protocol, in its
// versions 1 and 2 (HAProxy's proxy-protocol.txt, to whose sections the comments refer).

public import Basics

/// A header that was understood.
public struct ProxyHeader: Equatable, Sendable {
    /// Who connected to whom, as the proxy has it. nil where the connection's own ends count: a proxy that connects for itself
    /// (LOCAL), a client it cannot describe (UNKNOWN, UNSPEC), and what is not TCP over IP.
    public var ends: Ends?
    /// What else it says; version 1 says nothing else.
    public var values: TypedValues

    /// The two ends of the client's connection.
    public struct Ends: Equatable, Sendable {
        public var source: SocketAddress
        public var destination: SocketAddress

        public init(source: SocketAddress, destination: SocketAddress) {
            self.source = source
            self.destination = destination
        }
    }

    public init(ends: Ends? = nil, values: TypedValues = TypedValues()) {
        self.ends = ends
        self.values = values
    }
}

/// What is wrong with a header.
public enum ProxyHeaderFault: String, CaseIterable, Error, Sendable {
    /// It begins as none of the two versions does.
    case notAHeader
    /// Version 1: a protocol other than TCP4, TCP6 and UNKNOWN.
    case unknownProtocol
    /// Version 1: no line end within the bytes that a line may have.
    case lineTooLong
    /// Version 1: a carriage return or a line feed without the other.
    case badLineEnd
    /// Version 1: not two addresses and two ports, with one space before each.
    case badFieldCount
    case badAddress
    case badPort
    /// Version 2: neither LOCAL nor PROXY.
    case badCommand
    /// Version 2: an address family or transport that does not exist.
    case badFamily
    /// Version 2: shorter than its addresses.
    case tooShort
    /// Version 2: longer than the receiver can take.
    case tooLong
    /// Version 2: a value that reaches over the header's end, or is longer than its type allows.
    case badValue
    /// Version 2: the checksum is another.
    case badChecksum
}
