// Balancing by hash: what the key is, what a server that is full or gone changes, and how few keys move on a ring.

import BalancingTesting
import Basics
import Configuration
import Dispatch
import HTTP
import Testing

@testable import Balancing

/// A request with what the tests choose.
private struct KeyedRequest: BalancingRequest, ~Copyable {
    private var head = RequestHead()
    private let body: [UInt8]
    private let key: [UInt8]?
    let client: SocketAddress

    init(
        _ target: String = "/", post: Bool = false, _ fields: [(String, String)] = [], body: String = "",
        key: String? = nil, client: SocketAddress = .ip(.v4(7), port: 1)
    ) {
        if post { unsafe _ = head.setMethod(Array("POST".utf8).span.bytes) }
        unsafe head.setTarget(Array(target.utf8).span.bytes)
        for (name, value) in fields { head.fields.append(name: name, value) }
        self.body = Array(body.utf8)
        self.key = key.map { Array($0.utf8) }
        self.client = client
    }

    func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result { body(head) }
    func withBody<Result>(_ body: (RawSpan) -> Result) -> Result { unsafe body(self.body.span.bytes) }
    func withKey<Result>(_ body: (RawSpan) -> Result) -> Result? { key.map { unsafe body($0.span.bytes) } }
}

private func sdbm(_ text: String) -> UInt32 { unsafe ShortHash.sdbm(Array(text.utf8).span.bytes) }

extension Backend {
    /// Chooses without keeping the slot: the server's name, `full` and the name of the server to wait for, or `-`.
    fileprivate func pick(_ request: borrowing KeyedRequest, avoiding: Server? = nil) -> String {
        let choice = take(for: request, avoiding: avoiding, by: 0, now: Instant(nanoseconds: 0))
        if case .server(let server) = choice { release(server, by: 0) }
        return choice.text
    }
}

/// A backend with servers a, b, c and so on, as many as there are parameters.
private func farm(_ lines: String..., servers: [String] = Array(repeating: "", count: 10)) throws -> Backend {
    let names = servers.enumerated().map { index, parameters in
        " server \(String(UnicodeScalar(UInt8(0x61 + index)))) 10.0.0.\(index + 1):80 \(parameters)\n"
    }
    let loaded = language.load(
        text: "backend app\n" + lines.map { " \($0)\n" }.joined() + names.joined(), named: "t.cfg")
    #expect(loaded.problems.isEmpty)
    return try #require(loaded.proxies.first)[BalancingSettings.self].backend()
}

@Suite struct HashKeyTests {
    /// The server of ten with equal weights that a key leads to.
    private func server(of key: String) -> String { String(UnicodeScalar(UInt8(0x61 + sdbm(key) % 10))) }

    @Test(arguments: [
        ("balance uri", "/a/b/c?d=1", "/a/b/c"), ("balance uri whole", "/a/b/c?d=1", "/a/b/c?d=1"),
        ("balance uri len 3", "/a/b/c?d=1", "/a/"), ("balance uri depth 2", "/a/b/c?d=1", "/a/b"),
        ("balance uri depth 9", "/a/b/c?d=1", "/a/b/c"), ("balance uri len 4 depth 1", "/a/b/c", "/a"),
        ("balance uri", "http://host/a?b", "http://host/a"), ("balance uri path-only", "http://host/a?b", "/a"),
        ("balance uri path-only whole", "http://host/a?b", "/a?b"), ("balance uri path-only", "http://host", "/"),
        ("balance url_param id", "/?x=1&id=7&y=2", "7"), ("balance url_param id", "/?id=a=b", "a=b"),
        ("balance url_param id", "/?xid=3&id=4", "4"), ("balance url_param id", "/?id=", ""),
    ])
    func `the part of the target that counts`(_ line: String, _ target: String, _ key: String) throws {
        let backend = try farm(line)
        for _ in 0..<3 { #expect(backend.pick(KeyedRequest(target)) == server(of: key)) }
    }

    @Test(arguments: ["/", "/?", "/?xid=3", "/?id", "/?ID=4", "/id=3", "/?x=1&&y=2"])
    func `requests without the parameter take turns`(_ target: String) throws {
        let backend = try farm("balance url_param id")
        #expect((0..<4).map { _ in backend.pick(KeyedRequest(target)) } == ["a", "b", "c", "d"])
    }

    @Test(arguments: [
        ("id=5", "5"), ("x=1&id=a%20b&y", "a%20b"), ("x=1&id=5\r\n", "5"), ("id=5", "5"),
        // No form: bytes that a parameter's value cannot have.
        ("x=1&id=5\u{1}6", nil), ("id=a/b", nil), ("x=5", nil), ("", nil),
    ])
    func `the body of a POST is looked into if the query lacks the parameter`(_ body: String, _ key: String?) throws {
        let backend = try farm("balance url_param id check_post")
        let chosen = (0..<2).map { _ in backend.pick(KeyedRequest("/?x=2", post: true, body: body)) }
        #expect(chosen == (key.map { [server(of: $0), server(of: $0)] } ?? ["a", "b"]))
        #expect(backend.pick(KeyedRequest("/?id=9", post: true, body: body)) == server(of: "9"))
        #expect(backend.algorithm.needs.body && backend.algorithm.needs.head)
    }

    @Test(arguments: [
        ("balance hdr(x-id)", "17", "17"), ("balance hdr(X-Id)", "17 , 18", "17"),
        ("balance hdr(x-id)", "\"a,b\",c", "\"a,b\""), ("balance hdr(x-id)", "\"a\\\",b\" , c", "\"a\\\",b\""),
        ("balance hdr(x-id) use_domain_only", "www.site.example", "site"),
        ("balance hdr(x-id) use_domain_only", "site.example:80", "site"),
        ("balance hdr(x-id) use_domain_only", "localhost", "localhost"),
        ("balance hdr(x-id) use_domain_only", ".local", ".local"),
        ("balance hdr(x-id) use_domain_only", "a.", "a"), ("balance hdr(x-id) use_domain_only", "..", "."),
    ])
    func `the part of a field that counts`(_ line: String, _ value: String, _ key: String) throws {
        let backend = try farm(line)
        for _ in 0..<3 { #expect(backend.pick(KeyedRequest("/", [("X-Id", value)])) == server(of: key)) }
    }

    @Test func `requests without the field take turns`() throws {
        let backend = try farm("balance hdr(x-id)")
        let requests = [[("X-Ix", "1")], [("X-Id", "")], [("X-Id", ", 7")]]
        #expect(requests.map { backend.pick(KeyedRequest("/", $0)) } == ["a", "b", "c"])
    }

    @Test func `the client's address decides, and one without an address takes its turn`() throws {
        let backend = try farm("balance source", "hash-type map-based djb2")
        let far = SocketAddress.ip(.v6(0x2001_0DB8_0000_0000, 0x5), port: 9)
        #expect(backend.pick(KeyedRequest(client: .ip(.v4(0x0A00_0007), port: 9))) == letter(0x0A00_0007 % 10))
        #expect(backend.pick(KeyedRequest(client: far)) == letter((0x2001_0DB8 ^ 5) % 10))
        #expect(["a", "b"] == (0..<2).map { _ in backend.pick(KeyedRequest(client: .path("/run/s"))) })
    }

    private func letter(_ index: Int) -> String { String(UnicodeScalar(UInt8(0x61 + index))) }

    @Test func `an expression's value decides, and requests without one take turns`() throws {
        let backend = try farm("balance hash req.cook(id)")
        #expect(backend.algorithm.needs.expression?.text == "req.cook(id)")
        for key in ["", "x", "long key"] { #expect(backend.pick(KeyedRequest(key: key)) == server(of: key)) }
        #expect((0..<3).map { _ in backend.pick(KeyedRequest()) } == ["a", "b", "c"])
    }

    @Test func `a cookie of Remote Desktop decides, and an empty one does not`() throws {
        let backend = try farm("balance rdp-cookie(User)")
        #expect(backend.algorithm.needs.expression?.text == "req.rdp_cookie(User)")
        #expect(try farm("balance rdp-cookie").algorithm.needs.expression?.text == "req.rdp_cookie(mstshash)")
        #expect(backend.pick(KeyedRequest(key: "anna")) == server(of: "anna"))
        #expect(backend.pick(KeyedRequest(key: "")) == "a")
        #expect(backend.pick(KeyedRequest()) == "b")
    }

    @Test(arguments: [
        ("17", 17), ("+17", 17), ("-1", UInt32.max), ("17x", 17), ("", 0), ("x", 0), ("-", 0), ("4294967297", 1),
        ("99999999999999999999", UInt32.max), ("-99999999999999999999", 0),
    ])
    func `without a function the key is a number`(_ key: String, _ hash: UInt32) throws {
        let backend = try farm("balance hash src", "hash-type map-based none")
        #expect(backend.pick(KeyedRequest(key: key)) == letter(Int(hash % 10)))
    }
}

@Suite struct HashedServersTests {
    @Test(arguments: [
        ([1, 1, 1], "abc"), ([5, 5], "ab"), ([2, 1], "aab"), ([3, 2, 1], "aababc"), ([0, 0], ""), ([4], "a"),
    ])
    func `turns of the map`(_ weights: [Int], _ expected: String) {
        let turns = HashedServers.turns(weights: weights)
        let names = turns.map { String(UnicodeScalar(UInt8(0x61 + $0))) }.joined()
        #expect(names.count == expected.count)
        for name in Set(expected) { #expect(names.filter { $0 == name }.count == expected.filter { $0 == name }.count) }
    }

    @Test func `on a ring only the keys of a server that leaves move, about one in ten, and they come back`() throws {
        let backend = try farm("balance uri", "hash-type consistent")
        func servers() -> [String] { (0..<1_000).map { backend.pick(KeyedRequest("/page/\($0)")) } }
        let before = servers()
        backend.set(.down, of: 3)
        let without = servers()
        let moved = zip(before, without).filter { $0 != $1 }
        #expect(moved.allSatisfy { $0.0 == "d" } && moved.count == before.filter { $0 == "d" }.count)
        #expect((50...170).contains(moved.count), "\(moved.count) keys of 1,000")
        #expect(Set(moved.map(\.1)).count > 3, "they go to several servers")
        backend.set(.up, of: 3)
        #expect(servers() == before)
    }

    @Test func `on a ring a key is where it is wherever its server stands in the file`() throws {
        let names = ["id 1", "id 2", "id 3", "id 4"]
        let (one, other) = (
            try farm("balance uri", "hash-type consistent", servers: names),
            try farm("balance uri", "hash-type consistent", servers: names.reversed())
        )
        for i in 0..<200 {
            let (a, b) = (one.pick(KeyedRequest("/\(i)")), other.pick(KeyedRequest("/\(i)")))
            #expect(one.servers.first { $0.name == a }?.id == other.servers.first { $0.name == b }?.id)
        }
    }

    @Test(arguments: ["id32", "addr", "addr-port", "guid"])
    func `what a place on the ring is made of`(_ key: String) throws {
        let servers = (0..<4).map { "hash-key \(key) guid g\($0) id \($0 + 1)" }
        let (one, plain) = (
            try farm("balance uri", "hash-type consistent", servers: servers),
            try farm("balance uri", "hash-type consistent", servers: ["", "", "", ""])
        )
        let chosen = (0..<200).map { one.pick(KeyedRequest("/\($0)")) }
        #expect(chosen != (0..<200).map { plain.pick(KeyedRequest("/\($0)")) }, "not the same as by id")
        #expect(Set(chosen).count == 4)
        // Another number moves no key unless it is what counts.
        let others = (0..<4).map { "hash-key \(key) guid g\($0) id \($0 + 11)" }
        let renumbered = try farm("balance uri", "hash-type consistent", servers: others)
        #expect(((0..<200).map { renumbered.pick(KeyedRequest("/\($0)")) } == chosen) == (key != "id32"))
        #expect(one.servers[0].isPlacedByAddress == key.hasPrefix("addr"))
    }

    @Test func `a server of several times the weight gets that many keys`() throws {
        let backend = try farm("balance uri", "hash-type consistent", servers: ["weight 30", "weight 10"])
        let keys = (0..<2_000).filter { backend.pick(KeyedRequest("/\($0)")) == "a" }.count
        #expect((1_350...1_650).contains(keys), "\(keys)")
    }

    @Test func `the key of a server that has just failed goes to another, also on a map`() throws {
        for type in ["map-based", "consistent"] {
            let backend = try farm("balance uri", "hash-type \(type)", servers: ["", "", ""])
            let first = backend.pick(KeyedRequest("/a"))
            let server = try #require(backend.servers.first { $0.name == first })
            let second = backend.pick(KeyedRequest("/a"), avoiding: server)
            #expect(second != first && second.count == 1)
            #expect(backend.pick(KeyedRequest("/a")) == first)
        }
    }

    @Test func `a full server is waited for, alone, until its queue is full`() throws {
        let servers = ["maxconn 1 maxqueue 1", "maxconn 1 maxqueue 1"]
        for type in ["map-based", "consistent"] {
            let backend = try farm("balance uri", "hash-type \(type)", servers: servers)
            let first = backend.pick(KeyedRequest("/a"))
            let server = try #require(backend.servers.first { $0.name == first })
            _ = backend.take(server)
            #expect(backend.pick(KeyedRequest("/a")) == "full \(first)")
            server.queued.increment()
            #expect(backend.pick(KeyedRequest("/a")) == "full ")
        }
    }

    @Test func `affinity ends where the settings say so`() throws {
        let servers = ["maxconn 1 maxqueue 1", "maxconn 1 maxqueue 1"]
        for (word, whenFull, whenQueueIsFull) in [
            ("always", false, false), ("maxconn", true, true), ("maxqueue", false, true),
        ] {
            let backend = try farm(
                "balance uri", "hash-type consistent", "hash-preserve-affinity \(word)", servers: servers)
            let first = backend.pick(KeyedRequest("/a"))
            let server = try #require(backend.servers.first { $0.name == first })
            let other = try #require(backend.servers.first { $0.name != first })
            _ = backend.take(server)
            #expect(backend.pick(KeyedRequest("/a")) == (whenFull ? other.name : "full \(first)"), "\(word)")
            server.queued.increment()
            #expect(backend.pick(KeyedRequest("/a")) == (whenQueueIsFull ? other.name : "full "), "\(word)")
            _ = backend.take(other)
            if word == "maxconn" {
                server.queued.decrement()
                #expect(backend.pick(KeyedRequest("/a")) == "full \(first)", "with all full, that of the key")
            }
        }
    }

    @Test func `with a balance factor no server has more than its share`() throws {
        let servers = ["weight 1", "weight 2", "weight 1"]
        let backend = try farm(
            "balance uri", "hash-type consistent", "hash-balance-factor 125", servers: servers)
        for count in 1...200 {
            let choice = backend.take(for: KeyedRequest("/always"), by: 0, now: Instant(nanoseconds: 0))
            #expect(choice.text.count == 1, "request \(count)")
            for (server, weight) in zip(backend.servers, [1, 2, 1]) {
                #expect(server.active.current <= max(1, count * 5 * weight / 16 + 2), "\(server.name) of \(count)")
            }
        }
        #expect(backend.servers.allSatisfy { $0.active.current >= 30 })
    }

    @Test func `workers choose the same server for the same key, and keyless requests keep exact shares`() throws {
        let backend = backend(
            BalanceLine(TargetHash.self, TargetHash.Options()), weights: [3, 2, 1], workers: 4)
        let keyed = backend.choose(request: "/a", by: 0)
        let counts = (0..<3).map { _ in Gauge() }
        let mistakes = Gauge()
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            for _ in 0..<3_000 {
                if backend.choose(request: "/a", by: worker) != keyed { mistakes.increment() }
                guard let server = backend.choose(by: worker) else { return }
                counts[backend.place(of: server)].increment()
            }
        }
        #expect(mistakes.current == 0)
        #expect(counts.map(\.current) == [6_000, 4_000, 2_000])
    }
}

extension Backend {
    fileprivate func choose(request target: String, by worker: Int) -> Int? {
        let choice = take(for: KeyedRequest(target), by: worker, now: Instant(nanoseconds: 0))
        guard case .server(let server) = choice else { return nil }
        release(server, by: worker)
        return place(of: server)
    }
}
