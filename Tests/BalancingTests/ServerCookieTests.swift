// `cookie … dynamic`: the values that HAProxy 2.6.12 sets for the same keys and addresses.

import Basics
import Testing

@testable import Balancing

@Suite struct ServerCookieTests {
    @Test(
        arguments: [
            ("secret", "127.0.0.1", 39_301, 0x2650_851b_2a79_8f27),
            ("secret", "::1", 39_302, 0xa3f4_9ecb_242a_0b4e),
            ("another key, longer than eight bytes", "127.0.0.1", 39_301, 0x2151_d3dc_69ee_3f00),
        ] as [(String, String, UInt16, UInt64)])
    func `a server is named by key, address and port`(_ key: String, _ ip: String, _ port: UInt16, _ hash: UInt64)
        throws
    {
        let address = SocketAddress.ip(try #require(IPAddress(ip)), port: port)
        #expect(AddressCookie.hash(Array(key.utf8), address) == hash)
    }

    @Test func `the name follows the address, and without key or IP address there is none`() throws {
        var configuration = ServerConfiguration(id: 1)
        configuration.cookieKey = Array("secret".utf8)
        func server(_ configuration: ServerConfiguration) -> Server {
            Server(
                FiledServer(name: "s", configuration: configuration, address: nil), backendName: "b",
                workers: 1, now: Instant(nanoseconds: 0))
        }
        let named = server(configuration)
        #expect(named.addressCookie == nil)
        named.resolved(to: .ip(.loopbackV4, port: 39_301), now: Instant(nanoseconds: 0))
        #expect(named.addressCookie == 0x2650_851b_2a79_8f27)
        named.unresolved()
        #expect(named.addressCookie == nil)
        named.resolved(to: .path("/run/app.sock"), now: Instant(nanoseconds: 0))
        #expect(named.addressCookie == nil)
        configuration.cookieKey = nil
        let unnamed = server(configuration)
        unnamed.resolved(to: .ip(.loopbackV4, port: 39_301), now: Instant(nanoseconds: 0))
        #expect(unnamed.addressCookie == nil)
    }
}
