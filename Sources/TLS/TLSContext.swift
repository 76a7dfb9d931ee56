// What connections of one kind have in common: OpenSSL's SSL_CTX, with the settings that all of Portico's have. Options of the
// configuration are put on it by what makes it (`TLSListener`, `TLSUpstream`).

internal import COpenSSL

/// Which end of a connection an engine is.
public enum TLSSide: Sendable {
    case server
    case client
}

/// An SSL_CTX. It is set up by one thread and only read afterwards, as OpenSSL asks.
@safe
public final class TLSContext: Sendable {
    // Safe: OpenSSL locks what it changes of a context that is in use.
    nonisolated(unsafe) let pointer: OpaquePointer
    public let side: TLSSide
    // Safe: set before the first connection.
    /// What is kept of clients' hellos.
    @safe nonisolated(unsafe) var helloCapture = HelloCapture()

    public init(_ side: TLSSide) {
        guard let pointer = unsafe SSL_CTX_new(side == .server ? TLS_server_method() : TLS_client_method()) else {
            preconditionFailure("OpenSSL has no memory for a context")
        }
        unsafe self.pointer = pointer
        self.side = side
        // Idle connections hold no record buffers; a write may end after any record, and may be repeated from another address.
        let modes =
            SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        _ = unsafe copenssl_set_mode(pointer, Int(modes))
        // One system call for as much as has come, instead of two a record.
        unsafe copenssl_set_read_ahead(pointer, 1)
        _ = unsafe SSL_CTX_set_options(pointer, copenssl_no_compression | copenssl_no_renegotiation)
        _ = unsafe copenssl_set_versions(pointer, TLS1_2_VERSION, 0)
    }

    deinit { unsafe SSL_CTX_free(pointer) }
}

extension TLSContext {
    /// Calls `SSL_CTX_ctrl` with a number.
    @discardableResult
    func control(_ command: Int32, _ number: Int = 0) -> Int {
        unsafe SSL_CTX_ctrl(pointer, command, number, nil)
    }

    /// Calls `SSL_CTX_ctrl` with a text that OpenSSL only reads. Returns whether it took it.
    func control(_ command: Int32, _ text: String) -> Bool {
        unsafe text.withCString {
            unsafe SSL_CTX_ctrl(pointer, command, 0, UnsafeMutableRawPointer(mutating: $0)) == 1
        }
    }

    /// Allows these versions only. OpenSSL takes bounds, and options for the holes between them.
    func allow(_ versions: TLSVersions) {
        let allowed = versions.allowed
        guard let least = allowed.first, let most = allowed.last else { return }
        _ = unsafe copenssl_set_versions(pointer, Int32(least.rawValue), Int32(most.rawValue))
        for version in TLSVersion.allCases where version > least && version < most && !allowed.contains(version) {
            _ = unsafe SSL_CTX_set_options(pointer, version.optionAgainst)
        }
    }
}

extension TLSVersion {
    /// The option of OpenSSL that switches the version off. Its macros for these are expressions that Swift does not import.
    fileprivate var optionAgainst: UInt64 {
        switch self {
        case .ssl3: 1 << 25
        case .tls10: 1 << 26
        case .tls12: 1 << 27
        case .tls11: 1 << 28
        case .tls13: 1 << 29
        }
    }
}
