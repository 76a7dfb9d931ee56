// Samples about the hello of a client whose connection Portico decrypts (manual, section 7.3.4), of which JA3 is made; and JA4. The
// lists are kept with `tune.ssl.capture-buffer-size`, JA4 is computed where the file asks for it.

internal import Basics
internal import Configuration
internal import TLS

enum CapturedHelloSample: SampleFamily {
    case version, cipherHash
    case list(HelloList, hasNoise: Bool)
    /// The ciphers in hexadecimal digits, or by their names.
    case cipherDigits(hasNoise: Bool), cipherNames(hasNoise: Bool)
    case fingerprint

    static let rows: [SampleRow] =
        [
            SampleRow(
                "ssl_fc_protocol_hello_id", yields: .integer, from: .connection, .capturedHello(.version),
                summary: "The version in the client's hello, 771 for TLS 1.2 and later. \(condition)"),
            SampleRow(
                "ssl_fc_cipherlist_xxh", yields: .integer, from: .connection, .capturedHello(.cipherHash),
                summary: "A hash (xxh64) of all ciphers in the client's hello. \(condition)"),
            SampleRow(
                "ssl_fc_ecformats_bin", yields: .binary, from: .connection,
                .capturedHello(.list(.pointFormats, hasNoise: true)),
                summary: "The formats of points in the client's hello, one byte each. \(condition)"),
            SampleRow(
                "ssl_fc_ja4", yields: .string, from: .connection,
                summary:
                    "What kind of program the client is, from its hello (JA4): t13d1516h2_8daaf6152771_e5627efa2ab1."
            ) { (_, table) throws(ConfigProblem) in
                table.usesFingerprint = true
                return .capturedHello(.fingerprint)
            },
            filtered("ssl_fc_cipherlist_hex", .string, "The ciphers in the client's hello in hexadecimal digits") {
                .cipherDigits(hasNoise: $0)
            },
            filtered("ssl_fc_cipherlist_str", .string, "The names of the ciphers in the client's hello") {
                .cipherNames(hasNoise: $0)
            },
        ]
        + [
            ("ssl_fc_cipherlist_bin", HelloList.ciphers, "ciphers"), ("ssl_fc_eclist_bin", .groups, "curves"),
            ("ssl_fc_extlist_bin", .extensions, "extensions"),
            ("ssl_fc_sigalgs_bin", .signatureAlgorithms, "signature algorithms"),
            ("ssl_fc_supported_versions_bin", .versions, "versions"),
        ].map { name, list, what in
            filtered(name, .binary, "The \(what) in the client's hello, two bytes each") { .list(list, hasNoise: $0) }
        }

    private static let condition = "Needs tune.ssl.capture-buffer-size."

    private static func filtered(
        _ name: String, _ type: SampleType, _ what: String,
        _ make: @escaping @Sendable (Bool) -> CapturedHelloSample
    ) -> SampleRow {
        SampleRow(
            name, "([<filter>])", yields: type, from: .connection,
            summary: "\(what); with 1 without those that stand for nothing (GREASE). \(condition)"
        ) { (arguments, _) throws(ConfigProblem) in
            .capturedHello(make(try arguments.optionalInteger("a filter", in: 0...1) != 1))
        }
    }

    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .version: context.connection.clientTLS?.helloVersion.map { .integer($0) }
        case .cipherHash: context.connection.clientTLS?.helloCipherHash.map { .integer($0) }
        case .list(let list, let hasNoise):
            context.makeOrNone(of: .client) { $0.append(list, withNoise: hasNoise, to: &$1) }
        case .cipherDigits(let hasNoise):
            context.makeOrNone(of: .client) { $0.appendCipherDigits(withNoise: hasNoise, to: &$1) }
        case .cipherNames(let hasNoise):
            context.makeOrNone(of: .client) { $0.appendCipherNames(withNoise: hasNoise, to: &$1) }
        case .fingerprint: context.makeOrNone(of: .client) { $0.appendFingerprint(to: &$1) }
        }
    }
}
