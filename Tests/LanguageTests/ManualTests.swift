// The manual page in docs/ is what the tables say.

import Configuration
import Foundation
import Testing

@testable import portico

@Suite struct ManualTests {
    @Test func `The page in docs is current`() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/configuration.md")
        let written = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n")
        let printed = Assembly.language.manual().components(separatedBy: "\n")
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
}
