// Samples about the TLS connections that Portico has itself, to the client and to the server (manual, section 7.3.4): what their
// handshakes have agreed on. On a connection in clear they yield nothing, but for four that are false.

internal import Basics
internal import Configuration
internal import TLS

/// One of an exchange's two connections.
enum ExchangeEnd: Sendable {
    case client, server

    /// From when on it is known.
    var availability: SampleAvailability { self == .client ? .connection : .responseBytes }

    /// What encrypts it; nil if nothing does, or there is none.
    func engine(_ context: ExchangeContext) -> TLSEngine? {
        self == .client ? context.connection.clientTLS : context.destination.serverTLS
    }
}

enum EncryptionSample: SampleFamily {
    case isEncrypted(ExchangeEnd)
    case fact(ExchangeEnd, HandshakeFact)
    case number(ExchangeEnd, HandshakeNumber)
    case flag(ExchangeEnd, HandshakeFlag)
    /// What is false on a connection in clear.
    case knownFlag(ExchangeEnd, HandshakeFlag)

    static let rows: [SampleRow] =
        client + both("ssl_fc", .client, "the client's connection") + [
            row(
                "ssl_bc", .bool, .isEncrypted(.server), .server, "Whether the connection to the server is encrypted."),
            row(
                "ssl_bc_is_resumed", .bool, .knownFlag(.server, .isResumed), .server,
                "Whether the server's TLS session is an earlier one."),
            row(
                "ssl_bc_sni", .string, .fact(.server, .serverName), .server, "The name that the server was asked for."
            ),
        ] + both("ssl_bc", .server, "the connection to the server")

    private static let client: [SampleRow] = [
        row(
            "ssl_fc_has_sni", .bool, .knownFlag(.client, .hasServerName), .client,
            "Whether the client's TLS hello named a server."),
        row(
            "ssl_fc_is_resumed", .bool, .knownFlag(.client, .isResumed), .client,
            "Whether the client's TLS session is an earlier one."),
        row(
            "ssl_fc_has_crt", .bool, .flag(.client, .hasPeerCertificate), .client,
            "Whether the client has shown a certificate in this connection."),
        row(
            "ssl_fc_has_early", .bool, .flag(.client, .mayBeReplayed), .client,
            "Whether early data came that may be a replay: the handshake is not complete."),
        row(
            "ssl_fc_early_rcvd", .bool, .flag(.client, .hadEarlyData), .client,
            "Whether early data came, even if the handshake is complete by now."),
        row(
            "ssl_fc_sni", .string, .fact(.client, .serverName), .client,
            "The server's name that the client asked for.", hasMatchForms: true),
        row(
            "ssl_fc_crtname", .string, .fact(.client, .certificateName), .client,
            "The name of the certificate that the client was shown: its file, or its alias."),
    ]

    /// What is the same on both connections.
    private static func both(_ prefix: String, _ end: ExchangeEnd, _ whose: String) -> [SampleRow] {
        let facts: [(String, SampleType, HandshakeFact, String)] = [
            ("alpn", .string, .protocolName, "The protocol that ALPN has chosen for \(whose)."),
            ("cipher", .string, .cipher, "The cipher of \(whose)."),
            ("curve", .string, .curve, "The curve, or other group, of the keys of \(whose)."),
            ("protocol", .string, .version, "The version of TLS of \(whose)."),
            (
                "err_str", .string, .errorText,
                "OpenSSL's text of the error that \(whose) failed with; nothing without one."
            ),
            ("client_random", .binary, .clientRandom, "The client's random bytes of \(whose)."),
            ("server_random", .binary, .serverRandom, "The server's random bytes of \(whose)."),
            ("session_id", .binary, .sessionID, "The TLS session of \(whose)."),
            ("session_key", .binary, .sessionKey, "The master key of the TLS session of \(whose)."),
            ("unique_id", .binary, .uniqueID, "The bytes that only \(whose) has (RFC 5929)."),
        ]
        let numbers: [(String, HandshakeNumber, String)] = [
            ("alg_keysize", .cipherBits, "The bits of the cipher's key of \(whose)."),
            ("use_keysize", .cipherBitsUsed, "The bits of the key that the cipher of \(whose) uses."),
            ("err", .error, "OpenSSL's number of the error that \(whose) failed with; 0 if it has not failed."),
        ]
        let npn = SampleRow(
            "\(prefix)_npn", yields: .string, from: end.availability, .constant(.nothing),
            summary: "Nothing: NPN is no more, ALPN has taken its place.")
        return facts.map { row("\(prefix)_\($0)", $1, .fact(end, $2), end, $3) }
            + numbers.map { row("\(prefix)_\($0)", .integer, .number(end, $1), end, $2) }
            + secrets.map { name, secret in
                row(
                    "\(prefix)_\(name)", .string, .fact(end, .secret(secret)), end,
                    "That secret of TLS 1.3 of \(whose), in hexadecimal digits, with tune.ssl.keylog on.")
            } + [npn]
    }

    private static let secrets: [(String, HandshakeSecret)] = [
        ("client_early_traffic_secret", .clientEarlyTraffic),
        ("client_handshake_traffic_secret", .clientHandshakeTraffic),
        ("client_traffic_secret_0", .clientTraffic), ("early_exporter_secret", .earlyExporter),
        ("exporter_secret", .exporter), ("server_handshake_traffic_secret", .serverHandshakeTraffic),
        ("server_traffic_secret_0", .serverTraffic),
    ]

    private static func row(
        _ name: String, _ type: SampleType, _ sample: EncryptionSample, _ end: ExchangeEnd, _ summary: String,
        hasMatchForms: Bool = false
    ) -> SampleRow {
        SampleRow(
            name, yields: type, from: end.availability, hasMatchForms: hasMatchForms, .encryption(sample),
            summary: summary)
    }

    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .isEncrypted(let end): .bool(end.engine(context) != nil)
        case .fact(let end, let fact): context.makeOrNone(of: end) { $0.append(fact, to: &$1) }
        case .number(let end, let number): end.engine(context)?.number(number).map { .integer($0) }
        case .flag(let end, let flag): end.engine(context).map { .bool($0.holds(flag)) }
        case .knownFlag(let end, let flag): .bool(end.engine(context)?.holds(flag) ?? false)
        }
    }
}

extension ExchangeContext {
    /// What `write` appends about a TLS connection; nil if that is none, or `write` has nothing.
    func makeOrNone(of end: ExchangeEnd, _ write: (TLSEngine, inout [UInt8]) -> Bool) -> SampleValue? {
        guard let engine = end.engine(self) else { return nil }
        let start = scratch.count
        guard write(engine, &scratch) else {
            scratch.removeLast(scratch.count - start)
            return nil
        }
        return .string(SampleBytes(source: .scratch, start: start, count: scratch.count - start))
    }
}
