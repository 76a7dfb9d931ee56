// A family of samples is one file, a few lines in the one list, and its tests.

import Foundation
import Testing

@testable import Expressions

@Suite struct SampleFamilyTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func sources(in folder: String) throws -> [String: String] {
        let folder = root.appending(path: folder)
        let names = try #require(FileManager.default.enumerator(atPath: folder.path))
        var sources: [String: String] = [:]
        for case let name as String in names where name.hasSuffix(".swift") {
            sources[name] = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        }
        return sources
    }

    private static func files(with word: String, _ sources: [String: String]) throws -> Set<String> {
        let word = try Regex("\\b\(word)\\b")
        return Set(sources.filter { $0.value.contains(word) }.keys)
    }

    @Test func `The type of each family is named in its own file and in the one list`() throws {
        let sources = try Self.sources(in: "Sources")
        let list = "Expressions/Samples/Sample.swift"
        #expect(sources[list] != nil)
        for family in Sample.families {
            let type = String(describing: family)
            let own = try sources.filter { _, text in
                text.contains(try Regex("\\b(struct|enum) \(type)\\b"))
            }.keys
            #expect(own.count == 1, "\(type) is declared in \(own.count) files")
            #expect(try Self.files(with: type, sources) == Set(own).union([list]), "\(type)")
        }
    }

    @Test func `Tests name a family's type only where they are about samples`() throws {
        let tests = try Self.sources(in: "Tests")
        for family in Sample.families {
            let type = String(describing: family)
            let files = try Self.files(with: type, tests)
            #expect(files.allSatisfy { $0.hasSuffix("SampleTests.swift") }, "\(type) is named in \(files)")
        }
    }

    @Test func `Each family brings rows, and each case of the list has one`() throws {
        for family in Sample.families { #expect(!family.rows.isEmpty, "\(family)") }
        let list = try String(
            contentsOf: Self.root.appending(path: "Sources/Expressions/Samples/Sample.swift"), encoding: .utf8)
        let cases = list.matches(of: /case \w+\((\w+)\)\n/).map { String($0.output.1) }
        let families = Sample.families.map { String(describing: $0) }
        #expect(!cases.isEmpty)
        #expect(Set(cases).isSubset(of: families))
    }
}
