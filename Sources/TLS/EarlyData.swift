// What a client sends with its first message of TLS 1.3, before its handshake is complete (RFC 8446 section 2.3). It is kept
// here until it is read: OpenSSL hands it out by calls of its own, and only as long as the handshake stands where it does.

internal import Basics
internal import COpenSSL
internal import Reactor
internal import SystemPackage

extension TLSEngine {
    /// Takes what the client sends before its handshake is complete. Before the first call of `handshake`.
    func allowEarlyData() { readsEarlyData = true }

    /// Of early data that is read without a reader's room for it.
    private static let earlyPieceBytes = 1_024

    /// Reads a piece of early data into its store; `endOfStream` when there is no more of it.
    func readEarlyData() -> Received {
        // On the stack.
        unsafe withUnsafeTemporaryAllocation(byteCount: Self.earlyPieceBytes, alignment: 1) { piece in
            let received = unsafe readEarlyData(into: piece)
            if case .bytes(let count) = received { unsafe earlyData.append(contentsOf: piece.prefix(count)) }
            return received
        }
    }

    private func readEarlyData(into room: UnsafeMutableRawBufferPointer) -> Received {
        while true {
            var count = 0
            switch unsafe SSL_read_early_data(ssl, room.baseAddress, room.count, &count) {
            case SSL_READ_EARLY_DATA_SUCCESS:
                guard count > 0 else { continue }
                hadEarlyData = true
                return .bytes(count)
            case SSL_READ_EARLY_DATA_FINISH:
                readsEarlyData = false
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

    /// Hands early data out, first what is stored; nil when all of it was.
    func takeEarlyData(into input: inout ByteBuffer) -> Received? {
        guard earlyData.isEmpty else {
            let count = min(earlyData.count, input.room)
            let fits = unsafe input.append(earlyData.span.bytes.extracting(first: count))
            precondition(fits, "\(count) bytes do not fit into the room for them")
            earlyData.removeFirst(count)
            return .bytes(count)
        }
        guard readsEarlyData else { return nil }
        let received = unsafe input.fill { room in
            let received = unsafe readEarlyData(into: room)
            guard case .bytes(let count) = received else { return (0, received) }
            return (count, received)
        }
        return received == .endOfStream ? nil : received
    }

    /// An answer may be sent when the handshake is complete: what is left of the early data goes into its store before.
    func finishHandshake() -> Sent? {
        while readsEarlyData {
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
