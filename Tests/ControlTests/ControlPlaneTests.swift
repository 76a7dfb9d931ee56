// The control plane on the simulated kernel: checks, names, samples and stops, each at its time on a clock of its own.

import Balancing
import BalancingTesting
import Basics
import Chance
import KernelSimulation
import Testing

@testable import Control
@testable import Proxy
@testable import Resolvers

@Suite struct ControlPlaneTests {
    // MARK: Health checks

    @Test func `a server that fails leaves, its backend says so, and both come back`() throws {
        let site = try ControlledSite(
            "option httpchk GET /health", "server s1 127.0.0.1:9001 check inter 2s fall 3 rise 2")
        site.run(for: 1_000)
        #expect(site.visits == ["0 9001"] && site.log().isEmpty)
        site.behaviours[9_001] = .answers("HTTP/1.1 503 Too busy\r\n\r\n")
        site.run(for: 4_500)
        #expect(site.log().isEmpty && site.backend.choices(1) == "s1", "two failures are not three")
        site.run(for: 1_000)
        #expect(
            site.log() == [
                "Server site/s1 is DOWN, reason: Layer7 wrong status, code: 503, info: \"Too busy\", check duration: 0ms. "
                    + "0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.",
                "proxy site has no server available!",
            ])
        #expect(site.backend.choices(1) == "-")
        site.behaviours[9_001] = .ok
        site.run(for: 4_000)
        #expect(
            site.log() == [
                "Server site/s1 is UP, reason: Layer7 check passed, code: 200, check duration: 0ms. "
                    + "1 active and 0 backup servers online. 0 sessions requeued, 0 total in queue."
            ])
        #expect(site.backend.choices(1) == "s1")
        site.end()
    }

    @Test func `a server that accepts nothing and one that answers nothing fail when their time is over`() throws {
        let site = try ControlledSite(
            "option httpchk", "timeout check 300ms", "server s1 127.0.0.1:9001 check inter 4s fall 1",
            "server s2 127.0.0.1:9002 check inter 4s fall 1")
        site.behaviours = [9_001: .neverAccepts, 9_002: .silent]
        site.run(for: 1_900)
        #expect(site.log().isEmpty)
        site.run(for: 500)
        #expect(
            site.log().map { $0.prefix { $0 != "." } } == [
                "Server site/s2 is DOWN, reason: Layer7 timeout, check duration: 300ms"
            ])
        site.run(for: 2_000)
        #expect(
            site.log().first?.hasPrefix("Server site/s1 is DOWN, reason: Layer4 timeout, check duration: 4000ms")
                == true)
        site.end()
    }

    @Test func `the first checks of many servers are spread over the interval`() throws {
        let site = try ControlledSite(
            "server s1 127.0.0.1:9001 check inter 4s", "server s2 127.0.0.1:9002 check inter 4s",
            "server s3 127.0.0.1:9003", "server s4 127.0.0.1:9004 check inter 4s",
            "server s5 127.0.0.1:9005 check inter 4s")
        site.run(for: 4_500)
        #expect(site.visits == ["0 9001", "1000 9002", "2000 9004", "3000 9005", "4000 9001"])
        site.end()
    }

    // MARK: Names

    private static let resolvers = """
        resolvers dns
            nameserver one 127.0.0.1:53
            hold valid 2s
            hold nx 5s
            hold obsolete 0
        """

    @Test func `servers of a template follow SRV records: hosts, ports, weights, and their end`() throws {
        let site = try ControlledSite(
            "server-template s 3 _http._tcp.app.test resolvers dns resolve-prefer ipv4", sections: Self.resolvers)
        let servers = site.backend.servers
        func places() -> [String] { servers.map { $0.address.map { "\($0)" } ?? "-" } }
        #expect(servers.map(\.name) == ["s1", "s2", "s3"])
        #expect(servers.allSatisfy { $0.state.name == .unresolved })
        site.names.answers = [
            "a.test": .success([.v4(0x0A00_0001)]), "b.test": .success([.v4(0x0A00_0002), .v4(0x0A00_0003)]),
        ]
        site.names.services["_http._tcp.app.test"] = .success([
            ServiceRecord(host: "b.test", port: 82, priority: 2, weight: 65_535),
            ServiceRecord(host: "a.test", port: 81, priority: 1, weight: 1),
        ])
        site.run(for: 2_010)
        #expect(places() == ["10.0.0.1:81", "10.0.0.2:82", "-"])
        #expect(servers.map(\.weight) == [1, 256, 1])
        #expect(servers.map(\.hostName) == ["a.test", "b.test", nil])
        #expect(servers[2].state.name == .unresolved)
        #expect(site.log().filter { $0.contains("UP/READY") }.count == 2)

        // More records than servers: those of a lower number first; who has one keeps it.
        site.names.services["_http._tcp.app.test"] = .success([
            ServiceRecord(host: "a.test", port: 84, priority: 9), ServiceRecord(host: "a.test", port: 83, priority: 3),
            ServiceRecord(host: "b.test", port: 82, priority: 2, weight: 0),
            ServiceRecord(host: "a.test", port: 81, priority: 1, weight: 257),
        ])
        site.run(for: 2_000)
        #expect(places() == ["10.0.0.1:81", "10.0.0.2:82", "10.0.0.1:83"])
        #expect(servers.map(\.weight) == [2, 0, 0])

        // A record goes, and its server with it; another host has another address.
        _ = site.log()
        site.names.answers["b.test"] = .success([.v4(0x0A00_0003)])
        site.names.services["_http._tcp.app.test"] = .success([ServiceRecord(host: "b.test", port: 82)])
        site.run(for: 2_000)
        #expect(places() == ["-", "10.0.0.3:82", "-"])
        let lines = site.log()
        #expect(lines.filter { $0.contains("(entry removed from SRV record)") }.count == 2, "\(lines)")
        #expect(lines.contains("site/s2 changed its IP from 10.0.0.2 to 10.0.0.3 by dns."))

        // The name is gone: for `hold nx` nothing changes.
        site.names.services = [:]
        site.run(for: 4_000)
        #expect(places() == ["-", "10.0.0.3:82", "-"])
        site.run(for: 3_000)
        #expect(places() == ["-", "-", "-"])
        site.end()
    }

    @Test func `records that went are held, weights may be left alone, and a host without address is down in time`()
        throws
    {
        let sections = Self.resolvers.replacing("hold obsolete 0", with: "hold obsolete 5s")
        let site = try ControlledSite(
            "server-template s 1-2 _x._tcp.test weight 7 resolvers dns resolve-opts ignore-weight resolve-prefer ipv4",
            sections: sections)
        let servers = site.backend.servers
        site.names.answers["a.test"] = .success([.v4(0x0A00_0001)])
        site.names.services["_x._tcp.test"] = .success([
            ServiceRecord(host: "a.test", port: 81, weight: 1_000), ServiceRecord(host: "a.test", port: 82),
        ])
        site.run(for: 100)
        #expect(servers.map(\.weight) == [7, 7])
        site.names.services["_x._tcp.test"] = .success([ServiceRecord(host: "a.test", port: 82)])
        site.run(for: 4_000)
        #expect(servers.map(\.address?.port) == [81, 82])
        site.run(for: 4_000)
        #expect(servers.map(\.address?.port) == [nil, 82])
        site.names.answers["a.test"] = .failure(.noSuchName)
        site.run(for: 4_000)
        #expect(servers[1].address != nil)
        site.run(for: 4_000)
        #expect(servers[1].address == nil && servers[1].hostName == "a.test")
        site.end()
    }

    @Test func `a server follows its name, and has no requests when the name has had no address for too long`() throws {
        let site = try ControlledSite("server s1 app.test:9001 resolvers dns init-addr none", sections: Self.resolvers)
        #expect(site.backend.choices(1) == "-")
        site.names.answers["app.test"] = .success([.v4(0x0A00_0001)])
        site.run(for: 10)
        #expect(site.backend.servers[0].address == .ip(.v4(0x0A00_0001), port: 9_001))
        #expect(
            site.log() == [
                "site/s1 changed its IP from (none) to 10.0.0.1 by dns.",
                "Server site/s1 ('app.test') is UP/READY (resolves again).",
            ])
        site.names.answers["app.test"] = .success([.v4(0x0A00_0002)])
        site.run(for: 2_000)
        #expect(site.log() == ["site/s1 changed its IP from 10.0.0.1 to 10.0.0.2 by dns."])
        site.names.answers["app.test"] = .failure(.noSuchName)
        site.run(for: 4_000)
        #expect(site.log().isEmpty && site.backend.choices(1) == "s1", "the name is held")
        site.run(for: 2_000)
        #expect(site.log().first?.hasPrefix("Server site/s1 is going DOWN for maintenance (DNS NX status).") == true)
        #expect(site.backend.choices(1) == "-" && site.backend.servers[0].address == nil)
        site.end()
    }

    @Test func `an answer that comes after the stop changes nothing`() throws {
        let site = try ControlledSite("server s1 app.test:9001 resolvers dns init-addr none", sections: Self.resolvers)
        site.run(for: 10)
        #expect(site.names.asked == ["app.test"])
        site.control.stopSoftly()
        site.names.settle("app.test", .success([.v4(0x0A00_0001)]))
        site.run(for: 10_000)
        #expect(site.backend.servers[0].address == nil && site.names.asked.count == 1)
        site.end()
    }

    @Test func `what a worker asks for is looked up, and the answer is in its mailbox`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001", sections: Self.resolvers)
        var key = NameTable.Key()
        #expect(Bool(key.set(Array("a.test".utf8), .v4)))
        let waiter = NameWaiter(worker: 0, owner: 5, ticket: 6)
        #expect(site.plan.resolvers[0].names.ask(key, for: waiter, now: site.kernel.now) == .waits)
        site.run(for: 10)
        #expect(site.names.asked == ["a.test"] && site.mailbox.takeAnswers().isEmpty)
        site.names.settle("a.test", .success([.v4(0x0A00_0001)]))
        let answers = site.mailbox.takeAnswers()
        #expect(answers.map(\.waiter) == [waiter] && answers.map(\.address) == [.v4(0x0A00_0001)])
        site.end()
    }

    @Test func `a question that is open when the control plane closes is answered with no address`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001", sections: Self.resolvers)
        var key = NameTable.Key()
        #expect(Bool(key.set(Array("a.test".utf8), .v4)))
        let waiter = NameWaiter(worker: 0, owner: 5, ticket: 6)
        _ = site.plan.resolvers[0].names.ask(key, for: waiter, now: site.kernel.now)
        site.run(for: 10)
        site.end()
        #expect(site.mailbox.takeAnswers().map(\.address) == [nil])
        site.names.settle("a.test", .success([.v4(0x0A00_0001)]))
        #expect(site.mailbox.takeAnswers().isEmpty)
    }

    @Test func `a server whose name the system did not know is asked for every five seconds`() throws {
        let site = try ControlledSite("server s1 no.test.invalid:9001 init-addr libc,none")
        site.run(for: 4_900)
        #expect(site.hosts.asked.isEmpty)
        site.run(for: 200)
        #expect(site.hosts.asked == [["no.test.invalid"]])
        site.run(for: 20_000)
        #expect(site.hosts.asked.count == 1, "one look-up at a time")
        site.hosts.answers = [nil]
        site.run(for: 5_100)
        #expect(site.hosts.asked.count == 2 && site.log().isEmpty)
        site.hosts.answers = [.loopbackV4]
        site.run(for: 100)
        #expect(site.log() == ["Server site/s1 has an address now: 127.0.0.1:9001."])
        #expect(site.backend.choices(1) == "s1")
        site.run(for: 20_000)
        #expect(site.hosts.asked.count == 2)
        site.end()
    }

    // MARK: Orders

    @Test func `a soft stop ends the checks, and becomes a hard one when hard-stop-after has passed`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001 check inter 1s", hardStopAfter: .seconds(30))
        site.run(for: 500)
        #expect(site.mailbox.latest == .run && !site.plan.site.counters.isStopping)
        site.control.stopSoftly()
        #expect(site.mailbox.latest == .stopSoftly && site.plan.site.counters.isStopping)
        site.run(for: 29_900)
        #expect(site.mailbox.latest == .stopSoftly && site.visits == ["0 9001"])
        site.run(for: 200)
        #expect(site.mailbox.latest == .stopNow)
        #expect(site.log() == ["Stopping softly: listeners are closed, what is under way finishes."])
        site.end()
    }

    @Test func `a stop in the middle of a check leaves no socket`() throws {
        for behaviour in [Behaviour.neverAccepts, .silent, .dribbles("HTTP/1.1 200 OK\r\n\r\n")] {
            let site = try ControlledSite("option httpchk", "server s1 127.0.0.1:9001 check inter 1s")
            site.behaviours[9_001] = behaviour
            site.run(for: 5)
            #expect(site.kernel.openCount == 1)
            site.control.stopNow()
            #expect(site.kernel.openCount == 0)
            site.run(for: 5_000)
            #expect(site.log().isEmpty, "it ends without a verdict")
            site.end()
        }
    }

    @Test func `listening is given up and taken back, and the status of all is told`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001")
        site.control.setListening(false)
        #expect(!site.mailbox.listeningOrder.isMultiple(of: 2))
        site.control.setListening(true)
        #expect(site.mailbox.listeningOrder.isMultiple(of: 2))
        #expect(site.log() == ["Paused frontend site.", "Resumed frontend site."])
        site.control.reportStatus()
        #expect(site.log().first == "SIGHUP: Server site/s1 is UP. Conn: 0 act, 0 pend, 0 tot.")
        site.control.trimMemory()
        #expect(site.mailbox.takeTrim() && !site.mailbox.takeTrim())
        site.end()
    }

    @Test func `the share of the last second in which the workers were idle is measured`() throws {
        let time = Box(TimeSpan.zero)
        let site = try ControlledSite("server s1 127.0.0.1:9001", workerTime: { time.value })
        #expect(site.plan.site.counters.idlePercent == nil)
        time.value = .milliseconds(250)
        site.run(for: 1_001)
        #expect(site.plan.site.counters.idlePercent == 75)
        site.run(for: 1_000)
        #expect(site.plan.site.counters.idlePercent == 100)
        site.end()
    }

    private final class Box {
        var value: TimeSpan
        init(_ value: TimeSpan) { self.value = value }
    }

    // MARK: All of it

    @Test(arguments: 1...20) func `the same seed gives the same run, and nothing is left of it`(_ seed: UInt64) throws {
        let runs = try (0..<2).map { _ in
            let site = try ControlledSite(
                seed: seed, "option httpchk", "server s1 127.0.0.1:9001 check inter 500 fall 1 rise 1",
                "server s2 app.test:9002 check inter 500 fall 1 rise 1 resolvers dns init-addr none",
                sections: Self.resolvers)
            site.kernel.moods.falseAlarm = 50
            site.kernel.moods.shortOfMemory = 50
            site.kernel.moods.exhaustion = 100
            site.kernel.moods.shortOfWatches = 50
            let choices: [Behaviour] = [.ok, .refuses, .neverAccepts, .silent, .closes, .resets, .unreachable]
            var operators: [Operator] = []
            for _ in 0..<40 {
                let behaviour = choices[site.kernel.random.number(0...choices.count - 1)]
                site.behaviours[UInt16(site.kernel.random.number(9_001...9_002))] = behaviour
                site.names.answers["app.test"] =
                    site.kernel.random.oneIn(3) ? .failure(.timeout) : .success([.loopbackV4])
                let one = site.connect(
                    "show stat; show info\n", bytesAtOnce: site.kernel.random.number(1...30),
                    reads: site.kernel.random.number(10...5_000))
                if site.kernel.random.oneIn(5) { one.reset() }
                operators.append(one)
                site.run(for: UInt64(site.kernel.random.number(1...900)))
            }
            site.run(for: 20_000)
            #expect(operators.allSatisfy { $0.isClosed }, "seed \(seed)")
            let log = site.log()
            site.end()
            return (site.kernel.trace, log)
        }
        #expect(runs[0].0 == runs[1].0 && runs[0].1 == runs[1].1, "seed \(seed)")
        #expect(!runs[0].1.isEmpty)
    }
}
