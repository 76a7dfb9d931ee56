// An algorithm that chooses by what the request contains: all it needs is one file such as this one, and a line in the list.

import BalancingTesting
import Basics
import Configuration
import HTTP
import Testing

@testable import Balancing

/// `path`, or `path(2)`: requests whose first so many path segments are equal go to the same server, and wait for that server.
/// Without a path (in TCP mode) the client's address decides.
private final class PathAlgorithm: BalancingAlgorithm {
    static let words = ["path"]
    static let summary = "one server for each path"
    static var takesParentheses: Bool { true }

    private let depth: Int
    private let servers: [Server]

    static func options(_ args: inout Arguments) throws(ConfigProblem) -> Int {
        try args.inParentheses("a number of segments").integer("a number", in: 1...9)
    }

    init(_ depth: Int, among servers: [Server]) {
        self.depth = depth
        self.servers = servers
    }

    func choose<Request: BalancingRequest & ~Copyable>(
        _ attempt: borrowing SlotAttempt, for request: borrowing Request
    ) -> SlotChoice {
        let depth = depth
        var hash = request.withHead { head in
            let path = head.path
            var sum: UInt64 = 0
            var slashes = 0
            for i in 0..<path.byteCount {
                if path[i] == 0x2F { slashes += 1 }
                if slashes > depth { break }
                sum = sum &* 31 &+ UInt64(path[i])
            }
            return sum
        }
        if hash == 0, case .v4(let address)? = request.client.ip { hash = UInt64(address) }
        let server = servers[Int(hash % UInt64(servers.count))]
        return attempt.take(server) ? .server(server) : .full(server)
    }
}

private struct PlayedRequest: BalancingRequest, ~Copyable {
    var head = RequestHead()
    var client = SocketAddress.ip(.v4(7), port: 1)

    init(_ target: String) { unsafe head.setTarget(Array(target.utf8).span.bytes) }

    func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result { body(head) }
}

@Suite struct KeyedAlgorithmTests {
    private func take(_ target: String, _ backend: Backend) -> String {
        switch backend.take(for: PlayedRequest(target), by: 0, now: Instant(nanoseconds: 0)) {
        case .server(let server): server.name
        case .full(let server): "full \(server?.name ?? "")"
        case .nobody: "-"
        }
    }

    @Test func `an algorithm gets the request, and its choice is kept`() {
        let backend = backend(BalanceLine(PathAlgorithm.self, 1), weights: [1, 1, 1])
        let chosen = ["/a/1", "/a/2", "/b", "/c"].map { take($0, backend) }
        #expect(chosen[0] == chosen[1] && Set(chosen).count == 3)
        for _ in 0..<5 { #expect(["/a/1", "/a/2", "/b", "/c"].map { take($0, backend) } == chosen) }
        let byAddress = take("", backend)
        #expect((0..<3).map { _ in take("", backend) } == [byAddress, byAddress, byAddress])
    }

    @Test func `a full server is waited for, and the request does not go elsewhere`() {
        let backend = backend(BalanceLine(PathAlgorithm.self, 1), weights: [1, 1], limit: 1)
        let first = take("/a", backend)
        #expect(take("/a", backend) == "full \(first)")
        #expect(take("/b", backend).count == 1, "the other server has room")
    }

    @Test func `the algorithm parses its own argument`() throws {
        func line(_ text: String) throws(ConfigProblem) -> String {
            let place = SourceRange(file: "t.cfg", line: 1)
            var args = Arguments(words: [Word(text, at: place)], keyword: Word("balance", at: place))
            return try BalanceLine(&args, of: BalancingAlgorithms.all + [PathAlgorithm.self]).name
        }
        #expect(try line("path(2)") == "path")
        #expect(throws: ConfigProblem.self) { try line("path(0)") }
        #expect(throws: ConfigProblem.self) { try line("path(2") }
        #expect(throws: ConfigProblem.self) { try line("roundrobin(2)") }
    }
}
