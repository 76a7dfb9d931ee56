// The words of TLS that `bind`, `server` and entries of a crt-list have in common: each is one row here, made for whatever line
// contains `TLSProtocolOptions`.

internal import Basics
public import Configuration

/// The line that a row is made for; some words mean a little less on one side.
public enum TLSLine: Sendable {
    case bind, server
}

public enum TLSProtocolKeywords {
    public typealias Place<Target> = any (WritableKeyPath<Target, TLSProtocolOptions> & Sendable)

    /// The rows for a line that keeps these options at `place`.
    public static func rows<Target>(_ place: Place<Target>, for side: TLSLine) -> [Parameter<Target>] {
        algorithms(place) + trust(place, side) + versions(place) + behaviour(place, side)
    }

    // MARK: Algorithms

    private static func algorithms<Target>(_ place: Place<Target>) -> [Parameter<Target>] {
        [
            list("ciphers", place, \.ciphers, .ciphers, "The ciphers of TLS 1.2 and older, in OpenSSL's notation."),
            list(
                "ciphersuites", place, \.cipherSuites, .cipherSuites,
                "The cipher suites of TLS 1.3, with colons between."
            ),
            list(
                "curves", place, \.curves, .curves,
                "The groups for the exchange of keys, best first, with colons between: X25519:P-256."),
            list("ecdhe", place, \.curves, .curves, "As `curves`, from the time when there was only one."),
            list(
                "sigalgs", place, \.signatureAlgorithms, .signatureAlgorithms,
                "The algorithms that this side signs handshakes with: ECDSA+SHA256:RSA-PSS+SHA256."),
            list(
                "client-sigalgs", place, \.clientSignatureAlgorithms, .clientSignatureAlgorithms,
                "The algorithms that client certificates may sign handshakes with."),
        ]
    }

    private static func list<Target>(
        _ name: String, _ place: Place<Target>,
        _ field: any (WritableKeyPath<TLSProtocolOptions, Word?> & Sendable), _ kind: AlgorithmList, _ summary: String
    ) -> Parameter<Target> {
        Parameter(name, usage: "\(name) <list>", summary: summary) { (args, target) throws(ConfigProblem) in
            let word = try args.next("a list of \(kind.rawValue)")
            try kind.check(word)
            target[keyPath: place][keyPath: field] = word
        }
    }

    // MARK: The peer's certificate

    private static func trust<Target>(_ place: Place<Target>, _ side: TLSLine) -> [Parameter<Target>] {
        [
            Parameter(
                "ca-file", usage: "ca-file <file>|<folder>|@system-ca",
                summary: side == .bind
                    ? "The authorities that sign client certificates: a file in PEM, or a folder of such files. Renewed files are taken as "
                        + "those of `crt` are."
                    : "The authorities that sign servers' certificates: a file in PEM, a folder of such files, or the system's. "
                        + "Renewed files are taken by themselves, but for the system's."
            ) { (args, target) throws(ConfigProblem) in
                target[keyPath: place].authorities = try args.next("a file of certificates")
            },
            Parameter(
                "crl-file", usage: "crl-file <file>",
                summary:
                    "Lists of certificates that their authorities withdrew. A renewed file is taken by itself, if its lists "
                    + "are signed by these authorities and not over."
            ) { (args, target) throws(ConfigProblem) in
                target[keyPath: place].revocations = try args.next("a file of revocation lists")
            },
            Parameter(
                "verify", usage: side == .bind ? "verify none|optional|required" : "verify none|required",
                summary: side == .bind
                    ? "Whether clients are asked for a certificate, and whether they must have one: none by default."
                    : "Whether the server's certificate is checked: required by default."
            ) { (args, target) throws(ConfigProblem) in
                target[keyPath: place].verification =
                    switch side {
                    case .bind:
                        try args.choice(
                            "a word", of: ["none": TLSVerification.none, "optional": .optional, "required": .required])
                    case .server: try args.choice("a word", of: ["none": TLSVerification.none, "required": .required])
                    }
            },
        ]
    }

    // MARK: Versions

    private static func versions<Target>(_ place: Place<Target>) -> [Parameter<Target>] {
        var rows = [
            bound("ssl-min-ver", place, \.minimum, "The oldest version that is spoken: TLSv1.2 by default."),
            bound("ssl-max-ver", place, \.maximum, "The newest version that is spoken."),
        ]
        for version in TLSVersion.allCases {
            let only = "force-\(version.suffix)"
            // No library speaks SSLv3 any more.
            if version != .ssl3 {
                rows.append(
                    Parameter(only, usage: only, summary: "Speaks \(version.name) only.") {
                        (_, target) throws(ConfigProblem) in
                        target[keyPath: place].versions.minimum = version
                        target[keyPath: place].versions.maximum = version
                    })
            }
            let without = "no-\(version.suffix)"
            rows.append(
                Parameter(
                    without, usage: without,
                    summary: "Does not speak \(version.name). Has no effect beside `ssl-min-ver` or `ssl-max-ver`."
                ) { (_, target) throws(ConfigProblem) in target[keyPath: place].versions.excluded.insert(version) })
        }
        return rows
    }

    private static func bound<Target>(
        _ name: String, _ place: Place<Target>,
        _ field: any (WritableKeyPath<TLSVersions, TLSVersion?> & Sendable), _ summary: String
    ) -> Parameter<Target> {
        Parameter(name, usage: "\(name) SSLv3|TLSv1.0|TLSv1.1|TLSv1.2|TLSv1.3", summary: summary) {
            (args, target) throws(ConfigProblem) in
            let word = args.peek
            let version = try args.choice("a version", of: TLSVersion.words)
            if name == "ssl-max-ver", version == .ssl3 {
                throw args.problem("no library speaks SSLv3 any more", at: word, expected: "TLSv1.0 or newer")
            }
            target[keyPath: place].versions[keyPath: field] = version
        }
    }

    // MARK: Behaviour

    private static func behaviour<Target>(_ place: Place<Target>, _ side: TLSLine) -> [Parameter<Target>] {
        [
            Parameter(
                "alpn", usage: "alpn <protocol>[,...]",
                summary: side == .bind
                    ? "The protocols that are offered to clients above TLS, best first: in HTTP mode h2,http/1.1 by default, or what `proto` says."
                    : "The protocols that are offered to the server above TLS, best first."
            ) { (args, target) throws(ConfigProblem) in
                let word = try args.next("protocols with commas between")
                target[keyPath: place].applicationProtocols = try protocols(word)
                target[keyPath: place].applicationProtocolsWord = word
            },
            switching("tls-tickets", place, \.usesTickets, true, "Lets sessions go on by tickets; the default."),
            switching(
                "no-tls-tickets", place, \.usesTickets, false,
                "Gives no tickets: sessions go on only while they are in the cache of this process."),
            switching(
                "allow-0rtt", place, \.allowsEarlyData, true,
                side == .bind
                    ? "Takes a request that is sent with the first message of TLS 1.3. It may be a copy sent by others: "
                        + "`http-request wait-for-handshake` holds it back."
                    : "Sends a request with the first message of TLS 1.3, if the client sent it so, or with `retry-on 0rtt-rejected`."
            ),
            Parameter(
                "ktls", usage: "ktls on|off",
                summary:
                    "Lets the kernel encrypt what is sent, where it can (Linux's module `tls`; start-up says if it cannot): files "
                    + "then go out of its cache without being copied, and records are as long as they can be from the first on. "
                    + "Off by default."
            ) { (args, target) throws(ConfigProblem) in
                target[keyPath: place].usesKernel = try args.choice("a word", of: ["on": true, "off": false])
            },
        ]
    }

    private static func switching<Target>(
        _ name: String, _ place: Place<Target>,
        _ field: any (WritableKeyPath<TLSProtocolOptions, Bool?> & Sendable), _ value: Bool, _ summary: String
    ) -> Parameter<Target> {
        Parameter(name, usage: name, summary: summary) { (_, target) throws(ConfigProblem) in
            target[keyPath: place][keyPath: field] = value
        }
    }

    /// The names in an `alpn` word: 1 to 255 bytes each (RFC 7301 section 3.1).
    public static func protocols(_ word: Word) throws(ConfigProblem) -> [[UInt8]] {
        var names: [[UInt8]] = []
        for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = String(part).verbatimBytes
            guard (1...255).contains(name.count) else {
                throw ConfigProblem(
                    name.isEmpty ? "a protocol's name is empty" : "a protocol's name of \(name.count) bytes",
                    at: word.range,
                    expected: "names of 1 to 255 bytes with commas between: h2,http/1.1")
            }
            names.append(name)
        }
        return names
    }
}
