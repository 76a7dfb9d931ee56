// What lives goes on from one plan of a process to the next.

import Admin
import Balancing
import Basics
import Configuration
import Logging
import Rules
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

    @Test func `a frontend that a plan did not have begins with no counts`() throws {
        let first = try #require(plan("frontend a\nfrontend b\n"))
        first.frontends[1].traffic.add(.requests, worker: 0)
        _ = try #require(plan("frontend a\n"))
        let third = try #require(plan("frontend a\nfrontend b\n"))
        #expect(third.frontends[1].traffic.total(.requests) == 0)
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
