// The same server as HAProxy's for each of 1,000 keys, for each way to hash: `Corpus/servers.txt` was recorded with
// `Corpus/record`, which makes the same requests.

import BalancingTesting
import Basics
import Configuration
import Foundation
import HTTP
import Testing

@testable import Balancing

/// The lines of a table that was recorded from HAProxy.
func corpusLines(_ name: String) -> [String] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(name)")
    return ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
}

/// One line of the table: the lines of the configuration, and the server of each key.
private struct HashCase: Sendable, CustomTestStringConvertible {
    let lines: [String]
    let servers: String
    var testDescription: String { lines.joined(separator: ", ") }

    static let lines = corpusLines("servers.txt")
    static let all = lines.dropFirst().map { line in
        let parts = line.split(separator: "|", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        return HashCase(lines: parts.dropLast().filter { !$0.isEmpty }, servers: parts.last ?? "")
    }

    private static let farm: [(name: String, id: Int, weight: Int)] = [
        ("a", 1, 1), ("b", 2, 3), ("c", 17, 5), ("d", 4, 2), ("e", 300, 1), ("f", 6, 4), ("g", 7, 7),
    ]

    func backend() throws -> Backend {
        let text =
            "backend app\n" + lines.map { " \($0)\n" }.joined()
            + Self.farm.map { " server \($0.name) 10.0.0.1:80 id \($0.id) weight \($0.weight)\n" }.joined()
        let loaded = language.load(text: text, named: "t.cfg")
        #expect(loaded.problems.isEmpty)
        return try #require(loaded.proxies.first)[BalancingSettings.self].backend()
    }
}

@Suite struct HashCorpusTests {
    @Test func `the table is from a version of HAProxy, and has a line for each way to hash`() {
        #expect(HashCase.lines.first?.hasPrefix("HAProxy version 2.6") == true)
        #expect(HashCase.all.count == 31)
    }

    @Test(arguments: HashCase.all)
    fileprivate func `each key leads to the same server as in HAProxy`(_ line: HashCase) throws {
        let backend = try line.backend()
        #expect(line.servers.utf8.count == 1_000)
        let chosen = try (0..<1_000).map { i in
            let choice = backend.take(for: try HashedRequest(i), by: 0, now: Instant(nanoseconds: 0))
            guard case .server(let server) = choice else { return "-" }
            backend.release(server, by: 0)
            return server.name
        }.joined()
        #expect(chosen == line.servers)
    }
}

/// Request `i` of the table.
struct HashedRequest: BalancingRequest, ~Copyable {
    private var head = RequestHead()
    let client: SocketAddress

    init(_ i: Int) throws {
        let target = "/shop/\(i * 7_919 % 1_009)/\(i).html?session=\(i % 7)&id=u\(i * 31 % 4_093)&x=1"
        unsafe head.setTarget(Array(target.utf8).span.bytes)
        head.fields.append(.host, "www.site\(i * 17 % 977).example")
        head.fields.append(name: "X-Key", "key-\(i * 13 % 2_003), other")
        let ip =
            i % 2 == 1
            ? IPAddress("2001:db8:\(String(i, radix: 16))::\(String(i * 7_919 % 65_521, radix: 16))")
            : .v4(UInt32(truncatingIfNeeded: i * 2_654_435_761))
        client = .ip(try #require(ip), port: 1_024)
    }

    func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result { body(head) }
}
