// Samples about TLS on the client's and the server's connection (manual, section 7.3.4). Portico's connections are not encrypted
// yet: the samples yield what HAProxy's yield on a plain connection, so that files which distinguish the two work. Four are
// false, all others yield nothing.

internal import Configuration

enum EncryptionSample: SampleRows {
    static let rows: [SampleRow] = falsehoods + client + clientHello + certificates + server

    private static let falsehoods: [SampleRow] = [
        falsehood("ssl_fc_has_sni", "Whether the client's TLS hello named a server.", from: .connection),
        falsehood("ssl_fc_is_resumed", "Whether the client's TLS session is an earlier one.", from: .connection),
        falsehood("ssl_bc", "Whether the connection to the server is encrypted.", from: .responseBytes),
        falsehood("ssl_bc_is_resumed", "Whether the server's TLS session is an earlier one.", from: .responseBytes),
    ]

    private static let client: [SampleRow] =
        both("ssl_fc", "the client's connection", from: .connection) + [
            nothing("ssl_fc_has_crt", .bool, "Whether the client has shown a certificate."),
            nothing("ssl_fc_has_early", .bool, "Whether early data came that may be a replay."),
            nothing("ssl_fc_early_rcvd", .bool, "Whether early data came."),
            nothing("ssl_fc_sni", .string, "The server's name that the client asked for.", hasMatchForms: true),
            nothing("ssl_fc_crtname", .string, "The name of the certificate that the client was shown."),
        ]

    /// Of the hello that the client's handshake began with.
    private static let clientHello: [SampleRow] =
        [
            nothing("ssl_fc_protocol_hello_id", .integer, "The version in the client's hello."),
            nothing("ssl_fc_cipherlist_xxh", .integer, "A hash of the ciphers in the client's hello."),
            nothing("ssl_fc_ecformats_bin", .binary, "The formats of points in the client's hello."),
        ]
        + [
            ("ssl_fc_cipherlist_bin", SampleType.binary, "ciphers"), ("ssl_fc_cipherlist_hex", .string, "ciphers"),
            ("ssl_fc_cipherlist_str", .string, "ciphers"), ("ssl_fc_eclist_bin", .binary, "curves"),
            ("ssl_fc_extlist_bin", .binary, "extensions"), ("ssl_fc_sigalgs_bin", .binary, "signature algorithms"),
            ("ssl_fc_supported_versions_bin", .binary, "versions"),
        ].map { name, type, what in
            row(name, "([<filter>])", type, "The \(what) in the client's hello.", from: .connection) {
                (arguments) throws(ConfigProblem) in
                _ = try arguments.optionalInteger("a filter", in: 0...1)
            }
        }

    /// Of the client (`c`), of Portico (`f`), of the server (`s`).
    private static let certificates: [SampleRow] =
        [
            nothing(
                "ssl_c_used", .bool, "Whether the client has shown a certificate, now or in an earlier connection."),
            nothing("ssl_c_verify", .integer, "The result of checking the client's certificate; 0 if it is good."),
            nothing("ssl_c_err", .integer, "The first error in the client's certificate itself."),
            nothing("ssl_c_ca_err", .integer, "The first error in the chain of the client's certificate."),
            nothing("ssl_c_ca_err_depth", .integer, "Where in the chain that was."),
            nothing("ssl_c_san", .string, "The other names in the client's certificate."),
            nothing("ssl_c_chain_der", .binary, "The chain of the client's certificate (DER)."),
            nothing("ssl_s_chain_der", .binary, "The chain of the server's certificate (DER).", from: .responseBytes),
            row(
                "ssl_c_policies", "([<oid>])", .string, "The policies in the client's certificate.", from: .connection
            ) { (arguments) throws(ConfigProblem) in _ = arguments.optionalString() },
            name("ssl_c_r_dn", "the name of the root of the client's certificate", from: .connection),
        ] + certificate("ssl_c", "the client's certificate", from: .connection)
        + certificate("ssl_f", "the certificate that the client was shown", from: .connection)
        + certificate("ssl_s", "the server's certificate", from: .responseBytes)

    private static func certificate(_ prefix: String, _ whose: String, from availability: SampleAvailability)
        -> [SampleRow]
    {
        let parts: [(String, SampleType, String)] = [
            ("der", .binary, "The whole of \(whose) (DER)."), ("key_alg", .string, "The kind of key in \(whose)."),
            ("notafter", .string, "When \(whose) ends."), ("notbefore", .string, "When \(whose) begins."),
            ("serial", .binary, "The serial number of \(whose)."), ("sha1", .binary, "The SHA-1 digest of \(whose)."),
            ("sig_alg", .string, "How \(whose) is signed."), ("version", .integer, "The version of \(whose)."),
        ]
        return parts.map { nothing("\(prefix)_\($0)", $1, $2, from: availability) } + [
            name("\(prefix)_i_dn", "the issuer's name in \(whose)", from: availability),
            name("\(prefix)_s_dn", "the subject's name in \(whose)", from: availability),
        ]
    }

    private static func name(_ name: String, _ what: String, from availability: SampleAvailability) -> SampleRow {
        row(name, "([<entry>[,<occ>[,<format>]]])", .string, "All of \(what), or one entry of it.", from: availability)
        {
            (arguments) throws(ConfigProblem) in
            _ = arguments.optionalString()
            _ = try arguments.optionalInteger("an occurrence", in: -100...100)
            guard let format = arguments.optionalString() else { return }
            guard format == "rfc2253" else { throw arguments.problem("'\(format)' is no format", expected: "rfc2253") }
        }
    }

    private static let server: [SampleRow] =
        both("ssl_bc", "the connection to the server", from: .responseBytes) + [
            nothing("ssl_bc_sni", .string, "The name that the server was asked for.", from: .responseBytes)
        ]

    /// What is the same on both connections.
    private static func both(_ prefix: String, _ whose: String, from availability: SampleAvailability) -> [SampleRow] {
        let parts: [(String, SampleType, String)] = [
            ("alg_keysize", .integer, "The bits of the cipher's key of \(whose)."),
            ("use_keysize", .integer, "The bits of the key that the cipher of \(whose) uses."),
            ("alpn", .string, "The protocol that ALPN has chosen for \(whose)."),
            ("npn", .string, "The protocol that NPN has chosen for \(whose)."),
            ("cipher", .string, "The cipher of \(whose)."), ("curve", .string, "The curve of the keys of \(whose)."),
            ("protocol", .string, "The version of TLS of \(whose)."),
            ("err", .integer, "The last error of TLS of \(whose)."), ("err_str", .string, "The same as a text."),
            ("client_random", .binary, "The client's random bytes of \(whose)."),
            ("server_random", .binary, "The server's random bytes of \(whose)."),
            ("session_id", .binary, "The TLS session of \(whose)."),
            ("session_key", .binary, "The master key of the TLS session of \(whose)."),
            ("unique_id", .binary, "The bytes that only \(whose) has (RFC 5929)."),
        ]
        let secrets = [
            "client_early_traffic_secret", "client_handshake_traffic_secret", "client_traffic_secret_0",
            "early_exporter_secret", "exporter_secret", "server_handshake_traffic_secret", "server_traffic_secret_0",
        ]
        return parts.map { nothing("\(prefix)_\($0)", $1, $2, from: availability) }
            + secrets.map {
                nothing("\(prefix)_\($0)", .string, "That secret of TLS 1.3 of \(whose).", from: availability)
            }
    }

    private static func falsehood(_ name: String, _ what: String, from availability: SampleAvailability) -> SampleRow {
        SampleRow(
            name, yields: .bool, from: availability, .constant(.bool(false)),
            summary: "\(what) Never yet: there is no TLS.")
    }

    private static func nothing(
        _ name: String, _ type: SampleType, _ what: String, hasMatchForms: Bool = false,
        from availability: SampleAvailability = .connection
    ) -> SampleRow {
        row(name, "", type, what, hasMatchForms: hasMatchForms, from: availability) { (_) throws(ConfigProblem) in }
    }

    private static func row(
        _ name: String, _ arguments: String, _ type: SampleType, _ what: String, hasMatchForms: Bool = false,
        from availability: SampleAvailability,
        take: @escaping @Sendable (inout ExpressionArguments) throws(ConfigProblem) -> Void
    ) -> SampleRow {
        SampleRow(
            name, arguments, yields: type, from: availability, hasMatchForms: hasMatchForms,
            summary: "\(what) Nothing yet: there is no TLS."
        ) { (arguments, _) throws(ConfigProblem) in
            try take(&arguments)
            return .constant(.nothing)
        }
    }
}
