// What is known of the client's connection and of the server's (manual, sections 7.3.3 and 7.3.4).

internal import Basics
internal import Configuration
internal import Glibc

enum ConnectionSample: SampleFamily {
    case source, sourcePort, destination, destinationPort
    /// Whether the address is one of this machine's.
    case sourceIsLocal, destinationIsLocal
    /// As the connection has them, whatever a PROXY protocol header says, and what rules made of them later.
    case connectionSource, connectionSourcePort, connectionDestination, connectionDestinationPort
    case connectionSourceIsLocal, connectionDestinationIsLocal
    case isTLS, isFirstRequest
    case socketID, socketName
    /// The connection to the server: our end and the server's.
    case backSource, backSourcePort, backDestination, backDestinationPort

    static let rows: [SampleRow] = ends + fixedEnds + serverEnds + others

    private static let ends: [SampleRow] = [
        row("src", .address, .source, "The client's address."),
        row("src_port", .integer, .sourcePort, "The client's port."),
        row("src_is_local", .bool, .sourceIsLocal, "Whether the client's address is one of this machine's."),
        row("dst", .address, .destination, "The address the client connected to."),
        row("dst_port", .integer, .destinationPort, "The port the client connected to."),
        row(
            "dst_is_local", .bool, .destinationIsLocal,
            "Whether the address the client connected to is one of this machine's."),
    ]

    private static let fixedEnds: [SampleRow] = [
        row(
            "fc_src", .address, .connectionSource,
            "The address the connection comes from: also where a PROXY protocol header or later rules say otherwise of src."
        ),
        row("fc_src_port", .integer, .connectionSourcePort, "The port the connection comes from, as fc_src."),
        row("fc_src_is_local", .bool, .connectionSourceIsLocal, "Whether fc_src is an address of this machine."),
        row("fc_dst", .address, .connectionDestination, "The address the connection came to, as fc_src."),
        row("fc_dst_port", .integer, .connectionDestinationPort, "The port the connection came to, as fc_src."),
        row("fc_dst_is_local", .bool, .connectionDestinationIsLocal, "Whether fc_dst is an address of this machine."),
    ]

    private static let serverEnds: [SampleRow] = [
        row("bc_src", .address, .backSource, from: .responseBytes, "Our address on the connection to the server."),
        row(
            "bc_src_port", .integer, .backSourcePort, from: .responseBytes, "Our port on the connection to the server."),
        row("bc_dst", .address, .backDestination, from: .responseBytes, "The server's address."),
        row("bc_dst_port", .integer, .backDestinationPort, from: .responseBytes, "The server's port."),
    ]

    private static let others: [SampleRow] = [
        row("ssl_fc", .bool, .isTLS, "Whether the client's connection is encrypted."),
        row(
            "http_first_req", .bool, .isFirstRequest, from: .requestHead,
            "Whether this is its connection's first request."),
        row("so_id", .integer, .socketID, "The number of the bind line, or what its id says."),
        row("so_name", .string, .socketName, "The name that the bind line's name parameter gives."),
    ]

    private static func row(
        _ name: String, _ type: SampleType, _ sample: ConnectionSample,
        from availability: SampleAvailability = .connection,
        _ summary: String
    ) -> SampleRow {
        SampleRow(name, yields: type, from: availability, .connection(sample), summary: summary)
    }

    /// nil for the addresses and ports of a unix socket, and where there is no server.
    @inline(__always)
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .source: address(context.client)
        case .sourcePort: port(context.client)
        case .destination: address(context.local)
        case .destinationPort: port(context.local)
        case .isTLS: .bool(context.isTLS)
        default: fetchOther(context)
        }
    }

    private func fetchOther(_ context: ExchangeContext) -> SampleValue? {
        switch self {
        case .sourceIsLocal: .bool(context.client.isOfThisMachine)
        case .destinationIsLocal: .bool(context.local.isOfThisMachine)
        case .connectionSource: address(context.acceptedFrom)
        case .connectionSourcePort: port(context.acceptedFrom)
        case .connectionSourceIsLocal: .bool(context.acceptedFrom.isOfThisMachine)
        case .connectionDestination: address(context.acceptedAt)
        case .connectionDestinationPort: port(context.acceptedAt)
        case .connectionDestinationIsLocal: .bool(context.acceptedAt.isOfThisMachine)
        case .isFirstRequest: context.request.isPresent ? .bool(context.isFirstRequest) : nil
        case .socketID: .integer(context.socketID)
        case .socketName: context.socketName.isEmpty ? nil : .string(context.make { $0.append(context.socketName) })
        case .backSource: context.sourceAddress.flatMap(address)
        case .backSourcePort: context.sourceAddress.flatMap(port)
        case .backDestination: context.serverAddress.flatMap(address)
        case .backDestinationPort: context.serverAddress.flatMap(port)
        case .source, .sourcePort, .destination, .destinationPort, .isTLS: nil
        }
    }

    private func address(_ end: SocketAddress) -> SampleValue? { end.ip.map { .address($0) } }
    private func port(_ end: SocketAddress) -> SampleValue? { end.port.map { .integer(Int($0)) } }
}

extension SocketAddress {
    /// Whether the address is one of this machine's. Asks the kernel: it is one if a socket can have it.
    fileprivate var isOfThisMachine: Bool {
        switch self {
        case .path, .abstract, .abstractExact, .pair: return true
        case .ip(.v4(let word), _):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = word.bigEndian
            return unsafe canBeBound(&address, MemoryLayout<sockaddr_in>.size, AF_INET)
        case .ip(.v6(let high, let low), _):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) {
                unsafe $0.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
                unsafe $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return unsafe canBeBound(&address, MemoryLayout<sockaddr_in6>.size, AF_INET6)
        }
    }

    private func canBeBound(_ address: UnsafeMutableRawPointer, _ size: Int, _ family: Int32) -> Bool {
        let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return unsafe bind(descriptor, address.assumingMemoryBound(to: sockaddr.self), socklen_t(size)) == 0
    }
}
