// The runtime socket: connections whose lines are commands. Lives on the control thread.

internal import Admin
internal import Basics
internal import Logging
internal import Proxy
internal import Reactor
internal import SystemPackage

/// One listening socket of `stats socket`.
final class RuntimeSocket: LoopTask {
    private var socket: Socket
    /// Nil if the socket was inherited: its address is not ours to give up.
    private let address: SocketAddress?
    private let file: SocketFile?
    private let interpreter: CommandInterpreter
    private let timeout: TimeSpan
    private let context: RuntimeContext
    private let pool: BufferPool
    private let limit: ConnectionLimit
    private var handle = SlotHandle(index: 0, generation: 0)
    private var isWatched = false
    /// Its address is given up (SIGTTOU).
    private var isSuspended = false

    /// Connections of all runtime sockets together: `stats maxconn`.
    final class ConnectionLimit {
        let maximum: Int
        fileprivate var connections: [ObjectIdentifier: RuntimeConnection] = [:]
        init(_ maximum: Int) { self.maximum = maximum }
    }

    /// Begins to answer. `address` is where the socket listens; nil if it was inherited.
    static func start(
        _ socket: Socket, at address: SocketAddress?, interpreter: CommandInterpreter, timeout: TimeSpan,
        limit: ConnectionLimit, context: RuntimeContext, pool: BufferPool, in loop: TaskLoop
    ) -> RuntimeSocket {
        let task = RuntimeSocket(socket, address, interpreter, timeout, limit, context, pool)
        task.handle = loop.add(task)
        task.listen(in: loop)
        return task
    }

    private init(
        _ socket: Socket, _ address: SocketAddress?, _ interpreter: CommandInterpreter, _ timeout: TimeSpan,
        _ limit: ConnectionLimit, _ context: RuntimeContext, _ pool: BufferPool
    ) {
        self.socket = socket
        self.address = address
        file = if case .path(let path)? = address { SocketFile(path) } else { nil }
        self.interpreter = interpreter
        self.timeout = timeout
        self.limit = limit
        self.context = context
        self.pool = pool
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        if !isSuspended { _ = acceptOne(in: loop) }
    }

    /// Returns false when no connection waits to be accepted.
    private func acceptOne(in loop: TaskLoop) -> Bool {
        let accepted: Socket
        switch loop.kernel.accept(on: socket) {
        case .connection(let connection, _): accepted = connection
        case .gone: return true
        case .wouldBlock: return false
        case .exhausted:
            // It stays ready as long as nobody accepts: looking away is better than spinning.
            unwatch(in: loop)
            loop.setDeadline(loop.now + ControlLimits.exhaustionPause, of: handle)
            return false
        }
        guard limit.connections.count < limit.maximum else {
            loop.kernel.close(accepted, reset: false)
            return true
        }
        RuntimeConnection.start(
            accepted, interpreter, timeout, limit, context, pool, in: loop)
        return true
    }

    func expired(in loop: TaskLoop) { listen(in: loop) }

    private func listen(in loop: TaskLoop) {
        guard !isWatched, !isSuspended else { return }
        isWatched = loop.watch(socket, for: .reading, as: handle) == nil
        if !isWatched { loop.setDeadline(loop.now + ControlLimits.exhaustionPause, of: handle) }
    }

    private func unwatch(in loop: TaskLoop) {
        if isWatched { loop.kernel.unwatch(socket) }
        isWatched = false
    }

    /// Closes the socket, and the connections of all runtime sockets.
    func close(in loop: TaskLoop) {
        for connection in Array(limit.connections.values) { connection.close(in: loop) }
        unwatch(in: loop)
        loop.remove(handle)
        if case .abstract? = address, isSuspended { return }
        if case .abstractExact? = address, isSuspended { return }
        loop.kernel.close(socket, reset: false)
    }

    // MARK: Giving the address up for a while

    /// Lets another process have the address; connections that stand stay. Returns what the operator is to know, if that
    /// fails.
    func stopListening(in loop: TaskLoop) -> String? {
        guard !isSuspended, let address else { return nil }
        switch address {
        case .path(let path):
            do throws(Errno) {
                try file?.moveAside()
            } catch {
                return "Cannot give the runtime socket \(path) up: \(error)."
            }
        case .ip, .abstract, .abstractExact: break
        }
        while acceptOne(in: loop) {}
        isSuspended = true
        unwatch(in: loop)
        loop.setDeadline(.never, of: handle)
        switch address {
        case .path: break
        case .ip: loop.kernel.stopListening(socket)
        // The name is free once the socket is closed.
        case .abstract, .abstractExact: loop.kernel.close(socket, reset: false)
        }
        return nil
    }

    /// Takes the address back. Returns what the operator is to know, if that fails: then it can be tried again.
    func listenAgain(in loop: TaskLoop) -> String? {
        guard isSuspended, let address else { return nil }
        do throws(Errno) {
            switch address {
            case .path: try file?.moveBack()
            case .ip:
                if let reason = loop.kernel.listenAgain(socket, backlog: ListenOptions().backlog) { throw reason }
            case .abstract, .abstractExact:
                var options = ListenOptions()
                options.sharesPort = false
                socket = try ListeningSocket.open(address, options)
            }
        } catch {
            return "Cannot listen again on the runtime socket \(address): \(error). SIGTTIN tries again."
        }
        isSuspended = false
        listen(in: loop)
        return nil
    }
}

/// What commands may see.
final class RuntimeContext: CommandContext {
    private let plan: Plan
    private let clock: any Kernel
    private let resolvers: ResolverSet

    init(plan: Plan, clock: any Kernel, resolvers: ResolverSet) {
        self.plan = plan
        self.clock = clock
        self.resolvers = resolvers
    }

    func snapshot() -> StatsSnapshot { plan.snapshot(now: clock.now) }

    func refusedMessages() -> RefusedMessages { plan.refusedMessages() }

    func resolversReports() -> [ResolversReport] { resolvers.reports }

    func eventSinks() -> [EventSink] {
        plan.logger.eventRings.map { EventSink(name: $0.name, description: $0.description, dropped: $0.dropped) }
    }

    func endOfEvents(of name: String) -> UInt64 { ring(name)?.end ?? 0 }

    func readEvents(
        of name: String, from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int
    ) {
        ring(name)?.read(from: &position, into: &out, delimiter: delimiter, bytesMax: bytesMax)
    }

    private func ring(_ name: String) -> EventRing? { plan.logger.eventRings.first { $0.name == name } }
}

/// One connection to the runtime socket.
private final class RuntimeConnection: LoopTask {
    private let socket: Socket
    private var interpreter: CommandInterpreter
    private let timeout: TimeSpan
    private let limit: RuntimeSocket.ConnectionLimit
    private let context: RuntimeContext
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
        _ limit: RuntimeSocket.ConnectionLimit, _ context: RuntimeContext, _ pool: BufferPool, in loop: TaskLoop
    ) {
        let connection = RuntimeConnection(socket, interpreter, timeout, limit, context, pool)
        connection.handle = loop.add(connection)
        if loop.watch(socket, for: .streaming, as: connection.handle) != nil {
            loop.remove(connection.handle)
            loop.kernel.close(socket, reset: true)
            return
        }
        limit.connections[ObjectIdentifier(connection)] = connection
        loop.setDeadline(loop.now + timeout, of: connection.handle)
    }

    private init(
        _ socket: Socket, _ interpreter: CommandInterpreter, _ timeout: TimeSpan,
        _ limit: RuntimeSocket.ConnectionLimit, _ context: RuntimeContext, _ pool: BufferPool
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
        loop.setDeadline(loop.now + (unsent.isEmpty ? ControlLimits.eventPause : .zero), of: handle)
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
        _ input: inout ByteBuffer, _ interpreter: inout CommandInterpreter, _ context: RuntimeContext
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

    func close(in loop: TaskLoop) {
        isClosed = true
        input.release(to: pool)
        limit.connections[ObjectIdentifier(self)] = nil
        loop.remove(handle)
        loop.kernel.close(socket, reset: false)
    }
}

/// The limits of the control plane: each with its unit and its reason.
enum ControlLimits {
    /// How long accepting pauses when the system has no descriptor left: short against an operator's patience, long against a spin.
    static let exhaustionPause = TimeSpan.milliseconds(100)
    /// How often `show events -w` looks for new lines.
    static let eventPause = TimeSpan.milliseconds(100)
}
