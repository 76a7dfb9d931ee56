// `portico reload`: has a running process read its configuration again, and says what came of it.
//
// It asks over the first runtime socket of the configuration that allows it, which answers when the reload has ended. Without such a
// socket it checks the files itself, so that a mistake is reported here, and sends the process a signal.

internal import Admin
internal import ArgumentParser
internal import Basics
internal import Configuration
internal import Reactor
internal import SystemPackage

struct ReloadRequest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "portico reload",
        abstract: "Has a running process read its configuration again, without losing a connection.",
        usage: """
            portico reload -f <file> [-f <file>]...
            portico reload -p <pidfile>
            """,
        discussion: """
            It asks over the first 'stats socket' of the configuration with 'level admin', and prints the answer: the exit status is 0 if \
            the new configuration is in force, and 1 if the old one still is. Without such a socket the files are checked here, and the \
            process of the PID file gets SIGUSR2; the result is in its log then.
            """)

    @Option(name: .customShort("f"), help: "A file that the process was started with; may be given several times.")
    var files: [String] = []

    @Option(name: .customShort("C"), help: "Change to this directory first.")
    var directory: String?

    @Option(name: .customShort("p"), help: "The process's PID file; its command line says the files.")
    var pidFile: String?

    /// How long the process may take: reading ten thousand certificates takes a while.
    private static let patience = TimeSpan.seconds(600)

    /// The process of `-p`, and what it was started with.
    private struct Target {
        let process: OtherProcess
        let options: Portico
        let flags: InheritedFlags
    }

    func run() throws {
        let target = try pidFile.map(target)
        if files.isEmpty && target == nil {
            throw failure("which process? -f <file> or -p <pidfile> says it")
        }
        let files = files.isEmpty ? target.map { $0.options.files + $0.options.moreFiles } ?? [] : files
        if files.isEmpty { throw failure("the process was started without -f, and has no configuration to read again") }
        try enterDirectory(target)
        let loaded = KeywordRegistry.language.load(paths: files, environment: SystemProcess.environment)
        if let address = try socket(loaded, target) { return try ask(at: address) }
        guard let target else {
            throw failure(
                "the configuration has no 'stats socket' with 'level admin'; -p <pidfile> says which process to signal")
        }
        try check(files, target)
        try signal(target.process)
    }

    private func target(of path: String) throws -> Target {
        guard let process = OtherProcess(pidFile: path) else { throw failure("there is no process ID in \(path)") }
        guard process.runsThisProgram, let arguments = process.arguments else {
            throw failure("process \(process.id) of \(path) is no Portico: it has ended, or the file is an old one")
        }
        let flags = try InheritedFlags(arguments)
        return Target(process: process, options: try Portico.parse(flags.rest), flags: flags)
    }

    /// Goes where the process is if the files are those of its command line, so that relative paths are right.
    private func enterDirectory(_ target: Target?) throws {
        do throws(Errno) {
            if let directory {
                try SystemProcess.changeDirectory(directory)
            } else if files.isEmpty {
                try target?.process.enterDirectory()
            }
        } catch {
            // Absolute paths need none.
            let all = (target?.options.files ?? []) + (target?.options.moreFiles ?? [])
            if directory != nil || !all.allSatisfy({ $0.hasPrefix("/") }) {
                throw failure("cannot change to the directory of the process: \(error); -f says the files")
            }
        }
    }

    /// The address of the first runtime socket that takes the command. What else is wrong with the files, the process says better.
    private func socket(_ loaded: LoadedConfiguration, _ target: Target?) throws -> SocketAddress? {
        let masters = try (target?.flags.masterSockets ?? []).map { try AdminKeywords.masterSocket($0) }
        return (loaded.global[AdminSettings.self].sockets + masters).first { $0.level == .admin && $0.address != nil }?
            .address
    }

    private func ask(at address: SocketAddress) throws {
        let answer: String
        do throws(WaitingFault) {
            answer = try WaitingConnection.answer(to: "reload", at: address, patience: Self.patience)
        } catch {
            throw failure("cannot ask at the stats socket \(address): \(error)")
        }
        let lines = answer.split(whereSeparator: \.isNewline)
        guard lines.first == "Success=0" || lines.first == "Success=1" else {
            let said = lines.isEmpty ? "nothing" : lines.joined(separator: " ")
            throw failure("the stats socket \(address) answers: \(said)")
        }
        print(lines.joined(separator: "\n"))
        if lines.first == "Success=0" { throw ExitCode(1) }
    }

    /// Reports what the process would find, which is the same but for its environment.
    private func check(_ files: [String], _ target: Target) throws {
        var words = ["-c", "-q"] + files.flatMap { ["-f", $0] }
        if target.options.warningsAreFatal { words.append("-dW") }
        try Launch(try Portico.parse(words), try InheritedFlags([])).run()
    }

    private func signal(_ process: OtherProcess) throws {
        do throws(Errno) {
            try process.requestReload()
        } catch {
            throw failure("cannot signal process \(process.id): \(error)")
        }
        print(
            "The configuration is valid, and process \(process.id) was told to read it (SIGUSR2). "
                + "The result is in its log and on its standard error.")
    }

    private func failure(_ text: String) -> ExitCode {
        SystemProcess.printError("error: \(text)\n")
        return ExitCode(1)
    }
}
