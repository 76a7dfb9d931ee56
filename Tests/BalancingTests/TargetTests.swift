// The target address for servers whose line leaves a part of the address open.

import Basics
import Testing

@testable import Balancing

@Suite struct TargetTests {
    private static let client = SocketAddress.ip(.v4(0xC000_0201), port: 8_080)

    private func server(
        _ address: SocketAddress?, portOffset: Int? = nil, hostName: String? = nil
    ) -> Balancing.Server {
        var configuration = ServerConfiguration(id: 1)
        configuration.hostName = hostName
        configuration.port = address?.port ?? 0
        configuration.portOffset = portOffset
        configuration.takesClientAddress = hostName == nil && address?.ip?.isAny == true
        let filed = FiledServer(name: "s", configuration: configuration, address: address)
        return Balancing.Server(filed, backendName: "b", workers: 1, now: Instant(nanoseconds: 0))
    }

    @Test func `a server with an address and a port is where it is`() {
        let address = SocketAddress.ip(.loopbackV4, port: 80)
        #expect(server(address).target(forClientOf: Self.client) == address)
        #expect(server(.path("/run/x")).target(forClientOf: Self.client) == .path("/run/x"))
        #expect(server(nil, hostName: "x.test").target(forClientOf: Self.client) == nil)
    }

    @Test(
        arguments: [
            (IPAddress.anyV4, 0, nil, SocketAddress.ip(.v4(0xC000_0201), port: 8_080)),
            (.anyV6, 443, nil, .ip(.v4(0xC000_0201), port: 443)),
            (.anyV4, 0, 0, .ip(.v4(0xC000_0201), port: 8_080)),
            (.loopbackV4, 0, 1_000, .ip(.loopbackV4, port: 9_080)),
            (.loopbackV4, 0, -80, .ip(.loopbackV4, port: 8_000)),
            (.loopbackV4, 0, 60_000, nil),
            (.loopbackV4, 0, -8_080, nil),
        ] as [(IPAddress, UInt16, Int?, SocketAddress?)])
    func `what is open comes from the client`(
        _ ip: IPAddress, _ port: UInt16, _ offset: Int?, _ target: SocketAddress?
    ) {
        let own = port == 0 && offset == nil ? 8_080 : port
        #expect(server(.ip(ip, port: own), portOffset: offset).target(forClientOf: Self.client) == target)
    }

    @Test func `nobody connects to all addresses, or to a socket's file instead of one`() {
        let open = server(.ip(.anyV4, port: 0), portOffset: 0)
        #expect(open.target(forClientOf: .ip(.anyV4, port: 80)) == nil)
        #expect(open.target(forClientOf: .ip(.anyV6, port: 80)) == nil)
        #expect(open.target(forClientOf: .path("/run/x")) == nil)
    }

    @Test func `a name that is looked up to 0.0.0.0 does not make the address the client's`() {
        let named = server(.ip(.anyV4, port: 80), hostName: "x.test")
        #expect(named.isInOnePlace)
        #expect(named.target(forClientOf: Self.client) == .ip(.anyV4, port: 80))
    }
}
