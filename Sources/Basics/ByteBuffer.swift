// A byte queue that holds memory only while it holds bytes.
//
// Every connection has an input and an output buffer. Between messages both are empty and hold no memory. A buffer with
// a few bytes that have to wait for the peer can be parked: its bytes move to memory of that size and the block returns
// to the pool, so that half a request head takes some hundred bytes instead of a whole block.

/// A byte queue in at most one pool block: appended to at the tail, consumed from the head.
///
/// Call `acquire(from:)` before appending; it also moves the bytes of a parked buffer back into a block.
@safe
public struct ByteBuffer: ~Copyable {
    // `head <= tail <= capacity` always holds; `block` is nil exactly when capacity is 0.
    @usableFromInline internal var block: UnsafeMutableRawPointer?
    @usableFromInline internal var head = 0
    @usableFromInline internal var tail = 0
    // Half a word, so that together with `isParked` it fits into one.
    @usableFromInline internal var capacityBytes: UInt32 = 0
    /// Whether `block` is memory of a smaller size instead of a block of the pool.
    public private(set) var isParked = false

    @inlinable internal var capacity: Int { Int(truncatingIfNeeded: capacityBytes) }

    public init() { unsafe block = nil }

    deinit {
        // A block that is not released would stay in the pool's `lent` count for good.
        precondition(capacityBytes == 0, "a buffer was dropped while it held a block: call release(to:) first")
    }

    /// Bytes to be consumed.
    @inlinable public var count: Int { tail - head }
    @inlinable public var isEmpty: Bool { head == tail }
    /// Whether the buffer holds a block.
    @inlinable public var holdsBlock: Bool { capacityBytes != 0 }
    /// Bytes that can be appended without `compact`: 0 while no block is held, at least 1 while parked.
    @inlinable public var room: Int { capacity - tail }
    /// Whether the buffer holds a block that is full of bytes to be consumed. A parked buffer is never full.
    @inlinable public var isFull: Bool { holdsBlock && count == capacity }

    /// Borrows a block from `pool` unless the buffer holds one already. The bytes of a parked buffer move into it.
    public mutating func acquire(from pool: BufferPool) {
        guard capacityBytes == 0 || isParked else { return }
        let full = unsafe pool.lend()
        if isParked, let small = unsafe block {
            unsafe full.copyMemory(from: small, byteCount: tail)
            unsafe pool.freeParked(small)
            isParked = false
        }
        unsafe block = full
        capacityBytes = UInt32(pool.blockBytes)
    }

    /// Returns the block to `pool` and discards its bytes.
    public mutating func release(to pool: BufferPool) {
        guard let held = unsafe block else { return }
        if isParked { unsafe pool.freeParked(held) } else { unsafe pool.returnBlock(held) }
        unsafe block = nil
        head = 0
        tail = 0
        capacityBytes = 0
        isParked = false
    }

    /// Returns the block to the pool if the connection is expected to be idle: an empty buffer then holds no memory,
    /// and up to `BufferPool.parkedBytesMax` bytes move to smaller memory. A buffer with more bytes keeps its block.
    ///
    /// Consumed bytes that are still in the block are kept if they fit, for `copy(withConsumed:)`.
    public mutating func park(in pool: BufferPool) {
        guard let held = unsafe block, !isParked else { return }
        guard !isEmpty else { return release(to: pool) }
        if tail > pool.parkedBytesMax, count <= pool.parkedBytesMax { compact() }
        guard tail <= pool.parkedBytesMax else { return }
        let (small, bytes) = unsafe pool.allocateParked(atLeast: tail + 1)
        unsafe small.copyMemory(from: held, byteCount: tail)
        unsafe pool.returnBlock(held)
        unsafe block = small
        capacityBytes = UInt32(bytes)
        isParked = true
    }

    /// Returns the block to `pool` if the buffer is empty.
    public mutating func releaseIfEmpty(to pool: BufferPool) {
        if isEmpty { release(to: pool) }
    }

    /// The bytes to be consumed, in order.
    @inlinable public var readable: RawSpan {
        @_lifetime(borrow self)
        get {
            guard let block = unsafe block else { return RawSpan() }
            // Safe: head and tail are inside the block, which lives as long as self holds it.
            let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(block + head), byteCount: tail - head)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// A copy of the bytes to be consumed, preceded by up to `limit` bytes that were consumed before them, as far as
    /// the block still holds those (none after it was emptied or compacted). `consumed` is the number of the latter.
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

    /// Moves the bytes to the start of the block, so that all free space is at the tail.
    public mutating func compact() {
        guard head > 0, let block = unsafe block else { return }
        let n = tail - head
        unsafe block.copyMemory(from: block + head, byteCount: n)
        head = 0
        tail = n
    }

    /// Appends `bytes`. Returns false and appends nothing if they do not fit into `room`.
    @inlinable public mutating func append(_ bytes: RawSpan) -> Bool {
        let n = bytes.byteCount
        guard n <= room else { return false }
        guard n > 0, let block = unsafe block else { return true }
        // Safe: n bytes fit after tail.
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

    /// Appends one byte. Returns false if there is no room.
    @inlinable public mutating func append(byte: UInt8) -> Bool {
        guard room >= 1, let block = unsafe block else { return false }
        unsafe block.storeBytes(of: byte, toByteOffset: tail, as: UInt8.self)
        tail += 1
        return true
    }

    /// Passes the free space, at most `limit` bytes of it, to `body`, which writes from its start and returns the
    /// number of bytes written.
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

    /// Passes the readable bytes from `offset` on to `body`, which may change them.
    public mutating func overwrite(from offset: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        precondition(offset >= 0 && offset <= count, "byte \(offset) of \(count)")
        guard let block = unsafe block else { return }
        // Safe: these bytes are between head and tail.
        unsafe body(UnsafeMutableRawBufferPointer(start: block + head + offset, count: count - offset))
    }

    /// Exchanges the contents of two buffers without copying bytes.
    public static func swap(_ a: inout ByteBuffer, _ b: inout ByteBuffer) {
        unsafe Swift.swap(&a.block, &b.block)
        Swift.swap(&a.head, &b.head)
        Swift.swap(&a.tail, &b.tail)
        Swift.swap(&a.capacityBytes, &b.capacityBytes)
        Swift.swap(&a.isParked, &b.isParked)
    }
}
