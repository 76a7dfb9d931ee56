// The memory of one worker's buffers: blocks of one size, each on pages of its own.
//
// A block that is returned keeps its memory and is the next one lent. Blocks that were not needed for a while give their
// memory back to the system (`trimUnused`), whatever state their neighbours are in; only addresses stay reserved. The pool
// belongs to one thread.

internal import CLinux
internal import Glibc

/// Fixed-size blocks lent to the buffers of one worker.
@safe
public final class BufferPool {
    /// Bytes of a block (`tune.bufsize`).
    public let blockBytes: Int
    /// Blocks now lent out: 0 when every connection is idle.
    public private(set) var lent = 0
    /// Returned blocks that still have memory, each of which begins with the address of the next.
    public private(set) var kept = 0
    /// Buffers whose bytes have memory of their own size, outside the blocks (`ByteBuffer.park`).
    public private(set) var parked = 0
    private var firstKept: UnsafeMutableRawPointer? = nil
    /// The smallest value of `kept` since the last `trimUnused`.
    private var leastKept = 0
    /// Blocks whose memory the system has; they read as zeros and get memory when they are written.
    private var withoutMemory: [UnsafeMutableRawPointer] = unsafe []
    private var regions: [UnsafeMutableRawPointer] = unsafe []
    /// Blocks at the end of the last region that were never lent.
    private var fresh = 0

    /// Bytes from one block to the next: whole pages, since the system takes memory back by the page.
    private let stride: Int
    private let blocksPerRegion: Int

    private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
    /// Address space is reserved in steps of this size (64 blocks of 16 KiB).
    private static let regionBytes = 1 << 20

    /// - Parameter blockBytes: at least 64, at most 1 GiB.
    public init(blockBytes: Int = 16_384) {
        precondition(blockBytes >= 64, "a buffer of \(blockBytes) bytes cannot hold a message head")
        precondition(blockBytes <= 1 << 30, "a buffer of \(blockBytes) bytes is more than a buffer can count")
        self.blockBytes = blockBytes
        stride = (blockBytes + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
        blocksPerRegion = max(1, Self.regionBytes / stride)
    }

    deinit {
        // A block that is still lent out is a leak that the books will show; it must not become a crash.
        guard lent == 0 else { return }
        for unsafe region in unsafe regions { unsafe munmap(region, stride * blocksPerRegion) }
    }

    // MARK: Blocks

    func lend() -> UnsafeMutableRawPointer {
        lent += 1
        return unsafe popKept() ?? withoutMemory.popLast() ?? makeFresh()
    }

    func returnBlock(_ block: UnsafeMutableRawPointer) {
        precondition(lent > 0, "a block came back that was never lent")
        lent -= 1
        unsafe block.storeBytes(of: firstKept, as: UnsafeMutableRawPointer?.self)
        unsafe firstKept = block
        kept += 1
    }

    private func popKept() -> UnsafeMutableRawPointer? {
        guard let block = unsafe firstKept else { return nil }
        unsafe firstKept = block.load(as: UnsafeMutableRawPointer?.self)
        kept -= 1
        if kept < leastKept { leastKept = kept }
        return unsafe block
    }

    private func makeFresh() -> UnsafeMutableRawPointer {
        if fresh == 0 {
            guard let region = unsafe clinux_reserve(stride * blocksPerRegion) else {
                preconditionFailure("the system has no address space for \(lent) buffers of \(blockBytes) bytes")
            }
            unsafe regions.append(region)
            fresh = blocksPerRegion
        }
        fresh -= 1
        return unsafe regions[regions.count - 1] + fresh * stride
    }

    // MARK: Giving memory back

    /// Gives the memory of all kept blocks back to the system; returns how many blocks that were.
    public func trim() -> Int { returnMemory(kept) }

    /// Gives back the memory of as many blocks as were never needed since the last call; returns how many that were. Called
    /// every `n` seconds, it returns all memory of a burst between `n` and `2n` seconds after its end.
    public func trimUnused() -> Int {
        let count = returnMemory(leastKept)
        leastKept = kept
        return count
    }

    private func returnMemory(_ count: Int) -> Int {
        for _ in 0..<count {
            guard let block = unsafe popKept() else { preconditionFailure("\(count) of \(kept) kept blocks") }
            // Failing costs memory and nothing else.
            _ = unsafe madvise(block, stride, MADV_DONTNEED)
            unsafe withoutMemory.append(block)
        }
        leastKept = min(leastKept, kept)
        return count
    }

    // MARK: Bytes that wait

    /// Bytes that a parked buffer may hold: beyond a quarter of a block, copying costs more than the block is worth.
    var parkedBytesMax: Int { blockBytes / 4 }

    /// Memory for a parked buffer, and how many bytes that are.
    func allocateParked(atLeast count: Int) -> (memory: UnsafeMutableRawPointer, bytes: Int) {
        parked += 1
        // The allocator gives a multiple of 16 bytes, less the 8 that it needs for itself.
        let bytes = (count + 8 + 15) / 16 * 16 - 8
        return (UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 1), bytes)
    }

    func freeParked(_ memory: UnsafeMutableRawPointer) {
        precondition(parked > 0, "memory of a parked buffer came back twice")
        parked -= 1
        unsafe memory.deallocate()
    }
}

/// The memory of everything that is no buffer: connections, exchanges, tables.
public enum Heap {
    /// Has the allocator return large areas to the system when they are freed. Call it once, when the process starts.
    ///
    /// Without it the C library raises the size from which it does so with the first such area that is freed.
    public static func configure() { clinux_configure_heap() }

    /// Gives free pages of all threads' heaps back to the system. Each heap is locked in turn for as long as this takes: some
    /// milliseconds where 100 MB are free.
    public static func trim() { clinux_trim_heap() }
}
