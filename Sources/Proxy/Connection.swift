// A stream of bytes each way: a descriptor, two buffers that exist only while bytes are in them, and what
// is known of the descriptor's readiness. It knows bytes, not HTTP.

internal import Basics
internal import Reactor
internal import SystemPackage

class Connection: Watched {
    /// Read and not yet understood.
    final var input = ByteBuffer()
    /// To be sent.
    final var output = ByteBuffer()
    /// Readiness is reported once, when it begins; it is remembered here until the system says "would block".
    final var canRead = false
    final var canWrite = false
    /// The peer says that it sends no more. What it sent before may still be unread.
    final var peerFinished = false
    /// The peer has sent urgent data: a short read does not mean that there is nothing more.
    final private var readsMayStopShort = false
    /// The end of the peer's stream has been read.
    final private(set) var hasEnded = false
    /// Why nothing more can be read, or sent. A peer that stopped reading may still have said something to be read.
    final private(set) var readFailure: Errno?
    final private(set) var writeFailure: Errno?
    /// We have said that we send no more.
    final var isFinishedSending = false
    final private(set) var isClosed = false

    enum Filled {
        case progressed
        /// Nothing there yet; an event will tell.
        case blocked
        /// The buffer has no room.
        case full
        case ended
        case failed
    }

    final func note(_ readiness: Readiness) {
        if readiness.contains(.readable) { canRead = true }
        if readiness.contains(.writable) { canWrite = true }
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

    /// Reads once, as much as the buffer has room for.
    final func fill(_ worker: Worker) -> Filled {
        if hasEnded { return .ended }
        if readFailure != nil { return .failed }
        guard canRead else { return .blocked }
        input.acquire(from: worker.buffers)
        if input.room == 0 { input.compact() }
        let room = input.room
        guard room > 0 else { return .full }
        var received = worker.kernel.receive(socket, into: &input)
        if case .failed(let reason) = received, reason.isShortage {
            received = worker.kernel.receive(socket, into: &input)
        }
        switch received {
        case .bytes(let n):
            // Less than asked for: the system's buffer is empty, and the next byte will be an event.
            if n < room && !peerFinished && !readsMayStopShort { canRead = false }
            return .progressed
        case .wouldBlock:
            canRead = false
            input.releaseIfEmpty(to: worker.buffers)
            return .blocked
        case .endOfStream:
            canRead = false
            hasEnded = true
            input.releaseIfEmpty(to: worker.buffers)
            return .ended
        case .failed(let reason):
            readFailure = reason
            input.releaseIfEmpty(to: worker.buffers)
            return .failed
        }
    }

    enum Flushed { case all, blocked, failed }

    /// Sends what `output` holds, as far as the system takes it.
    final func flush(_ worker: Worker, more: Bool = false) -> Flushed {
        // The system was short of memory just now. It is asked once more at once, since no event tells when that is over.
        var wasShort = false
        while !output.isEmpty {
            if writeFailure != nil { return .failed }
            guard canWrite else { return .blocked }
            switch Self.send(output, on: socket, worker.kernel, more: more) {
            case .bytes(let n):
                output.consume(n)
                worker.bytesSent &+= UInt64(n)
                wasShort = false
            case .wouldBlock: canWrite = false
            case .failed(let reason) where reason.isShortage && !wasShort: wasShort = true
            case .failed(let reason): writeFailure = reason
            }
        }
        output.releaseIfEmpty(to: worker.buffers)
        return .all
    }

    // A span of a property of a class does not outlive the expression it stands in; one of a parameter does.
    private static func send(
        _ bytes: borrowing ByteBuffer, on socket: Socket, _ kernel: any Kernel, more: Bool
    ) -> Sent {
        kernel.send(socket, bytes.readable, more: more)
    }

    /// Sends a stretch of a file straight from the system's cache, once `output` is empty.
    final func sendFile(_ file: Int32, offset: Int, count: Int, _ worker: Worker) -> Sent {
        guard canWrite else { return .wouldBlock }
        var sent = worker.kernel.sendFile(socket, file: file, offset: UInt64(offset), count: count)
        if case .failed(let reason) = sent, reason.isShortage {
            sent = worker.kernel.sendFile(socket, file: file, offset: UInt64(offset), count: count)
        }
        switch sent {
        case .bytes(let n): worker.bytesSent &+= UInt64(n)
        case .wouldBlock: canWrite = false
        case .failed(let reason): writeFailure = reason
        }
        return sent
    }

    final var hasFailed: Bool { readFailure != nil || writeFailure != nil }

    /// Our own system was short of something, and the peer has done nothing wrong.
    final var failedForWant: Bool { readFailure?.isShortage == true || writeFailure?.isShortage == true }

    /// Sending failed because the peer reads no more; what it said before can still be read. After any other failure nothing
    /// comes, and no event tells so.
    final var peerStoppedReading: Bool { writeFailure == .brokenPipe || writeFailure == .connectionReset }

    /// How a connection is left.
    enum Parting { case close, reset, silence }

    /// Closes and leaves the worker's table; the object is of no more use. Once only.
    final func close(_ worker: Worker, _ parting: Parting = .close) {
        precondition(!isClosed, "connection \(socket.number) is closed twice")
        isClosed = true
        input.release(to: worker.buffers)
        output.release(to: worker.buffers)
        worker.leave(self)
        switch parting {
        case .close: worker.kernel.close(socket, reset: false)
        case .reset: worker.kernel.close(socket, reset: true)
        case .silence: worker.kernel.forget(socket)
        }
    }
}

extension Errno {
    /// The system has no memory for a call just now (ENOBUFS, ENOMEM).
    fileprivate var isShortage: Bool { self == .noBufferSpace || self == .noMemory }
}
