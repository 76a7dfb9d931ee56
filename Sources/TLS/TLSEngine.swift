// One connection's TLS, of either side: OpenSSL's state machine over the connection's descriptor. It knows records and
// handshakes; when to read and write is its transport's affair, which lends it the kernel and its memory of readiness for each call.
//
// An engine belongs to one thread at a time. An idle server connection takes its engine along to another worker.

public import Basics
internal import COpenSSL
public import Reactor
internal import SystemPackage

/// How far a connection is in what has to be exchanged before the first byte of content.
public enum HandshakeProgress: Equatable, Sendable {
    /// Content may flow. Always so on a plain transport.
    case complete
    case pending
    case failed
}

@safe
public final class TLSEngine: @unchecked Sendable {
    let ssl: OpaquePointer
    public let socket: Socket
    /// What accepted or opened the connection, for what is asked of both alike.
    public let context: TLSContext
    /// What OpenSSL's call-backs of this connection use without holding it: it lives as long as the engine.
    var keeper: TLSListener?
    /// Of the call under way.
    private var kernel: (any ByteCarrier)?
    /// Readiness of the descriptor, set before each call and read after it by the transport.
    @usableFromInline internal var canReceive = false
    @usableFromInline internal var canSend = false
    /// A short read does not mean that the system's buffer is empty.
    public var readsMayStopShort = false
    /// The system is told that more follows what is sent.
    private var announcesMore = false
    public private(set) var isHandshakeComplete = false
    /// The descriptor's stream has ended, with or without the peer's word that it is whole.
    private(set) var hasReceivedEnd = false
    /// The stream of bytes ended without the peer's close_notify: what came may not be all (RFC 8446 section 6.1).
    public private(set) var isTruncated = false
    private var hasSaidGoodbye = false
    /// Nothing more goes to the descriptor, an alert about what still comes neither.
    private var isShut = false
    private var receiveFailure: Errno?
    private var sendFailure: Errno?
    /// Why the handshake or the connection failed; nil while it has not.
    public private(set) var fault: TLSFault?
    /// OpenSSL has a record of so many bytes that the system has not taken: the next write repeats them.
    public internal(set) var bytesPending = 0
    /// The system makes records of what is sent (`ktls`): content goes to it in clear, straight from here.
    public private(set) var isEncryptedBySystem = false
    /// The type of the record that OpenSSL sends next where the system encrypts; nil for content.
    var nextRecordType: UInt8?
    /// What was read from the descriptor before the engine had it: the beginning of the peer's first records.
    private var head: [UInt8] = []
    private var records: RecordSizes
    /// Content before the end of the handshake, of either side.
    var early = EarlyData()
    /// What samples ask for and OpenSSL does not keep.
    var notes = HandshakeNotes()

    /// - Parameter socket: of the connection; it stays the transport's.
    public init(_ context: TLSContext, _ socket: Socket) {
        guard let ssl = unsafe SSL_new(context.pointer) else {
            preconditionFailure("OpenSSL has no memory for a connection")
        }
        unsafe self.ssl = ssl
        self.context = context
        records = RecordSizes(short: context.shortRecordBytes, long: context.longRecordBytes)
        self.socket = socket
        let bio = unsafe KernelBIO.make(for: self)
        unsafe SSL_set_bio(ssl, bio, bio)
        switch context.side {
        case .server: unsafe SSL_set_accept_state(ssl)
        case .client: unsafe SSL_set_connect_state(ssl)
        }
    }

    deinit {
        // Else OpenSSL would forget the session, which is good for another connection.
        if isHandshakeComplete, fault == nil {
            unsafe SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        }
        unsafe SSL_free(ssl)
    }

    /// The engine whose handshake calls back.
    static func of(_ ssl: OpaquePointer?) -> TLSEngine? {
        guard let ssl = unsafe ssl, let bio = unsafe SSL_get_rbio(ssl), let data = unsafe BIO_get_data(bio) else {
            return nil
        }
        // Safe: the engine owns `ssl`.
        return unsafe Unmanaged<TLSEngine>.fromOpaque(data).takeUnretainedValue()
    }

    /// Takes what was read from the descriptor already, behind a header in clear.
    public func take(_ bytes: RawSpan) {
        precondition(!isHandshakeComplete, "bytes from before the handshake come first")
        head.append(bytes)
    }

    // MARK: Lending

    /// Lends the kernel and the memory of readiness for the calls that follow.
    public func lend(_ kernel: any ByteCarrier, canReceive: Bool, canSend: Bool) {
        if self.kernel !== kernel { self.kernel = kernel }
        self.canReceive = canReceive
        self.canSend = canSend
    }

    /// Whether the descriptor takes bytes, as far as is known after a call.
    public var mayStillSend: Bool { canSend }
    /// Whether a read may find content without an event: bytes in the system, or here.
    public var mayHaveInput: Bool { canReceive || !head.isEmpty || !early.received.isEmpty || hasBufferedInput }
    /// Bytes were received that have not been read.
    private var hasBufferedInput: Bool { unsafe SSL_has_pending(ssl) != 0 && !awaitsMoreOfRecord }
    /// What is buffered is the beginning of a record whose rest has not come.
    private var awaitsMoreOfRecord = false

    // MARK: The handshake

    /// Goes on with the handshake, as far as the peer has answered. It is taken for complete when early data has come: content may
    /// flow, and the handshake goes on with it.
    public func handshake() -> HandshakeProgress {
        if isHandshakeComplete { return .complete }
        if fault != nil { return .failed }
        ERR_clear_error()
        if early.isReading {
            switch readEarlyData() {
            case .bytes: return .complete
            case .wouldBlock: return .pending
            case .failed: return .failed
            case .endOfStream: break
            }
        }
        let result = unsafe SSL_do_handshake(ssl)
        if result == 1 {
            guard !wasEarlyDataRejected else {
                fault = TLSFault(.earlyDataRejected)
                return .failed
            }
            isHandshakeComplete = true
            return .complete
        }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE, SSL_ERROR_WANT_CLIENT_HELLO_CB: return .pending
        default:
            noteFault(duringHandshake: true)
            return .failed
        }
    }

    /// Whether the handshake went on with an earlier session, without a new signature.
    public var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    // MARK: Failing

    func noteFault(duringHandshake: Bool) {
        guard fault == nil else { return }
        fault = TLSFault(
            of: self, duringHandshake: duringHandshake,
            systemFailure: hasReceivedEnd ? nil : receiveFailure ?? sendFailure,
            hasEnded: hasReceivedEnd)
    }

    // MARK: Content

    /// Reads once, at most a record, into the room that `input` has.
    public func read(into input: inout ByteBuffer) -> Received {
        ERR_clear_error()
        if !isHandshakeComplete, let early = readBeforeEnd(into: &input) { return early }
        var count = 0
        let result = unsafe input.fill { room in
            let result = unsafe SSL_read_ex(ssl, room.baseAddress, room.count, &count)
            return (result == 1 ? count : 0, result)
        }
        awaitsMoreOfRecord = false
        if result == 1 {
            isHandshakeComplete = true
            return .bytes(count)
        }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            awaitsMoreOfRecord = true
            return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .endOfStream
        default: break
        }
        // OpenSSL may have tried to say so to a peer that is gone: the end comes first.
        if hasReceivedEnd {
            isTruncated = true
            return .endOfStream
        }
        if let reason = receiveFailure ?? sendFailure { return .failed(reason) }
        noteFault(duringHandshake: !isHandshakeComplete)
        return .failed(.protocolError)
    }

    /// Writes at most a record.
    /// - Parameter more: whether more is about to follow.
    public func write(_ bytes: RawSpan, more: Bool) -> Sent {
        ERR_clear_error()
        if !isHandshakeComplete, let outcome = writeBeforeEnd(bytes) { return outcome }
        // OpenSSL, which would want the same bytes from the same place after a short write, has no part in it. That more follows is not
        // announced: the system would keep an unfinished record until it comes.
        if isEncryptedBySystem { return send(bytes) }
        let length: Int
        if bytesPending > 0 {
            length = bytesPending
            precondition(length <= bytes.byteCount, "\(bytes.byteCount) bytes repeat a write of \(length)")
        } else {
            length = min(bytes.byteCount, nextRecordBytes)
        }
        announcesMore = more || length < bytes.byteCount
        var count = 0
        let result = unsafe bytes.withUnsafeBytes { unsafe SSL_write_ex(ssl, $0.baseAddress, length, &count) }
        announcesMore = false
        if result == 1 {
            bytesPending = 0
            return .bytes(count)
        }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            bytesPending = length
            return .wouldBlock
        default: break
        }
        if let reason = sendFailure ?? receiveFailure { return .failed(reason) }
        noteFault(duringHandshake: !isHandshakeComplete)
        return .failed(.protocolError)
    }

    /// The length of the next record, at most.
    var nextRecordBytes: Int { records.next(now: kernel?.now ?? .never) }

    /// Tells the peer that nothing more follows (close_notify), if there is a connection to tell it on.
    /// - Returns: false while the descriptor does not take it: then it is to be called again.
    public func finishSending() -> Bool {
        guard !hasSaidGoodbye, isHandshakeComplete, fault == nil, sendFailure == nil, bytesPending == 0 else {
            return true
        }
        guard canSend else { return false }
        ERR_clear_error()
        let result = unsafe SSL_shutdown(ssl)
        if result < 0, unsafe SSL_get_error(ssl, result) == SSL_ERROR_WANT_WRITE { return false }
        hasSaidGoodbye = true
        return true
    }

    // MARK: What OpenSSL asks of the descriptor

    func receive(_ room: UnsafeMutableRawBufferPointer) -> Received {
        if !head.isEmpty { return unsafe receiveHead(room) }
        guard canReceive, let kernel else { return .wouldBlock }
        if hasReceivedEnd { return .endOfStream }
        let received = unsafe kernel.receive(socket, into: room)
        switch received {
        case .bytes(let count):
            // Less than asked for: the system's buffer is empty, and the next byte will be an event.
            if count < room.count && !readsMayStopShort { canReceive = false }
        case .wouldBlock: canReceive = false
        case .endOfStream:
            hasReceivedEnd = true
        case .failed(let reason): receiveFailure = reason
        }
        return received
    }

    private func receiveHead(_ room: UnsafeMutableRawBufferPointer) -> Received {
        let count = min(head.count, room.count)
        unsafe head.withUnsafeBytes { unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
        head.removeFirst(count)
        return .bytes(count)
    }

    /// The descriptor takes nothing more: what OpenSSL has to say about what still comes stays unsaid.
    public func shut() { isShut = true }

    func send(_ bytes: RawSpan) -> Sent {
        if isShut { return .failed(.brokenPipe) }
        guard canSend, let kernel else { return .wouldBlock }
        let sent =
            if let type = nextRecordType {
                kernel.sendRecord(socket, type: type, bytes)
            } else {
                kernel.send(socket, bytes, more: announcesMore)
            }
        switch sent {
        case .bytes: nextRecordType = nil
        case .wouldBlock: canSend = false
        case .failed(let reason): sendFailure = reason
        }
        return sent
    }

    /// OpenSSL has keys for what is sent from now on. False if the system cannot encrypt with them: OpenSSL goes on by itself.
    func encryptSent(with keys: UnsafeRawPointer) -> Bool {
        guard let kernel, unsafe kernel.encryptSent(socket, with: keys) else { return false }
        isEncryptedBySystem = true
        return true
    }
}
