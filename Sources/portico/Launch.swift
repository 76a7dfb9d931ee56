// Start-up: reads the configuration, builds the plan, opens the listeners, becomes a daemon, drops privileges, starts
// the threads. Errors that an operator can cause are reported here, before the first connection is accepted.

internal import Admin
internal import ArgumentParser
internal import Balancing
internal import Basics
internal import Configuration
internal import Control
internal import Logging
internal import Proxy
internal import Reactor
internal import SystemPackage
internal import TLS

/// One start of the program.
struct Launch {
    private let options: Portico
    private let flags: InheritedFlags
    private let files = FilesRead()

    init(_ options: Portico, _ flags: InheritedFlags) {
        self.options = options
        self.flags = flags
    }

    func run() throws {
        // The first plan and all that was read for it are left behind with `begin`, so that a reload frees them.
        try begin()?.run()
    }

    /// Returns nil if the configuration was only to be checked.
    private func begin() throws -> Started? {
        if let directory = options.directory {
            try orFail("cannot change to directory \(directory)") { () throws(Errno) in
                try SystemProcess.changeDirectory(directory)
            }
        }
        let masterSockets = try masterSockets()
        let loaded = files.collect { Self.load(options) }
        if options.files.isEmpty, options.moreFiles.isEmpty, !options.isQuiet { sayWhatRuns() }
        var problems = loaded.problems
        let daemon = loaded.global[DaemonSettings.self]
        let threads = loaded.global[ProcessSettings.self].threads ?? min(64, Thread.processorCount)
        // Ring 0 belongs to the control thread.
        let logger = Logger(rings: threads + 1)
        // Even if there are errors already, so that unresolved references are reported in the same run.
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections,
            environment: loaded.environment, logger: logger,
            workers: threads,
            facts: processFacts(loaded.global, threads, SystemProcess.raiseDescriptorLimit(to: daemon.descriptorLimit)),
            now: .now())
        let plan = files.collect { builder.build(maxConnections: options.maxConnections) }
        if loaded.isComplete { problems += builder.problems }
        if let plan {
            problems += Self.problems(of: plan, daemon)
        }
        let isQuiet = Self.isQuiet(options, loaded.global)
        report(problems, loaded, isQuiet)
        guard let plan, !Self.isRefused(problems, options, loaded.global) else {
            // Tools search for this line of HAProxy.
            SystemProcess.printError("[ALERT]    Fatal errors found in configuration.\n")
            throw ExitCode(1)
        }
        if options.checksOnly {
            // Tools search for the second line, which is HAProxy's.
            if !isQuiet {
                print("\(Self.summary(of: plan, problems)).")
                print("Configuration file is valid")
            }
            return nil
        }
        let messages = ProblemPrinter(sources: loaded.sources, usesColor: false).text(for: problems)
        return try start(plan, loaded, daemon, logger, threads, masterSockets, messages)
    }

    // MARK: Reading

    private func sayWhatRuns() {
        SystemProcess.printOutput(
            options.checksOnly
                ? "No -f: checking the demonstration.\n"
                : "No -f: running the demonstration. Open http://127.0.0.1:8080/ and http://127.0.0.1:8404/ "
                    + "(Ctrl-C ends it).\n")
    }

    /// Reads the files of the command line, or the demonstration if there are none.
    static func load(_ options: Portico) -> LoadedConfiguration {
        let files = options.files + options.moreFiles
        let environment = SystemProcess.environment
        if files.isEmpty {
            return KeywordRegistry.language.load(
                text: DemoConfiguration.text, named: "demo.cfg", environment: environment)
        }
        return KeywordRegistry.language.load(paths: files, environment: environment, isDiagnostic: options.isDiagnostic)
    }

    /// The sockets of -S.
    private func masterSockets() throws -> [StatsSocket] {
        try flags.masterSockets.map { text in
            do throws(ConfigProblem) {
                return try AdminKeywords.masterSocket(text)
            } catch {
                var sources = Sources()
                sources.add(Array(text.utf8), named: "-S")
                let printer = ProblemPrinter(sources: sources, usesColor: SystemProcess.errorsGoToTerminal)
                SystemProcess.printError(printer.text(for: error))
                throw ExitCode(1)
            }
        }
    }

    /// Whether only errors are told.
    static func isQuiet(_ options: Portico, _ global: Draft) -> Bool {
        options.isQuiet || global[DaemonSettings.self].isQuiet && !options.isVerbose
    }

    /// Whether the configuration does not count.
    static func isRefused(_ problems: [ConfigProblem], _ options: Portico, _ global: Draft) -> Bool {
        let warningsAreFatal = options.warningsAreFatal || global[DaemonSettings.self].warningsAreFatal
        return problems.contains { $0.severity == .error || warningsAreFatal && $0.severity == .warning }
    }

    /// What the plan and this system, or what the process gives up, do to one another.
    static func problems(of plan: Plan, _ daemon: DaemonSettings) -> [ConfigProblem] {
        filesThatCannotBeReadAgain(plan, daemon) + encryptionThatTheSystemLacks(plan)
            + connectionsThatWillFail(plan, daemon)
    }

    /// Servers whose connections need privileges that the process gives up.
    private static func connectionsThatWillFail(_ plan: Plan, _ daemon: DaemonSettings) -> [ConfigProblem] {
        guard let user = daemon.user, user != 0 else { return [] }
        return plan.backends.flatMap { backend in
            backend.backend.servers.filter { $0.way?.needsPrivileges == true }.map { server in
                ConfigProblem(
                    "server '\(backend.name)/\(server.name)' has 'usesrc' or 'namespace', which need root while Portico runs, and "
                        + "'user' changes that: its connections will fail", at: nil, severity: .warning)
            }
        }
    }

    /// `ktls on` where the kernel has no TLS, once for all lines: Portico encrypts by itself then.
    private static func encryptionThatTheSystemLacks(_ plan: Plan) -> [ConfigProblem] {
        guard plan.asksForSystemEncryption, !LinuxKernel.canEncrypt else { return [] }
        return [
            ConfigProblem(
                "'ktls on' does nothing here: this kernel cannot encrypt (it has no module 'tls')", at: nil,
                severity: .notice)
        ]
    }

    private func report(_ problems: [ConfigProblem], _ loaded: LoadedConfiguration, _ isQuiet: Bool) {
        let wanted = problems.filter { $0.severity == .error || !isQuiet }
        if wanted.isEmpty { return }
        let printer = ProblemPrinter(sources: loaded.sources, usesColor: SystemProcess.errorsGoToTerminal)
        SystemProcess.printError(printer.text(for: wanted))
    }

    private func processFacts(_ global: Draft, _ threads: Int, _ descriptors: Int) -> ProcessFacts {
        var facts = ProcessFacts()
        facts.version = Version.number
        facts.releaseDate = Version.date
        facts.threads = threads
        facts.startedAt = .now()
        facts.startDate = .now()
        facts.descriptorsLimit = descriptors
        facts.node = global[AdminSettings.self].node ?? SystemProcess.hostName
        facts.description = global[AdminSettings.self].description ?? ""
        return facts
    }

    /// A summary of the plan: `listens on :8080 and :8404, 2 frontends, 4 backends, 9 servers, 2 warnings`.
    private static func summary(of plan: Plan, _ problems: [ConfigProblem]) -> String {
        func counted(_ number: Int, _ one: String) -> String? {
            number == 0 ? nil : "\(number) \(one)\(number == 1 ? "" : "s")"
        }
        let listens = plan.frontends.count { plan.isListen($0) }
        let warnings = Set(problems.filter { $0.severity == .warning }).count
        let parts = [
            addresses(of: plan), counted(plan.frontends.count - listens, "frontend"),
            counted(listens, "listen section"),
            counted(plan.backends.count { !$0.isListen }, "backend"),
            counted(plan.backends.reduce(0) { $0 + $1.backend.servers.count }, "server"), counted(warnings, "warning"),
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }

    /// The addresses to listen on: `listens on :8080 and :8404`; if there are many, only the first.
    private static func addresses(of plan: Plan) -> String {
        let all = plan.binds.map { bind in
            switch bind.place.address {
            case .ip(.anyV4, let port)?: ":\(port)"
            case let address?: "\(address)"
            case nil: "fd@\(bind.place.descriptor ?? -1)"
            }
        }
        guard let last = all.last else { return "listens nowhere" }
        if all.count > 6 { return "listens on \(all.prefix(5).joined(separator: ", ")) and \(all.count - 5) more" }
        return "listens on " + (all.count == 1 ? last : all.dropLast().joined(separator: ", ") + " and " + last)
    }

    // MARK: Starting

    private func start(
        _ plan: Plan, _ loaded: LoadedConfiguration, _ daemon: DaemonSettings, _ logger: Logger, _ threads: Int,
        _ masterSockets: [StatsSocket], _ messages: String
    ) throws -> Started {
        let admin = loaded.global[AdminSettings.self]
        if plan.binds.isEmpty && admin.sockets.isEmpty && masterSockets.isEmpty {
            SystemProcess.printError("error: nothing listens: there is no bind line, and no stats socket\n")
            throw ExitCode(1)
        }
        SystemProcess.ignoreBrokenPipes()
        SystemProcess.reportCrashes(of: "\nerror: Portico \(Version.number)")
        let signals = ProcessThreads.collectSignals()
        let runtimeSockets = admin.sockets + masterSockets
        let shared = SharedSockets()
        var listening = Listening(
            inherited: try inheritedSockets(plan.binds, runtimeSockets), shared: shared, takesOver: flags.takesOver,
            from: flags.finishing + flags.terminating)
        try listening.open(plan.binds, workers: threads)
        try listening.open(runtimeSockets)
        listening.closeUnused()
        let listeners = Listeners(listening)
        let goesToBackground =
            (options.goesToBackground || daemon.goesToBackground) && !options.staysInForeground && !options.debugs
        // Before chroot and change of user, which may make /dev/null and the log socket inaccessible; and before the
        // PID file, which must have the child's ID.
        let background = try orFail("cannot go into the background") { () throws(Errno) -> Background? in
            goesToBackground ? try Background.begin(standardError: crashLog(of: loaded.global)) : nil
        }
        let pidPath = options.pidFile ?? daemon.pidFile
        let pidFile = try orFail("cannot write the pid file \(pidPath ?? "")") { () throws(Errno) -> PIDFile? in
            if let pidPath { try PIDFile(pidPath) } else { nil }
        }
        let manager = SystemProcess.environment["NOTIFY_SOCKET"].flatMap { ServiceManager(at: $0) }
        let running = try orFail("cannot start \(threads) threads (ulimit -n?)") { () throws(Errno) in
            try ProcessThreads(
                plan: plan, logger: logger, workers: threads,
                settings: ControlSettings(
                    admin: admin, hardStopAfter: loaded.global[ProcessSettings.self].hardStopAfter),
                sharedSockets: shared,
                isQuiet: Self.isQuiet(options, loaded.global), manager: manager, startMessages: messages,
                configuration: ConfigurationFiles(
                    options, masterSockets: masterSockets, startedWith: loaded.global, listeners),
                reloadsOnHangup: flags.actsAsMaster)
        }
        // The paths are those from before chroot.
        let later = Self.laterReading(plan, daemon)
        let kept = Privileges(
            neededAs: daemon.user, group: daemon.group, for: plan, runtimeSockets: runtimeSockets,
            files: files.paths.union(later.privilegedFiles))
        if let root = daemon.root {
            try orFail("cannot chroot to \(root)") { () throws(Errno) in try Confinement.begin(at: root) }
        }
        // Before dropping privileges, which may forbid it, and after almost everything that can fail.
        for process in flags.finishing { SystemProcess.requestGracefulStop(process) }
        for process in flags.terminating { SystemProcess.requestStop(process) }
        try orFail("cannot change user or group") { () throws(Errno) in
            try SystemProcess.become(user: daemon.user, group: daemon.group, keeping: kept)
        }
        if !Self.isQuiet(options, loaded.global) {
            SystemProcess.printError(
                "notice: Portico \(Version.number) is ready: \(Self.addresses(of: plan)), process \(SystemProcess.id)\n"
            )
        }
        background?.detach()
        manager?.say(.started)
        running.begin(plan, listeners, signals)
        return Started(threads: running, listeners: listeners, pidFile: pidFile, actsAsMaster: flags.actsAsMaster)
    }

    /// The sockets that this process gets from others, but for those that lines name by their numbers.
    private func inheritedSockets(
        _ binds: [BindPlan], _ runtimeSockets: [StatsSocket]
    ) throws -> InheritedSockets {
        var named = Set(runtimeSockets.compactMap(\.descriptor))
        for bind in binds {
            if let number = bind.place.descriptor { named.insert(number) }
            if case .pair(let number)? = bind.place.address { named.insert(number) }
        }
        var inherited = InheritedSockets()
        inherited.addThoseOfServiceManager(except: named)
        guard let path = flags.predecessorSocket else { return inherited }
        do throws(HandoverFault) {
            try inherited.addThose(ofProcessAt: path)
        } catch {
            SystemProcess.printError("error: -x: cannot get the listening sockets from \(path): \(error)\n")
            throw ExitCode(1)
        }
        return inherited
    }

    /// The address for crash reports of a daemon: the first log socket of `global`, or the system's.
    private func crashLog(of global: Draft) -> SocketAddress? {
        let settings = global[LoggingSettings.self]
        for destination in settings.destinations(global: settings) {
            switch destination.target {
            case .path(let path): return .path(path)
            case .abstract(let name): return .abstractExact(name)
            case .network(let host, let port): if let ip = IPAddress(host) { return .ip(ip, port: port) }
            case .descriptor, .ring, .stream: break
            }
        }
        return .path("/dev/log")
    }

    private func orFail<R>(_ what: String, _ body: () throws(Errno) -> R) throws -> R {
        do throws(Errno) {
            return try body()
        } catch {
            SystemProcess.printError("error: \(what): \(error)\n")
            throw ExitCode(1)
        }
    }
}

/// The configuration used without `-f`: `demo.cfg`, embedded in the executable.
enum DemoConfiguration {
    static let text = String(decoding: PackageResources.demo_cfg, as: UTF8.self)
}
