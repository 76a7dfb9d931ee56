// The predicates of `.if` conditions, one table row each.

/// The properties of the program that conditions can query.
public struct ProgramFacts: Sendable {
    /// The version of HAProxy with which it is compatible: `3.4`.
    public let version: String
    /// The features it was built with, by HAProxy's names: `EPOLL`, `PCRE2`.
    public let features: Set<String>
    /// The options in use at run time, by HAProxy's names.
    public let options: Set<String>
    /// The TLS library in use, its version first behind its name: `OpenSSL 3.0.17 1 Jul 2025`.
    public let library: String
    /// Whether that library keeps to the algorithms of FIPS.
    public let keepsToFIPS: Bool

    public init(
        version: String, features: Set<String>, options: Set<String>, library: String = "", keepsToFIPS: Bool = false
    ) {
        self.version = version
        self.features = features
        self.options = options
        self.library = library
        self.keepsToFIPS = keepsToFIPS
    }
}

/// A predicate: one row of the table.
struct Predicate: Sendable {
    /// The environment and the program for which a predicate is evaluated.
    struct Context {
        let environment: [String: String]
        let program: ProgramFacts
    }

    /// An invalid first argument.
    struct Fault: Error {
        let text: String
        let expected: String
    }

    let name: String
    let argumentCount: Int
    let usage: String
    let summary: String
    let holds: @Sendable ([String], Context) throws(Fault) -> Bool

    private init(
        _ name: String, _ arguments: String, _ summary: String,
        _ holds: @escaping @Sendable ([String], Context) throws(Fault) -> Bool
    ) {
        self.name = name
        argumentCount = arguments.split(separator: ",").count
        usage = "\(name)(\(arguments))"
        self.summary = summary
        self.holds = holds
    }

    static let table: [Predicate] = [
        Predicate("defined", "<name>", "Whether there is an environment variable of that name, possibly empty.") {
            (arguments, context) in context.environment[arguments[0]] != nil
        },
        Predicate("feature", "<name>", "Whether Portico was built with it: `portico -vv` lists it with a '+'.") {
            (arguments, context) in context.program.features.contains(arguments[0])
        },
        Predicate("enabled", "<option>", "Whether the option is in use at run time: EPOLL, REUSEPORT, GETADDRINFO.") {
            (arguments, context) in context.program.options.contains(arguments[0])
        },
        Predicate("streq", "<text>,<text>", "Whether the two texts are equal.") { (arguments, _) in
            arguments[0] == arguments[1]
        },
        Predicate("strneq", "<text>,<text>", "Whether the two texts differ.") { (arguments, _) in
            arguments[0] != arguments[1]
        },
        Predicate("strstr", "<text>,<part>", "Whether the text contains the part.") { (arguments, _) in
            arguments[1].isEmpty || arguments[0].firstRange(of: arguments[1]) != nil
        },
        Predicate(
            "version_atleast", "<version>",
            "Whether Portico is compatible with this version of HAProxy or a later one."
        ) { (arguments, context) throws(Fault) in
            try HAProxyVersion(context.program.version) >= HAProxyVersion(arguments[0])
        },
        Predicate("version_before", "<version>", "Whether Portico is compatible with an earlier version only.") {
            (arguments, context) throws(Fault) in
            try HAProxyVersion(context.program.version) < HAProxyVersion(arguments[0])
        },
        Predicate(
            "openssl_version_atleast", "<version>", "Whether the OpenSSL in use has this version or a later one."
        ) { (arguments, context) throws(Fault) in
            let wanted = try OpenSSLVersion(arguments[0])
            return OpenSSLVersion(ofLibrary: context.program.library).map { $0 >= wanted } ?? false
        },
        Predicate("openssl_version_before", "<version>", "Whether the OpenSSL in use has an earlier version.") {
            (arguments, context) throws(Fault) in
            let wanted = try OpenSSLVersion(arguments[0])
            return OpenSSLVersion(ofLibrary: context.program.library).map { $0 < wanted } ?? false
        },
        Predicate(
            "ssllib_name_startswith", "<name>", "Whether the name of the TLS library in use, OpenSSL, begins like this."
        ) { (arguments, context) in
            !context.program.library.isEmpty && context.program.library.hasPrefix(arguments[0])
        },
        Predicate("fips_mode", "", "Whether the OpenSSL in use keeps to the algorithms of FIPS.") {
            (_, context) in context.program.keepsToFIPS
        },
        withoutAWS("awslc_api_atleast", "<version>"),
        withoutAWS("awslc_api_before", "<version>"),
    ]

    private static func withoutAWS(_ name: String, _ arguments: String) -> Predicate {
        Predicate(name, arguments, "Never true: Portico has OpenSSL, not AWS-LC.") { (_, _) in false }
    }

    /// The table for help and manual.
    static let help = ParameterGroup(
        of: "conditions",
        table.map { row in
            Parameter<Void>(row.name, usage: row.usage, summary: row.summary) { (_, _) throws(ConfigProblem) in }
        })
}

/// A version in HAProxy's format: `3.0`, `2.8.3`, `3.0-dev5`. A development version precedes its release.
struct HAProxyVersion: Comparable {
    /// Major; minor; 1 for a release or 0 for a development version; patch or development number; number of later
    /// commits.
    private var numbers = [0, 0, 1, 0, 0]

    init(_ text: String) throws(Predicate.Fault) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...3).contains(numbers.count), numbers.allSatisfy({ $0.map { $0 >= 0 } ?? false }) else {
            throw Predicate.Fault(text: "'\(text)' is not a version", expected: "one like 2.8, 2.8.3 or 3.0-dev5")
        }
        for (index, number) in numbers.enumerated() { self.numbers[index < 2 ? index : 3] = number ?? 0 }
        var rest = parts.dropFirst()
        if let stage = rest.first, stage.hasPrefix("dev"), let number = Int(stage.dropFirst(3)) {
            self.numbers[2...3] = [0, number]
            rest = rest.dropFirst()
        }
        // Any further suffix identifies a build and is ignored.
        self.numbers[4] = rest.first.flatMap { Int($0) } ?? 0
    }

    static func < (one: Self, other: Self) -> Bool { one.numbers.lexicographicallyPrecedes(other.numbers) }
}

/// A version of OpenSSL: `3.0.17`, or with a letter for the patch, `1.1.1k`.
struct OpenSSLVersion: Comparable {
    /// Major, minor, fix, and the letter's place in the alphabet.
    private var numbers = [0, 0, 0, 0]

    init(_ text: String) throws(Predicate.Fault) {
        // What is behind a hyphen or a plus sign identifies a build.
        var parts = text.prefix { $0 != "-" && $0 != "+" }.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count == 3, let letter = parts[2].utf8.last, letter &- 0x61 < 26 {
            numbers[3] = Int(letter) - 0x60
            parts[2].removeLast()
        }
        let numbers = parts.map { Int($0) }
        guard (1...3).contains(numbers.count), numbers.allSatisfy({ $0.map { $0 >= 0 } ?? false }) else {
            throw Predicate.Fault(
                text: "'\(text)' is not a version of OpenSSL", expected: "one like 3.0, 3.0.17 or 1.1.1k")
        }
        for (index, number) in numbers.enumerated() { self.numbers[index] = number ?? 0 }
    }

    /// Nil if the library is another one, or has no version.
    init?(ofLibrary name: String) {
        let words = name.split(separator: " ")
        guard words.count > 1, words[0] == "OpenSSL", let version = try? OpenSSLVersion(String(words[1])) else {
            return nil
        }
        self = version
    }

    static func < (one: Self, other: Self) -> Bool { one.numbers.lexicographicallyPrecedes(other.numbers) }
}
