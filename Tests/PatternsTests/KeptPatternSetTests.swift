// A configuration that is read again: which sets it takes over from the one before, with what was changed in them.

import Basics
import Configuration
import Foundation
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import Patterns
@testable import Rules

@Suite struct KeptPatternSetTests {
    private let map = FileManager.default.temporaryDirectory.appending(path: "portico-\(UUID().uuidString).map").path
    private let list = FileManager.default.temporaryDirectory.appending(path: "portico-\(UUID().uuidString).list").path

    private func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func removeFiles() {
        for path in [map, list] { try? FileManager.default.removeItem(atPath: path) }
    }

    /// What `map(…)` yields for the path of a request.
    private func found(_ path: String, in section: Section) throws -> String? {
        let set = try #require(section.patterns[map])
        return set.entries(from: 0, count: 100).first { String(decoding: $0.key, as: UTF8.self) == path }
            .map { String(decoding: $0.value, as: UTF8.self) }
    }

    /// Runs the rules of `section`, one of which changes the map.
    private func change(_ path: String, in section: Section) throws {
        _ = section.rules.ruleSet(.httpRequest).run(on: try exchange("GET \(path) HTTP/1.1\nHost: a\n\n"))
    }

    private var reading: String { "http-request set-header a %[path,map(\(map))]" }
    private var changing: String { "http-request set-map(\(map)) %[path] changed" }

    @Test func `A set whose file is the same is taken over with what rules have changed`() throws {
        defer { removeFiles() }
        try write("/a 1\n/b 2\n", to: map)
        let first = try Section(.listen, "\(reading)\n\(changing)")
        try change("/b", in: first)
        try change("/c", in: first)
        try write("/a 1\n/b 2\n", to: map)
        let second = try Section(.listen, "\(reading)\n\(changing)", keeping: first.patterns.sets)
        #expect(second.patterns[map] === first.patterns[map])
        #expect(try found("/b", in: second) == "changed")
        // One set: rules of both configurations change it.
        try change("/d", in: first)
        #expect(try found("/d", in: second) == "changed")
        #expect(second.patterns.sets.map(\.id) == first.patterns.sets.map(\.id))
    }

    @Test func `A set whose file is another one now is read anew, and the loss of changes is told`() throws {
        defer { removeFiles() }
        try write("/a 1\n", to: map)
        let first = try Section(.listen, "\(reading)\n\(changing)")
        try change("/b", in: first)
        try write("/a 2\n", to: map)
        var second = try Section(.listen, "", keeping: first.patterns.sets)
        try second.read("\(reading)\n\(changing)")
        var again = PatternSets(keeping: first.patterns.sets)
        var drafts = [second.draft]
        let problems = again.resolve(&drafts)
        #expect(problems.map(\.severity) == [.notice])
        #expect(problems.first?.message.contains("what was changed in it at run time is gone") == true)
        let set = try #require(again[map])
        #expect(set !== first.patterns[map])
        #expect(set.entries(from: 0, count: 9).map { String(decoding: $0.value, as: UTF8.self) } == ["2"])
        // The one before is as it was.
        #expect(try found("/a", in: first) == "1")
        #expect(try found("/b", in: first) == "changed")
    }

    @Test func `A set that the new lines look into in another way is a copy of what it has now`() throws {
        defer { removeFiles() }
        try write("/a 1\n", to: map)
        let first = try Section(.listen, "\(reading)\n\(changing)")
        try change("/b", in: first)
        let second = try Section(
            .listen, "\(reading)\n\(changing)\nhttp-request set-header b %[path,map_beg(\(map))]",
            keeping: first.patterns.sets)
        #expect(second.patterns[map] !== first.patterns[map])
        #expect(try found("/b", in: second) == "changed")
        let context = try exchange("GET /bcd HTTP/1.1\nHost: a\n\n")
        _ = second.rules.ruleSet(.httpRequest).run(on: context)
        #expect(lines(context.request.fields).contains("b: changed"))
        // From now on each has its own.
        try change("/c", in: first)
        #expect(try found("/c", in: second) == nil)
    }

    @Test func `A set that lines change only now is a copy, since it was read without a lock`() throws {
        defer { removeFiles() }
        try write("/a 1\n", to: map)
        let first = try Section(.listen, reading)
        let second = try Section(.listen, "\(reading)\n\(changing)", keeping: first.patterns.sets)
        #expect(second.patterns[map] !== first.patterns[map])
        try change("/b", in: second)
        #expect(try found("/b", in: second) == "changed")
        #expect(try found("/b", in: first) == nil)
        // The other way: what rules no longer change may keep its lock.
        let third = try Section(.listen, reading, keeping: second.patterns.sets)
        #expect(third.patterns[map] === second.patterns[map])
    }

    @Test func `A list whose patterns a new method refuses is an error, and the set before is as it was`() throws {
        defer { removeFiles() }
        try write("abc\n", to: list)
        let first = try Section(.listen, "http-request deny if { path -f \(list) }")
        var second = try Section(.listen, "", keeping: first.patterns.sets)
        try second.read("http-request deny if { src -f \(list) }")
        var again = PatternSets(keeping: first.patterns.sets)
        var drafts = [second.draft]
        #expect(again.resolve(&drafts).contains { $0.severity == .error })
        let kept = try Section(.listen, "http-request deny if { path -f \(list) }", keeping: first.patterns.sets)
        #expect(kept.patterns[list] === first.patterns[list])
    }

    @Test func `A number that another file asks for is given up`() throws {
        defer { removeFiles() }
        try write("/a 1\n", to: map)
        try write("abc\n", to: list)
        let first = try Section(.listen, reading)
        #expect(first.patterns[map]?.id == 0)
        let second = try Section(
            .listen, "\(reading)\nhttp-request deny if { path -u 0 -f \(list) }", keeping: first.patterns.sets)
        #expect(second.patterns[list]?.id == 0)
        #expect(second.patterns[map]?.id == 1)
        #expect(first.patterns[map]?.id == 0)
    }
}
