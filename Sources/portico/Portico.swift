// The command line: HAProxy's flags for what exists, `help` for the keywords.

internal import ArgumentParser
internal import Configuration
internal import Reactor

@main
struct Portico: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "portico",
        abstract: "The front door of a site: load balancer, reverse proxy and file server.",
        usage: """
            portico -f <file> [-f <file>]... [<options>]
            portico -c -f <file>
            portico -cc <condition>
            portico help [<keyword>]...
            """,
        discussion: """
            Without -f it runs the demonstration that it carries inside: see http://127.0.0.1:8080/.

            -sf <pid>... and -st <pid>... take over from older processes: these get SIGUSR1 or SIGTERM once this one listens. \
            HAProxy's -W, -Ws, -S, -x, -dM, -dI and their like are accepted; there is one process, and nothing to switch.
            """)

    @Option(
        name: .customShort("f"), help: "A configuration file, or a folder of *.cfg files; may be given several times.")
    var files: [String] = []

    @Flag(name: .customShort("c"), help: "Only check the configuration; the exit status is 0 if it is valid.")
    var checksOnly = false

    @Flag(name: .customShort("d"), help: "Stay in the foreground, with all messages.")
    var debugs = false

    @Flag(name: .customLong("db", withSingleDash: true), help: "Stay in the foreground, whatever the file says.")
    var staysInForeground = false

    @Flag(name: .customShort("D"), help: "Go into the background, whatever the file says.")
    var goesToBackground = false

    @Option(name: .customShort("p"), help: "Write the process's number into this file.")
    var pidFile: String?

    @Flag(name: .customShort("q"), help: "Print errors only.")
    var isQuiet = false

    @Flag(name: .customShort("V"), help: "Print everything, even where a file says otherwise.")
    var isVerbose = false

    @Flag(name: .customShort("v"), help: "Print the version.")
    var printsVersion = false

    @Flag(name: .customLong("vv", withSingleDash: true), help: "Print the version and what it was built with.")
    var printsDetails = false

    @Option(name: .customShort("n"), help: "Client connections at a time, whatever the file says.")
    var maxConnections: Int?

    @Option(name: .customShort("C"), help: "Change to this directory first.")
    var directory: String?

    @Option(name: .customShort("L"), help: "The local peer's name; accepted, and of no effect yet.")
    var localPeer: String?

    @Flag(name: .customLong("dW", withSingleDash: true), help: "Take warnings for errors.")
    var warningsAreFatal = false

    @Flag(name: .customLong("dD", withSingleDash: true), help: "Print what .diag lines say.")
    var isDiagnostic = false

    @Option(
        name: .customLong("cc", withSingleDash: true), parsing: .unconditional,
        help: "Only tell whether a condition as behind .if holds: exit status 0 if it does, 1 if not, 2 if it is wrong."
    )
    var condition: String?

    /// Files after `--`, as HAProxy takes them.
    @Argument(help: .hidden)
    var moreFiles: [String] = []

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "help" {
            let isKnown = HelpPage.print(for: Array(arguments.dropFirst()))
            if !isKnown { exit(withError: ExitCode(1)) }
            return
        }
        if arguments == ["manual"] {
            // What `make docs` writes into docs/configuration.md.
            print(KeywordRegistry.language.manual(), terminator: "")
            return
        }
        do {
            let flags = try InheritedFlags(arguments)
            let command = try parse(flags.rest)
            try command.run(flags)
        } catch let refusal as InheritedFlags.Refusal {
            SystemProcess.printError("error: \(refusal.message)\n")
            exit(withError: ExitCode(1))
        } catch let code as ExitCode {
            exit(withError: code)
        } catch {
            // HAProxy's exit status for every failure is 1; asking for help is none.
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
    /// What is wrong goes to standard error.
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
    /// Returns whether there is such a page; what there is instead goes to standard error.
    static func print(for words: [String]) -> Bool {
        let help = HelpPrinter(KeywordRegistry.language)
        let isKnown = help.hasPage(for: words)
        if isKnown { Swift.print(help.text(for: words)) } else { SystemProcess.printError(help.text(for: words)) }
        return isKnown
    }
}
