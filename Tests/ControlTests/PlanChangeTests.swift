// The control plane goes from one plan to another on the simulated kernel: what both have goes on, and the rest begins and ends.

import Admin
import Balancing
import BalancingTesting
import Basics
import KernelSimulation
import Logging
import Reactor
import SiteTesting
import Testing

@testable import Control
@testable import Proxy
@testable import Resolvers

@Suite struct PlanChangeTests {
    // MARK: Checks

    @Test func `a server that stays is checked on in its turn, one that goes is not, and one that comes is`() throws {
        let site = try ControlledSite(
            "server s1 127.0.0.1:9001 check inter 2s", "server s2 127.0.0.1:9002 check inter 2s")
        site.run(for: 500)
        let (s1, s3) = (site.backend.servers[0], try site.other("server s3 127.0.0.1:9003 check inter 2s")[0])
        site.follow([s1, s3])
        site.run(for: 4_000)
        #expect(site.visits == ["0 9001", "500 9003", "2000 9001", "2500 9003", "4000 9001", "4500 9003"])
        site.end()
    }

    @Test func `a check that is under way goes on, and one of a server that goes leaves no socket`() throws {
        let site = try ControlledSite(
            "option httpchk", "timeout check 1s", "server s1 127.0.0.1:9001 check inter 4s fall 1",
            "server s2 127.0.0.1:9002 check inter 4s")
        site.behaviours = [9_001: .silent, 9_002: .silent]
        site.run(for: 500)
        #expect(site.kernel.openCount == 1)
        site.follow(site.backend.servers)
        site.run(for: 600)
        #expect(site.log().first?.hasPrefix("Server site/s1 is DOWN, reason: Layer7 timeout") == true)
        site.run(for: 1_000)
        #expect(site.kernel.openCount == 1)
        site.follow([site.backend.servers[0]])
        #expect(site.kernel.openCount == 0)
        site.run(for: 3_000)
        #expect(site.log().isEmpty, "it ends without a verdict")
        site.end()
    }

    @Test func `a server that has no check any more is not checked, and a shorter interval counts at once`() throws {
        let site = try ControlledSite(
            "server s1 127.0.0.1:9001 check inter 60s", "server s2 127.0.0.1:9002 check inter 60s")
        let servers = site.backend.servers
        site.run(for: 31_000)
        var configurations = servers.map(\.configuration)
        configurations[0].check = nil
        configurations[1].check = try site.other("server s2 127.0.0.1:9002 check inter 2s")[0].check
        for (server, configuration) in zip(servers, configurations) {
            site.backend.reconfigure(server, as: configuration, now: site.kernel.now)
        }
        site.follow(servers)
        site.run(for: 60_000)
        #expect(site.visits.count { $0.hasSuffix(" 9001") } == 1)
        #expect(site.visits.filter { $0.hasSuffix(" 9002") }.prefix(3) == ["30000 9002", "33000 9002", "35000 9002"])
        site.end()
    }

    @Test func `the results of a server that goes are forgotten, those of one that stays are not`() throws {
        let site = try ControlledSite(
            "option log-health-checks", "server s1 127.0.0.1:9001 check inter 1s",
            "server s2 127.0.0.1:9002 check inter 1s")
        let servers = site.backend.servers
        site.run(for: 2_500)
        #expect(site.log().count { $0.hasPrefix("Health check for server") } == 2)
        site.follow([servers[0]])
        site.run(for: 2_000)
        site.follow(servers)
        site.run(for: 2_000)
        let lines = site.log()
        #expect(lines.count == 1 && lines[0].hasPrefix("Health check for server site/s2 succeeded"), "\(lines)")
        site.end()
    }

    @Test func `what workers see of the servers of a new backend is counted`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001")
        let other = try site.otherPlan(
            "server s2 127.0.0.1:9002 check inter 60s observe layer4 error-limit 3 on-error mark-down")
        site.run(for: 10)
        site.follow(backends: other.backends)
        site.run(for: 10)
        let backend = other.backends[0].backend
        for _ in 0..<3 { backend.observe(.notConnected, of: backend.servers[0]) }
        site.run(for: 10)
        let line = site.log().first
        #expect(line?.hasPrefix("Server site/s2 is DOWN, reason: Health analyze, info: \"Detected 3 con") == true)
        site.end()
    }

    @Test func `a plan that comes after the stop begins nothing`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001 check inter 1s")
        site.run(for: 100)
        site.control.stopSoftly()
        site.follow(try site.other("server s3 127.0.0.1:9003 check inter 1s"))
        site.run(for: 5_000)
        #expect(site.visits == ["0 9001"])
        site.end()
    }

    // MARK: Names

    private static let resolvers = """
        resolvers dns
            nameserver one 127.0.0.1:53
            timeout resolve 2s
            hold valid 2s
            hold obsolete 0
        """

    @Test func `a name that stays is asked for in its turn, and a server that comes to it at once`() throws {
        let site = try ControlledSite(
            "server s1 app.test:9001 resolvers dns init-addr none resolve-prefer ipv4",
            "server s2 gone.test:9002 resolvers dns init-addr none", sections: Self.resolvers)
        site.names.answers = [
            "app.test": .success([.v4(0x0A00_0001), .v4(0x0A00_0002)]), "gone.test": .success([.v4(0x0A00_0002)]),
        ]
        site.run(for: 1_500)
        #expect(site.names.asked == ["app.test", "gone.test"])
        let s1 = site.backend.servers[0]
        site.follow([s1])
        site.run(for: 400)
        #expect(site.names.asked.count == 2, "the first one is due after two seconds")
        let s3 = try site.other(
            "server s3 app.test:9003 resolvers dns init-addr none resolve-prefer ipv4", sections: Self.resolvers)[0]
        site.follow([s1, s3])
        site.run(for: 10)
        #expect(site.names.asked == ["app.test", "gone.test", "app.test"])
        #expect(s1.address == .ip(.v4(0x0A00_0001), port: 9_001) && s3.address == .ip(.v4(0x0A00_0002), port: 9_003))
        site.run(for: 5_000)
        #expect(site.names.asked.count { $0 == "gone.test" } == 1)
        site.end()
    }

    @Test func `a server keeps its SRV record, and one that comes gets another`() throws {
        let line = "server-template s 1 _http._tcp.test resolvers dns resolve-prefer ipv4"
        let site = try ControlledSite(line, sections: Self.resolvers)
        site.names.answers["a.test"] = .success([.v4(0x0A00_0001)])
        site.names.services["_http._tcp.test"] = .success([
            ServiceRecord(host: "a.test", port: 81), ServiceRecord(host: "a.test", port: 82),
        ])
        site.run(for: 100)
        let s1 = site.backend.servers[0]
        #expect(s1.address?.port == 81)
        let s2 = try site.other(line.replacing("s 1 ", with: "s 2-2 "), sections: Self.resolvers)[0]
        // In front of the first one, which has its record already.
        site.follow([s2, s1])
        site.run(for: 100)
        #expect(s1.address?.port == 81 && s2.address?.port == 82)
        #expect(!site.log().contains { $0.contains("is going DOWN") })
        site.end()
    }

    @Test func `a server that the system did not know is asked for, although none was at the start`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001")
        let new = try site.other("server s2 no.test.invalid:9002 init-addr libc,none", "server s3 127.0.0.1:9003")
        site.run(for: 10_000)
        site.follow(new)
        site.run(for: 5_100)
        #expect(site.hosts.asked == [["no.test.invalid"]])
        // It goes while it is looked up.
        site.follow([new[1]])
        site.hosts.answers = [.loopbackV4]
        site.run(for: 100)
        #expect(new[0].address == nil && site.log().isEmpty)
        site.end()
    }

    @Test func `a resolvers section that stays keeps its resolver, and one that changes answers what it was asked`()
        throws
    {
        let kernel = SimulatedKernel(seed: 3)
        let names = AnsweredNames()
        let logger = Logger(rings: 1)
        let plan = try Plan.ofSite(
            lines: [], sections: Self.resolvers, logger: logger, now: kernel.now, sourceLocation: #_sourceLocation)
        let mailbox = WorkerMailbox(wakeup: nil)
        plan.site.workers.set([mailbox])
        let set = ResolverSet(source: names, wakeup: nil, in: TaskLoop(kernel: kernel))
        set.follow(plan)
        let first = try #require(set.resolver(named: "dns"))
        func ask(_ name: String) throws -> NameReply {
            var key = NameTable.Key()
            try #require(Bool(key.set(Array(name.utf8), .v4)))
            defer { set.collect() }
            return first.plan.names.ask(key, for: NameWaiter(worker: 0, owner: 1, ticket: 2), now: kernel.now)
        }
        let nameservers = first.plan.nameservers
        func section(tries: Int) -> ResolversPlan {
            ResolversPlan(
                name: "dns", nameservers: nameservers, tries: tries, resolveTime: .seconds(2), holds: first.plan.holds,
                names: first.plan.names)
        }
        set.follow(plan.changed(resolvers: [section(tries: 3)]))
        #expect(set.resolver(named: "dns") === first)
        #expect(try ask("a.test") == .waits)

        set.follow(plan.changed(resolvers: [section(tries: 5)]))
        let second = try #require(set.resolver(named: "dns"))
        #expect(second !== first)
        set.collect()
        #expect(!first.isClosed && mailbox.takeAnswers().isEmpty)
        names.settle("a.test", .success([.loopbackV4]))
        set.collect()
        #expect(mailbox.takeAnswers().map(\.address) == [.loopbackV4] && first.isClosed)
        #expect(try ask("a.test") == .known(.loopbackV4), "what is known stays known")

        #expect(try ask("b.test") == .waits)
        set.follow(plan.changed(resolvers: []))
        #expect(set.resolver(named: "dns") == nil)
        #expect(try ask("c.test") == .waits, "an exchange of the plan before may ask")
        names.settle("b.test", .success([.loopbackV4]))
        names.settle("c.test", .success([.loopbackV4]))
        set.collect()
        #expect(mailbox.takeAnswers().count == 2 && second.isClosed)
        #expect(try ask("d.test") == .unknown)
    }

    // MARK: Runtime sockets and statistics

    @Test func `an answer under way goes on with the servers that it began with`() throws {
        let site = try ControlledSite(
            "server s1 127.0.0.1:9001", "server s2 127.0.0.1:9002", "server s3 127.0.0.1:9003")
        let slow = site.connect("show stat -1 4 -1\n", reads: 200)
        site.run(for: 5)
        #expect(!slow.heard.contains("site,s2"))
        site.follow([site.backend.servers[0]])
        site.run(for: 500)
        for name in ["s1", "s2", "s3"] { #expect(slow.heard.contains("site,\(name),"), "\(slow.heard)") }
        site.end()
    }

    @Test func `a runtime socket stays, with what its line says by now, and conversations outlive one that goes`()
        throws
    {
        let site = try ControlledSite("server s1 127.0.0.1:9001")
        let before = site.connect("prompt\n")
        site.run(for: 10)
        site.follow(site.backend.servers, level: .user)
        let after = site.connect("show cli level\n")
        before.says("show cli level\n")
        site.run(for: 20)
        #expect(after.heard == "user\n\n" && before.heard.contains("admin"))
        site.follow(site.backend.servers, level: nil)
        before.says("show cli level\n")
        let none = site.connect("show cli level\n")
        site.run(for: 20)
        #expect(!before.isClosed && before.heard.count { $0 == "d" } == 2 && none.heard.isEmpty)
        before.says("quit\n")
        site.run(for: 20)
        #expect(before.isClosed)
        site.end()
    }

    @Test func `frontends that come while addresses are given up are paused`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001")
        let other = try site.otherPlan("server s2 127.0.0.1:9002")
        site.control.setListening(false)
        site.follow(frontends: other.frontends, backends: other.backends)
        func state() -> RowState? {
            PlanStatistics(other).frontend(ofProxy: 0, at: site.kernel.now)?.state
        }
        #expect(state() == .paused)
        site.control.setListening(true)
        #expect(state() == .open)
        site.end()
    }
}

@Suite struct KeptTasksTests {
    @Test func `tasks stay while they are wanted, in the order in which they are`() {
        var tasks = KeptTasks<String, String>()
        var notes: [String] = []
        func follow(_ keys: String...) {
            notes = []
            tasks.follow(keys, end: { notes.append("end \($0)") }) { missing in
                notes.append("begin \(missing.key) \(missing.position)/\(missing.count)")
                return missing.key == "bad" ? nil : missing.key.uppercased()
            }
        }
        follow("a", "b", "a")
        #expect(notes == ["begin a 0/2", "begin b 1/2"] && tasks.all == ["A", "B"])
        follow("c", "bad", "b")
        #expect(notes == ["end A", "begin c 0/2", "begin bad 1/2"] && tasks.keys == ["c", "b"])
        #expect(tasks["c"] == "C" && tasks["bad"] == nil && tasks["a"] == nil)
        follow("bad", "b", "c")
        #expect(notes == ["begin bad 0/1"] && tasks.all == ["B", "C"])
        tasks.endAll { notes.append("end \($0)") }
        #expect(notes.suffix(2) == ["end B", "end C"] && tasks.all.isEmpty)
    }
}

// MARK: - Plans to go to

extension Plan {
    /// The same with some sections changed.
    fileprivate func changed(
        frontends: [FrontendPlan]? = nil, backends: [BackendPlan]? = nil, resolvers: [ResolversPlan]? = nil
    ) -> Plan {
        let scope = PlanScope(
            site: site, frontends: frontends ?? self.frontends, backends: backends ?? self.backends,
            resolvers: resolvers ?? self.resolvers, logTargets: logTargets, limits: scope.limits, settings: settings)
        return Plan(
            scope, binds: binds, patterns: patterns, sections: sections, encryption: encryption,
            checkTiming: checkTiming)
    }
}

extension ControlledSite {
    /// A plan of other lines.
    fileprivate func otherPlan(_ lines: String..., sections: String = "") throws -> Plan {
        try Plan.ofSite(
            lines: lines, sections: sections + "\nglobal\n    log stdout format raw local0", logger: plan.site.logger,
            now: kernel.now, sourceLocation: #_sourceLocation)
    }

    /// The servers of other lines.
    fileprivate func other(_ lines: String..., sections: String = "") throws -> [Server] {
        try Plan.ofSite(
            lines: lines, sections: sections, logger: plan.site.logger, now: kernel.now,
            sourceLocation: #_sourceLocation
        ).backends[0].backend.servers
    }

    /// Goes to a plan whose backend has these servers, and whose runtime socket has this level; nil for no socket.
    fileprivate func follow(_ servers: [Server], level: AccessLevel? = .admin) {
        let old = backend.roster
        backend.replaceRoster(
            by: Roster(
                servers: servers, algorithm: old.algorithm, hashing: old.hashing,
                usesAllBackups: old.usesAllBackups, loadAtFull: old.loadAtFull), now: kernel.now)
        follow(backends: plan.backends, level: level)
    }

    fileprivate func follow(
        frontends: [FrontendPlan]? = nil, backends: [BackendPlan], level: AccessLevel? = .admin
    ) {
        let sockets = level.map { level in
            var settings = runtimeSocket
            settings.level = level
            return [(kernel.listener, settings)]
        }
        control.follow(
            plan.changed(frontends: frontends, backends: backends), ControlSettings(), runtimeSockets: sockets ?? [])
    }
}
