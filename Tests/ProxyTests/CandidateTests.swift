// Plans that are built while another one is in force: building changes nothing of what lives, putting in force changes what the files
// say otherwise than before, and nothing else.

import Balancing
import Basics
import Configuration
import Expressions
import Logging
import Reactor
import Rules
import Testing

@testable import Proxy

@Suite struct CandidateTests {
    private static let language = Language(
        sections: SiteSections.kinds,
        keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table + LoggingKeywords.table
            + SiteSections.keywords, parameterGroups: [])
    private static let now = Instant(nanoseconds: 1)
    private let site: Site

    init() {
        var facts = ProcessFacts()
        facts.descriptorsLimit = 1_100
        site = Site(facts, bufferBytes: 16_384, logger: Logger(rings: 1))
    }

    private func builder(_ text: String) -> PlanBuilder {
        let loaded = Self.language.load(text: text, named: "t.cfg")
        #expect(!loaded.problems.contains { $0.severity == .error }, "\(loaded.problems)")
        return PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections, site: site, now: Self.now)
    }

    private func build(_ text: String) -> PlanCandidate? {
        var builder = builder(text)
        return builder.buildCandidate()
    }

    private func start(_ text: String) throws -> Plan {
        let candidate = try #require(build(text))
        candidate.activate(now: Self.now)
        return candidate.plan
    }

    /// What a plan may change of what lives.
    private func picture(of plan: Plan) -> [String] {
        plan.backends.flatMap { plan in
            let backend = plan.backend
            return [
                "\(backend.name) \(ObjectIdentifier(backend.roster)) \(backend.algorithm) \(backend.eligibleWeight)"
            ]
                + backend.servers.map {
                    "\($0.name) \($0.weight) \($0.state) \($0.address?.description ?? "-") \($0.filed.configuration.weight)"
                        + " \($0.epoch) \($0.tracked?.server.name ?? "-")"
                }
        } + ["\(site.admission.maxConnections) \(site.liveBackends.map(\.backend.name).sorted())"]
    }

    private static let text = """
        backend b
          server one 127.0.0.1:1 weight 10 check
          server two 127.0.0.1:2
        backend c
          server three 127.0.0.1:3 track b/one

        """

    @Test func `a plan that is built and not put in force changes nothing`() throws {
        let plan = try start(Self.text)
        let before = picture(of: plan)
        let other = """
            global
              maxconn 7
            backend b
              balance leastconn
              server two 127.0.0.1:22 weight 3 disabled
              server new 127.0.0.1:4
            backend d
              server three 127.0.0.1:3
            """
        #expect(build(other) != nil && build(other) != nil)
        #expect(picture(of: plan) == before)
    }

    @Test func `a plan that is refused changes nothing`() throws {
        let plan = try start(Self.text)
        let before = picture(of: plan)
        #expect(build("frontend f\n  default_backend nowhere\nbackend b\n  server new 127.0.0.1:4\n") == nil)
        #expect(picture(of: plan) == before)
    }

    @Test func `backends and servers that stay are the same objects, wherever the file has them`() throws {
        let first = try start(Self.text)
        let second = try start(
            "backend c\nbackend b\n  server new 127.0.0.1:4\n  server two 127.0.0.1:2\n  server one 127.0.0.1:1 weight 10 check\n"
        )
        #expect(
            second.backends[1].live === first.backends[0].live && second.backends[0].live === first.backends[1].live)
        let (one, two) = (first.backends[0].servers[0], first.backends[0].servers[1])
        #expect(second.backends[1].servers.map(\.name) == ["new", "two", "one"])
        #expect(second.backends[1].servers[1] === two && second.backends[1].servers[2] === one)
        #expect(second.backends[1].backend.servers.map(\.name) == ["new", "two", "one"])
        #expect(second.generation == first.generation + 1)
    }

    @Test func `what was changed of a server stays unless the file says something else of it`() throws {
        let plan = try start(Self.text)
        let backend = plan.backends[0].backend
        let (one, two) = (backend.servers[0], backend.servers[1])
        var configuration = one.configuration
        configuration.weight = 99
        backend.reconfigure(one, as: configuration, now: Self.now)
        backend.setAdministrativeState(.drain, of: two, now: Self.now)
        _ = try start(Self.text)
        #expect(one.weight == 99 && two.state.administrative == .drain)
        _ = try start(Self.text.replacing("weight 10", with: "weight 11"))
        #expect(one.weight == 11 && two.state.administrative == .drain)
        _ = try start(Self.text.replacing("1:2", with: "1:2 disabled"))
        #expect(one.weight == 10 && two.state.administrative == .maintenance)
    }

    @Test func `servers that are gone are told, those of backends that are gone as well`() throws {
        _ = try start(Self.text)
        let candidate = try #require(build("backend b\n  server two 127.0.0.1:2\n"))
        #expect(candidate.activate(now: Self.now).map(\.name).sorted() == ["one", "three"])
        #expect(site.backend("c") == nil && site.backend("b")?.backend.servers.map(\.name) == ["two"])
    }

    @Test func `who tracks whom is as the latest plan says`() throws {
        let plan = try start(Self.text)
        let three = plan.backends[1].servers[0]
        #expect(three.tracked?.server.name == "one")
        _ = try start(Self.text.replacing(" track b/one", with: ""))
        #expect(three.tracked == nil)
    }

    private func number(_ name: VariableName, _ context: ExchangeContext) -> Int? {
        guard case .integer(let number)? = context.variable(name) else { return nil }
        return number
    }

    @Test func `a set-var line is obeyed again only if it says something else`() throws {
        let context = ExchangeContext()
        context.processVariables = site.variables
        let name = try VariableName(Word("proc.n", at: SourceRange(file: "t", line: 1)), in: .global)
        _ = try start("global\n  set-var proc.n int(1)\n")
        context.set(name, .integer(5))
        _ = try start("global\n  set-var proc.n int(1)\n")
        #expect(number(name, context) == 5)
        let candidate = try #require(build("global\n  set-var proc.n int(2)\n"))
        #expect(number(name, context) == 5)
        candidate.activate(now: Self.now)
        #expect(number(name, context) == 2)
    }

    @Test func `a ring goes on with the next plan`() throws {
        let text = "ring r\n  size 4096\nglobal\n  log ring@r local0\n"
        #expect(build(text) != nil && site.logger.eventRings.isEmpty)
        _ = try start(text)
        let ring = try #require(site.logger.eventRings.first)
        _ = try start(text)
        #expect(site.logger.eventRings.count == 1 && site.logger.eventRings[0] === ring)
    }

    @Test func `names that are not known are noted, and the next reading has them`() throws {
        let text = "backend b\n  server one a.test:1\n  server two a.test:2\n"
        let book = NameBook()
        let first = try #require(book.use { build(text) })
        #expect(book.missing == ["a.test"] && first.plan.backends[0].servers[0].address == nil)
        book.learn(["a.test"], [[.loopbackV4]])
        let second = try #require(book.use { build(text) })
        #expect(book.missing.isEmpty)
        #expect(second.plan.backends[0].servers[1].address == .ip(.loopbackV4, port: 2))
    }
}
