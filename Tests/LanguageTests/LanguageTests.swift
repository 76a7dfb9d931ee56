// Every row of every keyword table has an example that it accepts and one that it rejects, and both are run.

import Admin
import Balancing
import Configuration
import Foundation
import Logging
import Proxy
import Resolvers
import Rules
import StaticFiles
import TLS
import Testing

@testable import portico

@Suite struct LanguageTests {
    @Test(arguments: Room.all)
    func `Every row has an example`(_ room: Room) {
        let rooms = Room.all.filter { $0.file == room.file }
        let examples = room.examples.map { Row(name: $0.row, section: Self.section(of: $0)) }
        let missing = room.rows.filter { row in !examples.contains { row.isShown(by: $0) } }
        for row in missing {
            Issue.record(
                """
                No example for '\(row.name)' in \(row.section.map { "\($0)" } ?? "its sections"). \
                Add a line to Tests/LanguageTests/Examples/\(room.file): what it accepts and what it refuses.
                """)
        }
        for example in examples where !rooms.contains(where: { $0.rows.contains { $0.isShown(by: example) } }) {
            Issue.record("\(room.file) has an example for '\(example.name)', of which there is no row")
        }
        let names = room.examples.map(\.row)
        #expect(names == names.sorted(), "\(room.file) is in alphabetical order, so that two additions seldom meet")
    }

    @Test(arguments: Room.all)
    func `Every example is true`(_ room: Room) throws {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        for example in room.examples {
            guard let section = Self.section(of: example) else { continue }
            let accepting = Site(example, example.accepted, in: section, surroundings)
            #expect(
                accepting.acceptsTheLine, "\(room.file): '\(example.accepted)' is not accepted: \(accepting.text)")
            let refusing = Site(example, example.refused, in: section, surroundings)
            #expect(
                refusing.refusesTheLine,
                "\(room.file): '\(example.refused)' is not refused, or for something else: \(refusing.text)")
        }
    }

    @Test func `Every log-format variable is one, and no longer name is`() throws {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        let group = try #require(KeywordRegistry.language.parameterGroups.first { $0.keyword == "log-format" })
        for variable in group.parameters {
            let accepting = Site(
                "log-format \(variable.name)", in: .frontend, environment: surroundings.environment)
            #expect(accepting.problems.isEmpty, "\(variable.name): \(accepting.text)")
            let refusing = Site(
                "log-format \(variable.name)qqq", in: .frontend, environment: surroundings.environment)
            #expect(refusing.refusesTheLine, "\(variable.name)qqq: \(refusing.text)")
        }
    }

    @Test func `The surroundings of the examples are valid`() throws {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        let site = Site("", in: .global, environment: surroundings.environment)
        #expect(site.problems.isEmpty, "\(site.text)")
    }

    @Test func `All examples together are one configuration`() throws {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        let site = Site(all: Self.placedExamples, environment: surroundings.environment)
        #expect(site.problems.allSatisfy { $0.severity == .warning }, "\(site.text)")
    }

    /// All examples, and the position of each.
    static var placedExamples: [(example: Example, section: SectionKind)] {
        Room.all.flatMap(\.examples).compactMap { example in section(of: example).map { (example, $0) } }
    }

    private static func section(of example: Example) -> SectionKind? {
        if let section = example.section { return section }
        let rows = KeywordRegistry.language.keywords.filter { $0.name == example.row }
        return Example.sections.first { kind in rows.contains { $0.sections.contains(Sections(kind)) } }
    }
}

/// A row of a table. `section` is set if the keyword has different rows for different sections.
struct Row: Sendable {
    let name: String
    let section: SectionKind?
    var sections: Sections?

    func isShown(by example: Row) -> Bool {
        guard name == example.name else { return false }
        guard let sections, let section = example.section else { return true }
        return sections.contains(Sections(section))
    }
}

/// One file of examples, and the rows that it must cover.
struct Room: Sendable, CustomTestStringConvertible {
    let file: String
    let rows: [Row]
    let examples: [Example]

    var testDescription: String { file }

    static let all: [Room] = [
        Room("ProcessExamples.swift", ProcessKeywords.table, Examples.process),
        Room("ProxyExamples.swift", ProxyKeywords.table, groups: ["bind"], Examples.proxy),
        Room("TLSExamples.swift", TLSKeywords.table, groups: ["bind"], ofTLS: true, Examples.tls),
        Room("BalancingExamples.swift", BalancingKeywords.table, groups: ["server"], Examples.balancing),
        Room("RulesExamples.swift", RulesKeywords.table.filter { !isAction($0) }, Examples.rules),
        Room("ActionExamples.swift", RulesKeywords.table.filter(isAction), Examples.actions),
        Room("SampleExamples.swift", [], groups: ["samples"], Examples.samples),
        Room("ConverterExamples.swift", [], groups: ["converters"], Examples.converters),
        Room("StaticFilesExamples.swift", StaticFilesKeywords.table, Examples.staticFiles),
        Room("ResolversExamples.swift", ResolversKeywords.table, Examples.resolvers),
        Room("LoggingExamples.swift", LoggingKeywords.table, Examples.logging),
        Room("AdminExamples.swift", AdminKeywords.table, groups: ["stats socket"], Examples.admin),
        Room("ConfigurationExamples.swift", ConfigurationKeywords.table, Examples.configuration),
    ]

    /// The parameters of each line that are the room `TLS`'s.
    private static let parametersOfTLS: [String: Set<String>] = ["bind": Set(TLSKeywords.bindParameters.map(\.name))]

    private init(
        _ file: String, _ keywords: [Keyword], groups: [String] = [], ofTLS: Bool = false, _ examples: [Example]
    ) {
        self.file = file
        let parameters = KeywordRegistry.language.parameterGroups.filter { groups.contains($0.keyword) }.flatMap {
            group in
            let encrypted = Self.parametersOfTLS[group.keyword] ?? []
            return group.parameters.filter { encrypted.contains($0.name) == ofTLS }.map {
                Row(name: "\(group.keyword) \($0.name)", section: nil)
            }
        }
        rows = parameters + keywords.map { Row(name: $0.name, section: nil, sections: $0.sections) }
        self.examples = examples
    }

    /// Whether the keyword is an action in a list of rules: `http-request deny`.
    private static func isAction(_ keyword: Keyword) -> Bool {
        [
            "http-request ", "http-response ", "http-after-response ", "tcp-request ", "tcp-response ",
            "stats http-request ",
        ].contains {
            keyword.name.hasPrefix($0)
        }
    }
}

/// The tables of examples, in the files of `Examples/`.
enum Examples {}
