// Warnings about samples that can never yield a value where they are used.

import Configuration
import Testing

@Suite struct SampleWarningTests {
    @Test(arguments: [
        ("http-request deny if { req.ssl_sni a.example }", "req.ssl_sni"),
        ("tcp-request content reject if { req.payload(0,4) -m found }", "req.payload"),
        ("use_backend back if { req.rdp_cookie(mstshash) -m found }", "req.rdp_cookie"),
    ])
    func `Bytes as they come are not there in HTTP mode, and a warning says so`(line: String, sample: String) throws {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        let site = Site(line, in: .frontend, environment: surroundings.environment)
        #expect(site.problems.map(\.severity) == [.warning], "\(site.text)")
        #expect(site.problems.first?.message.hasPrefix("'\(sample)' looks at bytes as they come") == true)
        #expect(site.problems.first?.range?.line == site.line)
    }

    @Test(arguments: [
        "tcp-request content accept if WAIT_END", "tcp-request content accept if REQ_CONTENT",
        "http-request deny if { req.proto_http }",
    ])
    func `What is known in HTTP mode too is not warned about`(line: String) throws {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        let site = Site(line, in: .frontend, environment: surroundings.environment)
        #expect(site.problems.isEmpty, "\(site.text)")
    }

    @Test(arguments: [
        (
            "http-request deny if { be_conn gt 5 }", SectionKind.frontend,
            "a backend has to be named here: a frontend is none"
        ),
        ("http-request deny if { fe_conn gt 5 }", .backend, "a frontend has to be named here: a backend is none"),
    ])
    func `A section that is no backend has to name the one it asks about`(
        line: String, kind: SectionKind, message: String
    ) throws {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        let site = Site(line, in: kind, environment: surroundings.environment)
        #expect(site.problems.map(\.message) == [message])
    }
}
