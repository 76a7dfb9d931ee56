// `aes_gcm_enc`, `aes_cbc_dec` and their like: AES, through OpenSSL's libcrypto (manual, section 7.3.1). Keys and whatever else
// goes in beside the bytes are in base64, in the file or in variables.

internal import Basics
internal import COpenSSL
internal import Configuration
internal import Patterns

struct CipherConverter: Sendable {
    private enum Mode: Sendable {
        /// Authenticated: encrypting puts the tag into a variable, decrypting compares it.
        case gcmEncrypt(tag: VariableName), gcmDecrypt(tag: TextArgument)
        case cbcEncrypt, cbcDecrypt
    }
    private let mode: Mode
    private let keyBits: Int
    private let nonce: TextArgument
    private let key: TextArgument
    /// What the tag covers beside the bytes.
    private let associated: TextArgument?

    /// NIST SP 800-38D: a shorter tag proves less.
    private static let tagBytes = 16

    static let rows: [ConverterRow] = [
        row(
            "aes_gcm_enc", isGCM: true, decrypts: false,
            "The bytes encrypted by AES-GCM; their tag goes into a variable"),
        row(
            "aes_gcm_dec", isGCM: true, decrypts: true,
            "The bytes decrypted by AES-GCM; nothing if they or the tag were changed"),
        row("aes_cbc_enc", isGCM: false, decrypts: false, "The bytes encrypted by AES-CBC"),
        row(
            "aes_cbc_dec", isGCM: false, decrypts: true, "The bytes decrypted by AES-CBC; nothing if they are not whole"
        ),
    ]

    private static func row(_ name: String, isGCM: Bool, decrypts: Bool, _ summary: String) -> ConverterRow {
        let tag = isGCM ? decrypts ? ",<tag>" : ",<variable>" : ""
        return ConverterRow(
            name, "(<bits>,<nonce>,<key>\(tag)\(isGCM ? "[,<aad>]" : ""))", takes: .binary, yields: .binary,
            summary: "\(summary). The key has 128, 192 or 256 bits; it and all others are in base64, or variables."
        ) { (arguments, table) throws(ConfigProblem) in
            let bits = try arguments.integer("a number of bits", in: 128...256)
            guard bits % 64 == 0 else {
                throw arguments.problem("AES has no keys of \(bits) bits", expected: "128, 192 or 256")
            }
            let nonce = try arguments.base64OrVariable("a nonce in base64", &table)
            let key = try arguments.base64OrVariable("a key in base64", &table)
            if case .constant(let key) = key, key.count < bits / 8 {
                throw arguments.problem("the key has \(key.count * 8) bits", expected: "\(bits) bits")
            }
            let mode: Mode
            switch (isGCM, decrypts) {
            case (true, true): mode = .gcmDecrypt(tag: try arguments.base64OrVariable("a tag in base64", &table))
            case (true, false): mode = .gcmEncrypt(tag: try arguments.variable())
            case (false, true): mode = .cbcDecrypt
            case (false, false): mode = .cbcEncrypt
            }
            let associated =
                isGCM && !arguments.isAtEnd ? try arguments.base64OrVariable("data in base64", &table) : nil
            table.ciphers.append(
                CipherConverter(mode: mode, keyBits: bits, nonce: nonce, key: key, associated: associated))
            return .cipher(table.ciphers.count - 1)
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let input = value.bytes(context)
        guard let nonce = nonce.decoded(context, program), let key = key.decoded(context, program), nonce.count > 0,
            key.count >= keyBits / 8
        else { return nil }
        var extra: SampleBytes?
        if let associated {
            extra = associated.decoded(context, program)
            if extra == nil { return nil }
        }
        let machine = context.cipherMachine
        let isReady = context.withBytes(nonce) { nonce in
            context.withBytes(key) {
                machine.begin(isGCM: isGCM, bits: keyBits, decrypts: decrypts, nonce: nonce, key: $0)
            }
        }
        guard isReady else { return nil }
        if let extra, extra.count > 0, !context.withBytes(extra, { machine.cover($0) }) { return nil }
        if case .gcmDecrypt(let tag) = mode {
            guard let tag = tag.decoded(context, program), tag.count == Self.tagBytes,
                context.withBytes(tag, { machine.expect(tag: $0) })
            else { return nil }
        }
        let output = context.convert(input) { machine.process($0, to: &$1) }
        if case .gcmEncrypt(let name) = mode, output != nil {
            let tag = context.make { machine.appendTag(to: &$0) }
            let text = context.convert(tag) { tag, text in
                Base64.ordinary.append(tag, to: &text)
                return true
            }
            if let text { context.set(name, text) }
        }
        return output
    }

    private var isGCM: Bool {
        switch mode {
        case .gcmEncrypt, .gcmDecrypt: true
        case .cbcEncrypt, .cbcDecrypt: false
        }
    }

    private var decrypts: Bool {
        switch mode {
        case .gcmDecrypt, .cbcDecrypt: true
        case .gcmEncrypt, .cbcEncrypt: false
        }
    }
}

/// What encrypting needs, once for each exchange that does.
@safe
final class CipherMachine {
    private let context: OpaquePointer
    private var parameters = [UInt8](repeating: 0, count: 16)

    init() {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { fatalError("no memory for a cipher") }
        unsafe self.context = context
    }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    /// False if the library fails. A nonce of CBC is filled up with zeroes, or cut.
    func begin(isGCM: Bool, bits: Int, decrypts: Bool, nonce: RawSpan, key: RawSpan) -> Bool {
        let cipher =
            switch bits {
            case 128: isGCM ? unsafe EVP_aes_128_gcm() : unsafe EVP_aes_128_cbc()
            case 192: isGCM ? unsafe EVP_aes_192_gcm() : unsafe EVP_aes_192_cbc()
            default: isGCM ? unsafe EVP_aes_256_gcm() : unsafe EVP_aes_256_cbc()
            }
        guard unsafe EVP_CIPHER_CTX_reset(context) == 1,
            unsafe EVP_CipherInit_ex(context, cipher, nil, nil, nil, decrypts ? 0 : 1) == 1
        else { return false }
        for i in 0..<16 { parameters[i] = i < nonce.byteCount ? nonce[i] : 0 }
        // Safe: the key and the nonce are as long as the library is told, or takes for granted.
        return unsafe key.withUnsafeBytes { key in
            unsafe nonce.withUnsafeBytes { nonce in
                let key = unsafe key.baseAddress?.assumingMemoryBound(to: UInt8.self)
                guard isGCM else { return unsafe EVP_CipherInit_ex(context, nil, nil, key, parameters, -1) == 1 }
                let start = unsafe nonce.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, Int32(nonce.count), nil) == 1
                    && EVP_CipherInit_ex(context, nil, nil, key, start, -1) == 1
            }
        }
    }

    /// Further data that the tag covers.
    func cover(_ bytes: RawSpan) -> Bool {
        var count: Int32 = 0
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe EVP_CipherUpdate(
                context, nil, &count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(bytes.count)) == 1
        }
    }

    /// The tag that the bytes must turn out to have.
    func expect(tag: RawSpan) -> Bool {
        for i in 0..<16 { parameters[i] = tag[i] }
        return unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, &parameters) == 1
    }

    /// All of the bytes. False if the library fails, or finds that they were changed.
    func process(_ bytes: RawSpan, to out: inout [UInt8]) -> Bool {
        defer { ERR_clear_error() }
        let start = out.count
        // CBC adds up to one block.
        out.append(contentsOf: repeatElement(0, count: bytes.byteCount + 16))
        // Safe: as many bytes are written as there are, and one block.
        let written = unsafe bytes.withUnsafeBytes { input -> Int? in
            unsafe out.withUnsafeMutableBufferPointer { output in
                guard let target = output.baseAddress else { return nil }
                var count: Int32 = 0
                var rest: Int32 = 0
                let source = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
                if input.count > 0 {
                    guard unsafe EVP_CipherUpdate(context, target + start, &count, source, Int32(input.count)) == 1
                    else { return nil }
                }
                guard unsafe EVP_CipherFinal_ex(context, target + start + Int(count), &rest) == 1 else { return nil }
                return Int(count + rest)
            }
        }
        guard let written else { return false }
        out.removeLast(out.count - start - written)
        return true
    }

    /// The tag of what was encrypted.
    func appendTag(to out: inout [UInt8]) {
        let isThere = unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &parameters) == 1
        precondition(isThere, "what was encrypted has no tag")
        out += parameters
    }
}

extension ExchangeContext {
    /// The exchange's machine, made when it is first needed.
    fileprivate var cipherMachine: CipherMachine {
        if let existing = keptCipherMachine { return existing }
        let machine = CipherMachine()
        keptCipherMachine = machine
        return machine
    }
}
