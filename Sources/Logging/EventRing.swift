// Keeps the newest lines of a log in memory, for the runtime socket and for log servers that receive them over a
// stream.
//
// When the ring is full, a new line replaces the oldest one, unless a server has not received that one yet: then the
// new line is dropped and counted. Readers and servers never block a writer.

internal import Basics
internal import Synchronization

/// A ring buffer of lines: that of a `ring` section, or of a `log` line whose target is a stream.
public final class EventRing: Sendable {
    /// The range of `size` in bytes. `show events` copies a whole ring at once.
    public static let sizeLimits = 1_024...(1 << 28)
    /// The size in bytes without `size`, as in HAProxy.
    public static let sizeByDefault = 16_384
    /// The size in bytes of the ring of a `log tcp@` line; the same as `StreamOutput.pendingBytesMax`.
    static let sizeOfStream = 1 << 18

    public let name: String
    public let description: String
    public let capacity: Int
    /// The servers that receive every line.
    let servers: [RingServer]
    private let content: Lock<Content>
    private let droppedLines = Atomic<UInt64>(0)

    init(name: String, description: String, capacity: Int, servers: [RingServer] = []) {
        self.name = name
        self.description = description
        self.capacity = capacity
        self.servers = servers
        content = Lock(Content(capacity: capacity, servers: servers.count))
    }

    /// Lines dropped because a server had not received the oldest ones.
    public var dropped: UInt64 { droppedLines.load(ordering: .relaxed) }

    func countDropped() { droppedLines.wrappingAdd(1, ordering: .relaxed) }

    /// Appends a line, given without its line end. Returns false if there is no room for it. A line longer than the
    /// ring is truncated.
    func append(_ line: ArraySlice<UInt8>) -> Bool { content.withLock { $0.append(line) } }

    /// The position of the next line.
    public var end: UInt64 { content.withLock { $0.tail } }

    /// Appends the lines from `position` on to `out`, each followed by `delimiter`, and stops once `bytesMax` is
    /// reached or exceeded.
    ///
    /// Sets `position` to that of the first line not copied. A position before the oldest line, such as 0, means the
    /// oldest.
    public func read(
        from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int = .max
    ) {
        content.withLock { $0.read(from: &position, into: &out, delimiter: delimiter, bytesMax: bytesMax) }
    }

    /// Moves the lines that a server has not received yet to `out`, framed for it, and appends the offset in `out`
    /// where each ends to `ends`. Stops once `bytesMax` is reached or exceeded.
    func moveLines(for server: Int, into out: inout [UInt8], ends: inout [Int], bytesMax: Int) {
        content.withLock { content in
            while out.count < bytesMax, content.positions[server] < content.tail {
                let line = content.line(at: content.positions[server])
                servers[server].framing.append(content, line, to: &out)
                ends.append(out.count)
                content.positions[server] = line.next
            }
        }
    }

    /// Whether there are lines that a server has not received yet.
    func waiting(for server: Int) -> Bool { content.withLock { $0.positions[server] < $0.tail } }

    /// The number of lines that a server has not received yet.
    func countWaiting(for server: Int) -> UInt64 {
        content.withLock { content in
            var position = content.positions[server]
            var count: UInt64 = 0
            while position < content.tail {
                position = content.line(at: position).next
                count += 1
            }
            return count
        }
    }
}

extension EventRing {
    /// The contents. A position counts all bytes ever written; modulo the capacity it is the index in `bytes`.
    struct Content: ~Copyable {
        /// The length of a line's header, which holds the line's length.
        static let headerBytes = 4

        private let capacity: Int
        /// Allocated with the first line, so that checking a configuration does not allocate rings.
        private var bytes: [UInt8] = []
        /// The positions of the oldest line, and of the end of the newest.
        private(set) var head: UInt64 = 0
        private(set) var tail: UInt64 = 0
        /// For each server, the position of the first line that it has not received.
        var positions: [UInt64]

        init(capacity: Int, servers: Int) {
            self.capacity = capacity
            positions = Array(repeating: 0, count: servers)
        }

        /// The position of a line's first byte, and its length.
        struct Line {
            let start: UInt64
            let count: Int
            var next: UInt64 { start + UInt64(count) }
        }

        func line(at position: UInt64) -> Line {
            var count = 0
            for i in 0..<UInt64(Self.headerBytes) { count = count << 8 | Int(self[position + i]) }
            return Line(start: position + UInt64(Self.headerBytes), count: count)
        }

        func copy(_ line: Line, to out: inout [UInt8]) {
            let start = index(line.start)
            let first = min(line.count, capacity - start)
            out.append(contentsOf: bytes[start..<start + first])
            out.append(contentsOf: bytes[..<(line.count - first)])
        }

        mutating func append(_ line: ArraySlice<UInt8>) -> Bool {
            if bytes.isEmpty { bytes = Array(repeating: 0, count: capacity) }
            let line = line.prefix(capacity - Self.headerBytes)
            let needed = Self.headerBytes + line.count
            let needHead = tail + UInt64(needed) - min(tail + UInt64(needed), UInt64(capacity))
            while head < needHead {
                guard !positions.contains(where: { $0 <= head }) else { return false }
                head = self.line(at: head).next
            }
            for shift in [24, 16, 8, 0] { push(UInt8(truncatingIfNeeded: line.count >> shift)) }
            let start = index(tail)
            let first = min(line.count, capacity - start)
            bytes.replaceSubrange(start..<start + first, with: line.prefix(first))
            bytes.replaceSubrange(0..<line.count - first, with: line.dropFirst(first))
            tail += UInt64(line.count)
            return true
        }

        func read(from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int) {
            if position < head { position = head }
            let start = out.count
            while position < tail, out.count - start < bytesMax {
                let line = line(at: position)
                copy(line, to: &out)
                out.append(delimiter)
                position = line.next
            }
        }

        private func index(_ position: UInt64) -> Int { Int(position % UInt64(capacity)) }

        private subscript(position: UInt64) -> UInt8 { bytes[index(position)] }

        private mutating func push(_ byte: UInt8) {
            bytes[index(tail)] = byte
            tail += 1
        }
    }
}

// MARK: - Servers

/// The settings of a `server` line of a ring, or of a `log tcp@` target.
struct RingServer: Sendable {
    /// The framing of lines in the stream.
    enum Framing: Sendable {
        /// Each line ends with a line feed (RFC 6587 section 3.4.2).
        case lineFeed
        /// Each line is preceded by its length in bytes (RFC 6587 section 3.4.1).
        case octetCount
    }

    let address: SocketAddress
    var framing = Framing.lineFeed
    /// `timeout connect`; the default is that of HAProxy for `log tcp@`.
    var connectTimeout = TimeSpan.seconds(1)
    /// `timeout server`: limit for the time in which the server accepts no data.
    var sendTimeout = TimeSpan.seconds(5)
}

extension RingServer.Framing {
    func append(_ content: borrowing EventRing.Content, _ line: EventRing.Content.Line, to out: inout [UInt8]) {
        switch self {
        case .lineFeed:
            content.copy(line, to: &out)
            out.append(0x0A)
        case .octetCount:
            out.append(decimal: line.count)
            out.append(0x20)
            content.copy(line, to: &out)
        }
    }
}
