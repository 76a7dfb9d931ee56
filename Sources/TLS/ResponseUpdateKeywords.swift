// `ocsp-update.*` of `global`: whether, how often and by which way OCSP responses are fetched.

internal import Basics
internal import Configuration

extension TLSKeywords {
    static let responseUpdates: [Keyword] =
        [
            Keyword(
                "ocsp-update.mode", in: .global, usage: "ocsp-update.mode on|off",
                summary: "`ocsp-update` of certificates whose lines do not say: off by default."
            ) { (args, draft) throws(ConfigProblem) in
                draft[TLSDefaults.self].responseUpdates.isDefault = try args.choice(
                    "a word", of: ["on": true, "off": false])
            },
            Keyword(
                "ocsp-update.disable", in: .global, usage: "ocsp-update.disable on|off",
                summary:
                    "Fetches no OCSP responses, whatever `ocsp-update` says; `update ssl ocsp-response` still does."
            ) { (args, draft) throws(ConfigProblem) in
                draft[TLSDefaults.self].responseUpdates.isDisabled = try args.choice(
                    "a word", of: ["on": true, "off": false])
            },
            Keyword(
                "ocsp-update.httpproxy", in: .global, usage: "ocsp-update.httpproxy <address>[:<port>]",
                summary: "The HTTP proxy through which OCSP responses are fetched; port 80 by default."
            ) { (args, draft) throws(ConfigProblem) in
                let word = try args.nextAddress("an address")
                guard let (host, port) = ResponderAddress.parts(of: word.text[...]) else {
                    throw args.problem(
                        "'\(word.text)' is no address of a proxy", at: word,
                        expected: "like 192.0.2.1:3128, [2001:db8::1]:3128 or proxy.example:3128")
                }
                draft[TLSDefaults.self].responseUpdates.proxy = .init(host: host, port: port)
            },
        ]
        // The names with `tune.ssl.` are those that HAProxy had until 3.2.
        + ["ocsp-update.mindelay", "tune.ssl.ocsp-update.mindelay"].map { name in
            seconds(
                name, \.leastSeconds,
                "Seconds that an OCSP response is kept at least, also one that ends earlier or names no end: 300 by default."
            )
        }
        + ["ocsp-update.maxdelay", "tune.ssl.ocsp-update.maxdelay"].map { name in
            seconds(
                name, \.mostSeconds,
                "Seconds after which an OCSP response is fetched anew at the latest: 3600 by default.")
        }

    private static func seconds(
        _ name: String, _ field: any (WritableKeyPath<ResponseUpdateSettings, Int> & Sendable), _ summary: String
    ) -> Keyword {
        Keyword(name, in: .global, usage: "\(name) <seconds>", summary: summary) {
            (args, draft) throws(ConfigProblem) in
            let keyword = args.keyword
            draft[TLSDefaults.self].responseUpdates[keyPath: field] = try args.integer(
                "a number of seconds", in: 1...2_000_000_000)
            draft[TLSDefaults.self].responseUpdates.secondsWord = keyword
        }
    }
}
