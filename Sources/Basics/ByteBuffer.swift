// A byte queue that holds memory only while it holds bytes, and the pool its memory comes from.
//
// Every connection has two of these (what was read, what is to be written). Between messages both are
// empty and hold nothing, so an idle connection costs no buffer. One worker owns the pool; nothing here
// is shared between threads.

/// Fixed-size blocks lent to the buffers of one worker.
///
/// Blocks are `blockBytes` long (`tune.bufsize`). Returned blocks are kept for reuse up to `keptMax`;
/// the last one returned is the next one lent, so that it is still in the processor's cache.
@safe
public final class BufferPool {
    public let blockBytes: Int
    /// Blocks kept ready; beyond this they go back to the allocator (1,024 × 16 KiB = 16 MiB a worker).
    public let keptMax: Int
    /// Blocks now lent out: 0 when every connection is idle.
    public private(set) var lent = 0
    /// Blocks now ready, each of which begins with the place of the next.
    public private(set) var kept = 0
    private var firstKept: UnsafeMutableRawPointer? = nil

    public init(blockBytes: Int = 16_384, keptMax: Int = 1_024) {
        precondition(blockBytes >= 64, "a buffer of \(blockBytes) bytes cannot hold a message head")
        self.blockBytes = blockBytes
        self.keptMax = keptMax
    }

    fileprivate func lend() -> UnsafeMutableRawPointer {
        lent += 1
        return unsafe takeKept() ?? UnsafeMutableRawPointer.allocate(byteCount: blockBytes, alignment: 16)
    }

    fileprivate func takeBack(_ block: UnsafeMutableRawPointer) {
        precondition(lent > 0, "a block came back that was never lent")
        lent -= 1
        guard kept < keptMax else { return unsafe block.deallocate() }
        unsafe block.storeBytes(of: firstKept, as: UnsafeMutableRawPointer?.self)
        unsafe firstKept = block
        kept += 1
    }

    private func takeKept() -> UnsafeMutableRawPointer? {
        guard let block = unsafe firstKept else { return nil }
        unsafe firstKept = block.load(as: UnsafeMutableRawPointer?.self)
        kept -= 1
        return unsafe block
    }

    /// Gives the blocks that are kept ready back to the allocator; returns how many that were.
    public func trim() -> Int {
        let count = kept
        while let block = unsafe takeKept() { unsafe block.deallocate() }
        return count
    }

    deinit { _ = trim() }
}

/// Bytes in order: appended at the tail, consumed at the head, one pool block at most.
@safe
public struct ByteBuffer: ~Copyable {
    // `head <= tail <= capacity` always holds; `block` is nil exactly when capacity is 0.
    @usableFromInline internal var block: UnsafeMutableRawPointer?
    @usableFromInline internal var head = 0
    @usableFromInline internal var tail = 0
    @usableFromInline internal var capacity = 0

    public init() { unsafe block = nil }

    deinit {
        // A block that did not go back to its pool would be missed by the pool's count.
        precondition(capacity == 0, "a buffer was dropped while it held a block: call release(to:) first")
    }

    /// Bytes waiting to be consumed.
    @inlinable public var count: Int { tail - head }
    @inlinable public var isEmpty: Bool { head == tail }
    /// Whether a block is held.
    @inlinable public var holdsBlock: Bool { capacity != 0 }
    /// Bytes that can still be appended without moving anything; 0 while no block is held.
    @inlinable public var room: Int { capacity - tail }
    /// Whether it has a block and not a byte of room in it.
    @inlinable public var isFull: Bool { holdsBlock && count == capacity }

    /// Takes a block from `pool` unless one is held already.
    public mutating func acquire(from pool: BufferPool) {
        guard capacity == 0 else { return }
        unsafe block = unsafe pool.lend()
        capacity = pool.blockBytes
    }

    /// Gives the block back; the bytes in it, if any, are gone.
    public mutating func release(to pool: BufferPool) {
        guard let held = unsafe block else { return }
        unsafe pool.takeBack(held)
        unsafe block = nil
        head = 0
        tail = 0
        capacity = 0
    }

    /// Gives the block back if it holds no bytes.
    public mutating func releaseIfEmpty(to pool: BufferPool) {
        if isEmpty { release(to: pool) }
    }

    /// The bytes waiting, first one first.
    @inlinable public var readable: RawSpan {
        @_lifetime(borrow self)
        get {
            guard let block = unsafe block else { return RawSpan() }
            // Safe: head and tail stay inside the block, which lives as long as self holds it.
            let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(block + head), byteCount: tail - head)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// A copy of the bytes waiting and of up to `limit` consumed before them, as far as the block still has those: once it is
    /// empty, or was compacted, it has none.
    public func copy(withConsumed limit: Int) -> (bytes: [UInt8], consumed: Int) {
        guard let block = unsafe block else { return ([], 0) }
        let consumed = min(limit, head)
        let start = head - consumed
        return (unsafe Array(UnsafeRawBufferPointer(start: block + start, count: tail - start)), consumed)
    }

    /// Drops the first `n` bytes.
    @inlinable public mutating func consume(_ n: Int) {
        precondition(n >= 0 && n <= tail - head, "consuming \(n) of \(tail - head) bytes")
        head += n
        if head == tail {
            head = 0
            tail = 0
        }
    }

    /// Moves the waiting bytes to the front of the block so that all free room is at the tail.
    public mutating func compact() {
        guard head > 0, let block = unsafe block else { return }
        let n = tail - head
        unsafe block.copyMemory(from: block + head, byteCount: n)
        head = 0
        tail = n
    }

    /// Appends all of `bytes`, or nothing if they do not fit into `room`.
    @inlinable public mutating func append(_ bytes: RawSpan) -> Bool {
        let n = bytes.byteCount
        guard n <= room else { return false }
        guard n > 0, let block = unsafe block else { return true }
        // Safe: n bytes fit behind tail.
        unsafe bytes.withUnsafeBytes { source in
            unsafe (block + tail).copyMemory(from: source.baseAddress.unsafelyUnwrapped, byteCount: n)
        }
        tail += n
        return true
    }

    @inlinable public mutating func append(_ bytes: [UInt8]) -> Bool { unsafe append(bytes.span.bytes) }

    @inlinable public mutating func append(_ text: StaticString) -> Bool {
        unsafe append(RawSpan(_unsafeStart: UnsafeRawPointer(text.utf8Start), byteCount: text.utf8CodeUnitCount))
    }

    /// Appends one byte; false if there is no room.
    @inlinable public mutating func append(byte: UInt8) -> Bool {
        guard room >= 1, let block = unsafe block else { return false }
        unsafe block.storeBytes(of: byte, toByteOffset: tail, as: UInt8.self)
        tail += 1
        return true
    }

    /// Hands the free room, at most `limit` bytes of it, to `fill`, which writes from its start and says how many bytes it wrote.
    @inlinable public mutating func fill<R>(
        limit: Int = .max, _ body: (UnsafeMutableRawBufferPointer) -> (written: Int, result: R)
    ) -> R {
        let open = min(room, limit)
        let start = unsafe block.map { unsafe $0 + tail }
        let (written, result) = unsafe body(UnsafeMutableRawBufferPointer(start: start, count: open))
        precondition(written >= 0 && written <= open, "\(written) bytes written into room for \(open)")
        tail += written
        return result
    }

    /// Hands the waiting bytes from `offset` on to `body`, which may change them.
    public mutating func overwrite(from offset: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        precondition(offset >= 0 && offset <= count, "byte \(offset) of \(count)")
        guard let block = unsafe block else { return }
        // Safe: these bytes lie between head and tail.
        unsafe body(UnsafeMutableRawBufferPointer(start: block + head + offset, count: count - offset))
    }

    /// Exchanges the contents of two buffers without copying a byte.
    public static func swap(_ a: inout ByteBuffer, _ b: inout ByteBuffer) {
        unsafe Swift.swap(&a.block, &b.block)
        Swift.swap(&a.head, &b.head)
        Swift.swap(&a.tail, &b.tail)
        Swift.swap(&a.capacity, &b.capacity)
    }
}
