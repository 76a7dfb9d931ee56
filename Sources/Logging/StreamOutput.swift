// Writes lines to a descriptor: standard output, a pipe, a file.
//
// Bytes that the descriptor does not accept at once are buffered up to a limit; beyond it, lines are lost and counted.
// Writing never blocks, so that a stuck reader does not affect other targets: the descriptor is polled first, and at
// most as much is written as it accepts. It is not set to non-blocking mode, because that would affect all processes
// that share it.

internal import Glibc

/// Numbers of lines written and lost.
struct LogTally {
    var written: UInt64 = 0
    var lost: UInt64 = 0
}

/// The output for a descriptor.
struct StreamOutput {
    /// Limit for buffered bytes: about a thousand lines.
    static let pendingBytesMax = 1 << 18
    /// A pipe that is writable accepts at least this many bytes without blocking (PIPE_BUF).
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

    /// Whether bytes are waiting for the descriptor.
    var isBlocked: Bool { sent < pending.count }

    /// Queues a whole line; counts it as lost if the buffer is full.
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

    /// Writes as much as the descriptor accepts without blocking.
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
                // The reader has closed the pipe (EPIPE), the disk is full, or the descriptor does not exist.
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

    /// Discards the buffered lines.
    mutating func discard(_ tally: inout LogTally) {
        tally.lost += Self.lines(in: pending[sent...])
        pending.removeAll(keepingCapacity: true)
        sent = 0
    }

    private var isWritable: Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // An error or hang-up counts as writable: the write then returns the error.
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
