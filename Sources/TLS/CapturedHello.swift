// What is kept of the hello of a client whose connection Portico decrypts: lists for the samples `ssl_fc_cipherlist_bin` and their
// like, of which JA3 is made, and JA4. OpenSSL shows the message as it came: its own list of extensions leaves out those that it
// does not know, and both fingerprints count them.

internal import Basics
internal import COpenSSL
internal import CXXHash

/// What of each client's hello is kept.
public struct HelloCapture: Equatable, Sendable {
    /// Bytes of all lists together (`tune.ssl.capture-buffer-size`); 0 keeps none.
    public var listBytesMax: Int
    /// Whether JA4 is computed.
    public var hasFingerprint: Bool

    public init(listBytesMax: Int = 0, hasFingerprint: Bool = false) {
        self.listBytesMax = listBytesMax
        self.hasFingerprint = hasFingerprint
    }

    var isNeeded: Bool { listBytesMax > 0 || hasFingerprint }
}

/// A list in a client's hello.
public enum HelloList: Sendable {
    case ciphers, extensions, groups, pointFormats, signatureAlgorithms, versions
}

/// One client's hello, as far as it is kept.
struct CapturedHello {
    /// The version that the hello states (legacy_version).
    private(set) var version = 0
    /// xxHash (64 bits) of the whole list of ciphers.
    private(set) var cipherHash: UInt64 = 0
    private(set) var areListsKept = false
    /// All lists, one behind the other, and where each is.
    private var bytes: [UInt8] = []
    private var places: [HelloList: Range<Int>] = [:]
    /// JA4; empty unless it is asked for.
    private(set) var fingerprint: [UInt8] = []

    /// Nil if the message's lengths do not fit together: the handshake will fail too.
    init?(_ message: RawSpan, _ what: HelloCapture) {
        guard message.byteCount >= Self.headerBytes,
            let hello = ClientHello(message, Self.headerBytes..<message.byteCount)
        else { return nil }
        if what.hasFingerprint { fingerprint = Fingerprint.ja4(hello, message) }
        guard what.listBytesMax > 0 else { return }
        areListsKept = true
        version = Int(hello.major) << 8 | Int(hello.minor)
        if let ciphers = hello.ciphers { cipherHash = Self.hash(message.extracting(ciphers)) }
        var extensions: [UInt8] = []
        hello.appendExtensionTypes(message, to: &extensions)
        // In the order in which they get room.
        keep(.ciphers, hello.ciphers, of: message, what)
        unsafe keep(.extensions, 0..<extensions.count, of: extensions.span.bytes, what)
        keep(.groups, hello.groups, of: message, what)
        keep(.pointFormats, hello.pointFormats, of: message, what)
        keep(.versions, hello.versions, of: message, what)
        keep(.signatureAlgorithms, hello.signatureAlgorithms, of: message, what)
    }

    /// A handshake message begins with its type and its length (RFC 8446 section 4).
    private static let headerBytes = 4

    private mutating func keep(_ list: HelloList, _ range: Range<Int>?, of source: RawSpan, _ what: HelloCapture) {
        guard let range else { return }
        let start = bytes.count
        let elementBytes = list == .pointFormats ? 1 : 2
        let count = min(range.count, what.listBytesMax - start)
        bytes.append(source.extracting(range.lowerBound..<range.lowerBound + count - count % elementBytes))
        places[list] = start..<bytes.count
    }

    private static func hash(_ bytes: RawSpan) -> UInt64 {
        // Safe: the library reads as many bytes as it is told.
        unsafe bytes.withUnsafeBytes { unsafe XXH64($0.baseAddress, $0.count, 0) }
    }

    /// Appends a list. False if it is not kept, or is empty.
    /// - Parameter hasNoise: whether values are among it that stand for nothing (GREASE, RFC 8701).
    func append(_ list: HelloList, withNoise hasNoise: Bool, to out: inout [UInt8]) -> Bool {
        guard let place = places[list], !place.isEmpty else { return false }
        guard !hasNoise, list != .pointFormats else {
            out += bytes[place]
            return true
        }
        let start = out.count
        for i in stride(from: place.lowerBound, to: place.upperBound, by: 2)
        where !Fingerprint.isNoise(Int(bytes[i]) << 8 | Int(bytes[i + 1])) {
            out += bytes[i...i + 1]
        }
        return out.count > start
    }
}

extension TLSContext {
    /// Keeps of the hellos of its connections what `capture` names. Call before the first connection.
    func captureHellos(_ capture: HelloCapture) {
        helloCapture = capture
        guard capture.isNeeded else { return }
        unsafe SSL_CTX_set_msg_callback(pointer) { isSent, _, type, message, length, ssl, _ in
            // Safe: OpenSSL shows a message of so many bytes.
            guard isSent == 0, type == SSL3_RT_HANDSHAKE, let message = unsafe message, length > 0,
                unsafe message.load(as: UInt8.self) == SSL3_MT_CLIENT_HELLO,
                let engine = unsafe TLSEngine.of(ssl), engine.notes.hello == nil
            else { return }
            let span = unsafe RawSpan(_unsafeStart: message, byteCount: length)
            engine.notes.hello = CapturedHello(span, engine.context.helloCapture)
        }
    }
}

extension TLSEngine {
    /// Appends a list of the client's hello. False if it is not kept, or is empty.
    public func append(_ list: HelloList, withNoise hasNoise: Bool, to out: inout [UInt8]) -> Bool {
        notes.hello?.append(list, withNoise: hasNoise, to: &out) ?? false
    }

    /// Appends the client's ciphers in hexadecimal digits.
    public func appendCipherDigits(withNoise hasNoise: Bool, to out: inout [UInt8]) -> Bool {
        var list: [UInt8] = []
        guard append(.ciphers, withNoise: hasNoise, to: &list) else { return false }
        for i in stride(from: 0, to: list.count, by: 2) {
            out.append(hexadecimal: Int(list[i]) << 8 | Int(list[i + 1]), isUpperCase: true)
        }
        return true
    }

    /// Appends the names of the client's ciphers, with commas between them.
    public func appendCipherNames(withNoise hasNoise: Bool, to out: inout [UInt8]) -> Bool {
        var list: [UInt8] = []
        guard append(.ciphers, withNoise: hasNoise, to: &list) else { return false }
        let start = out.count
        for i in stride(from: 0, to: list.count, by: 2) {
            if out.count > start { out.append(UInt8(ascii: ",")) }
            if let cipher = unsafe SSL_CIPHER_find(ssl, [list[i], list[i + 1]]) {
                _ = unsafe out.append(text: SSL_CIPHER_get_name(cipher))
            } else {
                out += "UNKNOWN(".utf8
                out.append(hexadecimal: Int(list[i]) << 8 | Int(list[i + 1]))
                out.append(UInt8(ascii: ")"))
            }
        }
        return true
    }

    /// The version that the client's hello states; nil if it is not kept.
    public var helloVersion: Int? { notes.hello.flatMap { $0.areListsKept ? $0.version : nil } }

    /// A hash of the ciphers in the client's hello; nil if it is not kept.
    public var helloCipherHash: Int? {
        notes.hello.flatMap { $0.areListsKept ? Int(truncatingIfNeeded: $0.cipherHash) : nil }
    }

    /// Appends the client's fingerprint. False if none is computed.
    public func appendFingerprint(to out: inout [UInt8]) -> Bool {
        guard let fingerprint = notes.hello?.fingerprint, !fingerprint.isEmpty else { return false }
        out += fingerprint
        return true
    }
}
