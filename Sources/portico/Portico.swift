// The command line: HAProxy's flags, and `help` for the keywords.

internal import ArgumentParser
internal import Configuration
internal import Reactor
internal import TLS

@main
struct Portico: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "portico",
        abstract: "A TCP load balancer, HTTP reverse proxy and file server.",
        usage: """
            portico -f <file> [-f <file>]... [<options>]
            portico -c -f <file>
            portico -cc <condition>
            portico reload -f <file> | -p <pidfile>
            portico help [<keyword>]...
            """,
        discussion: """
            Without -f it runs a built-in demonstration: see http://127.0.0.1:8080/.

            -sf <pid>... and -st <pid>... take over from older processes, which get SIGUSR1 or SIGTERM once this one listens. \
            -x <path> takes the listening sockets of the process whose stats socket is there, with 'expose-fd listeners'. \
            HAProxy's -W, -Ws, -S, -dM, -dI and similar flags are accepted; Portico is always a single process.
            """)

    @Option(
        name: .customShort("f"), help: "A configuration file, or a folder of *.cfg files; may be given several times.")
    var files: [String] = []

    @Flag(name: .customShort("c"), help: "Only check the configuration; the exit status is 0 if it is valid.")
    var checksOnly = false

    @Flag(name: .customShort("d"), help: "Stay in the foreground, with all messages.")
    var debugs = false

    @Flag(name: .customLong("db", withSingleDash: true), help: "Stay in the foreground; overrides the file.")
    var staysInForeground = false

    @Flag(name: .customShort("D"), help: "Go into the background; overrides the file.")
    var goesToBackground = false

    @Option(name: .customShort("p"), help: "Write the process ID into this file.")
    var pidFile: String?

    @Flag(name: .customShort("q"), help: "Print errors only.")
    var isQuiet = false

    @Flag(name: .customShort("V"), help: "Print everything; overrides the file.")
    var isVerbose = false

    @Flag(name: .customShort("v"), help: "Print the version.")
    var printsVersion = false

    @Flag(name: .customLong("vv", withSingleDash: true), help: "Print the version and its features.")
    var printsDetails = false

    @Option(name: .customShort("n"), help: "Limit for concurrent client connections; overrides the file.")
    var maxConnections: Int?

    @Option(name: .customShort("C"), help: "Change to this directory first.")
    var directory: String?

    @Option(name: .customShort("L"), help: "The local peer's name; accepted without effect.")
    var localPeer: String?

    @Flag(name: .customLong("dW", withSingleDash: true), help: "Treat warnings as errors.")
    var warningsAreFatal = false

    @Flag(name: .customLong("dD", withSingleDash: true), help: "Print the messages of .diag lines.")
    var isDiagnostic = false

    @Option(
        name: .customLong("cc", withSingleDash: true), parsing: .unconditional,
        help: "Evaluate a condition in the syntax of .if: exit status 0 if it is true, 1 if false, 2 if malformed."
    )
    var condition: String?

    /// Files after `--`, as in HAProxy.
    @Argument(help: .hidden)
    var moreFiles: [String] = []

    static func main() {
        TLSLibrary.wipeFreedKeys()
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "help" {
            let isKnown = HelpPage.print(for: Array(arguments.dropFirst()))
            if !isKnown { exit(withError: ExitCode(1)) }
            return
        }
        if arguments == ["manual"] {
            // `make docs` writes it to docs/configuration.md.
            print(KeywordRegistry.language.manual(), terminator: "")
            return
        }
        do {
            if arguments.first == "reload" {
                var request = try ReloadRequest.parseAsRoot(Array(arguments.dropFirst()))
                try request.run()
                return
            }
            let flags = try InheritedFlags(arguments)
            let command = try parse(flags.rest)
            try command.run(flags)
        } catch let refusal as InheritedFlags.Refusal {
            SystemProcess.printError("error: \(refusal.message)\n")
            exit(withError: ExitCode(1))
        } catch let code as ExitCode {
            exit(withError: code)
        } catch {
            // HAProxy's exit status is 1 for every failure; a request for help is not a failure.
            let code = exitCode(for: error)
            if code.isSuccess {
                print(fullMessage(for: error))
                return
            }
            let text = fullMessage(for: error)
            if !text.isEmpty { SystemProcess.printError(text + "\n") }
            exit(withError: ExitCode(1))
        }
    }

    func run(_ flags: InheritedFlags) throws {
        if printsDetails {
            print(Version.details)
        } else if printsVersion {
            print(Version.line)
        } else if let condition {
            Self.exit(withError: ExitCode(ConditionCheck.status(of: condition)))
        } else {
            try Launch(self, flags).run()
        }
    }
}

/// `portico -cc <condition>`.
enum ConditionCheck {
    /// The exit status for a condition. Prints problems on standard error.
    static func status(of condition: String) -> Int32 {
        do throws(ConfigProblem) {
            let holds = try KeywordRegistry.language.holds(
                condition: condition, named: "-cc", environment: SystemProcess.environment)
            return holds ? 0 : 1
        } catch {
            var sources = Sources()
            sources.add(Array(condition.utf8), named: "-cc")
            let printer = ProblemPrinter(sources: sources, usesColor: SystemProcess.errorsGoToTerminal)
            SystemProcess.printError(printer.text(for: error))
            return 2
        }
    }
}

/// `portico help`: the keyword tables, printed.
enum HelpPage {
    /// Prints a page on standard output. If there is none, prints a message on standard error and returns false.
    static func print(for words: [String]) -> Bool {
        let help = HelpPrinter(KeywordRegistry.language)
        let isKnown = help.hasPage(for: words)
        if isKnown { Swift.print(help.text(for: words)) } else { SystemProcess.printError(help.text(for: words)) }
        return isKnown
    }
}

/// The version of this program, and of HAProxy's language that it implements.
enum Version {
    static let number = "0.1.0"
    static let date = "2026/11/21"
    /// The stable line of HAProxy whose configuration language Portico follows.
    static let compatible = "3.4"

    static let line = "Portico version \(number) \(date), compatible with HAProxy \(compatible)"

    /// HAProxy's build features that Portico has, and common ones that it does not have.
    private static let features = [
        "ACCEPT4", "CRYPT_H", "EPOLL", "GETADDRINFO", "LIBCRYPT", "OPENSSL", "PCRE2", "PCRE2_JIT", "TFO", "THREAD",
    ]
    private static let missing = [
        "LINUX_TPROXY", "LUA", "NS", "OT", "PROMEX", "QUIC", "SLZ", "SYSTEMD", "ZLIB",
    ]

    /// The properties that `.if` and `-cc` can query.
    static let facts = ProgramFacts(
        version: compatible, features: Set(features), options: ["EPOLL", "GETADDRINFO", "REUSEPORT"],
        library: TLSLibrary.name, keepsToFIPS: TLSLibrary.keepsToFIPS)

    /// The output of `-vv`.
    static let details = """
        \(line)
        Built with Swift for Linux; event loop: epoll, one per thread
        Built with OpenSSL version : \(TLSLibrary.builtWith)
        Running on OpenSSL version : \(TLSLibrary.name)
        Feature list : \(features.map { "+\($0)" }.joined(separator: " ")) \(missing.map { "-\($0)" }.joined(separator: " "))
        Keywords: portico help
        """
}
