// Reads the configuration for a reload: the files of the command line once more, with what cannot change while the process runs named in
// warnings.

internal import Admin
internal import Basics
internal import Configuration
internal import Control
internal import Logging
internal import Proxy
internal import Reactor

/// The files of the command line, and the process's listening sockets.
final class ConfigurationFiles: ConfigurationSource {
    private let options: Portico
    private let masterSockets: [StatsSocket]
    private let listeners: Listeners
    /// What `global` said at the start.
    private let daemon: DaemonSettings
    private let process: ProcessSettings

    init(_ options: Portico, masterSockets: [StatsSocket], startedWith global: Draft, _ listeners: Listeners) {
        self.options = options
        self.masterSockets = masterSockets
        self.listeners = listeners
        daemon = global[DaemonSettings.self]
        process = global[ProcessSettings.self]
    }

    /// The privileges that are left are in effect meanwhile, so that it reads what the start could read.
    func read(for site: Site) -> ConfigurationReading { Privileges.use { readFiles(for: site) } }

    private func readFiles(for site: Site) -> ConfigurationReading {
        let loaded = Launch.load(options)
        var problems = loaded.problems
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections,
            environment: loaded.environment, site: site, now: .now())
        let candidate = builder.buildCandidate(maxConnections: options.maxConnections)
        if loaded.isComplete { problems += builder.problems }
        let admin = loaded.global[AdminSettings.self]
        if let plan = candidate?.plan {
            problems += Launch.problems(of: plan, loaded.global[DaemonSettings.self])
            if plan.binds.isEmpty, admin.sockets.isEmpty, masterSockets.isEmpty {
                problems.append(
                    ConfigProblem("nothing listens: there is no bind line, and no stats socket", at: nil))
            }
        }
        problems += unchangeable(loaded.global)
        let wanted = problems.filter { $0.severity == .error || !Launch.isQuiet(options, loaded.global) }
        let printer = ProblemPrinter(sources: loaded.sources)
        return ConfigurationReading(
            candidate: Launch.isRefused(problems, options, loaded.global) ? nil : candidate,
            settings: ControlSettings(
                admin: admin, hardStopAfter: loaded.global[ProcessSettings.self].hardStopAfter),
            runtimeSockets: admin.sockets + masterSockets, problems: printer.text(for: wanted),
            events: printer.sorted(wanted).map { (Self.level($0.severity), printer.line($0)) })
    }

    func open(_ reading: ConfigurationReading) throws(ReloadFault) -> PreparedSockets {
        try Privileges.use { () throws(ReloadFault) in
            try listeners.prepare(reading.candidate?.plan.binds ?? [], reading.runtimeSockets)
        }
    }

    private static func level(_ severity: ConfigProblem.Severity) -> LogLevel {
        switch severity {
        case .error: .err
        case .warning: .warning
        case .notice: .notice
        }
    }

    /// Warnings of what only another process can have.
    private func unchangeable(_ global: Draft) -> [ConfigProblem] {
        let (daemon, process) = (global[DaemonSettings.self], global[ProcessSettings.self])
        let changes: [(String, Bool)] = [
            ("user", daemon.user != self.daemon.user), ("group", daemon.group != self.daemon.group),
            ("chroot", daemon.root != self.daemon.root),
            ("daemon", daemon.goesToBackground != self.daemon.goesToBackground),
            ("pidfile", daemon.pidFile != self.daemon.pidFile),
            ("ulimit-n", daemon.descriptorLimit != self.daemon.descriptorLimit),
            ("nbthread", process.threads != self.process.threads),
            ("tune.bufsize", process.bufferBytes != self.process.bufferBytes),
        ]
        return changes.filter(\.1).map { name, _ in
            ConfigProblem(
                "'\(name)' is not as it was at the start: that counts from the next start on", at: nil,
                severity: .warning)
        }
    }
}
