// Configurations: any file is parsed to its end, and every problem has a position that exists.

import Admin
import Balancing
import Basics
import Configuration
import Logging
import Proxy
import Resolvers
import Rules
import StaticFiles

enum ConfigurationFuzz {
    static func run(_ bytes: [UInt8]) {
        // Exclude other files and names to resolve: the result must depend on the text only.
        let text = String(decoding: bytes, as: UTF8.self)
        guard
            !["include", "server", "bind", "files", "spill", "file", "source", "tcp@", "tcp4@", "tcp6@"].contains(
                where: text.contains)
        else {
            return
        }
        let loaded = language.load(bytes: bytes, named: "fuzz.cfg")
        let lines = bytes.count { $0 == 0x0A } + 1
        for problem in loaded.problems {
            if let range = problem.range {
                precondition((1...lines).contains(range.line), "a problem in line \(range.line)")
            }
            precondition(!problem.message.isEmpty)
        }
        _ = ProblemPrinter(sources: loaded.sources, usesColor: false).text(for: loaded.problems)
        var facts = ProcessFacts()
        facts.descriptorsLimit = 10_000
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections,
            logger: Logger(rings: 1, ringBytes: 4_096), workers: 1, facts: facts, now: Instant(nanoseconds: 1))
        _ = builder.build()
    }

    private static let language = Language(
        sections: SiteSections.kinds,
        keywords: ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table + StaticFilesKeywords.table
            + ResolversKeywords.table + LoggingKeywords.table + AdminKeywords.table + ConfigurationKeywords.table,
        parameterGroups: [
            ParameterGroup(of: "bind", ProxyKeywords.bindParameters),
            ParameterGroup(of: "server", BalancingKeywords.serverParameters),
        ] + AdminKeywords.parameterGroups + RulesKeywords.expressionHelp)
}
