// What a transport does where TLS carries its bytes: the handshake, and the calls that pass through the engine. The engine is lent the
// kernel and the memory of readiness for each call, and gives back what it has learned.

internal import Basics
public import Reactor
internal import SystemPackage
public import TLS

extension Transport {
    // MARK: TLS

    /// What follows is encrypted by `engine`. Before the first byte is read behind what is not to be encrypted.
    public mutating func secure(with engine: TLSEngine) { self.engine = engine }

    /// The handshake has failed: what the peer still sends is read as it comes, to be dropped.
    public mutating func dropEngine() {
        engine = nil
        canRead = true
    }

    /// Goes on with what has to be exchanged before content may flow. After `failed`, `engine` has the reason.
    public mutating func handshake(_ kernel: any Kernel) -> HandshakeProgress {
        guard let engine else { return .complete }
        engine.lend(kernel, canReceive: canRead, canSend: canWrite)
        engine.readsMayStopShort = readsMayStopShort || peerFinished
        let progress = engine.handshake()
        takeBack(from: engine)
        return progress
    }

    /// Whether the peer's stream ended without its word that nothing more follows: what it sent may not be all. Never on a plain
    /// transport, which cannot tell.
    public var isTruncated: Bool { engine?.isTruncated == true }

    private mutating func takeBack(from engine: TLSEngine) {
        canRead = engine.mayHaveInput
        canWrite = engine.mayStillSend
    }

    mutating func receive(
        from engine: TLSEngine, into input: inout ByteBuffer, _ kernel: any Kernel
    ) -> Received {
        engine.lend(kernel, canReceive: canRead, canSend: canWrite)
        engine.readsMayStopShort = readsMayStopShort || peerFinished
        let received = engine.read(into: &input)
        takeBack(from: engine)
        readAwaitsRoom = received == .wouldBlock && !canWrite
        return received
    }

    mutating func send(
        through engine: TLSEngine, _ bytes: RawSpan, more: Bool, _ kernel: any Kernel
    ) -> Sent {
        engine.lend(kernel, canReceive: canRead, canSend: canWrite)
        let sent = engine.write(bytes, more: more)
        takeBack(from: engine)
        writeAwaitsInput = sent == .wouldBlock && canWrite
        return sent
    }

    mutating func copyFile(
        _ file: Int32, _ offset: Int, _ count: Int, _ pool: BufferPool, _ kernel: any Kernel
    ) -> Sent {
        if stream == nil, engine?.isEncryptedBySystem ?? true {
            return kernel.sendFile(socket, file: file, offset: UInt64(offset), count: count)
        }
        // A record that the system has not taken is repeated from the same place of the file: OpenSSL has it already, and only
        // looks at the length.
        var block = ByteBuffer()
        block.acquire(from: pool)
        defer { block.release(to: pool) }
        switch kernel.readFile(file, offset: UInt64(offset), count: count, into: &block) {
        case .bytes(let found):
            // The file has become shorter than what was promised and begun.
            guard let engine else { return stream?.write(block.readable) ?? .wouldBlock }
            guard found >= engine.bytesPending else { return .failed(.ioError) }
            return send(through: engine, block.readable, more: false, kernel)
        case .endOfStream: return .bytes(0)
        case .wouldBlock: return .wouldBlock
        case .failed(let reason): return .failed(reason)
        }
    }

    /// Tells an encrypted peer that nothing more follows (close_notify); true at once on a plain transport.
    /// - Returns: false while the peer's side takes nothing: then it is to be called again.
    public mutating func sayGoodbye(_ kernel: any Kernel) -> Bool {
        guard let engine, !hasFailed else { return true }
        engine.lend(kernel, canReceive: canRead, canSend: canWrite)
        let isSaid = engine.finishSending()
        canWrite = engine.mayStillSend
        return isSaid
    }
}
