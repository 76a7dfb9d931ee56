// Answers made in pieces: the same bytes however small the room, and little held for a reader that does not read.

import Basics
import HTTP
import Testing

@testable import Admin

@Suite struct PiecesTests {
    /// 26 rows of one letter, each of ten bytes.
    private struct Letters: PieceProducer {
        var next: UInt8 = 0x61
        mutating func next(into out: inout [UInt8], at now: Instant) -> Bool {
            out.append(contentsOf: repeatElement(next, count: 10))
            next += 1
            return next <= 0x7A
        }
    }

    private static let letters = (UInt8(0x61)...0x7A).flatMap { [UInt8](repeating: $0, count: 10) }

    /// What a reader gets that takes up to `limit` bytes at a time out of blocks of `blockBytes`.
    private func read(_ answer: PiecewiseAnswer, blockBytes: Int, limit: Int = .max) -> (bytes: [UInt8], fills: Int) {
        let pool = BufferPool(blockBytes: blockBytes)
        var buffer = ByteBuffer()
        var bytes: [UInt8] = []
        var fills = 0
        var hasMore = true
        while hasMore {
            buffer.acquire(from: pool)
            hasMore = answer.fill(&buffer, limit: limit, at: Instant(nanoseconds: 0))
            let count = buffer.count
            #expect(count <= limit)
            bytes.append(buffer.readable)
            buffer.release(to: pool)
            fills += 1
        }
        return (bytes, fills)
    }

    @Test(arguments: [64, 100, 259, 260, 261, 4_096])
    func `any room gives the same bytes`(_ blockBytes: Int) {
        let (bytes, fills) = read(PiecewiseAnswer(Letters()), blockBytes: blockBytes)
        #expect(bytes == Self.letters)
        #expect(fills >= 260 / blockBytes && fills <= 260 / blockBytes + 1)
        let framed = PiecewiseAnswer(Letters(), after: [1, 2], end: [3])
        #expect(read(framed, blockBytes: blockBytes, limit: 7).bytes == [1, 2] + Self.letters + [3])
    }

    @Test func `an answer without pieces is its text and its end`() {
        #expect(read(PiecewiseAnswer(nil), blockBytes: 64).bytes == [])
        #expect(read(PiecewiseAnswer(nil, after: [1], end: [2]), blockBytes: 64).bytes == [1, 2])
        #expect(PiecewiseAnswer(nil, after: [1], end: [2]).drain(at: .never) == [1, 2])
    }

    @Test func `without room nothing is made, and what was begun goes on later`() {
        let answer = PiecewiseAnswer(Letters())
        let pool = BufferPool(blockBytes: 64)
        var buffer = ByteBuffer()
        let hasMore = answer.fill(&buffer, at: Instant(nanoseconds: 0))
        #expect(hasMore)
        buffer.acquire(from: pool)
        _ = answer.fill(&buffer, limit: 15, at: Instant(nanoseconds: 0))
        let count = buffer.count
        #expect(count == 15)
        buffer.release(to: pool)
        #expect(answer.drain(at: .never) == Array(Self.letters[15...]))
    }

    /// A site with many servers.
    private func large() -> StatsSnapshot {
        var snapshot = Sample.snapshot()
        for backend in 0..<20 {
            var proxy = ProxyStats(name: "backend-\(backend)", id: 100 + backend)
            proxy.backend = StatsRow(kind: .backend)
            for server in 0..<50 {
                var row = StatsRow(kind: .server, name: "server-\(server)", id: server + 1)
                row.state = server == 7 ? .down : .up
                row.check = CheckStats(code: server == 7 ? "L4CON" : "L7OK")
                row.responses.success = 17
                proxy.servers.append(row)
            }
            snapshot.proxies.append(proxy)
        }
        return snapshot
    }

    @Test(arguments: ["/", "/;csv", "/;json", "/;typed", "/;up", "/;scope=backend-1", "/;csv;no-maint"])
    func `the page and its tables are the same in pieces and at once, and no piece is large`(_ target: String) throws {
        let snapshot = large()
        let whole = try #require(answer(target, openPage(), snapshot: snapshot))
        let bytes = Array(target.utf8)
        let request = try #require(unsafe StatsRequest.parse(bytes.span.bytes, settings: openPage()))
        func response() -> StatsResponse {
            StatsService.respond(
                to: request, method: .get, authorization: nil, settings: openPage(), section: "stats",
                source: { snapshot })
        }
        let body = try #require(response().body)
        #expect(read(body, blockBytes: 1_000).bytes == whole.body)
        #expect(response().head.status == 200 && response().head.body.isEmpty)

        var page = StatsPage(snapshot, settings: openPage(), request: request, filter: request.filter)
        var largest = 0
        var piece: [UInt8] = []
        while page.next(into: &piece, at: Instant(nanoseconds: 0)) {
            largest = max(largest, piece.count)
            piece.removeAll(keepingCapacity: true)
        }
        // The style sheet is the largest.
        #expect(largest < 12_000, "\(largest) bytes in one piece")
        for form in [StatsTable.Form.csv, .json, .typed(describes: true)] {
            var table = StatsTable(snapshot, as: form, showsLegends: true)
            piece.removeAll()
            _ = table.next(into: &piece, at: Instant(nanoseconds: 0))
            piece.removeAll()
            while table.next(into: &piece, at: Instant(nanoseconds: 0)) {
                #expect(piece.count < 4_096, "\(form)")
                piece.removeAll(keepingCapacity: true)
            }
        }
    }

    @Test func `refusals have no pieces`() throws {
        let bytes = Array("/".utf8)
        let request = try #require(unsafe StatsRequest.parse(bytes.span.bytes, settings: openPage()))
        let refusal = StatsService.respond(
            to: request, method: .post, authorization: nil, settings: openPage(), section: "stats",
            source: { Sample.snapshot() })
        #expect(refusal.head.status == 403 && refusal.body == nil && !refusal.head.body.isEmpty)
    }

    @Test(arguments: [64, 512, 16_384])
    func `a conversation is the same whatever the reader's room`(_ blockBytes: Int) {
        let lines = Array("prompt\nshow stat json; show info\nshow servers state;help\nquit\n".utf8)
        let context = FixedContext(stats: large())
        var whole = CommandInterpreter(level: .admin)
        let expected = unsafe whole.receive(lines.span.bytes, context: context, blockBytes: 1 << 22)
        var pieced = CommandInterpreter(level: .admin)
        let result = unsafe pieced.receive(lines.span.bytes, context: context, blockBytes: blockBytes)
        #expect(result.bytes == expected.bytes && result.closes && expected.closes)
        #expect(expected.bytes.count > 1_000_000)
    }
}
