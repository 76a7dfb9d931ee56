// What a reload needs of the program: reading the configuration, and opening the sockets that are not open yet. A simulation plays both.

public import Admin
public import Logging
public import Proxy
public import Reactor

/// What one reading of the configuration came to. Nothing has been changed by it.
public struct ConfigurationReading {
    /// What can be put in force; nil if the configuration is refused.
    public var candidate: PlanCandidate?
    public var settings: ControlSettings
    /// The `stats socket` lines and those of the command line.
    public var runtimeSockets: [StatsSocket]
    /// Errors and warnings as `-c` prints them; empty if there are none.
    public var problems: String
    /// The same for logs, a line for each.
    public var events: [(level: LogLevel, text: String)]

    public init(
        candidate: PlanCandidate?, settings: ControlSettings = ControlSettings(), runtimeSockets: [StatsSocket] = [],
        problems: String = "", events: [(level: LogLevel, text: String)] = []
    ) {
        self.candidate = candidate
        self.settings = settings
        self.runtimeSockets = runtimeSockets
        self.problems = problems
        self.events = events
    }
}

/// The listening sockets that a plan needs: those that were open already, and new ones.
public struct PreparedSockets {
    /// Of each worker, by its index.
    public var workers: [[(socket: Socket, bind: BindPlan)]]
    public var runtimeSockets: [(socket: Socket, settings: StatsSocket)]
    /// What is handed to another process that takes over.
    public var exposed: ExposedListeners
    /// Sockets that no line uses any more and that are not closed: the process was started with them.
    public var keepsOpen: Set<Int32>
    /// Makes them those of the process. The argument is whether it listens: it may have given its addresses up for a while.
    public var commit: (Bool) -> Void

    public init(
        workers: [[(socket: Socket, bind: BindPlan)]], runtimeSockets: [(socket: Socket, settings: StatsSocket)] = [],
        exposed: ExposedListeners = ExposedListeners(), keepsOpen: Set<Int32> = [],
        commit: @escaping (Bool) -> Void = { _ in }
    ) {
        self.workers = workers
        self.runtimeSockets = runtimeSockets
        self.exposed = exposed
        self.keepsOpen = keepsOpen
        self.commit = commit
    }
}

/// Why a reload ends without effect.
public struct ReloadFault: Error {
    /// Lines for the operator.
    public let text: String

    public init(_ text: String) { self.text = text }
}

/// The configuration, as the program finds it.
public protocol ConfigurationSource: AnyObject {
    /// Reads it. A `NameBook` may be in use: then the reading that counts is one in which no name is missing.
    func read(for site: Site) -> ConfigurationReading

    /// Opens what the reading needs and is not open yet.
    /// - Throws: what could not be opened. Then nothing is open that was not open before.
    func open(_ reading: ConfigurationReading) throws(ReloadFault) -> PreparedSockets
}
