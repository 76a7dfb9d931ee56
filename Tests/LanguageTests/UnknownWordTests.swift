// Words of HAProxy that Portico does not support are distinguished from unknown words, wherever they are used.

import Configuration
import Testing

@Suite struct UnknownWordTests {
    private func message(_ line: String, in section: SectionKind = .listen) throws -> String? {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        return Site(line, in: section, environment: surroundings.environment).problems.first?.message
    }

    @Test(arguments: [
        "tcp-request connection track-sc0", "tcp-request connection expect-netscaler-cip",
        "tcp-request session attach-srv", "tcp-request content switch-mode", "tcp-request content send-spoe-group",
        "tcp-response content sc-inc-gpc", "http-request track-sc1", "http-request set-headers-bin",
        "http-response cache-store", "http-response do-log", "http-after-response sc-set-gpt0",
    ])
    func `An action that HAProxy has is known by its name`(action: String) throws {
        #expect(try message("\(action) x") == "'\(action)' is known to HAProxy, but Portico does not do it yet")
    }

    @Test(arguments: [
        ("tcp-request connection acept", "accept"), ("tcp-request session rejcet", "reject"),
        ("tcp-request content set-vra(txn.x) y", "set-var"), ("tcp-response content clos", "close"),
        ("http-request dney", "deny"), ("http-after-response alow", "allow"),
    ])
    func `A slip of the finger is one, in every family of rules`(line: String, suggestion: String) throws {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        let site = Site(line, in: .listen, environment: surroundings.environment)
        let words = line.split(separator: " ")
        let count = line.hasPrefix("tcp") ? 2 : 1
        let family = words.prefix(count).joined(separator: " ")
        #expect(site.problems.map(\.message) == ["unknown \(family) action '\(words[count])'"])
        #expect(site.problems.first?.suggestion == suggestion)
    }

    @Test(arguments: ["stats bind-process all", "thread-groups 2", "tune.ssl.cachesize 1", "ssl-server-verify none"])
    func `A word of global without effect brings no message`(line: String) throws {
        #expect(try message(line, in: .global) == nil)
    }
}
