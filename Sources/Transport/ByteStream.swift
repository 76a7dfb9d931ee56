// A connection that a task loop drives, from connecting or accepting to closing: a transport with both its buffers, and what
// is queued behind them. Health checks, runtime connections and the connections to log servers are this one type. What they say
// over it, and how long they wait, is theirs.

public import Basics
public import Reactor
public import SystemPackage
public import TLS

/// One connection outside the data path. Its owner passes it the readiness that the loop reports, and closes it once.
public struct ByteStream: ~Copyable {
    /// Why a stream could not begin. Its descriptor is closed then.
    public enum Refusal: Error, Equatable {
        /// Connecting failed at once.
        case unreachable(Errno)
        /// The system cannot watch one descriptor more.
        case unwatched(Errno)
    }

    /// How far connecting is.
    public enum ConnectProgress: Equatable {
        case pending
        case connected
        case failed(Errno)
    }

    private var transport: Transport
    private let pool: BufferPool
    private var input = ByteBuffer()
    private var output = ByteBuffer()
    /// What follows `output`, from `next` on.
    private var queued: [UInt8] = []
    private var next = 0
    /// Bytes that the system has taken so far.
    public private(set) var bytesSent: UInt64 = 0

    /// Begins to connect to `address`, from `source` if given; the loop reports readiness to the task behind `handle`.
    public init(
        connectingTo address: SocketAddress, from source: SocketAddress? = nil, options: OutgoingOptions? = nil,
        pool: BufferPool, as handle: SlotHandle, in loop: TaskLoop
    ) throws(Refusal) {
        switch loop.kernel.connect(to: address, from: source, marks: SocketMarks(), options: options) {
        case .failed(let reason): throw .unreachable(reason)
        case .started(let socket): try self.init(socket, pool: pool, as: handle, in: loop)
        }
    }

    /// Takes over a socket that is connected or connecting; the loop reports readiness to the task behind `handle`.
    public init(_ socket: Socket, pool: BufferPool, as handle: SlotHandle, in loop: TaskLoop) throws(Refusal) {
        if let reason = loop.watch(socket, for: .streaming, as: handle) {
            loop.kernel.close(socket, reset: true)
            throw .unwatched(reason)
        }
        transport = Transport(socket)
        self.pool = pool
    }

    public var socket: Socket { transport.socket }

    /// Why nothing more can be read or sent; nil while neither has failed.
    public var failure: Errno? { transport.readFailure ?? transport.writeFailure }

    /// Remembers what an event said.
    public mutating func note(_ readiness: Readiness) { transport.note(readiness) }

    /// How far connecting is, as far as events have told.
    public mutating func connectProgress(_ kernel: any Kernel) -> ConnectProgress {
        guard let outcome = transport.connectOutcome(kernel) else { return .pending }
        return outcome.map(ConnectProgress.failed) ?? .connected
    }

    /// What follows is encrypted by `engine`. Before the first byte is read.
    public mutating func secure(with engine: TLSEngine) { transport.secure(with: engine) }

    /// What encrypts it; nil if it is plain.
    public var engine: TLSEngine? { transport.engine }

    /// Goes on with the handshake of TLS. After `failed`, `engine` has the reason.
    public mutating func handshake(_ kernel: any Kernel) -> HandshakeProgress { transport.handshake(kernel) }

    // MARK: Reading

    /// Whether bytes have come that were not consumed.
    public var hasInput: Bool { !input.isEmpty }

    /// The next read asks the system, although no event has announced anything.
    public mutating func expectInput() { transport.expectInput() }

    /// Reads once. The buffer holds as many bytes as a block of the pool; with that many unconsumed the result is `full`.
    public mutating func read(_ kernel: any Kernel) -> ReadResult { transport.read(into: &input, pool, kernel) }

    /// Passes what has come to `body`, which sets how many bytes of it are consumed.
    /// - Parameter wipes: whether the consumed bytes, which may be a key, are overwritten.
    public mutating func consumeInput<R>(wiping wipes: Bool = false, _ body: (RawSpan, inout Int) -> R) -> R {
        var consumed = 0
        let result = body(input.readable, &consumed)
        if wipes { wipeInput(consumed) }
        input.consume(consumed)
        input.releaseIfEmpty(to: pool)
        return result
    }

    /// Passes the buffer of what has come to `body`, which takes out of it what it has understood.
    public mutating func takeInput<R>(_ body: (inout ByteBuffer) -> R) -> R {
        let result = body(&input)
        input.releaseIfEmpty(to: pool)
        return result
    }

    /// Overwrites what has come, at most its first `count` bytes.
    public mutating func wipeInput(_ count: Int = .max) {
        unsafe input.overwrite(from: 0) { bytes in
            for index in bytes.indices.prefix(count) { unsafe bytes[index] = 0 }
        }
    }

    /// Forgets what has come.
    public mutating func discardInput() { input.release(to: pool) }

    // MARK: Sending

    /// Whether there are bytes that the system has not taken yet.
    public var hasUnsent: Bool { !output.isEmpty || next < queued.count }

    /// Puts bytes behind those that wait to be sent.
    public mutating func queue(_ bytes: [UInt8]) {
        if next == queued.count {
            queued = bytes
            next = 0
        } else {
            queued.append(contentsOf: bytes)
        }
    }

    /// Passes the room behind what waits to be sent to `body`, which appends to it. Nothing may be queued.
    public mutating func append(_ body: (inout ByteBuffer) -> Void) {
        precondition(next == queued.count, "\(queued.count - next) queued bytes come first")
        output.acquire(from: pool)
        body(&output)
        output.releaseIfEmpty(to: pool)
    }

    /// Sends what waits, as far as the system takes it.
    public mutating func send(_ kernel: any Kernel) -> WriteResult {
        while hasUnsent {
            fillOutput()
            let result = transport.write(
                &output, more: next < queued.count, sent: &bytesSent, pool, kernel)
            if result != .all { return result }
        }
        queued = []
        next = 0
        return .all
    }

    private mutating func fillOutput() {
        guard next < queued.count else { return }
        output.acquire(from: pool)
        output.compact()
        let count = min(output.room, queued.count - next)
        guard count > 0 else { return }
        let bytes = queued
        let fits = unsafe output.append(bytes.span.bytes.extracting(next..<next + count))
        precondition(fits, "\(count) bytes do not fit where there was room for them")
        next += count
    }

    // MARK: The end

    /// Closes the descriptor and gives the buffers back. Once only.
    public mutating func close(_ mode: CloseMode, _ kernel: any Kernel) {
        releaseBuffers()
        transport.close(mode, kernel)
    }

    /// Gives the buffers back, for an owner that ends without a kernel to close the descriptor with.
    public mutating func releaseBuffers() {
        input.release(to: pool)
        output.release(to: pool)
    }
}
