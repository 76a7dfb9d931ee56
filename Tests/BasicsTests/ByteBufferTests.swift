// The byte queue and its pool: bytes come out in order, and an empty buffer holds no block.

import Basics
import Foundation
import Testing

@Suite struct ByteBufferTests {
    private let pool = BufferPool(blockBytes: 64)

    private func contents(_ buffer: borrowing ByteBuffer) -> String { buffer.readable.text }

    @Test func `a new buffer holds nothing and takes nothing`() {
        var buffer = ByteBuffer()
        let (isEmpty, holdsBlock, room, text) = (buffer.isEmpty, buffer.holdsBlock, buffer.room, contents(buffer))
        #expect(isEmpty && !holdsBlock && room == 0 && text == "")

        let tookBytes = buffer.append([1])
        let tookByte = buffer.append(byte: 1)
        let tookNothing = buffer.append([])
        #expect(!tookBytes && !tookByte)
        #expect(tookNothing, "nothing fits anywhere")
        buffer.compact()
        buffer.consume(0)
        buffer.release(to: pool)
        #expect(pool.lent == 0)
    }

    @Test func `bytes come out in the order they went in`() {
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        let fits = [buffer.append("GET "), buffer.append(Array("/ HTTP".utf8)), buffer.append(byte: 0x2F)]
        #expect(fits == [true, true, true])
        #expect(contents(buffer) == "GET / HTTP/")

        buffer.consume(4)
        #expect(contents(buffer) == "/ HTTP/")
        let count = buffer.count
        #expect(count == 7)
        buffer.release(to: pool)
    }

    @Test func `what does not fit is not taken in part`() {
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        let tookMost = buffer.append([UInt8](repeating: 1, count: 60))
        let tookTooMuch = buffer.append([UInt8](repeating: 2, count: 5))
        #expect(tookMost && !tookTooMuch)
        let tookText = buffer.append("12345")
        let count = buffer.count
        #expect(!tookText && count == 60)

        let tookRest = buffer.append("1234")
        let tookOneMore = buffer.append(byte: 0)
        let room = buffer.room
        #expect(tookRest && !tookOneMore && room == 0)
        buffer.release(to: pool)
    }

    @Test func `consumed bytes become room by compacting, or by consuming all`() {
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        _ = buffer.append([UInt8](repeating: 0x61, count: 62))
        _ = buffer.append("bc")
        buffer.consume(62)
        let roomBefore = buffer.room
        buffer.compact()
        let roomAfter = buffer.room
        #expect(roomBefore == 0 && roomAfter == 62)
        #expect(contents(buffer) == "bc")

        buffer.consume(2)
        let roomWhenEmpty = buffer.room
        #expect(roomWhenEmpty == 64, "an empty buffer starts at its front again")
        buffer.release(to: pool)
    }

    @Test func `compacting moves bytes that overlap with where they go`() {
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        _ = buffer.append((0..<64).map { UInt8($0) })
        buffer.consume(1)
        buffer.compact()
        var bytes: [UInt8] = []
        bytes.append(buffer.readable)
        #expect(bytes == (1..<64).map { UInt8($0) })
        buffer.release(to: pool)
    }

    @Test func `filling writes into the room, and no further than allowed`() {
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        _ = buffer.append("ab")
        let offered = unsafe buffer.fill(limit: 10) { room in
            unsafe room.storeBytes(of: 0x63, as: UInt8.self)
            return (1, room.count)
        }
        #expect(offered == 10)
        #expect(contents(buffer) == "abc")
        let rest = unsafe buffer.fill { room in (0, room.count) }
        #expect(rest == 61)
        buffer.release(to: pool)

        let nothing = unsafe buffer.fill { room in (0, room.count) }
        #expect(nothing == 0, "without a block there is no room")
    }

    @Test func `two buffers exchange their contents, also with one that holds nothing`() {
        var full = ByteBuffer()
        var empty = ByteBuffer()
        full.acquire(from: pool)
        _ = full.append("xyz")
        full.consume(1)
        ByteBuffer.swap(&full, &empty)
        let (heldBefore, heldAfter) = (full.holdsBlock, empty.holdsBlock)
        #expect(!heldBefore && heldAfter)
        #expect(contents(empty) == "yz" && contents(full) == "")
        #expect(pool.lent == 1)
        empty.release(to: pool)
        #expect(pool.lent == 0)
    }

    @Test func `an idle buffer gives its block back, a busy one keeps it`() {
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        buffer.acquire(from: pool)
        #expect(pool.lent == 1, "a second acquire takes no second block")
        _ = buffer.append("x")
        buffer.releaseIfEmpty(to: pool)
        #expect(pool.lent == 1)
        buffer.consume(1)
        buffer.releaseIfEmpty(to: pool)
        let holdsBlock = buffer.holdsBlock
        #expect(pool.lent == 0 && !holdsBlock)
    }

    @Test func `the block that came back last goes out first`() {
        var first = ByteBuffer()
        var second = ByteBuffer()
        first.acquire(from: pool)
        second.acquire(from: pool)
        #expect(pool.lent == 2)
        _ = first.append("........first.")
        _ = second.append("........second")
        second.release(to: pool)
        first.release(to: pool)

        var next = ByteBuffer()
        next.acquire(from: pool)
        // A block's bytes after the first eight are not cleared when it is returned, and so identify it.
        unsafe next.fill { _ in (14, ()) }
        #expect(contents(next).hasSuffix("first."))
        next.release(to: pool)
    }

    // MARK: Parking

    @Test func `a parked buffer keeps its bytes and those consumed before, without a block`() {
        let pool = BufferPool(blockBytes: 4_096)
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        _ = buffer.append("GET / HTTP/1.1\r\nHost: half")
        buffer.consume(16)
        buffer.park(in: pool)
        let (isParked, isFull, room) = (buffer.isParked, buffer.isFull, buffer.room)
        #expect(isParked && !isFull && room > 0)
        #expect(pool.lent == 0 && pool.parked == 1)
        #expect(contents(buffer) == "Host: half")
        #expect(buffer.copy(withConsumed: 100).consumed == 16)

        buffer.acquire(from: pool)
        let (isParkedStill, roomAfter) = (buffer.isParked, buffer.room)
        #expect(!isParkedStill && roomAfter == 4_096 - 26)
        #expect(pool.lent == 1 && pool.parked == 0)
        _ = buffer.append(".example")
        #expect(contents(buffer) == "Host: half.example")
        buffer.release(to: pool)
    }

    @Test func `parking releases an empty buffer and leaves one with much in it alone`() {
        let pool = BufferPool(blockBytes: 4_096)
        var buffer = ByteBuffer()
        buffer.park(in: pool)
        buffer.acquire(from: pool)
        buffer.park(in: pool)
        let holdsBlock = buffer.holdsBlock
        #expect(!holdsBlock && pool.lent == 0 && pool.parked == 0)

        buffer.acquire(from: pool)
        _ = buffer.append([UInt8](repeating: 0x61, count: 1_025))
        buffer.park(in: pool)
        let isParked = buffer.isParked
        #expect(!isParked && pool.lent == 1, "more than a quarter of the block")

        // What was consumed is given up where it would keep the rest from being parked.
        buffer.consume(1_000)
        buffer.park(in: pool)
        let (isParkedNow, count) = (buffer.isParked, buffer.count)
        #expect(isParkedNow && count == 25 && pool.lent == 0)
        buffer.release(to: pool)
        #expect(pool.parked == 0)
    }

    @Test func `a parked buffer is consumed, exchanged and released like any other`() {
        var buffer = ByteBuffer()
        var other = ByteBuffer()
        buffer.acquire(from: pool)
        _ = buffer.append("abc")
        buffer.park(in: pool)
        ByteBuffer.swap(&buffer, &other)
        let (isParked, otherIsParked) = (buffer.isParked, other.isParked)
        #expect(!isParked && otherIsParked)
        other.consume(1)
        other.park(in: pool)
        #expect(contents(other) == "bc")
        other.consume(2)
        other.releaseIfEmpty(to: pool)
        let holdsBlock = other.holdsBlock
        #expect(!holdsBlock && pool.parked == 0 && pool.lent == 0)
    }

    @Test func `a buffer dropped with its block is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            var buffer = ByteBuffer()
            buffer.acquire(from: BufferPool())
            _ = buffer.append("lost")
        }
    }

    @Test func `consuming more than there is is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            let pool = BufferPool()
            var buffer = ByteBuffer()
            buffer.acquire(from: pool)
            _ = buffer.append("ab")
            buffer.consume(3)
            buffer.release(to: pool)
        }
    }

    @Test func `saying that more was written than there was room is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            let pool = BufferPool()
            var buffer = ByteBuffer()
            buffer.acquire(from: pool)
            unsafe buffer.fill(limit: 4) { _ in (5, ()) }
            buffer.release(to: pool)
        }
    }
}

@Suite struct BufferPoolTests {
    /// Lends `count` blocks, writes into each, and takes all back.
    private func use(_ count: Int, of pool: BufferPool) {
        guard count > 0 else { return }
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        _ = buffer.append([UInt8](repeating: 0xAA, count: pool.blockBytes))
        use(count - 1, of: pool)
        buffer.release(to: pool)
    }

    @Test func `a burst's blocks keep their memory for one period and lose it in the next`() {
        let pool = BufferPool(blockBytes: 5_000)
        #expect(pool.trimUnused() == 0)
        use(300, of: pool)
        #expect(pool.lent == 0 && pool.kept == 300)
        #expect(pool.trimUnused() == 0, "all of them were in use in this period")
        use(10, of: pool)
        #expect(pool.trimUnused() == 290)
        #expect(pool.kept == 10)
        use(20, of: pool)
        #expect(pool.trimUnused() == 0 && pool.kept == 20)
        #expect(pool.trimUnused() == 20 && pool.kept == 0)
    }

    @Test func `a block whose memory was given back serves again`() {
        let pool = BufferPool(blockBytes: 8_192)
        use(100, of: pool)
        #expect(pool.trim() == 100 && pool.kept == 0)
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        unsafe buffer.fill { room in
            (room.count, unsafe #expect(room.allSatisfy { $0 == 0 }, "memory that came back from the system is zero"))
        }
        let count = buffer.count
        #expect(count == 8_192 && pool.lent == 1)
        buffer.release(to: pool)
        use(100, of: pool)
        #expect(pool.kept == 100)
    }

    @Test func `memory of unused blocks is the system's again`() throws {
        let pool = BufferPool(blockBytes: 16_384)
        use(2_000, of: pool)
        let during = try residentBytes()
        _ = pool.trim()
        let after = try residentBytes()
        // 32 MB were touched; other tests of the process run meanwhile.
        #expect(after + 16_000_000 < during, "\(during) bytes resident before, \(after) after")
    }

    private func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(fields[1])) * 4_096
    }
}
