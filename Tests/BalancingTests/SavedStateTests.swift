// `load-server-state-from-file`: what of a file's lines counts.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

@Suite struct SavedStateTests {
    private static let header =
        "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
        + "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
        + "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
        + "srv_agent_addr srv_agent_port\n"

    private let now = Instant(nanoseconds: 1_000 * 1_000_000_000)

    /// A server that begins with the state of this line: operational state, bits, weight, configured weight, age, health.
    private func server(
        _ words: String, _ op: Int, _ bits: Int, _ weight: Int = 5, _ configured: Int = 5, age: Int = 60,
        health: Int = 4, fqdn: String = "-", address: String = "10.0.0.1"
    ) throws -> Server {
        let backend = try settings("server s \(words)").backend(now: now)
        let line =
            "3 app 1 s \(address) \(op) \(bits) \(weight) \(configured) \(age) 6 3 \(health) 6 0 0 0 \(fqdn) 80 - 0 0 - - 0\n"
        let states = try #require(SavedStates(Self.header + line))
        #expect(states.faultyLines.isEmpty && states.servers.count == 1)
        backend.restore(states.servers, now: now)
        return backend.servers[0]
    }

    @Test func `health counts for a server with checks, as far as its thresholds allow`() throws {
        let checked = "10.0.0.1:80 weight 5 check rise 2 fall 3"
        let down = try server(checked, 0, 0, health: 1)
        #expect(!down.state.isUsable && down.record.health == 1 && down.state.health == .goingUp)
        #expect(down.record.since == Instant(nanoseconds: 940 * 1_000_000_000))
        #expect(try server(checked, 2, 0, health: 99).record.health == 4)
        #expect(try server(checked, 2, 0, health: 3).state.isUsable)
        #expect(try server("10.0.0.1:80 weight 5", 0, 0, health: 0).state.isUsable, "nothing would bring it back")
    }

    @Test func `an operator's decisions count, and those of files as long as the file is the same`() throws {
        func administrative(_ bits: Int, _ words: String = "") throws -> AdministrativeState {
            try server("10.0.0.1:80 weight 5 \(words)", 2, bits).state.administrative
        }
        #expect(try administrative(1) == .maintenance)
        #expect(try administrative(8) == .drain)
        #expect(try administrative(0) == .ready)
        #expect(try administrative(5) == .ready, "the line is without `disabled` now")
        #expect(try administrative(5, "disabled") == .maintenance)
        #expect(try administrative(4, "disabled") == .ready, "an operator has enabled it")
        #expect(try administrative(0, "disabled") == .maintenance, "`disabled` is new")
    }

    @Test func `a weight counts unless the file has another one now`() throws {
        #expect(try server("10.0.0.1:80 weight 5", 2, 0, 200, 5).weight == 200)
        #expect(try server("10.0.0.1:80 weight 7", 2, 0, 200, 5).weight == 7)
    }

    @Test func `a name without an address has the one that is known of it`() throws {
        let known = try server("a.test:8080 init-addr none resolvers dns", 2, 0, fqdn: "a.test", address: "10.9.9.9")
        #expect(known.address == .ip(try #require(IPAddress("10.9.9.9")), port: 8080))
        let other = try server("a.test:8080 init-addr none resolvers dns", 2, 0, fqdn: "b.test", address: "10.9.9.9")
        #expect(other.address == nil)
    }

    @Test func `servers are found by name, or by an id of their own`() throws {
        let backend = try settings("server renamed 10.0.0.1:80 id 7", "server other 10.0.0.2:80").backend(now: now)
        let lines =
            "3 app 7 old 10.0.0.1 2 8 1 1 60 6 3 4 6 0 0 1 - 80\n3 else 2 other 10.0.0.2 2 8 1 1 60 6 3 4 6 0 0 0 - 80\n"
        backend.restore(try #require(SavedStates(Self.header + lines)).servers, now: now)
        #expect(backend.servers.map(\.state.administrative) == [.drain, .ready])
    }

    @Test func `lines that are none are told, and files of another kind are refused`() throws {
        let states = try #require(SavedStates(Self.header + "3 app 1 s 10.0.0.1 2\n3 app 1 s - 9 0 1 1 1 1 1 1\n"))
        #expect(states.servers.isEmpty && states.faultyLines == [3, 4])
        #expect(SavedStates("") == nil && SavedStates("2\n") == nil && SavedStates("pxname,svname") == nil)
    }
}
