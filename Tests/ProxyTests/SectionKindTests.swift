// A kind of section: all it needs is one file such as this one, and a line in the list.

import Basics
import Configuration
import Logging
import Testing

@testable import Proxy

/// `greetings <name>`, with a line `say <text>`.
private enum GreetingsSection: SiteSection {
    struct Line: SectionSettings {
        var text = ""
    }

    struct Greetings: SectionSettings {
        var byName: [String: String] = [:]
    }

    static let kind: SectionKind = "greetings"

    static let keywords = [
        Keyword("say", in: "greetings", usage: "say <text>", summary: "Says something.") {
            (args, draft) throws(ConfigProblem) in draft[Line.self].text = try args.next("a text").text
        }
    ]

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {
        for draft in sections {
            site.sections[Greetings.self].byName[draft.name] = draft[Line.self].text
            if draft[Line.self].text.isEmpty { site.note(ConfigProblem("nothing is said", at: draft.range)) }
        }
    }
}

@Suite struct SectionKindTests {
    private let language = Language(
        sections: SiteSections.kinds + [GreetingsSection.kind],
        keywords: ProxyKeywords.table + GreetingsSection.keywords, parameterGroups: [])

    private func load(_ text: String) -> (plan: Plan?, problems: [String]) {
        let loaded = language.load(text: text, named: "t.cfg")
        var facts = ProcessFacts()
        facts.descriptorsLimit = 1_000
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections,
            kinds: SiteSections.all + [GreetingsSection.self], logger: Logger(rings: 1), workers: 1, facts: facts,
            now: Instant(nanoseconds: 1))
        let plan = builder.build()
        let errors = (loaded.problems + builder.problems).filter { $0.severity == .error }
        return (errors.isEmpty ? plan : nil, errors.map(\.message))
    }

    @Test func `a section of a new kind is read and resolved, and the plan has what came of it`() throws {
        let plan = try #require(load("greetings a\n  say hello\nlisten l\ngreetings b\n  say goodbye\n").plan)
        #expect(plan.sections[GreetingsSection.Greetings.self].byName == ["a": "hello", "b": "goodbye"])
        #expect(try #require(load("listen l\n").plan).sections[GreetingsSection.Greetings.self].byName.isEmpty)
    }

    @Test(arguments: [
        ("greetings\n", "'greetings' lacks a name"),
        ("greetings a\n  say x\ngreetings a\n", "there is a greetings 'a' already, at t.cfg:1"),
        (
            "greetings a\n  say x\n  mode http\n",
            "'mode' is not allowed in a greetings section, only in defaults, frontend, backend or listen"
        ),
        ("frontend a\n  say x\n", "'say' is not allowed in a frontend, only in greetings"),
        ("greetings a\n", "nothing is said"),
        ("greting a\n", "unknown section 'greting'"),
    ])
    func `what is wrong with one is said as with any other`(_ text: String, _ message: String) {
        #expect(load(text).problems == [message])
    }
}
