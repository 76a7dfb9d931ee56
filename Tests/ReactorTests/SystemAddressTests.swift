// Converting addresses to the system's structures and back.

import Basics
import Foundation
import Glibc
import Testing

@testable import Reactor

@Suite struct SystemAddressTests {
    private let watched: Watched

    init() throws { watched = try Watched() }

    @Test(arguments: [
        SocketAddress.ip(.anyV4, port: 0), .ip(.loopbackV4, port: 80), .ip(.v4(.max), port: .max),
        .ip(.v4(0x0102_0304), port: 0x0506), .ip(.anyV6, port: 1), .ip(.v6(0, 1), port: 443),
        .ip(.v6(0x2001_0DB8_0001_0002, 0x0003_0004_0005_0006), port: 0x1234), .path("/run/x"), .path("relative"),
        .path("/" + String(repeating: "p", count: 106)), .abstract("portico"),
        .abstractExact("portico"), .abstract(String(repeating: "a", count: 107)),
    ])
    func `there and back`(_ address: SocketAddress) {
        #expect(roundTrip(address) == address)
    }

    @Test func `an IPv4 address in IPv6 clothes is read as what it is`() {
        let mapped = SocketAddress.ip(.v6(0, 0xFFFF_0A00_0001), port: 9)
        #expect(roundTrip(mapped) == .ip(.v4(0x0A00_0001), port: 9))
    }

    private func roundTrip(_ address: SocketAddress) -> SocketAddress {
        unsafe SystemAddress.with(address) { form, length in
            unsafe SystemAddress.read(UnsafeRawBufferPointer(start: form, count: Int(length)), length: Int(length))
        }
    }

    @Test func `a listener has the address it was opened at`() throws {
        let folder = try Folder()
        for address in [
            SocketAddress.path(folder.path + "/s"), .abstract("portico-\(UUID())"), .abstractExact("portico-\(UUID())"),
        ] {
            #expect(try watched.listen(address).1 == address)
        }
        let (_, given) = try watched.listen(.ip(.loopbackV4, port: 0))
        #expect(given.ip == .loopbackV4 && given.port != 0)
    }

    @Test(.enabled(if: Self.hasIPv6)) func `an IPv6 listener has the address it was opened at`() throws {
        let (listener, address) = try watched.listen(.ip(.v6(0, 1), port: 0))
        #expect(address.ip == .v6(0, 1) && address.port != 0)
        let client = try watched.connect(to: address)
        #expect(try watched.accept(on: listener).from == watched.kernel.localAddress(client))
    }

    @Test func `a client of a unix socket has no name`() throws {
        let folder = try Folder()
        let (listener, address) = try watched.listen(.path(folder.path + "/s"))
        _ = try watched.connect(to: address)
        #expect(try watched.accept(on: listener).from == .path(""))
    }

    @Test func `an abstract name fills its field with zeros, as HAProxy's does`() throws {
        let length = unsafe SystemAddress.with(.abstract("x")) { _, length in length }
        #expect(Int(length) == MemoryLayout<sockaddr_un>.size)
        // Two sockets with the same padding can connect.
        let (listener, address) = try watched.listen(.abstract("portico-\(UUID())"))
        _ = try watched.connect(to: address)
        _ = try watched.accept(on: listener)
    }

    @Test func `a name of exact length is as long as its bytes, as other programs have it`() throws {
        let length = unsafe SystemAddress.with(.abstractExact("x")) { _, length in length }
        #expect(Int(length) == MemoryLayout<sa_family_t>.size + 2)
        let (listener, address) = try watched.listen(.abstractExact("portico-\(UUID())"))
        _ = try watched.connect(to: address)
        _ = try watched.accept(on: listener)
    }

    private static let hasIPv6 = (try? Watched().listen(.ip(.v6(0, 1), port: 0))) != nil
}

@Suite struct HostResolverTests {
    @Test func `localhost is this machine`() {
        let addresses = HostResolver.resolve("localhost")
        #expect(addresses.contains(.loopbackV4) || addresses.contains(.v6(0, 1)))
        #expect(Set(addresses).count == addresses.count, "each address once")
    }

    @Test func `an address is its own answer`() {
        #expect(HostResolver.resolve("192.0.2.7") == [.v4(0xC000_0207)])
        #expect(HostResolver.resolve("::1") == [.v6(0, 1)])
    }

    @Test(arguments: ["", "a..b", "-"]) func `what is no name has no address`(_ name: String) {
        #expect(HostResolver.resolve(name) == [])
    }
}
