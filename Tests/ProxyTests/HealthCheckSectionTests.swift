// `healthcheck` sections: which servers are checked as they say.

import Balancing
import Basics
import Configuration
import Logging
import Rules
import Testing

@testable import Proxy

@Suite struct HealthCheckSectionTests {
    private let language = Language(
        sections: SiteSections.kinds, keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table,
        parameterGroups: [])

    private func load(_ text: String) -> (plan: Plan?, problems: [String]) {
        let loaded = language.load(text: text, named: "t.cfg")
        var facts = ProcessFacts()
        facts.descriptorsLimit = 1_000
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections, logger: Logger(rings: 1),
            workers: 1, facts: facts, now: Instant(nanoseconds: 1))
        let plan = builder.build()
        let errors = (loaded.problems + builder.problems).filter { $0.severity == .error }
        return (errors.isEmpty ? plan : nil, errors.map { $0.message + ($0.suggestion.map { "; \($0)?" } ?? "") })
    }

    @Test func `a server is checked as the section says that it names, the others as their backend says`() throws {
        let plan = try #require(
            load(
                """
                healthcheck web
                    http-check send meth GET uri-lf /%[srv_name]
                    type httpchk
                healthcheck hello
                    type ssl-hello-chk
                backend app
                    option redis-check
                    server a 127.0.0.1:80 check healthcheck web
                    server b 127.0.0.1:81 check healthcheck hello
                    server c 127.0.0.1:82 check
                    server d 127.0.0.1:83 check healthcheck web
                """
            ).plan)
        let checks = plan.backends[0].backend.servers.map(\.check)
        #expect(checks.map { $0?.script.isHTTP } == [true, false, false, true])
        #expect(checks.map { $0?.script.needsContext } == [true, false, false, true])
        #expect(checks.map { $0?.script.expects } == [true, true, true, true])
    }

    @Test(arguments: [
        (
            "healthcheck web\n type httpchk\nbackend b\n server s 127.0.0.1:80 check healthcheck wen\n",
            "no healthcheck section named 'wen'; web?"
        ),
        ("healthcheck web\n tcp-check connect\n", "the healthcheck section 'web' does not say of which type it is"),
        ("healthcheck web\n type htpchk\n", "unknown kind of check 'htpchk'; httpchk?"),
        ("healthcheck web\n type spop-check\n", "'spop-check' is for agents of SPOE, which Portico does not have yet"),
        ("healthcheck web\n type httpchk GET x\n", "a check's URI begins with '/'"),
        (
            "backend b\n option external-check\n external-check command /bin/true\n server s 127.0.0.1:80 check\n",
            "programs are not started, unless the global section allows it"
        ),
    ])
    func `what is wrong is told`(_ text: String, _ problem: String) {
        #expect(load(text).problems.first == problem)
    }
}
