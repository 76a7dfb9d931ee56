// One connection's descriptor and what carries bytes over it: TCP or a unix socket as it is, or TLS over it. The only place that
// remembers readiness: its users ask whether input may be waiting, they never see flags.
//
// A value in its owner, which also has the buffers. It knows bytes; protocols and deadlines are the owner's.

public import Basics
public import Reactor
public import SystemPackage
public import TLS

/// What came of one attempt to read.
public enum ReadResult: Equatable, Sendable {
    case progressed
    /// Nothing there yet; an event follows when there is.
    case blocked
    /// The buffer has no room.
    case full
    /// The peer sends no more, and everything it sent has been read.
    case ended
    case failed
}

/// What came of one attempt to write a buffer.
public enum WriteResult: Equatable, Sendable {
    /// The buffer is empty, and its block went back to the pool.
    case all
    /// The peer's side takes no more now; an event follows when it does.
    case blocked
    case failed
}

/// How a connection is left.
public enum CloseMode: Equatable, Sendable {
    /// At once; the system still delivers what it holds.
    case close
    /// The owner says that it sends no more, and reads until the peer has closed too: a reset would throw away what the peer has
    /// not read yet. Closing itself is then as with `close`.
    case linger
    /// The peer sees a reset, which cannot be taken for a whole answer.
    case reset
    /// The peer sees nothing and waits until it gives up.
    case silent
}

/// A stream of bytes each way over one descriptor.
public struct Transport: ~Copyable {
    public let socket: Socket
    /// What carries the bytes over it: TLS, or nil on a plain transport. Stored as it is, so that asking costs a plain transport a
    /// comparison.
    public internal(set) var engine: TLSEngine?
    /// One stream of a multiplexed connection, in place of a descriptor; nil for a transport that has one.
    public let stream: StreamCarrier?
    /// Readiness is reported once, when it begins; it is remembered here until the system says "would block".
    @usableFromInline internal var canRead = false
    @usableFromInline internal var canWrite = false
    /// The peer has sent urgent data: a short read does not mean that the system's buffer is empty.
    private(set) var readsMayStopShort = false
    /// An encrypted connection can only write when more has come, or read when more can be sent: its handshake is not over.
    var writeAwaitsInput = false
    var readAwaitsRoom = false
    /// The peer has said that it sends no more. What it sent before may still be unread.
    public private(set) var peerFinished = false
    /// The end of the peer's stream has been read.
    public private(set) var hasEnded = false
    /// This side has said that it sends no more.
    public private(set) var isFinishedSending = false
    /// An encrypted peer has not been told so yet, since its side takes nothing now.
    public private(set) var awaitsGoodbye = false
    private var isClosed = false
    /// The system may keep the end of what was written, because more was announced.
    @usableFromInline internal var announcedMore = false
    /// Why nothing more can be read, or written. A peer that stopped reading may still have sent something to be read.
    public private(set) var readFailure: Errno?
    public private(set) var writeFailure: Errno?

    /// - Parameter socket: connected, connecting or just accepted; the transport closes it, once.
    public init(_ socket: Socket) { self.init(socket, nil) }

    init(_ socket: Socket, _ stream: StreamCarrier?) {
        self.socket = socket
        self.stream = stream
    }

    // MARK: Readiness

    /// Remembers what an event said.
    public mutating func note(_ readiness: Readiness) {
        if readiness.contains(.readable) {
            canRead = true
            if writeAwaitsInput { canWrite = true }
        }
        if readiness.contains(.writable) {
            canWrite = true
            if readAwaitsRoom { canRead = true }
        }
        if readiness.contains(.urgent) {
            readsMayStopShort = true
            canRead = true
        }
        if readiness.contains(.peerFinished) {
            peerFinished = true
            canRead = true
        }
        if readiness.contains(.broken) {
            // The next read or write says what is broken.
            canRead = true
            canWrite = true
        }
    }

    /// Whether a read may find bytes or the end, as far as is known without a system call.
    @inlinable public var mayHaveInput: Bool { canRead }

    /// The next read asks the system, although no event has announced anything.
    public mutating func expectInput() { canRead = true }

    /// Whether connecting has ended: nil while it has not, else the reason of its failure, which is nil if the connection stands.
    public mutating func connectOutcome(_ kernel: any Kernel) -> Errno?? {
        guard canWrite else { return nil }
        return .some(kernel.connectError(socket))
    }

    // MARK: Bytes

    /// Reads once, as much as `input` has room for; `input` holds a block of `pool` afterwards only if it holds bytes.
    public mutating func read(into input: inout ByteBuffer, _ pool: BufferPool, _ kernel: any Kernel) -> ReadResult {
        if awaitsGoodbye { goOnFinishing(kernel) }
        if hasEnded { return .ended }
        if readFailure != nil { return .failed }
        guard canRead else {
            input.park(in: pool)
            return .blocked
        }
        input.acquire(from: pool)
        if input.room == 0 { input.compact() }
        let room = input.room
        guard room > 0 else { return .full }
        var received = receive(into: &input, kernel)
        if case .failed(let reason) = received, reason.isShortage { received = receive(into: &input, kernel) }
        let result = note(received)
        switch result {
        // Less than asked for: the system's buffer is empty, and the next byte will be an event.
        case .progressed:
            if case .bytes(let count) = received, isPlain, count < room && !peerFinished && !readsMayStopShort {
                canRead = false
            }
        case .blocked: input.park(in: pool)
        case .full, .ended, .failed: input.releaseIfEmpty(to: pool)
        }
        return result
    }

    /// Remembers what an attempt to read came to.
    @inline(__always)
    private mutating func note(_ received: Received) -> ReadResult {
        switch received {
        case .bytes: return .progressed
        case .wouldBlock:
            canRead = false
            return .blocked
        case .endOfStream:
            canRead = false
            hasEnded = true
            return .ended
        case .failed(let reason):
            readFailure = reason
            return .failed
        }
    }

    private var isPlain: Bool { engine == nil && stream == nil }

    @inline(__always)
    private mutating func receive(into input: inout ByteBuffer, _ kernel: any Kernel) -> Received {
        if let engine { return receive(from: engine, into: &input, kernel) }
        if let stream { return stream.read(into: &input) }
        return kernel.receive(socket, into: &input)
    }

    /// Writes what `output` holds, as far as the system takes it.
    /// - Parameters:
    ///   - more: whether more is about to follow, so that a last, short packet may wait for it. If then nothing follows at once,
    ///     call `push`.
    ///   - sent: grows by the bytes that were written.
    public mutating func write(
        _ output: inout ByteBuffer, more: Bool, sent: inout UInt64, _ pool: BufferPool, _ kernel: any Kernel
    ) -> WriteResult {
        var wasShort = false
        while !output.isEmpty {
            if writeFailure != nil { return .failed }
            guard canWrite else {
                output.park(in: pool)
                return .blocked
            }
            let count = note(send(output.readable, more: more, kernel), more: more, &wasShort)
            output.consume(count)
            sent &+= UInt64(count)
        }
        output.releaseIfEmpty(to: pool)
        if !more { push(kernel) }
        return .all
    }

    /// Remembers what an attempt to write came to, and returns the number of bytes written.
    /// - Parameter wasShort: the system was short of memory just now. It is asked once more at once, since no event tells when that is over.
    @inline(__always)
    private mutating func note(_ outcome: Sent, more: Bool, _ wasShort: inout Bool) -> Int {
        switch outcome {
        case .bytes(let count):
            announcedMore = more
            wasShort = false
            return count
        case .wouldBlock: canWrite = false
        case .failed(let reason) where reason.isShortage && !wasShort: wasShort = true
        case .failed(let reason): writeFailure = reason
        }
        return 0
    }

    /// Nothing follows for now: what was written leaves, although more was announced.
    @inlinable public mutating func push(_ kernel: any Kernel) { if announcedMore { pushNow(kernel) } }

    @usableFromInline internal mutating func pushNow(_ kernel: any Kernel) {
        announcedMore = false
        // A stream's frames leave at the end of the turn anyway.
        if stream == nil { kernel.push(socket) }
    }

    @inline(__always)
    private mutating func send(_ bytes: RawSpan, more: Bool, _ kernel: any Kernel) -> Sent {
        if let engine { return send(through: engine, bytes, more: more, kernel) }
        if let stream { return stream.write(bytes) }
        return kernel.send(socket, bytes, more: more)
    }

    // MARK: Inside the system

    /// Whether bytes can go from or to this descriptor without passing through the process.
    public var canSplice: Bool { isPlain }

    /// Reads at most `limit` bytes into `pipe`, which is empty.
    /// - Parameter received: grows by the bytes that were read.
    public mutating func read(
        into pipe: any Pipe, atMost limit: Int, received: inout Int, _ kernel: any Kernel
    ) -> ReadResult {
        if hasEnded { return .ended }
        if readFailure != nil { return .failed }
        guard canRead else { return .blocked }
        var outcome = kernel.receive(socket, into: pipe, atMost: limit)
        if case .failed(let reason) = outcome, reason.isShortage {
            outcome = kernel.receive(socket, into: pipe, atMost: limit)
        }
        // How many there are says nothing about what is left: a pipe is full by pieces, not by bytes.
        if case .bytes(let count) = outcome { received += count }
        return note(outcome)
    }

    /// Writes what `pipe` holds, as far as the system takes it. Parameters as of the other `write`.
    public mutating func write(
        from pipe: any Pipe, more: Bool, sent: inout UInt64, _ kernel: any Kernel
    ) -> WriteResult {
        var wasShort = false
        while pipe.count > 0 {
            if writeFailure != nil { return .failed }
            guard canWrite else { return .blocked }
            sent &+= UInt64(note(kernel.send(socket, from: pipe, more: more), more: more, &wasShort))
        }
        if !more { push(kernel) }
        return .all
    }

    /// Sends part of a file, once the output buffer is empty; on a plain transport straight from the system's cache.
    /// - Returns: `bytes(0)` if the file has ended before `offset`.
    public mutating func sendFile(
        _ file: Int32, offset: Int, count: Int, sent: inout UInt64, _ pool: BufferPool, _ kernel: any Kernel
    ) -> Sent {
        guard canWrite else { return .wouldBlock }
        var outcome = copyFile(file, offset, count, pool, kernel)
        if case .failed(let reason) = outcome, reason.isShortage {
            outcome = copyFile(file, offset, count, pool, kernel)
        }
        switch outcome {
        case .bytes(let count):
            sent &+= UInt64(count)
            announcedMore = false
        case .wouldBlock: canWrite = false
        case .failed(let reason): writeFailure = reason
        }
        return outcome
    }

    // MARK: Failures and ends

    @inlinable public var hasFailed: Bool { readFailure != nil || writeFailure != nil }

    /// This system was short of memory for a call; the peer has done nothing wrong.
    public var failedForShortage: Bool { readFailure?.isShortage == true || writeFailure?.isShortage == true }

    /// Writing failed because the peer reads no more; what it sent before can still be read. After any other failure nothing
    /// comes, and no event tells so.
    public var peerStoppedReading: Bool { writeFailure == .brokenPipe || writeFailure == .connectionReset }

    /// Says that nothing more will be written. Once; later calls do nothing.
    /// - Parameter saysGoodbye: whether an encrypted peer is told so by TLS too, as it has to be where what it got is whole.
    public mutating func finishSending(_ kernel: any Kernel, saysGoodbye: Bool = true) {
        guard !isFinishedSending else { return }
        isFinishedSending = true
        if let stream { return saysGoodbye ? stream.finishSending() : () }
        guard saysGoodbye else { return shut(kernel) }
        awaitsGoodbye = true
        goOnFinishing(kernel)
    }

    /// Tells an encrypted peer that nothing more follows, where it has not been told, and then the system.
    private mutating func goOnFinishing(_ kernel: any Kernel) {
        guard sayGoodbye(kernel) else { return }
        awaitsGoodbye = false
        shut(kernel)
    }

    private func shut(_ kernel: any Kernel) {
        engine?.shut()
        kernel.finishSending(socket)
    }

    /// Closes the descriptor. Once only; the transport is not used afterwards.
    public mutating func close(_ mode: CloseMode, _ kernel: any Kernel) {
        precondition(!isClosed, "socket \(socket.number) is closed twice")
        isClosed = true
        defer { engine = nil }
        if let stream { return stream.close(mode) }
        switch mode {
        case .close, .linger:
            if !isFinishedSending || awaitsGoodbye { _ = sayGoodbye(kernel) }
            kernel.close(socket, reset: false)
        case .reset: kernel.close(socket, reset: true)
        case .silent: kernel.forget(socket)
        }
    }
}

extension Errno {
    /// The system has no memory for a call just now (ENOBUFS, ENOMEM).
    fileprivate var isShortage: Bool { self == .noBufferSpace || self == .noMemory }
}
