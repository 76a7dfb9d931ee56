// Digests that an adversary cannot forge, through OpenSSL's libcrypto (manual, section 7.3.1).

internal import Basics
internal import COpenSSL
internal import Configuration
internal import Patterns

/// A digest's algorithm within a table, which keeps it alive.
@safe
struct DigestAlgorithm: @unchecked Sendable {
    fileprivate let method: OpaquePointer

    fileprivate init(method: OpaquePointer) { unsafe self.method = method }

    /// SHA-2 of 256, 384 or 512 bits, which the library always has.
    init(bits: Int) {
        switch bits {
        case 256: unsafe method = EVP_sha256()
        case 384: unsafe method = EVP_sha384()
        case 512: unsafe method = EVP_sha512()
        default: preconditionFailure("no SHA-2 of \(bits) bits")
        }
    }
}

/// Keeps one algorithm alive.
@safe
final class DigestAlgorithmOwner: @unchecked Sendable {
    let algorithm: DigestAlgorithm

    /// nil if no digest has this name.
    init?(_ name: String) {
        guard let method = unsafe EVP_MD_fetch(nil, name, nil) else { return nil }
        unsafe algorithm = DigestAlgorithm(method: method)
    }

    deinit { unsafe EVP_MD_free(algorithm.method) }
}

/// What making digests needs, once for each exchange that makes some.
@safe
final class DigestMaker {
    private let context: OpaquePointer
    private var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))

    init() {
        guard let context = unsafe EVP_MD_CTX_new() else { fatalError("no memory for a digest") }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Appends the digest of `bytes`. False if the library fails.
    func append(_ bytes: RawSpan, _ algorithm: DigestAlgorithm, to out: inout [UInt8]) -> Bool {
        var size: UInt32 = 0
        // Safe: the library reads as many bytes as it is told, and writes no more than there is room.
        let isDone = unsafe bytes.withUnsafeBytes { input in
            unsafe EVP_DigestInit_ex2(context, algorithm.method, nil) == 1
                && EVP_DigestUpdate(context, input.baseAddress, input.count) == 1
                && EVP_DigestFinal_ex(context, &output, &size) == 1
        }
        out += output[..<Int(size)]
        return isDone
    }

    /// Begins to check a signature; false if the library fails. `parameters` are then those of the key's algorithm.
    func beginVerification(
        _ algorithm: DigestAlgorithm, _ key: OpaquePointer, _ parameters: inout OpaquePointer?
    ) -> Bool {
        unsafe EVP_MD_CTX_reset(context) == 1
            && EVP_DigestVerifyInit(context, &parameters, algorithm.method, nil, key) == 1
    }

    func verify(_ bytes: UnsafeRawBufferPointer, _ signature: UnsafeRawBufferPointer) -> Bool {
        unsafe EVP_DigestVerify(
            context, signature.baseAddress?.assumingMemoryBound(to: UInt8.self), signature.count,
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count) == 1
    }

    /// Appends the message authentication code of `bytes` (RFC 2104).
    func append(_ bytes: RawSpan, key: RawSpan, _ algorithm: DigestAlgorithm, to out: inout [UInt8]) -> Bool {
        var size: UInt32 = 0
        // Safe: as above. An empty key has no address, which the library would take for an earlier one.
        let isDone = unsafe bytes.withUnsafeBytes { input in
            unsafe key.withUnsafeBytes { key in
                unsafe HMAC(
                    algorithm.method, key.baseAddress ?? UnsafeRawPointer(context), Int32(key.count),
                    input.baseAddress?.assumingMemoryBound(to: UInt8.self), input.count, &output, &size) != nil
            }
        }
        out += output[..<Int(size)]
        return isDone
    }
}

enum DigestConverter: Sendable {
    /// The algorithm's index in the table.
    case digest(Int)
    case code(Int, key: TextArgument)

    static let rows: [ConverterRow] = [
        ConverterRow("sha1", takes: .binary, yields: .binary, summary: "The SHA-1 digest, 20 bytes.") {
            (arguments, table) throws(ConfigProblem) in
            .digest(.digest(try algorithm("SHA1", &arguments, &table)))
        },
        ConverterRow(
            "sha2", "([<bits>])", takes: .binary, yields: .binary,
            summary: "The SHA-2 digest of 224, 256, 384 or 512 bits; of 256 if nothing is said."
        ) { (arguments, table) throws(ConfigProblem) in
            let text = arguments.optionalString() ?? "256"
            guard ["224", "256", "384", "512"].contains(text) else {
                throw arguments.problem("SHA-2 has no digest of \(text) bits", expected: "224, 256, 384 or 512")
            }
            return .digest(.digest(try algorithm("SHA\(text)", &arguments, &table)))
        },
        ConverterRow(
            "digest", "(<algorithm>)", takes: .binary, yields: .binary,
            summary: "The digest by an algorithm that OpenSSL knows: sha256, sha3-256, blake2b512, md5…"
        ) { (arguments, table) throws(ConfigProblem) in
            .digest(.digest(try algorithm(arguments.string("an algorithm, like sha256"), &arguments, &table)))
        },
        ConverterRow(
            "hmac", "(<algorithm>,<key>)", takes: .binary, yields: .binary,
            summary:
                "The message authentication code by an algorithm that OpenSSL knows; the key is in base64, or a variable "
                + "that holds it in base64."
        ) { (arguments, table) throws(ConfigProblem) in
            let algorithm = try algorithm(arguments.string("an algorithm, like sha256"), &arguments, &table)
            return .digest(.code(algorithm, key: try arguments.base64OrVariable("a key in base64", &table)))
        },
    ]

    private static func algorithm(
        _ name: String, _ arguments: inout ExpressionArguments, _ table: inout ExpressionTable
    ) throws(ConfigProblem) -> Int {
        guard let owner = DigestAlgorithmOwner(name) else {
            throw arguments.problem("OpenSSL knows no digest '\(name)' here", expected: "sha256, for example")
        }
        table.digestOwners.append(owner)
        table.digests.append(owner.algorithm)
        return table.digests.count - 1
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let input = value.bytes(context)
        let maker = context.digestMaker
        switch self {
        case .digest(let algorithm):
            return context.convert(input) { maker.append($0, program.expressions.digests[algorithm], to: &$1) }
        case .code(let algorithm, let key):
            let digest = program.expressions.digests[algorithm]
            switch key {
            case .constant(let key):
                let key = program.text(key)
                return context.convert(input) { maker.append($0, key: key, digest, to: &$1) }
            case .variable:
                guard let key = key.decoded(context, program) else { return nil }
                return context.convert(input) { input, out in
                    context.withBytes(key) { maker.append(input, key: $0, digest, to: &out) }
                }
            }
        }
    }
}

extension ExchangeContext {
    /// The exchange's maker of digests, made when it is first needed.
    var digestMaker: DigestMaker {
        if let existing = keptDigestMaker { return existing }
        let maker = DigestMaker()
        keptDigestMaker = maker
        return maker
    }
}

extension RawSpan {
    /// Whether the bytes are the same, in a time that tells nothing but their number.
    func isEqualInConstantTime(to other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        // Safe: both are of this length.
        return unsafe withUnsafeBytes { a in
            unsafe other.withUnsafeBytes { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return true }
                return unsafe CRYPTO_memcmp(a, b, byteCount) == 0
            }
        }
    }
}

/// What a server of WebSocket answers to its client's key (RFC 6455 section 4.2.2): proof that it knows the protocol. Portico answers it
/// where the server has agreed over HTTP/2, which has no keys.
public enum WebSocketKey {
    private static let guid: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// Appends the value of Sec-WebSocket-Accept: Base64 of the SHA-1 digest of `key` and a text that RFC 6455 names.
    public static func appendConsent(to key: [UInt8], _ out: inout [UInt8]) {
        var text = key
        text.append(guid)
        var digest = [UInt8](repeating: 0, count: 20)
        var size: UInt32 = 0
        let isMade = unsafe text.withUnsafeBytes { bytes in
            unsafe digest.withUnsafeMutableBufferPointer { digest in
                unsafe EVP_Digest(bytes.baseAddress, bytes.count, digest.baseAddress, &size, EVP_sha1(), nil)
            }
        }
        precondition(isMade == 1 && size == 20, "SHA-1 cannot be computed")
        unsafe Base64.ordinary.append(digest.span.bytes, to: &out)
    }
}
