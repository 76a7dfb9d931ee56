// The memory of one worker's buffers: blocks of one size, each on pages of its own.
//
// A returned block keeps its memory and is the next one lent. The memory of blocks that have not been needed for a
// while is returned to the system (`trimUnused`), independently of neighbouring blocks; only their addresses stay
// reserved. A pool belongs to one thread.

internal import CLinux
internal import Glibc

/// Fixed-size blocks lent to the buffers of one worker.
@safe
public final class BufferPool {
    /// The size of a block in bytes (`tune.bufsize`).
    public let blockBytes: Int
    /// Blocks currently lent: 0 when every connection is idle.
    @safe @exclusivity(unchecked) public private(set) var lent = 0
    /// Returned blocks that still have memory, as a list: each starts with a pointer to the next.
    @safe @exclusivity(unchecked) public private(set) var kept = 0
    /// Parked buffers, whose bytes are outside the blocks (`ByteBuffer.park`).
    public private(set) var parked = 0
    private var firstKept: UnsafeMutableRawPointer? = nil
    /// The smallest value of `kept` since the last `trimUnused`.
    @safe @exclusivity(unchecked) private var leastKept = 0
    /// Blocks whose memory has been returned to the system. They read as zeros and get memory when they are written.
    private var withoutMemory: [UnsafeMutableRawPointer] = unsafe []
    private var regions: [UnsafeMutableRawPointer] = unsafe []
    /// Blocks of the last region that have never been lent.
    private var fresh = 0

    /// The distance between blocks in bytes: whole pages, because memory is returned to the system in pages.
    private let stride: Int
    private let blocksPerRegion: Int

    private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
    /// The size of a region of address space in bytes (64 blocks of 16 KiB).
    private static let regionBytes = 1 << 20

    /// - Parameter blockBytes: at least 64, at most 1 GiB.
    public init(blockBytes: Int = 16_384) {
        precondition(blockBytes >= 64, "a buffer of \(blockBytes) bytes cannot hold a message head")
        precondition(blockBytes <= 1 << 30, "a buffer of \(blockBytes) bytes exceeds the maximum")
        self.blockBytes = blockBytes
        stride = (blockBytes + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
        blocksPerRegion = max(1, Self.regionBytes / stride)
    }

    deinit {
        // A block that is still lent is a leak, which the counters show. Freeing it here would turn the leak into a
        // crash.
        guard lent == 0 else { return }
        for i in unsafe regions.indices { unsafe munmap(regions[i], stride * blocksPerRegion) }
    }

    // MARK: Blocks

    func lend() -> UnsafeMutableRawPointer {
        lent += 1
        return unsafe popKept() ?? withoutMemory.popLast() ?? makeFresh()
    }

    func returnBlock(_ block: UnsafeMutableRawPointer) {
        precondition(lent > 0, "a block was returned that was not lent")
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

    // MARK: Returning memory to the system

    /// Returns the memory of all kept blocks to the system; returns the number of blocks.
    public func trim() -> Int { returnMemory(kept) }

    /// Returns the memory of as many blocks as have not been needed since the last call to the system; returns their
    /// number. Called every `n` seconds, it returns the memory of a burst between `n` and `2n` seconds after the end of
    /// the burst.
    public func trimUnused() -> Int {
        let count = returnMemory(leastKept)
        leastKept = kept
        return count
    }

    private func returnMemory(_ count: Int) -> Int {
        for _ in 0..<count {
            guard let block = unsafe popKept() else { preconditionFailure("\(count) of \(kept) kept blocks") }
            // Failure only means that the memory stays.
            _ = unsafe madvise(block, stride, MADV_DONTNEED)
            unsafe withoutMemory.append(block)
        }
        leastKept = min(leastKept, kept)
        return count
    }

    // MARK: Parked buffers

    /// Limit for the bytes of a parked buffer: for more than a quarter of a block, the copy costs more than it saves.
    var parkedBytesMax: Int { blockBytes / 4 }

    /// Allocates memory for a parked buffer; returns it with its size.
    func allocateParked(atLeast count: Int) -> (memory: UnsafeMutableRawPointer, bytes: Int) {
        parked += 1
        // The allocator's blocks are multiples of 16 bytes, of which it uses 8 itself.
        let bytes = (count + 8 + 15) / 16 * 16 - 8
        return (UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 1), bytes)
    }

    func freeParked(_ memory: UnsafeMutableRawPointer) {
        precondition(parked > 0, "the memory of a parked buffer was freed twice")
        parked -= 1
        unsafe memory.deallocate()
    }
}

/// The heap, which holds everything other than buffers: connections, exchanges, tables.
public enum Heap {
    /// Makes the allocator return large areas to the system when they are freed. Call once, at process start.
    ///
    /// Otherwise the C library raises its threshold (M_MMAP_THRESHOLD) when such an area is freed for the first time.
    public static func configure() { clinux_configure_heap() }

    /// Returns free pages of all threads' heaps to the system. Each heap is locked in turn meanwhile: some milliseconds
    /// for 100 MB of free memory.
    public static func trim() { clinux_trim_heap() }
}
