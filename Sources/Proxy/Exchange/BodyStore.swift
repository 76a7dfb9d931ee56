// Bytes of a body that wait for a peer slower than the one that sent them: in blocks of the worker's pool up to a size, and
// from there on in an unlinked temporary file. First in, first out; it knows bytes, not framing.
//
// In order, what waits is: the blocks, then the file, then what the file did not take (`refused`). While bytes are in
// the file, further ones go there too; once it has been read to its end, it is emptied and memory is used again.
// The limits are for the caller to keep: it asks `isFull` before it puts something in, so that a store may hold one
// buffer more than it is allowed.

internal import Basics
internal import Reactor
internal import SystemPackage

/// The bytes of one body that are on their way. Its owner calls `release` before dropping it.
final class BodyStore {
    let limits: BodyBuffering
    private let pool: BufferPool
    /// What was taken stays, and can be taken again after `rewind`.
    private let keeps: Bool

    private var blocks: [Block] = []
    /// The block to take from next; those before it were taken (and are kept, or empty).
    private var next = 0
    /// Bytes of that block which were taken and are kept.
    private var offset = 0
    private var file: TemporaryFile?
    private var fileTaken = 0
    private var fileEnd = 0
    private var refused = ByteBuffer()
    /// Why the file did not take something, could not be made, or could not be read back. Nothing is written to it
    /// any more.
    private(set) var spillFailure: Errno?

    /// Bytes that were put in so far.
    private(set) var stored = 0
    /// Bytes that were taken out, since the last rewind.
    private(set) var taken = 0

    /// Room that `put` lends at least: for a chunk with its framing.
    static let roomMin = 64

    /// A reference, so that a list can hold buffers, which cannot be copied.
    private final class Block {
        var bytes = ByteBuffer()
    }

    /// - Parameter keeps: whether `rewind` is possible; the bytes then stay until `release`.
    init(_ limits: BodyBuffering, keeps: Bool, pool: BufferPool) {
        self.limits = limits
        self.keeps = keeps
        self.pool = pool
    }

    var waiting: Int { stored - taken }
    /// Nothing waits to be taken.
    var isDrained: Bool { stored == taken }
    /// As much waits as may.
    var isFull: Bool {
        waiting >= (spillFailure == nil ? limits.bytesMax : limits.memoryBytesMax) || !refused.isEmpty
    }

    // MARK: In

    /// Lends a buffer with room to `write`; what it appends is stored.
    func put<R>(_ write: (inout ByteBuffer) -> R) -> R {
        precondition(refused.isEmpty, "more is put into a store whose file fails")
        guard fileEnd == 0, let block = blockWithRoom() else { return spill(write) }
        let before = block.bytes.count
        let result = write(&block.bytes)
        stored += block.bytes.count - before
        return result
    }

    /// The last block, or a new one; nil if memory is used up and there is a file to go to.
    private func blockWithRoom() -> Block? {
        if let last = blocks.last, last.bytes.holdsBlock {
            if last.bytes.room < Self.roomMin { last.bytes.compact() }
            if last.bytes.room >= Self.roomMin { return last }
        }
        let held = (blocks.count - (keeps ? 0 : next)) * pool.blockBytes
        guard held < limits.memoryBytesMax || limits.spill == nil || spillFailure != nil else { return nil }
        let block = Block()
        block.bytes.acquire(from: pool)
        blocks.append(block)
        return block
    }

    private func spill<R>(_ write: (inout ByteBuffer) -> R) -> R {
        refused.acquire(from: pool)
        let result = write(&refused)
        stored += refused.count
        if let reason = writeToFile(refused) {
            spillFailure = reason
        } else {
            fileEnd += refused.count
            refused.release(to: pool)
        }
        return result
    }

    private func writeToFile(_ bytes: borrowing ByteBuffer) -> Errno? {
        if bytes.isEmpty { return nil }
        if let spillFailure { return spillFailure }
        if file == nil, let spill = limits.spill {
            switch TemporaryFile.make(in: spill.directory) {
            case .success(let made): file = made
            case .failure(let reason): return reason
            }
        }
        return file?.write(bytes.readable, at: fileEnd)
    }

    // MARK: Out

    /// Moves what waits into `output`, as much as has room and lies together. Something waits, and there is room.
    /// - Returns: false if it cannot be read back, and `spillFailure` says why.
    func take(into output: inout ByteBuffer) -> Bool {
        precondition(!isDrained && output.room > 0, "\(waiting) bytes are to go into room for \(output.room)")
        let before = output.count
        defer { taken += output.count - before }
        if keeps { passTakenBlocks() }
        if next < blocks.count {
            takeFromBlock(into: &output)
            return true
        }
        if fileTaken < fileEnd { return takeFromFile(into: &output) }
        Self.move(&refused, into: &output)
        refused.releaseIfEmpty(to: pool)
        return true
    }

    private func takeFromBlock(into output: inout ByteBuffer) {
        let block = blocks[next]
        if keeps {
            offset += Self.copy(block.bytes, from: offset, into: &output)
            return
        }
        Self.move(&block.bytes, into: &output)
        guard block.bytes.isEmpty else { return }
        block.bytes.release(to: pool)
        next += 1
        // Now and then, so that a long list is not moved up for every block.
        if next == blocks.count || next >= 64 && next > blocks.count / 2 {
            blocks.removeFirst(next)
            next = 0
        }
    }

    /// Goes on to the next block if all of the present one was taken; only now, as more may have come into it.
    private func passTakenBlocks() {
        while next < blocks.count && offset == blocks[next].bytes.count {
            next += 1
            offset = 0
        }
    }

    private func takeFromFile(into output: inout ByteBuffer) -> Bool {
        guard let file else { preconditionFailure("\(fileEnd) bytes in no file") }
        switch file.read(into: &output, at: fileTaken, limit: fileEnd - fileTaken) {
        case .failure(let reason):
            spillFailure = reason
            return false
        case .success(let count):
            precondition(count > 0, "a file that nobody else knows was shortened below \(fileEnd) bytes")
            fileTaken += count
        }
        if fileTaken == fileEnd && !keeps {
            file.empty()
            fileTaken = 0
            fileEnd = 0
        }
        return true
    }

    private static func copy(
        _ bytes: borrowing ByteBuffer, from offset: Int, into output: inout ByteBuffer
    ) -> Int {
        let count = min(bytes.count - offset, output.room)
        let fits = output.append(bytes.readable.extracting(offset..<offset + count))
        precondition(fits, "\(count) bytes did not fit")
        return count
    }

    private static func move(_ bytes: inout ByteBuffer, into output: inout ByteBuffer) {
        if output.isEmpty {
            ByteBuffer.swap(&bytes, &output)
        } else {
            bytes.consume(copy(bytes, from: 0, into: &output))
        }
    }

    /// Begins again with the first byte.
    func rewind() {
        precondition(keeps, "what was taken out is gone")
        next = 0
        offset = 0
        fileTaken = 0
        taken = 0
    }

    // MARK: End

    /// Gives back the blocks and the file.
    func release() {
        for block in blocks { block.bytes.release(to: pool) }
        blocks.removeAll()
        refused.release(to: pool)
        file = nil
    }
}
