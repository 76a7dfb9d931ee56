// What the tests of several rooms share: a plan made from the lines of a section `listen site`, and what its logger was given.

import Admin
public import Balancing
public import Basics
import Configuration
public import Proxy
import Resolvers
import Rules
import TLS
public import Testing

@testable public import Logging

extension Plan {
    private static let language = Language(
        keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table + LoggingKeywords.table
            + ResolversKeywords.table + TLSKeywords.table + AdminKeywords.table,
        parameterGroups: [])

    /// The plan of one section `listen site` that listens on 127.0.0.1:80 and logs to the ring of each thread. The lines must
    /// be valid.
    /// - Parameters:
    ///   - bind: parameters of the bind line.
    ///   - lines: of the section, after its first lines.
    ///   - sections: further sections.
    ///   - balance: instead of a `balance` line.
    ///   - now: when the site starts.
    public static func ofSite(
        mode: String = "http", bind: String = "", lines: [String], sections: String, balance: BalanceLine? = nil,
        workers: Int = 1, logger: Logger, site: Site? = nil, now: Instant, sourceLocation: SourceLocation
    ) throws -> Plan {
        let text = """
            listen site
                mode \(mode)
                bind 127.0.0.1:80 \(bind)
                log stdout format raw local0
                timeout connect 5s
                timeout client 60s
                timeout server 60s
            \(lines.map { "    " + $0 }.joined(separator: "\n"))
            \(sections)

            """
        let loaded = language.load(text: text, named: "site.cfg")
        try #require(loaded.problems.isEmpty, "\(loaded.problems)", sourceLocation: sourceLocation)
        var facts = ProcessFacts()
        facts.descriptorsLimit = 10_000
        facts.threads = workers
        var proxies = loaded.proxies
        if let balance { proxies[0][BalancingSettings.self].algorithm = balance }
        var builder =
            if let site {
                PlanBuilder(
                    global: loaded.global, proxies: proxies, sections: loaded.sections, site: site, now: now)
            } else {
                PlanBuilder(
                    global: loaded.global, proxies: proxies, sections: loaded.sections, logger: logger,
                    workers: workers, facts: facts, now: now)
            }
        let plan = builder.build()
        return try #require(plan, "\(builder.problems)", sourceLocation: sourceLocation)
    }

    /// Another plan for a site that runs, not in force yet; nil if the text is refused.
    public static func candidate(_ text: String, for site: Site, now: Instant) -> PlanCandidate? {
        let loaded = language.load(text: text, named: "site.cfg")
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections, site: site, now: now)
        let candidate = builder.buildCandidate()
        return loaded.problems.contains { $0.severity == .error } ? nil : candidate
    }
}

extension Logger {
    /// The lines that the first thread has logged since the last call.
    public func takeLines() -> [String] {
        var lines: [String] = []
        var line: [UInt8] = []
        while rings[0].pop(into: &line) != nil { lines.append(String(decoding: line, as: UTF8.self)) }
        return lines
    }
}
