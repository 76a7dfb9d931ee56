// The runtime socket: connections whose lines are commands. Lives on the control thread.

public import Admin
public import Basics
public import Reactor
internal import SystemPackage

/// One listening socket of `stats socket`.
public final class AdminSocket: LoopTask {
    private let socket: Socket
    private let level: AccessLevel
    private let timeout: TimeSpan
    private let context: AdminContext
    private let pool: BufferPool
    private let limit: ConnectionLimit

    /// Connections of all runtime sockets together: `stats maxconn`.
    public final class ConnectionLimit {
        let maximum: Int
        var current = 0
        public init(_ maximum: Int) { self.maximum = maximum }
    }

    public static func start(
        _ socket: Socket, level: AccessLevel, timeout: TimeSpan, limit: ConnectionLimit, context: AdminContext,
        pool: BufferPool, in loop: TaskLoop
    ) {
        let task = AdminSocket(socket, level, timeout, limit, context, pool)
        loop.watch(socket, for: .reading, as: loop.add(task))
    }

    private init(
        _ socket: Socket, _ level: AccessLevel, _ timeout: TimeSpan, _ limit: ConnectionLimit,
        _ context: AdminContext, _ pool: BufferPool
    ) {
        self.socket = socket
        self.level = level
        self.timeout = timeout
        self.limit = limit
        self.context = context
        self.pool = pool
    }

    public func ready(_ readiness: Readiness, in loop: TaskLoop) {
        guard case .connection(let accepted, _) = loop.kernel.accept(on: socket) else { return }
        guard limit.current < limit.maximum else {
            loop.kernel.close(accepted, reset: false)
            return
        }
        AdminConnection.start(
            accepted, CommandInterpreter(level: level), timeout, limit, context, pool, in: loop)
    }

    public func expired(in loop: TaskLoop) {}
}

/// What commands may see.
public final class AdminContext: CommandContext {
    private let plan: Plan
    private let clock: any Kernel

    public init(plan: Plan, clock: any Kernel) {
        self.plan = plan
        self.clock = clock
    }

    public func snapshot() -> StatsSnapshot { plan.snapshot(now: clock.now) }

    public func refusedMessages() -> RefusedMessages { plan.refusedMessages() }
}

/// One connection to the runtime socket.
private final class AdminConnection: LoopTask {
    private let socket: Socket
    private var interpreter: CommandInterpreter
    private let timeout: TimeSpan
    private let limit: AdminSocket.ConnectionLimit
    private let context: AdminContext
    private let pool: BufferPool
    private var handle = SlotHandle(index: 0, generation: 0)
    private var input = ByteBuffer()
    private var unsent: [UInt8] = []
    private var sent = 0
    private var closesWhenSent = false
    private var isClosed = false

    static func start(
        _ socket: Socket, _ interpreter: CommandInterpreter, _ timeout: TimeSpan,
        _ limit: AdminSocket.ConnectionLimit, _ context: AdminContext, _ pool: BufferPool, in loop: TaskLoop
    ) {
        let connection = AdminConnection(socket, interpreter, timeout, limit, context, pool)
        limit.current += 1
        connection.handle = loop.add(connection)
        loop.watch(socket, for: .streaming, as: connection.handle)
        loop.setDeadline(loop.now + timeout, of: connection.handle)
    }

    private init(
        _ socket: Socket, _ interpreter: CommandInterpreter, _ timeout: TimeSpan,
        _ limit: AdminSocket.ConnectionLimit, _ context: AdminContext, _ pool: BufferPool
    ) {
        self.socket = socket
        self.interpreter = interpreter
        self.timeout = timeout
        self.limit = limit
        self.context = context
        self.pool = pool
    }

    func expired(in loop: TaskLoop) { close(in: loop) }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        // Commands wait while the answer to the one before is not taken.
        while flush(in: loop) {
            if closesWhenSent {
                close(in: loop)
                return
            }
            input.acquire(from: pool)
            let received = loop.kernel.receive(socket, into: &input)
            switch received {
            case .bytes:
                take(Self.run(input, &interpreter, context))
                loop.setDeadline(loop.now + timeout, of: handle)
            case .endOfStream: take(interpreter.inputEnded(context: context))
            case .wouldBlock, .failed: break
            }
            input.release(to: pool)
            switch received {
            case .bytes: continue
            case .endOfStream: closesWhenSent = true
            case .wouldBlock: return
            case .failed:
                close(in: loop)
                return
            }
        }
    }

    private func take(_ result: CommandResult) {
        unsent.append(contentsOf: result.bytes)
        if result.closes { closesWhenSent = true }
    }

    /// True when everything is sent.
    private func flush(in loop: TaskLoop) -> Bool {
        guard !isClosed else { return false }
        while sent < unsent.count {
            switch Self.send(unsent, from: sent, on: socket, loop.kernel) {
            case .bytes(let n): sent += n
            case .wouldBlock: return false
            case .failed:
                close(in: loop)
                return false
            }
        }
        unsent.removeAll()
        sent = 0
        return true
    }

    private static func send(_ bytes: [UInt8], from start: Int, on socket: Socket, _ kernel: any Kernel) -> Sent {
        unsafe kernel.send(socket, bytes.span.bytes.extracting(start...), more: false)
    }

    private static func run(
        _ input: borrowing ByteBuffer, _ interpreter: inout CommandInterpreter, _ context: AdminContext
    ) -> CommandResult {
        interpreter.receive(input.readable, context: context)
    }

    private func close(in loop: TaskLoop) {
        isClosed = true
        limit.current -= 1
        loop.remove(handle)
        loop.kernel.close(socket, reset: false)
    }
}
