// `tune.ssl.*`, and what OpenSSL itself is told: providers, properties, the level of security.

internal import Basics
internal import COpenSSL
internal import Configuration

extension TLSKeywords {
    static let limits: [Keyword] = [
        Keyword(
            "tune.ssl.cachesize", in: .global, usage: "tune.ssl.cachesize <number>",
            summary: "Sessions that are kept to be continued by clients without tickets: 20000 by default; 0: none."
        ) { (args, draft) throws(ConfigProblem) in
            draft[TLSDefaults.self].sessionsMax = try args.cappedInteger("a number", in: 0...100_000_000)
        },
        Keyword(
            "tune.ssl.lifetime", in: .global, usage: "tune.ssl.lifetime <time>",
            summary: "How long a session may be continued: 300 seconds by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[TLSDefaults.self].sessionLifetime = try args.time("a time", defaultUnit: .seconds)
        },
        helloBytes("tune.ssl.capture-buffer-size"),
        // The name that HAProxy had for it until 2.8.
        helloBytes("tune.ssl.capture-cipherlist-size"),
        Keyword(
            "tune.ssl.default-dh-param", in: .global, usage: "tune.ssl.default-dh-param <bits>",
            summary: "Bits of the parameters for ciphers with DHE, where no file has any: 2048 by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[TLSDefaults.self].dhBits = try args.integer("a number of bits", in: 1_024...8_192)
        },
        Keyword(
            "tune.ssl.keylog", in: .global, usage: "tune.ssl.keylog on|off",
            summary:
                "Keeps the secrets of each connection for samples, so that a log can decrypt captured packets. Off by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[TLSDefaults.self].keepsSecrets = try args.choice("a word", of: ["on": true, "off": false])
        },
        record(
            "tune.ssl.maxrecord", \.recordBytesMax,
            "Bytes in a record at most, until the flow is steady: small records reach the peer's program sooner."),
        record("tune.ssl.hard-maxrecord", \.recordBytesLimit, "Bytes in a record at most, always: 16384 by default."),
        Keyword("noktls", in: .global, usage: "noktls", summary: "As `ktls off` on every line.") {
            (_, draft) throws(ConfigProblem) in draft[TLSDefaults.self].forbidsKernel = true
        },
    ]

    private static func helloBytes(_ name: String) -> Keyword {
        Keyword(
            name, in: .global, usage: "\(name) <bytes>",
            summary:
                "Bytes of a client's first message that are kept for samples like ssl_fc_cipherlist_bin: none by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[TLSDefaults.self].helloBytesMax = try args.cappedInteger("a number of bytes", in: 0...16_384)
        }
    }

    private static func record(
        _ name: String, _ field: any (WritableKeyPath<TLSDefaults, Int?> & Sendable), _ summary: String
    ) -> Keyword {
        Keyword(name, in: .global, usage: "\(name) <bytes>", summary: summary) { (args, draft) throws(ConfigProblem) in
            draft[TLSDefaults.self][keyPath: field] = try args.limit("a number of bytes", to: 16_384)
        }
    }

    // MARK: OpenSSL itself

    static let library: [Keyword] = [
        Keyword(
            "ssl-security-level", in: .global, usage: "ssl-security-level <level>",
            summary: "OpenSSL's level of security, which bounds keys, digests and ciphers: from 0 to 5."
        ) { (args, draft) throws(ConfigProblem) in
            draft[TLSDefaults.self].securityLevel = try args.integer("a level", in: 0...5)
        },
        Keyword(
            "ssl-provider", in: .global, usage: "ssl-provider <name>",
            summary:
                "Loads a provider of algorithms into OpenSSL. Once one is named, `default` has to be named too if it is wanted."
        ) { (args, draft) throws(ConfigProblem) in
            let word = try args.next("a provider")
            draft[TLSDefaults.self].libraryWord = word
            defer { ERR_clear_error() }
            guard unsafe OSSL_PROVIDER_load(nil, word.text) != nil else {
                throw args.problem(
                    "OpenSSL cannot load the provider '\(word.text)'", at: word,
                    expected: "default, legacy, base, null, fips, or one in the folder of ssl-provider-path")
            }
        },
        Keyword(
            "ssl-provider-path", in: .global, usage: "ssl-provider-path <folder>",
            summary: "The folder of the providers that the following ssl-provider lines name."
        ) { (args, _) throws(ConfigProblem) in
            let word = try args.next("a folder")
            guard unsafe OSSL_PROVIDER_set_default_search_path(nil, word.text) == 1 else {
                throw args.problem("OpenSSL refuses the folder '\(word.text)'", at: word)
            }
        },
        Keyword(
            "ssl-propquery", in: .global, usage: "ssl-propquery <query>",
            summary: "Which of its algorithms OpenSSL prefers, in its own notation: ?fips=yes."
        ) { (args, draft) throws(ConfigProblem) in
            let word = try args.next("a query")
            draft[TLSDefaults.self].libraryWord = word
            defer { ERR_clear_error() }
            guard unsafe EVP_set_default_properties(nil, word.text) == 1 else {
                throw args.problem(
                    "'\(word.text)' is no query that OpenSSL understands", at: word, expected: "like ?fips=yes")
            }
        },
    ]
}
