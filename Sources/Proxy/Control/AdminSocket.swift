// The runtime socket: connections whose lines are commands. Lives on the control thread.

public import Admin
public import Basics
internal import Logging
public import Reactor
internal import SystemPackage

/// One listening socket of `stats socket`.
public final class AdminSocket: LoopTask {
    private let socket: Socket
    private let interpreter: CommandInterpreter
    private let timeout: TimeSpan
    private let context: AdminContext
    private let pool: BufferPool
    private let limit: ConnectionLimit
    private var handle = SlotHandle(index: 0, generation: 0)

    /// Connections of all runtime sockets together: `stats maxconn`.
    public final class ConnectionLimit {
        let maximum: Int
        var current = 0
        public init(_ maximum: Int) { self.maximum = maximum }
    }

    public static func start(
        _ socket: Socket, interpreter: CommandInterpreter, timeout: TimeSpan, limit: ConnectionLimit,
        context: AdminContext,
        pool: BufferPool, in loop: TaskLoop
    ) {
        let task = AdminSocket(socket, interpreter, timeout, limit, context, pool)
        task.handle = loop.add(task)
        task.listen(in: loop)
    }

    private init(
        _ socket: Socket, _ interpreter: CommandInterpreter, _ timeout: TimeSpan, _ limit: ConnectionLimit,
        _ context: AdminContext, _ pool: BufferPool
    ) {
        self.socket = socket
        self.interpreter = interpreter
        self.timeout = timeout
        self.limit = limit
        self.context = context
        self.pool = pool
    }

    public func ready(_ readiness: Readiness, in loop: TaskLoop) {
        let accepted: Socket
        switch loop.kernel.accept(on: socket) {
        case .connection(let connection, _): accepted = connection
        case .gone, .wouldBlock: return
        case .exhausted:
            // It stays ready as long as nobody accepts: looking away is better than spinning.
            loop.kernel.unwatch(socket)
            loop.setDeadline(loop.now + Limits.exhaustionPause, of: handle)
            return
        }
        guard limit.current < limit.maximum else {
            loop.kernel.close(accepted, reset: false)
            return
        }
        AdminConnection.start(
            accepted, interpreter, timeout, limit, context, pool, in: loop)
    }

    public func expired(in loop: TaskLoop) { listen(in: loop) }

    private func listen(in loop: TaskLoop) {
        guard loop.watch(socket, for: .reading, as: handle) != nil else { return }
        loop.setDeadline(loop.now + Limits.exhaustionPause, of: handle)
    }
}

/// What commands may see.
public final class AdminContext: CommandContext {
    private let plan: Plan
    private let clock: any Kernel
    private let lookup: NameLookup

    public init(plan: Plan, clock: any Kernel, lookup: NameLookup) {
        self.plan = plan
        self.clock = clock
        self.lookup = lookup
    }

    public func snapshot() -> StatsSnapshot { plan.snapshot(now: clock.now) }

    public func refusedMessages() -> RefusedMessages { plan.refusedMessages() }

    public func resolversReports() -> [ResolversReport] { lookup.reports }

    public func eventSinks() -> [EventSink] {
        plan.logger.eventRings.map { EventSink(name: $0.name, description: $0.description, dropped: $0.dropped) }
    }

    public func endOfEvents(of name: String) -> UInt64 { ring(name)?.end ?? 0 }

    public func readEvents(
        of name: String, from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int
    ) {
        ring(name)?.read(from: &position, into: &out, delimiter: delimiter, bytesMax: bytesMax)
    }

    private func ring(_ name: String) -> EventRing? { plan.logger.eventRings.first { $0.name == name } }
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
    /// The deadline that is set is the next turn, not the end of patience.
    private var awaitsTurn = false

    static func start(
        _ socket: Socket, _ interpreter: CommandInterpreter, _ timeout: TimeSpan,
        _ limit: AdminSocket.ConnectionLimit, _ context: AdminContext, _ pool: BufferPool, in loop: TaskLoop
    ) {
        let connection = AdminConnection(socket, interpreter, timeout, limit, context, pool)
        connection.handle = loop.add(connection)
        if loop.watch(socket, for: .streaming, as: connection.handle) != nil {
            loop.remove(connection.handle)
            loop.kernel.close(socket, reset: true)
            return
        }
        limit.current += 1
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

    deinit { input.release(to: pool) }

    func expired(in loop: TaskLoop) {
        if awaitsTurn {
            awaitsTurn = false
            loop.setDeadline(loop.now + timeout, of: handle)
            step(in: loop)
        } else {
            close(in: loop)
        }
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        if !awaitsTurn { step(in: loop) }
    }

    /// Runs one command, once the answer to the one before is taken. Health checks and signals get their turn before the next.
    private func step(in loop: TaskLoop) {
        guard flush(in: loop) else { return }
        if closesWhenSent {
            close(in: loop)
            return
        }
        if interpreter.isFollowing {
            follow(in: loop)
            return
        }
        if input.isEmpty {
            input.acquire(from: pool)
            switch loop.kernel.receive(socket, into: &input) {
            case .bytes: break
            case .endOfStream:
                take(interpreter.inputEnded(context: context))
                closesWhenSent = true
            case .wouldBlock:
                input.release(to: pool)
                return
            case .failed:
                close(in: loop)
                return
            }
        }
        if !input.isEmpty { take(Self.runLine(&input, &interpreter, context)) }
        input.releaseIfEmpty(to: pool)
        awaitsTurn = true
        loop.setDeadline(loop.now, of: handle)
    }

    /// Shows what has come, and looks again in a moment, until the peer says something or closes.
    private func follow(in loop: TaskLoop) {
        input.acquire(from: pool)
        let received = loop.kernel.receive(socket, into: &input)
        input.release(to: pool)
        switch received {
        case .wouldBlock: unsent = interpreter.readEvents(context: context)
        case .bytes: take(interpreter.endFollowing())
        case .endOfStream, .failed:
            close(in: loop)
            return
        }
        awaitsTurn = true
        loop.setDeadline(loop.now + (unsent.isEmpty ? Limits.eventPause : .zero), of: handle)
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

    /// Gives the interpreter the first line, or what there is of it.
    private static func runLine(
        _ input: inout ByteBuffer, _ interpreter: inout CommandInterpreter, _ context: AdminContext
    ) -> CommandResult {
        var length = 0
        while length < input.count {
            length += 1
            if input.readable[length - 1] == 0x0A { break }
        }
        let result = interpreter.receive(input.readable.extracting(first: length), context: context)
        input.consume(length)
        return result
    }

    private func close(in loop: TaskLoop) {
        isClosed = true
        input.release(to: pool)
        limit.current -= 1
        loop.remove(handle)
        loop.kernel.close(socket, reset: false)
    }
}
