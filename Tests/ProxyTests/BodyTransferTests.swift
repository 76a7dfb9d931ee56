// Relaying bodies from one framing to another: trailers, and bodies that are discarded.

import Basics
import HTTP
import Testing

@testable import Proxy

@Suite struct BodyTransferTests {
    private let pool = BufferPool(blockBytes: 128)

    /// Relays `input`, in pieces of `step` bytes, to outputs that are emptied whenever they are full.
    private func relay(
        _ input: String, from source: BodyFraming, to target: BodyFraming, step: Int, lenient: Bool = false,
        dropsTrailers: Bool = false
    ) -> String {
        var relay = BodyTransfer(
            .unknown, from: BodyReader(source, lenient: lenient, keepsTrailers: !dropsTrailers), to: BodyWriter(target))
        var input = Array(input.utf8)[...]
        var from = ByteBuffer()
        var to = ByteBuffer()
        var sent: [UInt8] = []
        while true {
            from.acquire(from: pool)
            from.compact()
            let piece = input.prefix(min(step, from.room))
            let fits = from.append(Array(piece))
            #expect(fits)
            input = input.dropFirst(piece.count)
            to.acquire(from: pool)
            let moved = relay.move(from: &from, to: &to)
            sent += to.copy(withConsumed: 0).bytes
            to.release(to: pool)
            if moved == .complete { break }
            guard moved == .needsRoom || moved == .needsInput && !input.isEmpty else {
                Issue.record("\(moved)")
                break
            }
        }
        let leftOver = from.count
        #expect(leftOver == 0)
        from.release(to: pool)
        to.release(to: pool)
        #expect(pool.lent == 0)
        return String(decoding: sent, as: UTF8.self)
    }

    @Test("Trailers go along from chunks to chunks, however the bytes come", arguments: [1, 2, 7, 1_000])
    func trailersGoAlong(step: Int) {
        let out = relay(
            "3;x=y\r\nabc\r\n0\r\nX-Sum: 1\r\nHost: b\r\n\r\n", from: .chunked, to: .chunked, step: step)
        #expect(out.hasSuffix("0\r\nx-sum: 1\r\n\r\n"))
        #expect(out.hasPrefix("3\r\nabc\r\n") || step < 3)
    }

    @Test("Trailers that are longer than a buffer go out in pieces", arguments: [1, 50, 1_000])
    func longTrailers(step: Int) {
        let fields = (0..<40).map { "x-\($0): \(String(repeating: "v", count: $0))\r\n" }.joined()
        let out = relay("0\r\n\(fields)\r\n", from: .chunked, to: .chunked, step: step)
        #expect(out == "0\r\n\(fields)\r\n")
    }

    @Test("Trailers that are not to go along do not", arguments: [1, 7, 1_000])
    func droppedTrailers(step: Int) {
        let out = relay(
            "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", from: .chunked, to: .chunked, step: step, dropsTrailers: true)
        #expect(out.hasSuffix("0\r\n\r\n") && !out.contains("x-sum"))
    }

    @Test("A server's padded chunks are written anew", arguments: [1, 2, 7, 1_000])
    func paddedChunks(step: Int) {
        let out = relay(
            "0003  ;x\nabc\n2 \r\nde\n0 \nX-Sum: 1\n\n", from: .chunked, to: .chunked, step: step, lenient: true)
        #expect(out.hasSuffix("0\r\nx-sum: 1\r\n\r\n"))
        #expect(out.hasPrefix("3\r\nabc\r\n2\r\nde\r\n") || step < 20)
    }

    @Test func trailersEndWhereTheOtherSideHasNoChunks() {
        #expect(relay("1\r\na\r\n0\r\nX: y\r\n\r\n", from: .chunked, to: .untilClose, step: 3) == "a")
    }

    @Test func aBodyThatIsHereIsThrownAwayUpToTheNextMessage() {
        var relay = BodyTransfer(.unknown, from: BodyReader(.chunked), to: BodyWriter(.chunked))
        var input = ByteBuffer()
        input.acquire(from: pool)
        let fits = input.append("3\r\nabc\r\n0\r\nX: y\r\n\r\nGET")
        let isGone = relay.discard(from: &input)
        let rest = input.copy(withConsumed: 0).bytes
        #expect(fits && isGone)
        #expect(String(decoding: rest, as: UTF8.self) == "GET")
        input.release(to: pool)
    }

    @Test("What is not all here, or not a body, is not thrown away", arguments: ["3\r\nab", "3\r\nabc\r\n0\r\n", "x"])
    func unfinishedBody(text: String) {
        var relay = BodyTransfer(.unknown, from: BodyReader(.chunked), to: BodyWriter(.chunked))
        var input = ByteBuffer()
        input.acquire(from: pool)
        let fits = input.append(Array(text.utf8))
        let isGone = relay.discard(from: &input)
        #expect(fits && !isGone)
        #expect(!relay.isComplete)
        input.release(to: pool)
    }
}
