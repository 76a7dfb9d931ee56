// Passes lines from one thread to the logger thread: a lock-free ring buffer with one writer and one reader.
//
// Writing never blocks. A line that does not fit is dropped as a whole and counted. The memory is mapped when the ring
// is created; its pages are touched only when lines use them.

internal import Basics
internal import Glibc
internal import Synchronization

/// The kind of a line, which decides to which destinations it is sent.
enum LogContent: UInt8 {
    /// An event of Portico itself, for all destinations.
    case event
    /// An exchange as text, for destinations with a text format.
    case text
    /// An exchange as a JSON object, for destinations with the JSON format.
    case json
    /// Like text, preceded by structured data: two bytes with its length, the data, the text.
    case structured
}

/// The metadata of a line in the ring.
struct LogRecord: Equatable {
    var targets: UInt32
    var level: LogLevel
    var content: LogContent
    var time: WallTime

    /// The size of a line's header in the ring: length, targets, seconds, microseconds, level, content.
    static let headerBytes = 24
}

/// A ring buffer of lines with one writing and one reading thread.
@safe
final class LogRing: @unchecked Sendable {
    /// Longer lines are truncated: the upper limit of `len`.
    static let lineBytesMax = LogDestination.lengthLimits.upperBound

    let capacity: Int
    private let memory: UnsafeMutableRawPointer
    // Total bytes written and read. Each has a single writer. `written` is stored with release ordering, after the
    // bytes.
    private let written = Atomic<UInt64>(0)
    private let read = Atomic<UInt64>(0)
    private let dropped = Atomic<UInt64>(0)
    /// The writing thread's copy of `read`, to avoid touching the reader's cache line for every line.
    private var readSeenByWriter: UInt64 = 0

    /// `capacity` is a power of two, in bytes.
    init(capacity: Int) {
        precondition(capacity >= 4_096 && capacity.nonzeroBitCount == 1, "a ring of \(capacity) bytes")
        self.capacity = capacity
        let mapping = unsafe mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        // mmap returns MAP_FAILED on failure, never nil.
        precondition(unsafe mapping != MAP_FAILED, "no memory for a ring of \(capacity) bytes")
        unsafe memory = mapping.unsafelyUnwrapped
    }

    deinit { unsafe munmap(memory, capacity) }

    /// Lines dropped because they did not fit.
    var lost: UInt64 { dropped.load(ordering: .relaxed) }
    var isEmpty: Bool { read.load(ordering: .relaxed) == written.load(ordering: .acquiring) }

    /// Appends a line; returns false if it does not fit. Called by the ring's writing thread only.
    func push(_ record: LogRecord, _ line: RawSpan) -> Bool {
        let count = min(line.byteCount, Self.lineBytesMax)
        let size = Self.paddedSize(count)
        let position = written.load(ordering: .relaxed)
        if capacity - Int(position - readSeenByWriter) < size {
            readSeenByWriter = read.load(ordering: .acquiring)
            guard capacity - Int(position - readSeenByWriter) >= size else {
                dropped.store(dropped.load(ordering: .relaxed) + 1, ordering: .relaxed)
                return false
            }
        }
        store(UInt32(count), at: position)
        store(record.targets, at: position + 4)
        store(UInt64(bitPattern: Int64(record.time.seconds)), at: position + 8)
        store(UInt32(truncatingIfNeeded: record.time.microseconds), at: position + 16)
        store(UInt32(record.level.rawValue) << 8 | UInt32(record.content.rawValue), at: position + 20)
        unsafe line.withUnsafeBytes { bytes in
            // Safe: the free space was checked above, and the part that passes the end wraps around.
            let offset = index(position + UInt64(LogRecord.headerBytes))
            let first = min(count, capacity - offset)
            guard count > 0, let source = bytes.baseAddress else { return }
            unsafe (memory + offset).copyMemory(from: source, byteCount: first)
            unsafe memory.copyMemory(from: source + first, byteCount: count - first)
        }
        written.store(position + UInt64(size), ordering: .releasing)
        return true
    }

    /// Removes the oldest line and replaces the contents of `line` by its bytes; returns nil if the ring is empty.
    /// Called by the reading thread only.
    func pop(into line: inout [UInt8]) -> LogRecord? {
        let position = read.load(ordering: .relaxed)
        guard position != written.load(ordering: .acquiring) else { return nil }
        let count = Int(load(UInt32.self, at: position))
        let marks = load(UInt32.self, at: position + 20)
        guard let level = LogLevel(rawValue: UInt8(marks >> 8)), let content = LogContent(rawValue: UInt8(marks & 255))
        else { preconditionFailure("corrupt record in a log ring: \(count), \(marks)") }
        let record = LogRecord(
            targets: load(UInt32.self, at: position + 4), level: level, content: content,
            time: WallTime(
                seconds: Int(Int64(bitPattern: load(UInt64.self, at: position + 8))),
                microseconds: Int(load(UInt32.self, at: position + 16))))
        let offset = index(position + UInt64(LogRecord.headerBytes))
        let first = min(count, capacity - offset)
        line.removeAll(keepingCapacity: true)
        // Safe: push has written `count` bytes there, and does not overwrite them before `read` advances.
        unsafe line.append(contentsOf: UnsafeRawBufferPointer(start: memory + offset, count: first))
        unsafe line.append(contentsOf: UnsafeRawBufferPointer(start: memory, count: count - first))
        read.store(position + UInt64(Self.paddedSize(count)), ordering: .releasing)
        return record
    }

    /// Records start at multiples of 8, so that no header field wraps around the end of the memory.
    private static func paddedSize(_ count: Int) -> Int { (LogRecord.headerBytes + count + 7) & ~7 }

    private func index(_ position: UInt64) -> Int { Int(position & UInt64(capacity - 1)) }

    private func store<T: FixedWidthInteger>(_ value: T, at position: UInt64) {
        unsafe memory.storeBytes(of: value, toByteOffset: index(position), as: T.self)
    }

    private func load<T: FixedWidthInteger>(_ type: T.Type, at position: UInt64) -> T {
        unsafe memory.load(fromByteOffset: index(position), as: T.self)
    }
}
