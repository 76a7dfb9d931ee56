// All runtime sockets: those of `stats socket` lines and of the command line.

internal import Admin
internal import Basics
internal import Proxy
internal import Reactor

/// The runtime sockets, and the conversations that are under way on them. A socket that stays goes on listening, and conversations go on
/// even if theirs does not stay: an operator may have reloaded the configuration on it.
final class RuntimeSocketSet {
    private struct Key: Hashable {
        let address: SocketAddress?
        let descriptor: Int32?

        init(_ settings: StatsSocket) {
            address = settings.address
            descriptor = settings.descriptor
        }
    }

    private let context: RuntimeContext
    private let pool: BufferPool
    private let loop: TaskLoop
    private let limit = RuntimeSocket.ConnectionLimit(0)
    private var sockets = KeptTasks<Key, RuntimeSocket>()

    init(_ context: RuntimeContext, pool: BufferPool, in loop: TaskLoop) {
        self.context = context
        self.pool = pool
        self.loop = loop
    }

    /// Serves these sockets and no others. One that is not there any more is closed.
    ///
    /// - Parameters:
    ///   - served: sockets that listen, with the line of each. Where a socket is served already at that place, it is kept, and the one
    ///     here is not looked at.
    ///   - admin: the time-out of connections, and how many there may be.
    func follow(_ served: [(socket: Socket, settings: StatsSocket)], _ admin: AdminSettings) {
        limit.maximum = admin.connectionsLimit
        let lines = Dictionary(served.map { (Key($0.settings), $0) }, uniquingKeysWith: { first, _ in first })
        sockets.follow(served.map { Key($0.settings) }, end: { $0.close(in: loop) }) { missing in
            lines[missing.key].map { socket, settings in
                RuntimeSocket.start(
                    socket, at: settings.address, interpreter: Self.interpreter(settings), timeout: admin.timeout,
                    limit: limit, context: context, pool: pool, in: loop)
            }
        }
        for (key, line) in lines {
            sockets[key]?.serve(Self.interpreter(line.settings), timeout: admin.timeout)
        }
    }

    private static func interpreter(_ settings: StatsSocket) -> CommandInterpreter {
        CommandInterpreter(
            commands: RuntimeCommands.all, level: settings.level, severity: settings.severity,
            masterCommands: settings.takesProcess ? RuntimeCommands.master : nil,
            exposesListeners: settings.exposesListeners)
    }

    /// Gives the addresses up, or takes them back. Returns messages for the operator.
    func setListening(_ listens: Bool) -> [String] {
        sockets.all.compactMap { listens ? $0.listenAgain(in: loop) : $0.stopListening(in: loop) }
    }

    /// Closes the sockets and ends the conversations.
    func close() {
        limit.closeAll(in: loop)
        sockets.endAll { $0.close(in: loop) }
    }
}
