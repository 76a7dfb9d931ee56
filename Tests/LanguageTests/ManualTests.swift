// The manual page in docs/ matches the tables.

import Configuration
import Foundation
import Testing

@testable import portico

@Suite struct ManualTests {
    @Test func `The page in docs is current`() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/configuration.md")
        let written = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n")
        let printed = KeywordRegistry.language.manual().components(separatedBy: "\n")
        let line =
            zip(written, printed).enumerated().first { $1.0 != $1.1 }?.offset ?? min(written.count, printed.count)
        let isCurrent = written == printed
        #expect(
            isCurrent,
            """
            docs/configuration.md is not current, from line \(line + 1) on: run 'make docs' and commit what it writes. \
            (The page is printed from the keyword tables; the same solves a conflict in it.)
            """)
    }

    @Test func `Help for a word lists every line that ends so`() {
        let page = HelpPrinter(KeywordRegistry.language).text(for: ["set-header"])
        for family in ["http-request", "http-response", "http-after-response"] {
            #expect(page.contains("\(family) set-header <name>"))
        }
        #expect(HelpPrinter(KeywordRegistry.language).text(for: ["allow"]).contains("http-request allow"))
    }

    @Test func `Help for a word that a file may have says something of it, whatever stands before it there`() {
        let help = HelpPrinter(KeywordRegistry.language)
        let words = KeywordRegistry.language.keywords.compactMap { $0.name.split(separator: " ").last.map(String.init) }
        for word in Set(words) where !help.hasPage(for: [word]) { Issue.record("nothing is said of '\(word)'") }
    }
}
