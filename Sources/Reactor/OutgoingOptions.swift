// Outgoing connections: how they begin, and what the sockets of connections to one server get before their first packet.

public import Basics
internal import CLinux
internal import Glibc
internal import SystemPackage

/// Options of outgoing sockets. Immutable: all connections to a server share one.
public final class OutgoingOptions: Sendable {
    public let socketOptions: [SocketOption]
    /// The network interface that packets leave through (SO_BINDTODEVICE); nil for that of the route.
    public let interface: String?
    /// Nil for that of the process.
    public let namespace: NetworkNamespace?
    /// Signs each segment (RFC 2385); nil for none.
    public let signingKey: [UInt8]?

    public init(
        _ socketOptions: [SocketOption] = [], interface: String? = nil, namespace: NetworkNamespace? = nil,
        signingKey: [UInt8]? = nil
    ) {
        self.socketOptions = socketOptions
        self.interface = interface
        self.namespace = namespace
        self.signingKey = signingKey
    }

    /// A stream socket for a connection to `address`; -1 on failure, with errno set.
    func makeSocket(for address: SocketAddress) -> Int32 {
        guard let namespace else { return SystemAddress.makeStreamSocket(for: address) }
        return namespace.inside { SystemAddress.makeStreamSocket(for: address) }
    }

    /// Sets everything on a new socket. Returns why the system refuses what a connection must not lack; options that it refuses
    /// otherwise are left out.
    func prepare(_ socket: Socket, for address: SocketAddress) -> Errno? {
        guard case .ip = address else { return nil }
        for option in socketOptions { option.set(on: socket) }
        if let interface, !SocketOption.bind(socket, toInterface: interface) { return Errno.last }
        guard let signingKey else { return nil }
        return SegmentSignature.require(of: address, with: signingKey, on: socket) ? nil : Errno.last
    }
}

/// The TCP MD5 signature option (RFC 2385).
enum SegmentSignature {
    /// The longest key in bytes (TCP_MD5SIG_MAXKEYLEN).
    static let keyBytesMax = 80

    /// Signs segments to and from one peer; false on failure, with errno set.
    static func require(of peer: SocketAddress, with key: [UInt8], on socket: Socket) -> Bool {
        require(of: peer, prefix: UInt8(peer.ip?.bitCount ?? 0), key, socket)
    }

    /// Signs segments of all connections that a listening socket at `address` takes; false on failure, with errno set.
    static func require(ofClientsAt address: SocketAddress, with key: [UInt8], on socket: Socket) -> Bool {
        switch address.ip {
        case .v4?: return require(of: .ip(.anyV4, port: 0), prefix: 0, key, socket)
        case .v6?:
            guard require(of: .ip(.anyV6, port: 0), prefix: 0, key, socket) else { return false }
            // Clients with IPv4; a socket for IPv6 alone has none.
            _ = require(of: .ip(.v6(0, 0xFFFF_0000_0000), port: 0), prefix: 0, key, socket)
            return true
        case nil: return true
        }
    }

    private static func require(of peer: SocketAddress, prefix: UInt8, _ key: [UInt8], _ socket: Socket) -> Bool {
        unsafe SystemAddress.with(peer) { address, length in
            unsafe key.withUnsafeBytes {
                unsafe clinux_sign_segments(socket.number, address, length, prefix, $0.baseAddress, $0.count)
            }
        } == 0
    }
}

extension SocketOption {
    /// Restricts a socket to an interface; false on failure, with errno set.
    static func bind(_ socket: Socket, toInterface name: String) -> Bool {
        unsafe setsockopt(socket.number, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.utf8.count)) == 0
    }
}

extension LinuxKernel {
    public func connect(
        to address: SocketAddress, from source: SocketAddress?, marks: SocketMarks, options: OutgoingOptions?
    ) -> Connecting {
        if case .pair(let carrier) = address {
            let number = clinux_connect_over(carrier)
            return number < 0 ? .failed(Errno.last) : .started(Socket(number))
        }
        let number = options?.makeSocket(for: address) ?? SystemAddress.makeStreamSocket(for: address)
        guard number >= 0 else { return .failed(Errno.last) }
        if case .ip = address { SocketOption.noDelay.set(on: Socket(number)) }
        if let options, let reason = options.prepare(Socket(number), for: address) {
            _ = Glibc.close(number)
            return .failed(reason)
        }
        // Before connect, because they apply to the first packet and influence its route.
        if let value = marks.typeOfService { setTypeOfService(Socket(number), value) }
        if let value = marks.mark { setMark(Socket(number), value) }
        if let source, unsafe SystemAddress.with(source, { unsafe clinux_bind(number, $0, $1) }) != 0 {
            return failed(closing: number)
        }
        // A check is the main thread's, and its path is that of the server's connections.
        if case .path = address { return Confinement.inside { connect(number, to: address) } }
        return connect(number, to: address)
    }

    private func connect(_ number: Int32, to address: SocketAddress) -> Connecting {
        while unsafe SystemAddress.with(address, { unsafe clinux_connect(number, $0, $1) }) != 0 {
            switch Errno.last {
            case .interrupted: continue
            case .nowInProgress, .alreadyInProcess: return .started(Socket(number))
            default: return failed(closing: number)
            }
        }
        return .started(Socket(number))
    }

    private func failed(closing number: Int32) -> Connecting {
        let reason = Errno.last
        _ = Glibc.close(number)
        return .failed(reason)
    }

    public func reduceSegments(of socket: Socket, by bytes: Int) {
        var size: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(socket.number, Int32(IPPROTO_TCP), TCP_MAXSEG, &size, &length) == 0 else { return }
        SocketOption.segmentBytesMax(size - Int32(clamping: bytes)).set(on: socket)
    }
}
