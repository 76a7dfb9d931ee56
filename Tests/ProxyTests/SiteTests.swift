// What lives goes on from one plan of a process to the next.

import Admin
import Balancing
import Basics
import Configuration
import Foundation
import Logging
import Rules
import TLSTesting
import Testing

@testable import Proxy

@Suite struct SiteTests {
    private let site: Site
    private static let language = Language(
        keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table, parameterGroups: [])

    init() {
        var facts = ProcessFacts()
        facts.descriptorsLimit = 1_100
        site = Site(facts, bufferBytes: 16_384, logger: Logger(rings: 1))
    }

    /// The site's next plan; nil if the text is refused.
    private func plan(_ text: String) -> Plan? {
        let loaded = Self.language.load(text: text, named: "t.cfg")
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, site: site, now: Instant(nanoseconds: 1))
        return builder.build()
    }

    @Test func `a frontend counts on under the next plan, wherever it is in the file`() throws {
        let first = try #require(plan("frontend a\nfrontend b\n"))
        first.frontends[0].traffic.add(.requests, worker: 0)
        first.frontends[0].sessions.increment()
        first.frontends[1].traffic.add(.requests, worker: 0)
        let second = try #require(plan("frontend new\nfrontend a\n"))
        #expect(second.frontends.map { $0.traffic.total(.requests) } == [0, 1])
        // A connection that came in under the first plan ends under the second.
        second.frontends[1].sessions.decrement()
        #expect(first.frontends[0].sessions.current == 0)
    }

    @Test func `what encrypts goes on under the next plan, wherever its line is`() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/site-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = folder + "/a.pem"
        try TestCertificate("a.example").bundle.write(toFile: file, atomically: true, encoding: .utf8)
        let text = """
            listen a
              bind 127.0.0.1:1001 ssl crt \(file)
              server one 127.0.0.1:1002 ssl verify none
              server two 127.0.0.1:1003 ssl verify none

            """
        let first = try #require(plan(text))
        let second = try #require(plan("frontend b\n  bind 127.0.0.1:1004\n" + text))
        #expect(first.binds[0].tls != nil && second.binds[1].tls === first.binds[0].tls)
        let servers = [first, second].map { $0.backends[0].backend.servers }
        for index in 0..<2 {
            #expect(servers[0][index].tls != nil && servers[0][index].tls === servers[1][index].tls)
        }
        #expect(servers[0][0].tls !== servers[0][1].tls)
        // Without them the next plan's are new ones.
        _ = try #require(plan("frontend b\n"))
        let last = try #require(plan(text))
        #expect(last.binds[0].tls !== first.binds[0].tls)
    }

    @Test func `a frontend that a plan did not have begins with no counts`() throws {
        let first = try #require(plan("frontend a\nfrontend b\n"))
        first.frontends[1].traffic.add(.requests, worker: 0)
        _ = try #require(plan("frontend a\n"))
        let third = try #require(plan("frontend a\nfrontend b\n"))
        #expect(third.frontends[1].traffic.total(.requests) == 0)
    }

    @Test func `an address counts on under the next plan, wherever it is in the file`() throws {
        let line = "  bind 127.0.0.1:1001\n"
        let first = try #require(plan("frontend a\n" + line + line + "  bind 127.0.0.1:1001 interface lo\n"))
        for (bind, count) in zip(first.binds, 1...3) {
            for _ in 1...count { bind.connections.increment() }
        }
        let second = try #require(
            plan("frontend b\n  bind 127.0.0.1:1002\nfrontend a\n  bind 127.0.0.1:1001 interface lo\n" + line + line))
        #expect(second.binds.map(\.connections.current) == [0, 3, 1, 2])
        // That of another frontend is another address.
        let third = try #require(plan("frontend b\n" + line + "frontend a\n"))
        #expect(third.binds[0].connections.current == 0)
    }

    @Test func `a limit on rates that changes counts what came in before`() throws {
        let bind = "  bind 127.0.0.1:1001\n"
        let now = Instant(nanoseconds: 5_000_000_000)
        func taken(_ plan: Plan) -> [Int] {
            plan.binds[0].rateLimits.map { limit in (0..<10).count { _ in limit.take(at: now) == nil } }
        }
        let first = try #require(
            plan("global\n  maxconnrate 2\n  maxsessrate 3\nfrontend a\n  rate-limit sessions 4\n" + bind))
        #expect(taken(first) == [2, 3, 4])
        let second = try #require(
            plan("global\n  maxconnrate 7\n  maxsessrate 5\nfrontend a\n  rate-limit sessions 4\n" + bind))
        #expect(taken(second) == [5, 2, 0])
        // Under the plan before, whose listeners may still ask, there is no limit either.
        #expect(taken(try #require(plan("frontend a\n" + bind))).isEmpty && taken(second) == [10, 10, 10])
    }

    @Test func `an address keeps the sections of its plan, and they are freed with the last one that does`() throws {
        weak var weakPlan: Plan?
        weak var scope: PlanScope?
        weak var backend: BackendPlan?
        var bind: BindPlan?
        do {
            let first = try #require(plan("listen a\n  bind 127.0.0.1:1001\nbackend b\n"))
            (weakPlan, scope, backend, bind) = (first, first.scope, first.backends[1], first.binds[0])
        }
        _ = plan("listen c\n  bind 127.0.0.1:1001\n")
        #expect(weakPlan == nil)
        #expect(bind?.scope.backends.map(\.name) == ["a", "b"] && bind?.frontend === scope?.frontends.first)
        bind = nil
        // What the plans have left waits for the control thread.
        #expect(scope == nil && site.freeOldPlans() && backend == nil)
    }

    @Test func `the limits of the last plan hold`() throws {
        _ = try #require(plan("global\n  maxconn 10\n  maxsslconn 1\n  maxsslrate 3\nlisten l\n"))
        let tls = site.counters.tls
        #expect(site.admission.maxConnections == 10)
        tls.begin(worker: 0, at: Instant(nanoseconds: 1))
        #expect(!tls.mayAccept(at: Instant(nanoseconds: 1)))
        _ = try #require(plan("global\n  maxconn 20\n  maxsslrate 1\nlisten l\n"))
        #expect(site.admission.maxConnections == 20)
        #expect(!tls.mayAccept(at: Instant(nanoseconds: 1)))
        let last = try #require(plan("listen l\n"))
        #expect(site.admission.maxConnections == 500 && tls.mayAccept(at: Instant(nanoseconds: 1)))
        #expect(last.snapshot(now: Instant(nanoseconds: 1)).process.connectionsLimit == 500)
    }

    @Test func `a text that is refused changes nothing`() throws {
        _ = try #require(plan("global\n  maxconn 10\nfrontend a\n"))
        let frontend = site.frontend("a")
        #expect(plan("global\n  maxconn 20\nfrontend b\n  default_backend missing\n") == nil)
        #expect(site.admission.maxConnections == 10 && site.frontend("a") === frontend)
    }
}
