// The byte queue and its pool: what goes in comes out in order, and nobody holds memory for nothing.

import Basics
import Testing

@Suite struct ByteBufferTests {
    private let pool = BufferPool(blockBytes: 64, keptMax: 2)

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
        // What is left in a block behind its first eight bytes is not cleared, and so tells which one it is.
        unsafe next.fill { _ in (14, ()) }
        #expect(contents(next).hasSuffix("first."))
        next.release(to: pool)
    }

    @Test func `the pool keeps no more blocks than it should`() {
        var a = ByteBuffer()
        var b = ByteBuffer()
        var c = ByteBuffer()
        a.acquire(from: pool)
        b.acquire(from: pool)
        c.acquire(from: pool)
        #expect(pool.lent == 3)
        a.release(to: pool)
        b.release(to: pool)
        c.release(to: pool)
        #expect(pool.lent == 0)
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
