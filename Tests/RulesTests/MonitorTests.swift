// The monitor's address: which request is for it, and what it is told.

import Configuration
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct MonitorTests {
    private func status(_ request: String, _ lines: String) throws -> Int? {
        try Section(.frontend, lines).rules.monitor()?.status(for: exchange(request))
    }

    @Test func `The target has to be the same, query included`() throws {
        let line = "monitor-uri /alive"
        #expect(try status("GET /alive HTTP/1.1\nHost: x\n\n", line) == 200)
        #expect(try status("HEAD /alive HTTP/1.0\n\n", line) == 200)
        #expect(try status("GET /alive?x HTTP/1.1\nHost: x\n\n", line) == nil)
        #expect(try status("GET /alive/ HTTP/1.1\nHost: x\n\n", line) == nil)
        #expect(try status("GET /aliv HTTP/1.1\nHost: x\n\n", line) == nil)
        #expect(try Section(.frontend, "monitor fail if { path / }").rules.monitor() == nil)
    }

    @Test func `A path is that of an absolute target too`() throws {
        let line = "monitor-uri /alive"
        #expect(try status("GET http://x/alive HTTP/1.1\nHost: x\n\n", line) == 200)
        #expect(try status("GET http://x/alive?y HTTP/1.1\nHost: x\n\n", line) == nil)
        #expect(try status("GET http://x HTTP/1.1\nHost: x\n\n", "monitor-uri /") == 200)
        #expect(try status("GET http://x/alive HTTP/1.1\nHost: x\n\n", "monitor-uri http://x/alive") == 200)
        #expect(try status("GET /alive HTTP/1.1\nHost: x\n\n", "monitor-uri http://x/alive") == nil)
    }

    @Test func `It fails if one of its conditions holds`() throws {
        let lines = """
            acl broken hdr(x-state) broken
            monitor-uri /alive
            monitor fail if broken
            monitor fail unless { hdr(host) x }
            """
        #expect(try status("GET /alive HTTP/1.1\nHost: x\n\n", lines) == 200)
        #expect(try status("GET /alive HTTP/1.1\nHost: x\nX-State: broken\n\n", lines) == 503)
        #expect(try status("GET /alive HTTP/1.1\nHost: y\n\n", lines) == 503)
    }

    @Test func `Its lines are checked`() throws {
        #expect(try problem("monitor-uri 'a b'", in: .frontend).message == "'a b' cannot be the target of a request")
        #expect(try problem("monitor fail", in: .frontend).message == "'monitor fail' lacks a condition")
    }
}
