// Sets of patterns against the obvious way to search a list; changes by rules; changes while others read.

import Basics
import Chance
import Configuration
import Foundation
import HTTP
import RuleTesting
import Synchronization
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

/// The obvious way: a list of entries, and a look at each.
private struct NaiveSet {
    var entries: [(key: String, value: String)] = []

    mutating func set(_ key: String, _ value: String) {
        if entries.contains(where: { $0.key == key }) {
            for i in entries.indices where entries[i].key == key { entries[i].value = value }
        } else {
            entries.append((key, value))
        }
    }

    /// Nil if there is none. Values never repeat in a test, so that they tell which entry was found.
    func find(_ text: String, _ method: MatchMethod, ignoringCase: Bool = false) -> String? {
        let text = ignoringCase ? text.lowercased() : text
        func key(_ entry: (key: String, value: String)) -> String { ignoringCase ? entry.key.lowercased() : entry.key }
        switch method {
        case .str: return entries.first { key($0) == text }?.value
        case .end: return entries.first { text.hasSuffix(key($0)) }?.value
        case .sub: return entries.first { text.contains(key($0)) }?.value
        case .beg:
            let found = entries.filter { text.hasPrefix(key($0)) }
            let longest = found.map { key($0).count }.max()
            return found.first { key($0).count == longest }?.value
        case .int:
            return entries.first { entry in
                let parts = entry.key.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
                guard let number = Int(text) else { return false }
                return parts.count == 1
                    ? parts[0] == number : (parts[0] ?? .min) <= number && number <= (parts[1] ?? .max)
            }?.value
        case .ip:
            let found = entries.filter { Self.isAddress(text, in: $0.key) }
            // An IPv4 address is one of IPv6, too.
            if found.isEmpty, text.contains(".") && !text.contains(":") { return find("::ffff:\(text)", .ip) }
            let smallest = found.map { Self.length($0.key) }.max()
            return found.first { Self.length($0.key) == smallest }?.value
        default: return nil
        }
    }

    private static func length(_ network: String) -> Int {
        network.split(separator: "/").dropFirst().first.flatMap { Int($0) } ?? (network.contains(":") ? 128 : 32)
    }

    private static func isAddress(_ address: String, in network: String) -> Bool {
        guard let a = word(address), let b = word(String(network.prefix { $0 != "/" })), a.bits == b.bits else {
            return false
        }
        return (a.word ^ b.word) >> UInt128(a.bits - length(network)) == 0
    }

    private static func word(_ address: String) -> (bits: Int, word: UInt128)? {
        switch IPAddress(address) {
        case .v4(let word): (32, UInt128(word))
        case .v6(let high, let low): (128, UInt128(high) << 64 | UInt128(low))
        case nil: nil
        }
    }
}

extension PatternSet {
    fileprivate func set(_ key: String, _ value: String) {
        let (key, value) = (Array(key.utf8), Array(value.utf8))
        unsafe set(key.span.bytes, value.span.bytes)
    }

    fileprivate func remove(_ key: String) {
        let key = Array(key.utf8)
        unsafe remove(key.span.bytes)
    }

    fileprivate func add(_ key: String) {
        let key = Array(key.utf8)
        unsafe add(key.span.bytes)
    }
}

extension PatternLookup {
    fileprivate func find(_ text: String, _ method: MatchMethod, _ context: ExchangeContext) -> String? {
        context.withScratch {
            let bytes = context.make { $0 += Array(text.utf8) }
            guard let subject = PatternSubject(.string(bytes), for: method, context) else { return nil }
            var found: String?
            _ = withEntry(of: subject, context, asKey: false) { found = $0.text }
            return found
        }
    }
}

@Suite struct PatternSetTests {
    /// Makes keys and texts that often meet.
    private struct Words {
        var random: SeededRandom
        let method: MatchMethod
        private let letters = Array("abAB")

        init(random: SeededRandom, method: MatchMethod) {
            self.random = random
            self.method = method
        }

        mutating func key() -> String {
            switch method {
            case .int:
                let low = Int.random(in: -30...30, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: return "\(low):\(low + Int.random(in: 0...20, using: &random))"
                case 1: return ":\(low)"
                case 2: return "\(low):"
                default: return "\(low)"
                }
            case .ip:
                return address() + (Bool.random(using: &random) ? "" : "/\(Int.random(in: 0...32, using: &random))")
            default: return word()
            }
        }

        mutating func text() -> String {
            switch method {
            case .int: "\(Int.random(in: -60...60, using: &random))"
            case .ip: address()
            default: word() + word()
            }
        }

        /// Of few letters; at least one, for an empty key is found everywhere.
        private mutating func word() -> String {
            String(
                (0..<Int.random(in: 1...4, using: &random)).map { _ in letters[Int.random(in: 0..<4, using: &random)] })
        }

        private mutating func address() -> String {
            func part() -> Int { [0, 1, 2, 127, 128, 255][Int.random(in: 0..<6, using: &random)] }
            if Int.random(in: 0..<4, using: &random) == 0 { return "2001:db8::\(part()):\(part())" }
            return "\(part()).\(part()).\(part()).\(part())"
        }
    }

    @Test(arguments: [
        (MatchMethod.str, false), (.str, true), (.beg, false), (.end, false), (.end, true), (.sub, false), (.sub, true),
        (.int, false), (.ip, false),
    ])
    func `A set finds what a look at each entry finds, however it has come about`(
        method: MatchMethod, ignoresCase: Bool
    ) throws {
        let context = ExchangeContext()
        for seed in 0..<60 as Range<UInt64> {
            var words = Words(random: SeededRandom(seed: seed), method: method)
            var naive = NaiveSet()
            let set = PatternSet("test", isMap: true)
            set.becomeChangeable()
            var problems: [ConfigProblem] = []
            let lookup = set.lookup(method, ignoringCase: ignoresCase, &problems)
            for step in 0..<200 {
                let key = words.key()
                if Int.random(in: 0..<3, using: &words.random) > 0 || naive.entries.isEmpty {
                    naive.set(key, "\(step)")
                    set.set(key, "\(step)")
                } else {
                    let gone = naive.entries[Int.random(in: naive.entries.indices, using: &words.random)].key
                    naive.entries.removeAll { $0.key == gone }
                    set.remove(gone)
                }
                for _ in 0..<3 {
                    let text = words.text()
                    let expected = naive.find(text, method, ignoringCase: ignoresCase)
                    let found = lookup.find(text, method, context)
                    try #require(found == expected, "seed \(seed), step \(step): '\(text)' in \(naive.entries)")
                }
                try #require(set.count == naive.entries.count)
            }
            #expect(
                set.entries(from: 0, count: 1_000).map { String(decoding: $0.key, as: UTF8.self) }
                    == naive.entries.map(\.key))
        }
    }

    @Test func `A big file is found whole`() throws {
        let lines = (0..<20_000).map { "host\($0).example.com backend\($0 % 97)" }.joined(separator: "\n")
        let set = PatternSet("test", isMap: true)
        set.read(Array(lines.utf8))
        var problems: [ConfigProblem] = []
        let exact = set.lookup(.str, ignoringCase: false, &problems)
        let beginning = set.lookup(.beg, ignoringCase: false, &problems)
        let context = ExchangeContext()
        for i in stride(from: 0, to: 20_000, by: 7) {
            #expect(exact.find("host\(i).example.com", .str, context) == "backend\(i % 97)")
            #expect(beginning.find("host\(i).example.com:80", .beg, context) == "backend\(i % 97)")
            #expect(exact.find("host\(i).example.org", .str, context) == nil)
        }
        #expect(set.count == 20_000)
    }

    @Test func `Texts that go leave no memory behind for ever`() {
        let set = PatternSet("test", isMap: true)
        set.becomeChangeable()
        for i in 0..<2_000 { set.set("key\(i % 10)", String(repeating: "x", count: i)) }
        for i in 0..<2_000 { set.set("other\(i)", "y") }
        for i in 0..<2_000 { set.remove("other\(i)") }
        #expect(set.count == 10)
        #expect(set.memory < 400_000)
    }

    @Test func `A key that one of the users cannot read is not added`() {
        let set = PatternSet("test", isMap: true)
        set.becomeChangeable()
        var problems: [ConfigProblem] = []
        let lookup = set.lookup(.ip, ignoringCase: false, &problems)
        set.requireValues(.integer, &problems)
        set.set("not an address", "1")
        set.set("10.0.0.1", "not a number")
        #expect(set.count == 0)
        set.set("10.0.0.0/8", "1")
        #expect(set.count == 1)
        #expect(lookup.find("10.1.1.1", .ip, ExchangeContext()) == "1")
    }

    @Test func `Removing all leaves an empty set that works`() {
        let set = PatternSet("test", isMap: false)
        set.becomeChangeable()
        var problems: [ConfigProblem] = []
        let lookup = set.lookup(.sub, ignoringCase: false, &problems)
        for i in 0..<100 { set.add("key\(i)") }
        set.removeAll()
        #expect(set.count == 0)
        set.add("abc")
        #expect(lookup.find("xabcx", .sub, ExchangeContext()) == "")
        #expect(lookup.find("key7", .sub, ExchangeContext()) == nil)
    }

    @Test func `Workers read while one of them changes`() {
        let set = PatternSet("test", isMap: true)
        set.becomeChangeable()
        var problems: [ConfigProblem] = []
        let lookup = set.lookup(.beg, ignoringCase: false, &problems)
        // A value is always eight times the same digit: half a change would show.
        for i in 0..<100 { set.set("key\(i)/", "00000000") }
        let isDone = Atomic<Bool>(false)
        let faults = Atomic<Int>(0)
        let reads = Atomic<Int>(0)
        together(3) { worker in
            if worker == 0 {
                // Until the others have read a while, however they are scheduled.
                var i = 0
                while i < 50 || reads.load(ordering: .relaxed) < 50 {
                    let key = "key\(i % 100)/"
                    if i % 7 == 0 { set.remove(key) }
                    set.set(key, String(repeating: "\(i % 10)", count: 8))
                    set.set("more\(i % 100)", "11111111")
                    if i % 3 == 0 { set.remove("more\((i + 50) % 100)") }
                    i += 1
                }
                isDone.store(true, ordering: .releasing)
            } else {
                let context = ExchangeContext()
                var i = worker
                while !isDone.load(ordering: .acquiring) {
                    if let found = lookup.find("key\(i % 100)/path", .beg, context) {
                        if found.count != 8 || Set(found).count != 1 { faults.add(1, ordering: .relaxed) }
                    }
                    reads.add(1, ordering: .relaxed)
                    i += 1
                }
            }
        }
        #expect(faults.load(ordering: .relaxed) == 0)
        #expect(set.entries(from: 0, count: 10_000).filter { $0.key.starts(with: Array("key".utf8)) }.count == 100)
    }
}

@Suite struct ChangePatternsTests {
    private func request(_ path: String) throws -> ExchangeContext {
        try exchange("GET \(path) HTTP/1.1\nHost: shop.example\nX-Key: key\n\n")
    }

    @Test func `Rules change a map, and later requests see it`() throws {
        let file = try TemporaryFile("known before\n")
        let section = try Section(
            .listen,
            """
            http-request set-map(\(file.path)) %[req.hdr(x-key)] %[path] if { path_beg /set }
            http-request set-map(\(file.path)) known %[path] if { path_beg /set }
            http-request del-map(\(file.path)) %[req.hdr(x-key)] if { path /del }
            http-request set-header x-said %[req.hdr(x-key),map(\(file.path),nothing)]
            http-request set-header x-known %[str(known),map(\(file.path))]
            """)
        let rules = section.rules.ruleSet(.httpRequest)
        for (path, said, known) in [
            ("/", "nothing", "before"), ("/set1", "/set1", "/set1"), ("/", "/set1", "/set1"),
            ("/set/longer", "/set/longer", "/set/longer"), ("/set2", "/set2", "/set2"), ("/del", "nothing", "/set2"),
            ("/", "nothing", "/set2"),
        ] {
            let context = try request(path)
            _ = rules.run(on: context)
            let fields = lines(context.request.fields)
            #expect(fields.contains("x-said: \(said)"), "\(path): \(fields)")
            #expect(fields.contains("x-known: \(known)"), "\(path): \(fields)")
            #expect(context.scratch.isEmpty)
        }
        #expect(try contentsOfFile(file.path) == Array("known before\n".utf8))
    }

    @Test func `Rules change a list, whatever it is matched by`() throws {
        let file = try TemporaryFile("10.0.0.1\n")
        let section = try Section(
            .listen,
            """
            http-request add-acl(\(file.path)) %[src] if { path /ban }
            http-request add-acl(\(file.path)) %[req.hdr(x-none)] if { path /ban }
            http-request del-acl(\(file.path)) %[src] if { path /pardon }
            http-request deny if { src -f \(file.path) }
            """)
        let rules = section.rules.ruleSet(.httpRequest)
        for (path, isDenied) in [
            ("/", false), ("/ban", true), ("/", true), ("/ban", true), ("/pardon", false), ("/", false),
        ] {
            if case .denyStatus = rules.run(on: try request(path)) {
                #expect(isDenied, "\(path)")
            } else {
                #expect(!isDenied, "\(path)")
            }
        }
        #expect(section.patterns[file.path]?.count == 1)
    }

    @Test func `Responses can change a map`() throws {
        let section = try Section(
            .listen,
            """
            http-response set-map(/dev/null) last %[res.hdr(server)]
            http-request set-header x-last %[str(last),map(/dev/null)]
            """)
        let context = try request("/")
        try answer("HTTP/1.1 200 OK\nServer: one\n\n", context)
        _ = section.rules.ruleSet(.httpResponse).run(on: context)
        let next = try request("/")
        _ = section.rules.ruleSet(.httpRequest).run(on: next)
        #expect(lines(next.request.fields).contains("x-last: one"))
    }

    @Test(arguments: [
        ("http-request set-map a b", "'set-map' lacks its argument"),
        ("http-request set-map(/dev/null) a", "'http-request set-map' lacks an argument"),
        ("http-request del-map()  a", "'del-map' lacks its argument"),
        ("http-request add-acl(/dev/null", "'(' is not closed"),
        (
            "http-request set-map(/nowhere/a.map) a b\nhttp-request set-header x %[path,map(/nowhere/a.map)]",
            "cannot read '/nowhere/a.map': No such file or directory"
        ),
        ("http-request add-acl(/dev/null) a b", "unexpected 'b'"),
    ])
    func `A wrong change says what is wrong`(line: String, message: String) throws {
        #expect(try problem(line).message == message)
    }

    @Test func `A file that is changed and never looked into is warned of`() throws {
        let section = try Section(.listen, "http-request set-map(/tmp/unused.map) a b")
        #expect(section.warnings.map(\.message) == ["'/tmp/unused.map' is changed, but nothing looks into it"])
        _ = section.rules.ruleSet(.httpRequest).run(on: try request("/"))
        #expect(section.patterns["/tmp/unused.map"]?.count == 1)
    }
}
