// What connections of one kind have in common: OpenSSL's SSL_CTX, with the settings that all of Portico's have. Options of the
// configuration are put on it by what makes it (`TLSListener`, `TLSUpstream`).

internal import Basics
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
    /// Bytes in a record at most, before the flow is steady and from then on (`tune.ssl.maxrecord`, `tune.ssl.hard-maxrecord`).
    @safe nonisolated(unsafe) var shortRecordBytes = RecordSizes.short
    @safe nonisolated(unsafe) var longRecordBytes = RecordSizes.long

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

    /// Lets the system encrypt what is sent on connections whose keys it takes (`ktls`). OpenSSL 3.0 asks it for AES-GCM, and in TLS
    /// 1.2 for ChaCha20 too.
    func encryptBySystem() { _ = unsafe SSL_CTX_set_options(pointer, copenssl_system_encryption) }

    /// Bounds records as `global` says.
    func boundRecords(_ defaults: TLSDefaults) {
        shortRecordBytes = defaults.recordBytesMax ?? RecordSizes.short
        longRecordBytes = defaults.recordBytesLimit ?? RecordSizes.long
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

/// How long records are: short ones while a connection begins, or begins again after a pause, so that a peer can use the first packet
/// before the second has come; whole ones once the flow is steady.
struct RecordSizes {
    /// A record of this many bytes fits into one packet of an Ethernet, with what TLS and TCP add.
    static let short = 1_300
    static let long = 16_384
    /// As many short records as the system sends packets before the first is acknowledged (RFC 6928).
    private static let shortMost = 10
    private static let pause = TimeSpan.seconds(1)

    private var shortBytes: Int
    private var longBytes: Int
    private var shortLeft = Self.shortMost
    private var lastWrite = Instant(nanoseconds: 0)

    init(short: Int = Self.short, long: Int = Self.long) {
        shortBytes = min(short, long)
        longBytes = long
    }

    /// The length of the next record, at most.
    mutating func next(now: Instant) -> Int {
        if now.since(lastWrite) > Self.pause { shortLeft = Self.shortMost }
        lastWrite = now
        guard shortLeft > 0 else { return longBytes }
        shortLeft -= 1
        return shortBytes
    }
}
