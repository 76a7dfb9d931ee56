// Lines on their way from one thread to the logger thread: a ring of bytes with one writer and one reader.
//
// Writing never waits. A line that does not fit is dropped and counted, whole: a reader never sees part of
// one. The memory is mapped when the ring is made and touched only as far as lines have come.

internal import Basics
internal import Glibc
internal import Synchronization

/// What a line is, and so which destinations take it.
enum LogContent: UInt8 {
    /// Something that happened to Portico itself; every destination takes it.
    case event
    /// An exchange as text, for the destinations that take text.
    case text
    /// An exchange as a JSON object, for the destinations that take JSON.
    case json
    /// As text, with structured data before it: two bytes with the length of that, it, the text.
    case structured
}

/// What the ring keeps of a line beside its bytes.
struct LogRecord: Equatable {
    var targets: UInt32
    var level: LogLevel
    var content: LogContent
    var time: WallTime

    /// Bytes in front of each line in the ring: length, targets, seconds, microseconds, level, content.
    static let headerBytes = 24
}

@safe
final class LogRing: @unchecked Sendable {
    /// Lines longer than this are cut: the most that `len` allows.
    static let lineBytesMax = LogDestination.lengthLimits.upperBound

    let capacity: Int
    private let memory: UnsafeMutableRawPointer
    // Bytes ever written and ever read. Each has one writer; `written` is released after the bytes it covers.
    private let written = Atomic<UInt64>(0)
    private let read = Atomic<UInt64>(0)
    private let dropped = Atomic<UInt64>(0)
    /// The writing thread's last look at `read`, so that it seldom touches the reader's cache line.
    private var readSeenByWriter: UInt64 = 0

    /// `capacity` is a power of two, in bytes.
    init(capacity: Int) {
        precondition(capacity >= 4_096 && capacity.nonzeroBitCount == 1, "a ring of \(capacity) bytes")
        self.capacity = capacity
        let mapping = unsafe mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        // mmap gives all ones on failure, never nil.
        precondition(unsafe mapping != MAP_FAILED, "no memory for a ring of \(capacity) bytes")
        unsafe memory = mapping.unsafelyUnwrapped
    }

    deinit { unsafe munmap(memory, capacity) }

    /// Lines that found no room.
    var lost: UInt64 { dropped.load(ordering: .relaxed) }
    var isEmpty: Bool { read.load(ordering: .relaxed) == written.load(ordering: .acquiring) }

    /// Appends a line. Only ever called by the ring's one writing thread.
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
            // Safe: the room was checked above, and what passes the end goes on at the start.
            let offset = index(position + UInt64(LogRecord.headerBytes))
            let first = min(count, capacity - offset)
            guard count > 0, let source = bytes.baseAddress else { return }
            unsafe (memory + offset).copyMemory(from: source, byteCount: first)
            unsafe memory.copyMemory(from: source + first, byteCount: count - first)
        }
        written.store(position + UInt64(size), ordering: .releasing)
        return true
    }

    /// Takes the oldest line: replaces `line` by its bytes. nil if the ring is empty. Only ever called by the reader.
    func pop(into line: inout [UInt8]) -> LogRecord? {
        let position = read.load(ordering: .relaxed)
        guard position != written.load(ordering: .acquiring) else { return nil }
        let count = Int(load(UInt32.self, at: position))
        let marks = load(UInt32.self, at: position + 20)
        guard let level = LogLevel(rawValue: UInt8(marks >> 8)), let content = LogContent(rawValue: UInt8(marks & 255))
        else { preconditionFailure("a ring's record begins with \(count), \(marks)") }
        let record = LogRecord(
            targets: load(UInt32.self, at: position + 4), level: level, content: content,
            time: WallTime(
                seconds: Int(Int64(bitPattern: load(UInt64.self, at: position + 8))),
                microseconds: Int(load(UInt32.self, at: position + 16))))
        let offset = index(position + UInt64(LogRecord.headerBytes))
        let first = min(count, capacity - offset)
        line.removeAll(keepingCapacity: true)
        // Safe: push wrote `count` bytes there, and will not write over them before `read` moves on.
        unsafe line.append(contentsOf: UnsafeRawBufferPointer(start: memory + offset, count: first))
        unsafe line.append(contentsOf: UnsafeRawBufferPointer(start: memory, count: count - first))
        read.store(position + UInt64(Self.paddedSize(count)), ordering: .releasing)
        return record
    }

    /// Records begin at multiples of 8, so that no field of a header passes the end of the memory.
    private static func paddedSize(_ count: Int) -> Int { (LogRecord.headerBytes + count + 7) & ~7 }

    private func index(_ position: UInt64) -> Int { Int(position & UInt64(capacity - 1)) }

    private func store<T: FixedWidthInteger>(_ value: T, at position: UInt64) {
        unsafe memory.storeBytes(of: value, toByteOffset: index(position), as: T.self)
    }

    private func load<T: FixedWidthInteger>(_ type: T.Type, at position: UInt64) -> T {
        unsafe memory.load(fromByteOffset: index(position), as: T.self)
    }
}
