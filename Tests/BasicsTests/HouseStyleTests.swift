// The house style of the sources, as far as a program can check it: comments in plain technical English, and files of a
// reasonable size. CONTRIBUTING.md describes the style.

import Foundation
import Testing

@Suite struct HouseStyleTests {
    /// The rooms that follow the style. A room is added once its comments have been revised.
    static let rooms = [
        "Admin", "Balancing", "Basics", "CLinux", "Configuration", "Control", "Expressions", "HTTP", "LogFormat",
        "Logging",
        "Patterns", "Proxy", "ProxyProtocol", "Reactor", "Resolvers", "Rules", "StaticFiles", "TLS", "Transport",
        "portico",
    ]

    /// The tests that follow the style in their comments.
    static let tests = [
        "AdminTests", "BalancingTests", "BasicsTests", "Chance", "ConfigurationTests", "ControlTests",
        "ExpressionsTests", "FuzzTargets", "FuzzTests", "HTTPTests", "LanguageTests", "LogFormatTests", "LoggingTests",
        "PatternsTests", "ProxyProtocolTests", "ProxyTests", "ReactorTests", "ResolversTests", "RuleTesting",
        "RulesTests", "ScenarioTests", "ScriptedNameserver", "StaticFilesTests",
        "TLSTesting", "TLSTests", "TransportTests",
    ]

    @Test("Comments name the actor, the condition and the consequence", arguments: folders)
    func comments(folder: String) throws {
        for file in try Self.files(in: folder) {
            for (number, comment) in Self.comments(of: try String(contentsOf: file.url, encoding: .utf8)) {
                for phrase in Phrase.discouraged where phrase.occurs(in: comment) {
                    Issue.record("\(file.name):\(number): '\(phrase.text)': \(phrase.advice)\n    \(comment)")
                }
            }
        }
    }

    @Test("A file has 40 to 350 lines", arguments: rooms)
    func sizes(room: String) throws {
        for file in try Self.files(in: "Sources/" + room) where file.name.hasSuffix(".swift") {
            let lines = try String(contentsOf: file.url, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false
            ).count
            #expect(lines <= 351, "\(file.name): split it, one behaviour per file")
            if Self.smallFiles[file.name] == nil {
                #expect(lines > 40, "\(file.name): move it into the file that it serves, or add the reason to the list")
            } else {
                #expect(lines <= 40, "\(file.name) is no longer small: remove it from the list")
            }
        }
    }

    /// Files below 40 lines, with the reason why they are not part of another file.
    static let smallFiles = [
        "Sources/Expressions/Samples/VariableSamples.swift": "a family of samples is one file",
        "Sources/Control/RuntimeCommands.swift": "the list of the runtime commands, which a new command adds a line to",
        "Sources/Balancing/Algorithms/SourceHash.swift": "an algorithm is one file",
        "Sources/Balancing/Algorithms/FirstServer.swift": "an algorithm is one file",
        "Sources/Balancing/Algorithms/ExpressionHash.swift": "an algorithm is one file",
        "Sources/Balancing/Algorithms/RemoteDesktopHash.swift": "an algorithm is one file",
        "Sources/Balancing/Algorithms/StaticRoundRobin.swift": "an algorithm is one file",
        "Sources/Control/ObservedFailures.swift": "passes what workers saw to the checks, on the control thread",
        "Sources/Logging/MailerKeywords.swift": "the table of a section that is read and not used",
        "Sources/Proxy/Multiplexing/IdlePings.swift": "used by the multiplexers of both sides",
        "Sources/Basics/CRC32.swift": "an algorithm of its own, used by the PROXY protocol and by converters",
        "Sources/Basics/Fault.swift": "replaces the standard library's preconditions everywhere",
        "Sources/portico/KeywordRegistry.swift": "the one list of all keyword tables",
        "Sources/Proxy/Sections/LogProfileSection.swift": "a kind of section is one file",
        "Sources/Proxy/Sections/HealthCheckSection.swift": "a kind of section is one file",
        "Sources/Proxy/Sections/MailersSection.swift": "a kind of section is one file",
        "Sources/Proxy/Sections/RingSection.swift": "a kind of section is one file",
        "Sources/Proxy/Sections/SiteSection.swift": "the one list of kinds of sections",
        "Sources/Proxy/Session/ClientSession.swift": "who the client is, which all of its streams share",
        "Sources/Proxy/Sections/UserListSection.swift": "a kind of section is one file",
        "Sources/Basics/FilesRead.swift": "used by every room that reads files of the configuration",
        "Sources/Reactor/TimerQueue.swift": "used by the workers as well as by TaskLoop",
    ]

    @Test("Every small file on the list exists")
    func smallFilesExist() {
        for name in Self.smallFiles.keys {
            #expect(FileManager.default.fileExists(atPath: Self.project.appendingPathComponent(name).path), "\(name)")
        }
    }

    @Test(
        "The check finds a phrase in any comment and only there",
        arguments: [
            ("let a = 1  // nobody waits", true), ("/// Whoever waits is woken.", true),
            ("// What is said here.", true),
            ("/// - Returns: what Somebody has sent", true), ("let text = \"nobody\"", false),
            ("let url = \"http://nobody\"", false), ("// returns nil when there is no body", false),
            ("let a = \"x\" // anybody", true),
        ])
    func check(line: String, isFound: Bool) {
        let comments = Self.comments(of: line)
        #expect(Phrase.discouraged.contains { phrase in comments.contains { phrase.occurs(in: $0.text) } } == isFound)
    }
}

/// A phrase that comments avoid, and what to write instead.
struct Phrase {
    let text: String
    let advice: String

    static let discouraged: [Phrase] =
        phrases(
            "name the actor, or write 'no thread', 'no process', 'no client'", "nobody", "somebody", "anybody",
            "everybody")
        + phrases(
            "name the actor: 'the caller', 'the peer', 'any thread'", "whoever", "whosoever", "whomever", "who has gone"
        )
        + phrases("name what states it: 'the head declares', 'the message says'", "is said", "are said", "was said")
        + phrases("write 'typing error'", "slip of the finger", "slips of the finger")
        + phrases(
            "write what happens instead", "of no use", "has the say", "to be had", "can be had", "manyeth",
            "wants to know",
            "leaves word", "for nothing at all", "comes of it", "knows nothing of", "is none of", "the other way round")

    private static func phrases(_ advice: String, _ texts: String...) -> [Phrase] {
        texts.map { Phrase(text: $0, advice: advice) }
    }

    /// Whether the phrase occurs as whole words. Ignores case.
    func occurs(in comment: String) -> Bool {
        var rest = comment.lowercased()[...]
        while let found = rest.range(of: text) {
            let before = found.lowerBound == rest.startIndex ? nil : rest[rest.index(before: found.lowerBound)]
            let after = found.upperBound == rest.endIndex ? nil : rest[found.upperBound]
            if !(before?.isLetter ?? false), !(after?.isLetter ?? false) { return true }
            rest = rest[found.upperBound...]
        }
        return false
    }
}

extension HouseStyleTests {
    static let folders = rooms.map { "Sources/" + $0 } + tests.map { "Tests/" + $0 }

    private static let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The sources in a folder, with their paths relative to the project.
    private static func files(in folder: String) throws -> [(name: String, url: URL)] {
        let root = project.appendingPathComponent(folder)
        let names = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
        let sources = names.filter { name in
            [".swift", ".c", ".h"].contains { name.hasSuffix($0) } && name != "HouseStyleTests.swift"
        }
        try #require(!sources.isEmpty, "no sources in \(folder)")
        return sources.sorted().map { (folder + "/" + $0, root.appendingPathComponent($0)) }
    }

    /// The comments of a source with their line numbers. `//` inside a string literal of one line does not start a comment.
    private static func comments(of source: String) -> [(number: Int, text: String)] {
        source.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            var isInString = false
            var previous: Character = " "
            for position in line.indices {
                let letter = line[position]
                if letter == "\"", previous != "\\" { isInString.toggle() }
                if letter == "/", previous == "/", !isInString {
                    return (index + 1, String(line[line.index(after: position)...]))
                }
                previous = letter
            }
            return nil
        }
    }
}
