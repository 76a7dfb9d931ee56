// JSON Web Tokens, `header.payload.signature` in base64url (RFC 7515 section 3.1, RFC 7519; manual, section 7.3.1): reads
// their contents, and verifies their signature with a key that the operator gives. Rules check issue time and audience.

internal import Basics
internal import COpenSSL
internal import Configuration
internal import Patterns

/// `jwt_header_query`, `jwt_payload_query`: a part of a token, or a value in it.
struct TokenQuery: Sendable {
    private let part: Int
    private let query: JSONQuery?

    static let rows: [ConverterRow] = [
        row("jwt_header_query", part: 0, "header"), row("jwt_payload_query", part: 1, "payload"),
    ]

    private static func row(_ name: String, part: Int, _ what: String) -> ConverterRow {
        ConverterRow(
            name, "([<json_path>[,<output_type>]])", takes: .string, yields: .any,
            summary: "The \(what) of a JSON Web Token, or the value at a path in it, as json_query finds it."
        ) { (arguments, table) throws(ConfigProblem) in
            let query = arguments.isAtEnd ? nil : try JSONQuery(&arguments, &table)
            return .tokenQuery(TokenQuery(part: part, query: query))
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let token = value.bytes(context)
        guard let place = context.withBytes(token, { TokenParts.find(part, in: $0) }),
            let text = context.convert(token.part(place), { Base64.url.decode($0, to: &$1) })
        else { return nil }
        guard let query else { return text }
        return query.apply(text, context, program)
    }
}

/// `jwt_verify`: 1 if the token is signed with the key, 0 if not, less for what makes no sense.
struct TokenVerifier: Sendable {
    /// What HAProxy calls these.
    enum Verdict: Int, Sendable {
        case good = 1
        case bad = 0
        case unknownAlgorithm = -1
        case invalidToken = -3
        case unknownKey = -5
    }

    /// RFC 7518 section 3.1.
    enum Algorithm: Sendable {
        case none
        case code(bits: Int)
        case signature(SignatureScheme, bits: Int)

        init?(_ name: RawSpan) {
            if name.equals("none") {
                self = .none
                return
            }
            guard name.byteCount == 5 else { return nil }
            let digits = name.extracting(2..<5)
            let bits = digits.equals("256") ? 256 : digits.equals("384") ? 384 : digits.equals("512") ? 512 : 0
            guard bits > 0, name[1] == 0x53 else { return nil }
            switch name[0] {
            case 0x48: self = .code(bits: bits)
            case 0x52: self = .signature(.pkcs1, bits: bits)
            case 0x50: self = .signature(.pss, bits: bits)
            case 0x45: self = .signature(.ecdsa, bits: bits)
            default: return nil
            }
        }
    }

    private enum AlgorithmArgument: Sendable {
        case constant(Algorithm)
        case variable(VariableName)
    }

    private enum Key: Sendable {
        case secret(TableSlice)
        /// Its index in the table.
        case publicKey(Int)
        /// A secret, or the path of a file that another use names.
        case variable(VariableName)
    }

    private let algorithm: AlgorithmArgument
    private let key: Key

    static let rows: [ConverterRow] = [
        ConverterRow(
            "jwt_verify", "(<algorithm>,<key>)", takes: .string, yields: .integer,
            summary:
                "1 if a JSON Web Token is signed as the algorithm says (HS256, RS384, ES512, PS256…), 0 if not; -1 for "
                + "an unknown algorithm, -3 for what is no token, -5 for an unknown key. The key is a secret, or the file "
                + "of a public key or certificate, whose path is never taken for a secret; either may be a variable."
        ) { (arguments, table) throws(ConfigProblem) in try make(&arguments, &table, onlyFiles: false) },
        ConverterRow(
            "jwt_verify_cert", "(<algorithm>,<file>)", takes: .string, yields: .integer,
            summary: "As jwt_verify, with the file of a certificate or public key."
        ) { (arguments, table) throws(ConfigProblem) in try make(&arguments, &table, onlyFiles: true) },
    ]

    private static func make(
        _ arguments: inout ExpressionArguments, _ table: inout ExpressionTable, onlyFiles: Bool
    ) throws(ConfigProblem) -> Converter {
        let algorithm: AlgorithmArgument
        switch try arguments.textOrVariable("an algorithm, like RS256", &table) {
        case .variable(let name): algorithm = .variable(name)
        case .constant(let text):
            let name = table.text(text)
            guard let known = unsafe Algorithm(name.span.bytes) else {
                throw arguments.problem(
                    "'\(String(decoding: name, as: UTF8.self))' is no algorithm of signed tokens",
                    expected: "HS, RS, ES or PS with 256, 384 or 512 behind it, or none")
            }
            algorithm = .constant(known)
        }
        let key: Key
        switch try arguments.textOrVariable("a secret, or a public key's file", &table) {
        case .variable(let name): key = .variable(name)
        case .constant(let text):
            if !onlyFiles, case .constant(.code) = algorithm {
                key = .secret(text)
            } else {
                // What is meant for a file and is none would be a secret that can be guessed.
                let isNeeded =
                    if case .constant(.signature) = algorithm { true } else { onlyFiles || table.namesFile(text) }
                key =
                    try table.publicKey(at: text, isNeeded: isNeeded, arguments).map { .publicKey($0) } ?? .secret(text)
            }
        }
        table.tokenVerifiers.append(TokenVerifier(algorithm: algorithm, key: key))
        return .tokenVerifier(table.tokenVerifiers.count - 1)
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        .integer(verdict(value.bytes(context), context, program).rawValue)
    }

    private func verdict(_ token: SampleBytes, _ context: ExchangeContext, _ program: ExpressionProgram) -> Verdict {
        let known: Algorithm?
        switch algorithm {
        case .constant(let algorithm): known = algorithm
        case .variable(let name):
            guard let text = context.variable(name)?.bytes(context) else { return .unknownAlgorithm }
            known = context.withBytes(text) { Algorithm($0) }
        }
        guard let known else { return .unknownAlgorithm }
        guard let parts = context.withBytes(token, { TokenParts($0) }),
            case .string(let signature)? = context.convert(
                token.part(parts.signature), { Base64.url.decode($0, to: &$1) })
        else { return .invalidToken }
        let signed = token.part(parts.signed)
        switch known {
        case .none: return signature.count == 0 ? .good : .bad
        case .code(let bits):
            return signature.count == 0 ? .invalidToken : check(signed, signature, bits: bits, context, program)
        case .signature(let scheme, let bits):
            guard let key = publicKey(context, program) else { return .unknownKey }
            var signature = signature
            if scheme == .ecdsa {
                // RFC 7518 section 3.4: two numbers as wide as the curve's.
                let width = bits == 256 ? 32 : bits == 384 ? 48 : 66
                guard signature.count % 2 == 0 else { return .invalidToken }
                guard signature.count == 2 * width,
                    case .string(let der)? = context.convert(signature, { $0.appendDER(width: width, to: &$1) })
                else { return .bad }
                signature = der
            }
            let maker = context.digestMaker
            let isGood = context.withBytes(signed) { signed in
                context.withBytes(signature) { maker.isSigned(signed, by: key, scheme, digestBits: bits, $0) }
            }
            return isGood ? .good : .bad
        }
    }

    /// The message authentication code.
    private func check(
        _ signed: SampleBytes, _ signature: SampleBytes, bits: Int, _ context: ExchangeContext,
        _ program: ExpressionProgram
    ) -> Verdict {
        let code: SampleValue?
        switch key {
        case .publicKey: return .bad
        case .secret(let secret):
            let secret = program.text(secret)
            code = context.convert(signed) { context.digestMaker.append($0, key: secret, bits: bits, to: &$1) }
        case .variable(let name):
            guard let secret = context.variable(name)?.bytes(context) else { return .unknownKey }
            if context.withBytes(secret, { program.publicKey(at: $0) }) != nil { return .bad }
            let maker = context.digestMaker
            code = context.convert(signed) { signed, out in
                context.withBytes(secret) { maker.append(signed, key: $0, bits: bits, to: &out) }
            }
        }
        guard case .string(let expected)? = code else { return .bad }
        let isGood = context.withBytes(expected) { expected in
            context.withBytes(signature) { expected.isEqualInConstantTime(to: $0) }
        }
        return isGood ? .good : .bad
    }

    private func publicKey(_ context: ExchangeContext, _ program: ExpressionProgram) -> PublicKey? {
        switch key {
        case .secret: return nil
        case .publicKey(let place): return program.expressions.publicKeys[place].key
        case .variable(let name):
            guard let path = context.variable(name)?.bytes(context) else { return nil }
            return context.withBytes(path) { program.publicKey(at: $0) }
        }
    }
}

/// Where the parts of a token are.
private struct TokenParts {
    /// Header and payload, with the dot between them.
    let signed: Range<Int>
    let signature: Range<Int>

    /// nil if there are not three.
    init?(_ token: RawSpan) {
        guard let header = Self.find(0, in: token), let payload = Self.find(1, in: token),
            let signature = Self.find(2, in: token), signature.upperBound == token.byteCount, !header.isEmpty
        else { return nil }
        signed = 0..<payload.upperBound
        self.signature = signature
    }

    static func find(_ part: Int, in token: RawSpan) -> Range<Int>? {
        var start = 0
        for _ in 0..<part {
            let dot = token.firstIndex(from: start) { $0 == 0x2E }
            guard dot < token.byteCount else { return nil }
            start = dot + 1
        }
        return start..<token.firstIndex(from: start) { $0 == 0x2E }
    }
}

extension RawSpan {
    /// Two numbers of so many bytes each, as ASN.1 has them: a sequence of integers.
    fileprivate func appendDER(width: Int, to out: inout [UInt8]) -> Bool {
        let r = significant(0..<width)
        let s = significant(width..<2 * width)
        // A number whose first bit is set would be negative.
        let rBytes = r.count + (self[r.lowerBound] >= 0x80 ? 1 : 0)
        let sBytes = s.count + (self[s.lowerBound] >= 0x80 ? 1 : 0)
        let all = rBytes + sBytes + 4
        out.append(0x30)
        if all >= 0x80 { out.append(0x81) }
        out.append(UInt8(all))
        for (number, bytes) in [(r, rBytes), (s, sBytes)] {
            out.append(0x02)
            out.append(UInt8(bytes))
            if bytes > number.count { out.append(0) }
            out.append(extracting(number))
        }
        return true
    }

    /// A number without the zeroes before it; one is left of a number that is zero.
    private func significant(_ number: Range<Int>) -> Range<Int> {
        var start = number.lowerBound
        while start < number.upperBound - 1, self[start] == 0 { start += 1 }
        return start..<number.upperBound
    }
}

/// A public key and the path of its file.
struct NamedPublicKey: Sendable {
    let path: TableSlice
    let key: PublicKey
}

extension ExpressionTable {
    fileprivate func namesFile(_ text: TableSlice) -> Bool {
        let name = String(decoding: self.text(text), as: UTF8.self)
        return name.hasPrefix("/") || name.hasPrefix("./") || name.hasPrefix("../")
            || [".pem", ".crt", ".cer", ".pub"].contains { name.hasSuffix($0) }
    }

    /// Reads a key and returns its index; nil if there is no such file and none is needed.
    fileprivate mutating func publicKey(
        at path: TableSlice, isNeeded: Bool, _ arguments: ExpressionArguments
    ) throws(ConfigProblem) -> Int? {
        let bytes = text(path)
        if let place = publicKeys.firstIndex(where: { text($0.path) == bytes }) { return place }
        let name = String(decoding: bytes, as: UTF8.self)
        let content: [UInt8]
        do throws(Files.Refusal) {
            content = try Files.contents(of: name)
        } catch {
            if isNeeded { throw arguments.problem("cannot read '\(name)': \(error.text)") }
            return nil
        }
        guard let owner = PublicKeyOwner(content) else {
            throw arguments.problem("'\(name)' holds no public key and no certificate", expected: "PEM")
        }
        publicKeyOwners.append(owner)
        publicKeys.append(NamedPublicKey(path: path, key: owner.key))
        return publicKeys.count - 1
    }
}

extension ExpressionProgram {
    /// The key of a file that some use names.
    fileprivate func publicKey(at path: RawSpan) -> PublicKey? {
        for key in expressions.publicKeys where text(key.path).isEqual(to: path) { return key.key }
        return nil
    }
}

extension DigestMaker {
    fileprivate func append(_ bytes: RawSpan, key: RawSpan, bits: Int, to out: inout [UInt8]) -> Bool {
        append(bytes, key: key, DigestAlgorithm(bits: bits), to: &out)
    }
}
