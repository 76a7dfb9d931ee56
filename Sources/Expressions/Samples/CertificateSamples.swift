// Samples about the certificates of a TLS connection (manual, section 7.3.4): the client's (`ssl_c_`), Portico's own that the client was
// shown (`ssl_f_`), the server's (`ssl_s_`). They yield nothing where there is none.

internal import Basics
internal import Configuration
internal import Patterns
internal import TLS

enum CertificateSample: SampleFamily {
    /// Whose it is.
    enum Holder: Sendable {
        case client, frontend, server

        var end: ExchangeEnd { self == .server ? .server : .client }
        var owner: CertificateOwner { self == .frontend ? .own : .peer }
    }

    case part(Holder, CertificatePart)
    case version(Holder)
    case chain(Holder)
    case name(Holder, CertificateName, isRFC2253: Bool)
    case entry(Holder, CertificateName, TableSlice, occurrence: Int8)
    case isUsed
    case verification(VerificationNumber)
    case policies
    case policy(TableSlice)

    static let rows: [SampleRow] =
        of("ssl_c", .client, "the client's certificate")
        + of("ssl_f", .frontend, "the certificate that the client was shown")
        + of("ssl_s", .server, "the server's certificate") + [
            row(
                "ssl_c_used", .bool, .isUsed, .client,
                "Whether the client has shown a certificate, now or in the connection whose session goes on."),
            row(
                "ssl_c_verify", .integer, .verification(.result), .client,
                "OpenSSL's result of checking the client's certificate; 0 if it is good or there is none."),
            row(
                "ssl_c_err", .integer, .verification(.certificateError), .client,
                "The first error in the client's certificate itself; 0 if there is none."),
            row(
                "ssl_c_ca_err", .integer, .verification(.issuerError), .client,
                "The first error in the chain of the client's certificate; 0 if there is none."),
            row(
                "ssl_c_ca_err_depth", .integer, .verification(.issuerErrorDepth), .client,
                "Where in the chain that was: 1 for the certificate's issuer."),
            row(
                "ssl_c_san", .string, .part(.client, .alternativeNames), .client,
                "The other names in the client's certificate: DNS:a.example, IP Address:192.0.2.1."),
            row(
                "ssl_c_chain_der", .binary, .chain(.client), .client,
                "The certificates that the client has sent behind its own (DER)."),
            row(
                "ssl_s_chain_der", .binary, .chain(.server), .server,
                "The certificates that the server has sent, its own first (DER)."),
            name(
                "ssl_c_r_dn", .client, .root,
                "the name of the root to which the client's certificate, which is good, leads"),
            SampleRow(
                "ssl_c_policies", "([<oid>])", yields: .string, from: .connection,
                summary:
                    "The policies in the client's certificate, with commas between them; with <oid> that one, if it is"
                    + " among them."
            ) { (arguments, table) throws(ConfigProblem) in
                guard let number = arguments.optionalString() else { return .certificate(.policies) }
                guard isNumber(number) else {
                    throw arguments.problem("'\(number)' is no object's number", expected: "one like 0.4.0.1862.1.4")
                }
                return .certificate(.policy(table.keep(number)))
            },
        ]

    /// What there is of all three.
    private static func of(_ prefix: String, _ holder: Holder, _ whose: String) -> [SampleRow] {
        let parts: [(String, SampleType, CertificatePart, String)] = [
            ("der", .binary, .whole, "The whole of \(whose) (DER)."),
            ("key_alg", .string, .keyAlgorithm, "The kind of key in \(whose)."),
            ("notafter", .string, .notAfter, "When \(whose) ends: YYMMDDhhmmss and Z."),
            ("notbefore", .string, .notBefore, "When \(whose) begins: YYMMDDhhmmss and Z."),
            ("serial", .binary, .serial, "The serial number of \(whose)."),
            ("sha1", .binary, .sha1, "The SHA-1 digest of \(whose)."),
            ("sig_alg", .string, .signatureAlgorithm, "How \(whose) is signed."),
        ]
        return parts.map { row("\(prefix)_\($0)", $1, .part(holder, $2), holder, $3) } + [
            row("\(prefix)_version", .integer, .version(holder), holder, "The version of \(whose)."),
            name("\(prefix)_i_dn", holder, .issuer, "the issuer's name in \(whose)"),
            name("\(prefix)_s_dn", holder, .subject, "the subject's name in \(whose)"),
        ]
    }

    private static func name(_ name: String, _ holder: Holder, _ which: CertificateName, _ what: String) -> SampleRow {
        SampleRow(
            name, "([<entry>[,<occ>[,<format>]]])", yields: .string, from: holder.end.availability,
            summary: "All of \(what), as /C=FR/O=Example or in the format rfc2253; or one entry of it, CN say."
        ) { (arguments, table) throws(ConfigProblem) in
            let entry = arguments.optionalString()
            let occurrence = try arguments.optionalInteger("an occurrence", in: -100...100) ?? 1
            let format = arguments.optionalString()
            guard format == nil || format == "rfc2253" else {
                throw arguments.problem("'\(format ?? "")' is no format", expected: "rfc2253")
            }
            guard let entry else { return .certificate(.name(holder, which, isRFC2253: format != nil)) }
            return .certificate(.entry(holder, which, table.keep(entry), occurrence: Int8(occurrence)))
        }
    }

    private static func row(
        _ name: String, _ type: SampleType, _ sample: CertificateSample, _ holder: Holder, _ summary: String
    ) -> SampleRow {
        SampleRow(name, yields: type, from: holder.end.availability, .certificate(sample), summary: summary)
    }

    private static func isNumber(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count > 1 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0 &- 0x30 < 10 } }
    }

    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .part(let holder, let part):
            return context.makeOrNone(of: holder.end) { $0.append(part, of: holder.owner, to: &$1) }
        case .version(let holder):
            return holder.end.engine(context)?.certificateVersion(of: holder.owner).map { .integer($0) }
        case .chain(let holder): return context.makeOrNone(of: holder.end) { $0.appendPeerChain(to: &$1) }
        case .name(let holder, let name, let isRFC2253):
            return context.makeOrNone(of: holder.end) {
                $0.append(name, of: holder.owner, asRFC2253: isRFC2253, to: &$1)
            }
        case .entry(let holder, let name, let type, let occurrence):
            return context.makeOrNone(of: holder.end) {
                $0.append(entry: program.text(type), Int(occurrence), of: name, of: holder.owner, to: &$1)
            }
        case .isUsed: return context.connection.clientTLS.map { .bool($0.holds(.usesPeerCertificate)) }
        case .verification(let number): return context.connection.clientTLS.map { .integer($0.number(number)) }
        case .policies: return context.makeOrNone(of: .client) { $0.appendPolicies(to: &$1) }
        case .policy(let number):
            guard context.connection.clientTLS?.hasPolicy(program.text(number)) == true else { return nil }
            return .string(context.make { $0.append(program.text(number)) })
        }
    }
}

/// From a result of checking a certificate to the name of OpenSSL's constant (manual, section 7.3.1): the numbers differ between versions
/// of OpenSSL, so that a file which compares names stays right.
enum CertificateErrorConverter {
    static let row = ConverterRow(
        "x509_v_err_str", takes: .integer, yields: .string,
        summary:
            "The name of a result of checking a certificate, ssl_c_verify's say: X509_V_OK, X509_V_ERR_CERT_HAS_EXPIRED; "
            + "the number itself where OpenSSL has no name."
    ) { (_, _) throws(ConfigProblem) in .certificateError }

    static func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        guard let number = value.integer(context) else { return nil }
        return .string(
            context.make { out in
                if let name = CertificateError.name(of: number) {
                    out.append(name)
                } else {
                    TextWriter.append(to: &out) { $0.append(number: number) }
                }
            })
    }
}
