// Which of a name's addresses a server gets, and the origin of its first address.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

@Suite struct ServerNamingTests {
    private let addresses = ["10.0.0.1", "10.0.0.2", "fd00::1"].compactMap { IPAddress($0) }

    private func naming(_ change: (inout ServerNaming) -> Void = { _ in }) -> ServerNaming {
        var naming = ServerNaming()
        change(&naming)
        return naming
    }

    private func assign(_ known: [IPAddress], _ servers: (current: IPAddress?, naming: ServerNaming)...) -> [IPAddress?]
    {
        ServerNaming.assign(known, to: servers)
    }

    @Test func `a server keeps the address it has, and gets another when that is gone`() {
        #expect(assign(addresses, (addresses[1], naming())) == [addresses[1]])
        #expect(assign([addresses[0]], (addresses[1], naming())) == [addresses[0]])
        #expect(assign([], (addresses[1], naming())) == [nil])
    }

    @Test func `of several the first of the family that is preferred, then of a network, then any`() {
        #expect(assign(addresses, (nil, naming())) == [addresses[2]])
        #expect(assign(addresses, (nil, naming { $0.prefersIPv4 = true })) == [addresses[0]])
        let network = IPNetwork("10.0.0.2/31")
        #expect(
            assign(
                addresses,
                (
                    nil,
                    naming {
                        $0.prefersIPv4 = true
                        $0.networks = [network].compactMap { $0 }
                    }
                )) == [addresses[1]])
        #expect(assign(Array(addresses.prefix(2)), (nil, naming())) == [addresses[0]])
    }

    @Test func `two servers of one name have two addresses, or one of them has none`() {
        let v4 = Array(addresses.prefix(2))
        #expect(assign(v4, (nil, naming()), (nil, naming())) == [v4[0], v4[1]])
        #expect(assign(v4, (nil, naming()), (v4[0], naming())) == [v4[1], v4[0]])
        #expect(assign([v4[0]], (nil, naming()), (nil, naming())) == [v4[0], nil])
        #expect(assign([v4[0]], (v4[0], naming()), (v4[0], naming())) == [v4[0], nil])
    }

    @Test func `those that may share an address do so when there is no other`() {
        let shared = naming { $0.mayShareAddress = true }
        let v4 = Array(addresses.prefix(2))
        #expect(assign([v4[0]], (nil, shared), (nil, shared)) == [v4[0], v4[0]])
        #expect(assign(v4, (nil, shared), (nil, shared)) == [v4[0], v4[1]])
        #expect(assign(v4, (v4[0], shared), (v4[0], shared)) == [v4[0], v4[0]])
    }

    @Test func `the first address comes from the first that has one`() {
        let found: (String) -> [IPAddress] = { _ in [.v4(1)] }
        let nothing: (String) -> [IPAddress] = { _ in [] }
        #expect(naming().firstAddress(of: "x", resolve: found) == .v4(1))
        #expect(naming { $0.start = [.nowhere, .libc] }.firstAddress(of: "x", resolve: found) == nil)
        #expect(naming { $0.start = [.libc, .address(.v4(2))] }.firstAddress(of: "x", resolve: found) == .v4(1))
        #expect(naming { $0.start = [.libc, .address(.v4(2))] }.firstAddress(of: "x", resolve: nothing) == .v4(2))
        #expect(naming { $0.start = [] }.firstAddress(of: "x", resolve: found) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("0.0.0.0/0", "1.2.3.4", true),
        ("10.0.0.0/255.0.0.0", "10.255.0.1", true), ("10.0.0.0/255.0.0.0", "11.0.0.1", false),
        ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1/32", "10.0.0.2", false), ("fd00::/8", "fdff::1", true),
        ("fd00::1/128", "fd00::1", true), ("fd00::/64", "fd00::1:0:0:0:1", false),
        ("fd00::/65", "fd00::8000:0:0:1", false),
        ("fd00::/65", "fd00::7000:0:0:1", true), ("::/0", "fd00::1", true), ("::/0", "10.0.0.1", false),
    ])
    func `networks contain what begins with their bits`(_ network: String, _ address: String, _ isIn: Bool) throws {
        let network = try #require(IPNetwork(network))
        let address = try #require(IPAddress(address))
        #expect(network.contains(address) == isIn)
    }

    @Test(arguments: ["", "x", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8"])
    func `what is no network is none`(_ text: String) { #expect(IPNetwork(text) == nil) }

    @Test func `a server whose name leads nowhere any more is out until it leads somewhere`() throws {
        let backend = try settings("server s 127.0.0.1:80").backend()
        let server = backend.servers[0]
        server.unresolved()
        backend.serverChanged(now: Instant(nanoseconds: 1))
        #expect(server.state == ServerState(name: .unresolved) && backend.choices(1) == "-")
        server.resolved(to: .ip(.v4(2), port: 80), now: Instant(nanoseconds: 2))
        backend.serverChanged(now: Instant(nanoseconds: 2))
        #expect(server.state == ServerState() && backend.choices(1) == "s")
    }

    @Test func `at another address a server that was down is up until a check says otherwise`() throws {
        let backend = try settings("server s 127.0.0.1:80 check fall 1").backend()
        let server = backend.servers[0]
        let result = CheckResult(.failed, .layer4Connection)
        _ = backend.record(result, of: server, at: Instant(nanoseconds: 10))
        #expect(server.state.health == .down)
        server.unresolved()
        server.resolved(to: .ip(.v4(2), port: 80), now: Instant(nanoseconds: 30))
        #expect(server.state == ServerState(health: .up) && server.record.isUp)
        #expect(server.record.falls == 1 && server.record.downtime == TimeSpan(nanoseconds: 20))
    }
}
