// Content before the end of the handshake (RFC 8446 section 2.3), of either side: what a client sends with its first message, and what
// Portico sends so to a server. Such content may be a copy that an attacker sends (RFC 8470); what is done about that is the
// business of its reader.

internal import Basics
internal import COpenSSL
internal import Reactor
internal import SystemPackage

/// What an engine knows of early data.
struct EarlyData {
    /// What the client sends before its handshake is complete is taken (`allow-0rtt`), and is not over yet.
    var isReading = false
    /// What has come and was not read.
    var received: [UInt8] = []
    /// The client has sent some.
    var hasCome = false
    /// What is written goes with the first message to the server, as far as the server's session allows.
    var isSending = false
    /// Bytes that the server still takes so.
    var bytesLeft = 0
}

extension TLSEngine {
    /// Whether the client has sent early data, which may be a replay (RFC 8470).
    public var hadEarlyData: Bool { early.hasCome }

    /// Whether content may be written to the server although the handshake is not complete.
    public var sendsEarlyData: Bool { early.isSending }

    /// Takes what the client sends before its handshake is complete. Before the first call of `handshake`.
    func allowEarlyData() { early.isReading = true }

    /// Sends what is written with the first message to the server, if the session that the connection goes on with allows it. Before
    /// the first call of `handshake`; who writes nothing begins no handshake.
    func allowSendingEarly() {
        guard let session = unsafe SSL_get_session(ssl) else { return }
        early.bytesLeft = unsafe Int(SSL_SESSION_get_max_early_data(session))
        early.isSending = early.bytesLeft > 0
    }

    /// The handshake is complete, and the server has dropped what came before its end.
    var wasEarlyDataRejected: Bool {
        unsafe early.isSending && SSL_get_early_data_status(ssl) == SSL_EARLY_DATA_REJECTED
    }

    // MARK: Reading

    /// Of early data that is read without a reader's room for it.
    private static let earlyPieceBytes = 1_024

    /// Reads a piece of a client's early data into its store; `endOfStream` when there is no more of it.
    func readEarlyData() -> Received {
        // On the stack.
        unsafe withUnsafeTemporaryAllocation(byteCount: Self.earlyPieceBytes, alignment: 1) { piece in
            let received = unsafe readEarlyData(into: piece)
            if case .bytes(let count) = received { unsafe early.received.append(contentsOf: piece.prefix(count)) }
            return received
        }
    }

    private func readEarlyData(into room: UnsafeMutableRawBufferPointer) -> Received {
        while true {
            var count = 0
            switch unsafe SSL_read_early_data(ssl, room.baseAddress, room.count, &count) {
            case SSL_READ_EARLY_DATA_SUCCESS:
                guard count > 0 else { continue }
                early.hasCome = true
                return .bytes(count)
            case SSL_READ_EARLY_DATA_FINISH:
                early.isReading = false
                return .endOfStream
            default:
                switch unsafe SSL_get_error(ssl, 0) {
                case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE, SSL_ERROR_WANT_CLIENT_HELLO_CB: return .wouldBlock
                default:
                    noteFault(duringHandshake: true)
                    return .failed(.protocolError)
                }
            }
        }
    }

    /// Reads before the handshake is complete, first what is stored; nil when content comes in the usual way.
    func readBeforeEnd(into input: inout ByteBuffer) -> Received? {
        guard early.received.isEmpty else {
            let count = min(early.received.count, input.room)
            let fits = unsafe input.append(early.received.span.bytes.extracting(first: count))
            precondition(fits, "\(count) bytes do not fit into the room for them")
            early.received.removeFirst(count)
            return .bytes(count)
        }
        if early.isReading {
            let received = unsafe input.fill { room in
                let received = unsafe readEarlyData(into: room)
                guard case .bytes(let count) = received else { return (0, received) }
                return (count, received)
            }
            if received != .endOfStream { return received }
        }
        // All else comes behind the handshake, and that may be complete without content to follow.
        return switch handshake() {
        case .complete: nil
        case .pending: .wouldBlock
        case .failed: .failed(.protocolError)
        }
    }

    // MARK: Writing

    /// Writes before the handshake is complete; nil when it is by now, and nothing is written yet.
    func writeBeforeEnd(_ bytes: RawSpan) -> Sent? {
        if early.isSending, early.bytesLeft > 0 { return writeEarlyData(bytes) }
        return finishHandshake()
    }

    private func writeEarlyData(_ bytes: RawSpan) -> Sent {
        let length = bytesPending > 0 ? bytesPending : min(bytes.byteCount, early.bytesLeft, nextRecordBytes)
        var count = 0
        let result = unsafe bytes.withUnsafeBytes {
            unsafe SSL_write_early_data(ssl, $0.baseAddress, length, &count)
        }
        if result == 1 {
            bytesPending = 0
            early.bytesLeft -= count
            return .bytes(count)
        }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            bytesPending = length
            return .wouldBlock
        default:
            noteFault(duringHandshake: true)
            return .failed(.protocolError)
        }
    }

    /// An answer may be sent when the handshake is complete: what is left of the early data goes into its store before.
    private func finishHandshake() -> Sent? {
        while early.isReading {
            switch readEarlyData() {
            case .bytes, .endOfStream: continue
            case .wouldBlock: return .wouldBlock
            case .failed(let reason): return .failed(reason)
            }
        }
        switch handshake() {
        case .complete: return nil
        case .pending: return .wouldBlock
        case .failed: return .failed(.protocolError)
        }
    }
}
