// Lines to a descriptor: standard output, a pipe, a file.
//
// What the descriptor does not take at once waits here, up to a limit; beyond it lines are lost and
// counted. Writing never blocks, so that a stuck reader of one target costs the others nothing: a
// descriptor is asked first, and given no more than it can take. It is not switched to non-blocking mode,
// because that would also switch it for every other process that has it.

internal import Glibc

/// Lines handed to targets, and lines that were not.
struct LogTally {
    var written: UInt64 = 0
    var lost: UInt64 = 0
}

struct StreamOutput {
    /// Bytes that may wait for the descriptor; some thousand lines.
    static let pendingBytesMax = 1 << 18
    /// A pipe that is writable takes this much without blocking (PIPE_BUF).
    private static let pipeBytes = 4_096

    let descriptor: Int32
    private let kind: Kind
    private var pending: [UInt8] = []
    private var sent = 0

    private enum Kind { case file, socket, pipe }

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            kind = .pipe
            return
        }
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFSOCK: .socket
            default: .pipe
            }
    }

    /// Whether something waits for the descriptor to take it.
    var isBlocked: Bool { sent < pending.count }

    /// Queues a whole line, or loses it if too much is waiting.
    mutating func append(_ line: [UInt8], _ tally: inout LogTally) {
        if pending.count - sent + line.count > Self.pendingBytesMax {
            flush(&tally)
            guard pending.count - sent + line.count <= Self.pendingBytesMax else {
                tally.lost += 1
                return
            }
        }
        pending.append(contentsOf: line)
    }

    /// Writes what the descriptor takes now.
    mutating func flush(_ tally: inout LogTally) {
        while sent < pending.count {
            guard kind == .file || isWritable else { break }
            let count = write(min(pending.count - sent, kind == .pipe ? Self.pipeBytes : .max))
            if count > 0 {
                tally.written += Self.lines(in: pending[sent..<sent + count])
                sent += count
            } else if count < 0, errno == EINTR {
                continue
            } else if count < 0, errno == EAGAIN || errno == EWOULDBLOCK {
                break
            } else {
                // The reader has gone for good (EPIPE), the disk is full, or there is no such descriptor.
                discard(&tally)
            }
        }
        if sent == pending.count {
            pending.removeAll(keepingCapacity: true)
            sent = 0
        } else if sent > Self.pendingBytesMax / 2 {
            pending.removeFirst(sent)
            sent = 0
        }
    }

    /// Gives up what is waiting.
    mutating func discard(_ tally: inout LogTally) {
        tally.lost += Self.lines(in: pending[sent...])
        pending.removeAll(keepingCapacity: true)
        sent = 0
    }

    private var isWritable: Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // An error or hang-up counts as writable: the write then says what it is.
        return unsafe poll(&request, 1, 0) == 1
    }

    private func write(_ count: Int) -> Int {
        unsafe pending.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            if kind == .socket {
                return unsafe send(descriptor, start + sent, count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
            return unsafe Glibc.write(descriptor, start + sent, count)
        }
    }

    private static func lines(in bytes: ArraySlice<UInt8>) -> UInt64 {
        var lines: UInt64 = 0
        for byte in bytes where byte == 0x0A { lines += 1 }
        return lines
    }
}
