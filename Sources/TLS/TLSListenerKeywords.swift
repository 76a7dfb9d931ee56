// The parameters of `bind` that are about TLS: those it shares with `server`, and its own.

public import Configuration

extension TLSKeywords {
    /// The parameters of `bind` that are about TLS.
    public static let bindParameters: [Parameter<TLSListenerOptions>] =
        certificates + TLSProtocolKeywords.rows(\.protocol, for: .bind) + choices + clients

    private static let certificates: [Parameter<TLSListenerOptions>] = [
        Parameter("ssl", usage: "ssl", summary: "Connections here are encrypted: TLS 1.2 and 1.3 by default.") {
            (args, bind) throws(ConfigProblem) in
            bind.isOn = true
            if let global = args.global { bind.fill(from: global[TLSDefaults.self].bind) }
        },
        Parameter(
            "crt", usage: "crt <file>|<folder>|@<store>/<certificate>",
            summary:
                "A certificate, those that its issuer has signed with, and its key, in one file in PEM or in files with the same "
                + "name and the ending .key; a folder of such files, or a certificate of a crt-store. Which of several a client "
                + "gets, the names in them and the name that it asks for decide; the first is the default. A renewed file is taken "
                + "by itself, once it is whole and valid, also where only root may read it (see `user`)."
        ) { (args, bind) throws(ConfigProblem) in bind.sources.append(.certificate(try args.next("a certificate"))) },
        Parameter(
            "default-crt", usage: "default-crt <file>|@<store>/<certificate>",
            summary: "As `crt`, for clients that ask for no name, or for one that no certificate has."
        ) { (args, bind) throws(ConfigProblem) in
            bind.sources.append(.defaultCertificate(try args.next("a certificate")))
        },
        Parameter(
            "crt-list", usage: "crt-list <file>",
            summary: "A file with a certificate a line, with options in brackets and the names that it is for: "
                + "`site.pem [alpn h2] *.example.com !old.example.com`."
        ) { (args, bind) throws(ConfigProblem) in bind.sources.append(.list(try args.next("a file"))) },
    ]

    private static let choices: [Parameter<TLSListenerOptions>] = [
        Parameter("no-alpn", usage: "no-alpn", summary: "Offers no protocols above TLS, against the default.") {
            (_, bind) throws(ConfigProblem) in
            bind.protocol.applicationProtocols = []
        },
        Parameter(
            "strict-sni", usage: "strict-sni", summary: "Refuses clients that ask for a name that no certificate has."
        ) { (_, bind) throws(ConfigProblem) in bind.isStrict = true },
        Parameter(
            "no-strict-sni", usage: "no-strict-sni",
            summary: "Gives such clients the default certificate, where `ssl-default-bind-options` says strict-sni."
        ) { (_, bind) throws(ConfigProblem) in bind.isStrict = false },
        Parameter(
            "prefer-client-ciphers", usage: "prefer-client-ciphers",
            summary: "Chooses ciphers in the client's order, not in that of `ciphers`."
        ) { (_, bind) throws(ConfigProblem) in bind.prefersClientCiphers = true },
        Parameter(
            "tls-ticket-keys", usage: "tls-ticket-keys <file>",
            summary:
                "A file of keys for session tickets, one a line in base64, of 48 or 80 bytes each. The last but one "
                + "encrypts; all decrypt. Without it Portico makes keys of its own and renews them."
        ) { (args, bind) throws(ConfigProblem) in bind.ticketKeys = try args.next("a file of keys") },
    ]

    private static let clients: [Parameter<TLSListenerOptions>] = [
        Parameter(
            "ca-verify-file", usage: "ca-verify-file <file>",
            summary: "More authorities for client certificates, whose names clients are not told."
        ) { (args, bind) throws(ConfigProblem) in bind.hiddenAuthorities = try args.next("a file of certificates") },
        Parameter(
            "no-ca-names", usage: "no-ca-names",
            summary: "Does not tell clients which authorities they may choose from."
        ) { (_, bind) throws(ConfigProblem) in bind.hidesAuthorityNames = true },
        Parameter(
            "crt-ignore-err", usage: "crt-ignore-err all|<fault>[,...]",
            summary:
                "Faults of client certificates that are overlooked, by number or name: X509_V_ERR_CERT_HAS_EXPIRED."
        ) { (args, bind) throws(ConfigProblem) in
            bind.ignoredFaults = try VerificationFaults(try args.next("faults"))
        },
        Parameter(
            "ca-ignore-err", usage: "ca-ignore-err all|<fault>[,...]",
            summary: "As `crt-ignore-err`, for the certificates that signed the client's."
        ) { (args, bind) throws(ConfigProblem) in
            bind.ignoredAuthorityFaults = try VerificationFaults(try args.next("faults"))
        },
    ]
}
