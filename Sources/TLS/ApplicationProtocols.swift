// The protocols above TLS that a listener offers (ALPN, RFC 7301), and the choice among those that a client names.

internal import COpenSSL

/// What Portico speaks above TLS in one place, by the names of ALPN. Where there is none (nil), it passes on whatever it is.
public struct SpokenProtocols: Sendable, Equatable {
    /// Those that are offered where a line does not say, best first.
    public let standard: [[UInt8]]
    /// Those that are spoken as well, where a line says so.
    private let others: [[UInt8]]

    public init(standard: [[UInt8]], others: [[UInt8]] = []) {
        self.standard = standard
        self.others = others
    }

    public func contains(_ name: [UInt8]) -> Bool { standard.contains(name) || others.contains(name) }

    public static let http2 = Array("h2".utf8)
    public static let http11 = Array("http/1.1".utf8)
    public static let http10 = Array("http/1.0".utf8)
}

/// A list of protocols in the form in which it is sent.
@safe
final class ApplicationProtocols: Sendable {
    /// Each name with its length before it. OpenSSL keeps pointers into it.
    // Safe: not changed after it was made.
    nonisolated(unsafe) private let bytes: UnsafeMutableBufferPointer<UInt8>
    /// The file names the protocols itself: a client that speaks none of them is refused (RFC 7301 section 3.2). With the default,
    /// its protocol is not negotiated.
    private let isExplicit: Bool

    init(_ names: [[UInt8]], isExplicit: Bool) {
        let list = names.flatMap { [UInt8(truncatingIfNeeded: $0.count)] + $0 }
        unsafe bytes = .allocate(capacity: list.count)
        _ = unsafe bytes.initialize(from: list)
        self.isExplicit = isExplicit
    }

    deinit { unsafe bytes.deallocate() }

    /// Makes a context choose among these protocols. The context must not outlive this object.
    func use(in context: TLSContext) {
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe SSL_CTX_set_alpn_select_cb(
            context.pointer,
            { _, out, length, offered, offeredLength, data in
                guard let data = unsafe data else { return SSL_TLSEXT_ERR_NOACK }
                let protocols = unsafe Unmanaged<ApplicationProtocols>.fromOpaque(data).takeUnretainedValue()
                return unsafe protocols.choose(out, length, offered, offeredLength)
            }, this)
    }

    /// Chooses the first of ours that the client offers.
    private func choose(
        _ out: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, _ length: UnsafeMutablePointer<UInt8>?,
        _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32
    ) -> Int32 {
        var chosen: UnsafeMutablePointer<UInt8>?
        let result = unsafe SSL_select_next_proto(
            &chosen, length, bytes.baseAddress, UInt32(bytes.count), offered, offeredLength)
        guard result == OPENSSL_NPN_NEGOTIATED else {
            return isExplicit ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK
        }
        unsafe out?.pointee = unsafe UnsafePointer(chosen)
        return SSL_TLSEXT_ERR_OK
    }
}
