// The keywords of `global` for TLS.

public import Configuration

public enum TLSKeywords {
    public static let table: [Keyword] = defaults + folders + limits + library + responseUpdates + sections

    // MARK: Defaults of both sides

    private static let defaults: [Keyword] =
        lists("bind", "`bind` lines", \.bind.protocol) + lists("server", "`server` lines", \.server) + [
            Keyword(
                "ssl-default-bind-options", in: .global, usage: "ssl-default-bind-options <parameter>...",
                summary:
                    "What `bind` lines with `ssl` start from: versions (ssl-min-ver, ssl-max-ver, force-*, no-*), tls-tickets, "
                    + "no-tls-tickets, prefer-client-ciphers, strict-sni, no-strict-sni."
            ) { (args, draft) throws(ConfigProblem) in
                guard !args.isAtEnd else { throw args.problem("a parameter of 'bind' is missing") }
                try args.parameters(
                    bindParameters.filter { isDefault($0.name) }, of: "ssl-default-bind-options",
                    into: &draft[TLSDefaults.self].bind)
            },
            Keyword(
                "ssl-default-server-options", in: .global, usage: "ssl-default-server-options <parameter>...",
                summary: "What `server` lines with `ssl` start from: versions, tls-tickets, no-tls-tickets."
            ) { (args, draft) throws(ConfigProblem) in
                guard !args.isAtEnd else { throw args.problem("a parameter of 'server' is missing") }
                try args.parameters(
                    TLSProtocolKeywords.rows(\TLSProtocolOptions.self, for: .server).filter { isDefault($0.name) },
                    of: "ssl-default-server-options", into: &draft[TLSDefaults.self].server)
            },
            Keyword(
                "ssl-server-verify", in: .global, usage: "ssl-server-verify none|required",
                summary: "Whether servers' certificates are checked where a line does not say: required by default."
            ) { (args, draft) throws(ConfigProblem) in
                draft[TLSDefaults.self].serverVerification = try args.choice(
                    "a word", of: ["none": .none, "required": .required])
            },
        ]

    /// Whether the parameter may stand in `ssl-default-bind-options`.
    private static func isDefault(_ name: String) -> Bool {
        let plain: Set = [
            "ssl-min-ver", "ssl-max-ver", "tls-tickets", "no-tls-tickets", "prefer-client-ciphers", "strict-sni",
            "no-strict-sni",
        ]
        return plain.contains(name) || ["force-", "no-tlsv", "no-sslv"].contains { name.hasPrefix($0) }
    }

    /// The lists of algorithms that lines of one kind start from.
    private static func lists(
        _ side: String, _ lines: String,
        _ place: any (WritableKeyPath<TLSDefaults, TLSProtocolOptions> & Sendable)
    ) -> [Keyword] {
        let kinds: [(String, AlgorithmList, any (WritableKeyPath<TLSProtocolOptions, Word?> & Sendable))] = [
            ("ciphers", .ciphers, \.ciphers), ("ciphersuites", .cipherSuites, \.cipherSuites),
            ("curves", .curves, \.curves), ("sigalgs", .signatureAlgorithms, \.signatureAlgorithms),
            ("client-sigalgs", .clientSignatureAlgorithms, \.clientSignatureAlgorithms),
        ]
        return kinds.map { name, kind, field in
            Keyword(
                "ssl-default-\(side)-\(name)", in: .global, usage: "ssl-default-\(side)-\(name) <list>",
                summary: "`\(name)` of \(lines) that have none."
            ) { (args, draft) throws(ConfigProblem) in
                let word = try args.next("a list of \(kind.rawValue)")
                try kind.check(word)
                draft[TLSDefaults.self][keyPath: place][keyPath: field] = word
            }
        }
    }

    // MARK: Files

    private static let folders: [Keyword] = [
        folder("ca-base", \.authoritiesFolder, "The folder of `ca-file`, `ca-verify-file` and `crl-file`."),
        folder("crt-base", \.certificatesFolder, "The folder of certificates: `crt`, and the entries of a crt-list."),
        folder("key-base", \.keysFolder, "The folder of `key` in a crt-store."),
        Keyword(
            "issuers-chain-path", in: .global, usage: "issuers-chain-path <folder>",
            summary:
                "A folder of certificates that sign others: a certificate in a file without them gets those that it needs."
        ) { (args, draft) throws(ConfigProblem) in draft[TLSDefaults.self].issuersFolder = try args.next("a folder") },
        Keyword(
            "ssl-skip-self-issued-ca", in: .global, usage: "ssl-skip-self-issued-ca",
            summary: "Does not send the root of a chain, which clients must have anyway."
        ) { (_, draft) throws(ConfigProblem) in draft[TLSDefaults.self].skipsSelfIssued = true },
        Keyword(
            "ssl-load-extra-files", in: .global, usage: "ssl-load-extra-files none|all|bundle|sctl|ocsp|issuer|key...",
            summary:
                "Which files beside a certificate are read with it, by their endings: .rsa, .ecdsa and .dsa (bundle), .sctl, "
                + ".ocsp, .issuer, .key; all by default."
        ) { (args, draft) throws(ConfigProblem) in
            var companions: CertificateCompanions = []
            repeat {
                companions.formUnion(try args.choice("a kind of file", of: CertificateCompanions.words))
            } while !args.isAtEnd
            draft[TLSDefaults.self].companions = companions
        },
        Keyword(
            "ssl-load-extra-del-ext", in: .global, usage: "ssl-load-extra-del-ext",
            summary: "Looks for `site.key` beside `site.crt`, not for `site.crt.key`."
        ) { (_, draft) throws(ConfigProblem) in draft[TLSDefaults.self].companionsReplaceEnding = true },
        Keyword(
            "ssl-dh-param-file", in: .global, usage: "ssl-dh-param-file <file>",
            summary: "Parameters for ciphers with DHE, where a certificate's file has none."
        ) { (args, draft) throws(ConfigProblem) in draft[TLSDefaults.self].dhParameters = try args.next("a file") },
    ]

    private static func folder(
        _ name: String, _ field: any (WritableKeyPath<TLSDefaults, String?> & Sendable), _ summary: String
    ) -> Keyword {
        Keyword(name, in: .global, usage: "\(name) <folder>", summary: summary) { (args, draft) throws(ConfigProblem) in
            draft[TLSDefaults.self][keyPath: field] = try args.next("a folder").text
        }
    }
}
