// What CONTRIBUTING.md promises: a balancing algorithm, a kind of section, a runtime command is one file and a line in one list.

import Admin
import Balancing
import Control
import Foundation
import Proxy
import Testing

@Suite struct OneFileTests {
    /// The Swift files under `Sources` that name a type.
    private func files(naming type: String) throws -> [String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources")
        let names = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
        let word = try Regex("\\b\(type)\\b").wordBoundaryKind(.simple)
        return try names.filter { $0.hasSuffix(".swift") }.filter { name in
            try String(contentsOf: root.appending(path: name), encoding: .utf8).contains(word)
        }.sorted()
    }

    @Test(arguments: BalancingAlgorithms.all.map { "\($0)" })
    func `a balancing algorithm is named in its own file and in the list`(_ type: String) throws {
        let folder = "Balancing/Algorithms"
        let files = try files(naming: type)
        #expect(files == ["\(folder)/BalancingAlgorithms.swift", "\(folder)/\(type).swift"].sorted())
    }

    @Test(arguments: SiteSections.all.map { "\($0)" })
    func `a kind of section is named in its own file and in the list`(_ type: String) throws {
        let folder = "Proxy/Sections"
        let files = try files(naming: type)
        #expect(files == ["\(folder)/SiteSection.swift", "\(folder)/\(type).swift"].sorted())
    }

    @Test(arguments: RuntimeCommands.all.map { "\($0)" })
    func `a runtime command is named in its own file and in the list`(_ type: String) throws {
        let files = try files(naming: type)
        #expect(files.count == 2 && files.contains("Control/RuntimeCommands.swift"), "\(files)")
        #expect(files.contains { $0.contains("/Commands/") }, "\(files)")
    }

    @Test(
        "In the data path a protocol's codec is named where protocols are told apart, and nowhere else",
        arguments: [
            ("HTTP1ServerCodec", "Session/ClientCodec.swift"), ("HTTP1ClientCodec", "Server/ServerCodec.swift"),
        ])
    func codec(_ type: String, _ file: String) throws {
        #expect(try files(naming: type).filter { !$0.hasPrefix("HTTP/HTTP1/") } == ["Proxy/\(file)"])
    }

    @Test func `no two runtime commands have the same name, and each is documented`() {
        let names = RuntimeCommands.all.map { $0.name }
        #expect(Set(names).count == names.count)
        for command in RuntimeCommands.all {
            #expect(command.usage.hasPrefix(command.name) && !command.summary.isEmpty, "\(command.name)")
        }
    }
}
