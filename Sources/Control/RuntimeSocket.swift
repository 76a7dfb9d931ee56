// The runtime socket (`stats socket`): accepts connections and runs the commands that their lines contain, on the control
// plane's loop. One connection runs one command per turn, so that health checks and signals are served in between.

internal import Admin
internal import Basics
internal import Logging
internal import Proxy
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

/// One listening socket of `stats socket`.
final class RuntimeSocket: LoopTask {
    private var socket: Socket
    /// Nil for an inherited socket, whose address this process never gives up.
    private let address: SocketAddress?
    private let file: SocketFile?
    /// What connections begin with.
    private var interpreter: CommandInterpreter
    private var timeout: TimeSpan
    private let context: RuntimeContext
    private let pool: BufferPool
    private let limit: ConnectionLimit
    private var handle = SlotHandle(index: 0, generation: 0)
    private var isWatched = false
    /// Whether its address is given up (SIGTTOU).
    private var isSuspended = false

    /// Connections of all runtime sockets together: `stats maxconn`.
    final class ConnectionLimit {
        var maximum: Int
        fileprivate var connections: [ObjectIdentifier: RuntimeConnection] = [:]
        init(_ maximum: Int) { self.maximum = maximum }

        /// Ends all of them.
        func closeAll(in loop: TaskLoop) {
            for connection in Array(connections.values) { connection.close(in: loop) }
        }
    }

    /// Starts accepting connections.
    /// - Parameter address: where the socket listens; nil for an inherited one.
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

    /// Connections that come from now on are treated so.
    func serve(_ interpreter: CommandInterpreter, timeout: TimeSpan) {
        self.interpreter = interpreter
        self.timeout = timeout
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
            // The socket stays ready until the connection is accepted: without a pause the loop would spin.
            unwatch(in: loop)
            loop.setDeadline(loop.now + Accepted.exhaustionPause, of: handle)
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
        if !isWatched { loop.setDeadline(loop.now + Accepted.exhaustionPause, of: handle) }
    }

    private func unwatch(in loop: TaskLoop) {
        if isWatched { loop.kernel.unwatch(socket) }
        isWatched = false
    }

    /// Closes the socket. Connections that it has accepted go on.
    func close(in loop: TaskLoop) {
        unwatch(in: loop)
        loop.remove(handle)
        if case .abstract? = address, isSuspended { return }
        if case .abstractExact? = address, isSuspended { return }
        loop.kernel.close(socket, reset: false)
    }

    // MARK: Pausing

    /// Stops listening, so that another process can bind the address. Established connections are kept. Returns a message for the
    /// operator when that fails, and nil otherwise.
    func stopListening(in loop: TaskLoop) -> String? {
        guard !isSuspended, let address else { return nil }
        switch address {
        case .path(let path):
            do throws(Errno) {
                try file?.moveAside()
            } catch {
                return "Cannot give the runtime socket \(path) up: \(error)."
            }
        case .ip, .abstract, .abstractExact, .pair: break
        }
        while acceptOne(in: loop) {}
        isSuspended = true
        unwatch(in: loop)
        loop.setDeadline(.never, of: handle)
        switch address {
        case .path, .pair: break
        case .ip: loop.kernel.stopListening(socket)
        // Only closing the socket frees an abstract name.
        case .abstract, .abstractExact: loop.kernel.close(socket, reset: false)
        }
        return nil
    }

    /// Listens on the address again. Returns a message for the operator when that fails, which allows another attempt, and nil
    /// otherwise.
    func listenAgain(in loop: TaskLoop) -> String? {
        guard isSuspended, let address else { return nil }
        do throws(Errno) {
            switch address {
            case .path: try file?.moveBack()
            case .pair: break
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

/// One connection to the runtime socket.
private final class RuntimeConnection: LoopTask {
    /// The interval at which `show events -w` looks for new lines.
    private static let eventPause = TimeSpan.milliseconds(100)
    /// The interval at which a command looks for the answer that it waits for.
    private static let answerPause = TimeSpan.milliseconds(20)

    private var stream: ByteStream?
    private var interpreter: CommandInterpreter
    private let timeout: TimeSpan
    private let limit: RuntimeSocket.ConnectionLimit
    private let context: RuntimeContext
    private var handle = SlotHandle(index: 0, generation: 0)
    /// Whether the deadline that is set is that of the next turn instead of the time-out.
    private var awaitsTurn = false
    /// Under way once `_getsocks` was received.
    private var handover: ListenerHandover?

    static func start(
        _ socket: Socket, _ interpreter: CommandInterpreter, _ timeout: TimeSpan,
        _ limit: RuntimeSocket.ConnectionLimit, _ context: RuntimeContext, _ pool: BufferPool, in loop: TaskLoop
    ) {
        let connection = RuntimeConnection(interpreter, timeout, limit, context)
        connection.handle = loop.add(connection)
        do throws(ByteStream.Refusal) {
            connection.stream = try ByteStream(socket, pool: pool, as: connection.handle, in: loop)
        } catch {
            return loop.remove(connection.handle)
        }
        limit.connections[ObjectIdentifier(connection)] = connection
        loop.setDeadline(loop.now + timeout, of: connection.handle)
    }

    private init(
        _ interpreter: CommandInterpreter, _ timeout: TimeSpan, _ limit: RuntimeSocket.ConnectionLimit,
        _ context: RuntimeContext
    ) {
        self.interpreter = interpreter
        self.timeout = timeout
        self.limit = limit
        self.context = context
    }

    func expired(in loop: TaskLoop) {
        guard awaitsTurn else {
            if handover != nil { context.report("Another process has not acknowledged the listening sockets in time.") }
            return close(in: loop)
        }
        awaitsTurn = false
        loop.setDeadline(loop.now + timeout, of: handle)
        step(in: loop)
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        stream?.note(readiness)
        if handover != nil { return handOver(in: loop) }
        if !awaitsTurn { step(in: loop) }
    }

    /// Sends a buffer's worth of answers, or reads a line. Health checks and signals get their turn before the next step.
    private func step(in loop: TaskLoop) {
        guard send(in: loop) else { return }
        stream?.append { output in _ = interpreter.fill(&output, context: context) }
        if stream?.hasUnsent == true {
            if send(in: loop) { takeTurn(at: loop.now, in: loop) }
            return
        }
        if interpreter.handsOver {
            handover = ListenerHandover(context.listenersToHandOver)
            return handOver(in: loop)
        }
        if interpreter.isWaiting { return takeTurn(at: loop.now + Self.answerPause, in: loop) }
        if interpreter.isOver { return close(in: loop) }
        if interpreter.isFollowing { return follow(in: loop) }
        if stream?.hasInput == false {
            switch stream?.read(loop.kernel) {
            case .ended?: interpreter.inputEnded()
            case .failed?: return close(in: loop)
            case .blocked?, nil: return
            case .progressed?, .full?: break
            }
        }
        // It may be a key.
        stream?.consumeInput(wiping: true) { bytes, consumed in
            if bytes.byteCount > 0 { consumed = interpreter.receive(bytes) }
        }
        takeTurn(at: loop.now, in: loop)
    }

    /// Sends what waits; returns false if the peer takes no more for now, or the connection is closed.
    private func send(in loop: TaskLoop) -> Bool {
        switch stream?.send(loop.kernel) {
        case .all?: return true
        case .blocked?, nil: return false
        case .failed?:
            close(in: loop)
            return false
        }
    }

    /// Sends listening sockets as fast as the other process acknowledges them.
    private func handOver(in loop: TaskLoop) {
        switch handover?.advance(&stream, loop.kernel) {
        case .waiting?:
            if handover?.hasSent == true { loop.setDeadline(loop.now + ListenerHandover.patience, of: handle) }
        case .done(let count)?:
            context.report("Handed \(count) listening sockets to another process.")
            close(in: loop)
        case .failed(let reason)?:
            context.report("Cannot hand the listening sockets to another process: \(reason).")
            close(in: loop)
        case nil: close(in: loop)
        }
    }

    /// Looks for lines of the ring again in a moment, until the peer says something or closes.
    private func follow(in loop: TaskLoop) {
        switch stream?.read(loop.kernel) {
        case .blocked?: takeTurn(at: loop.now + Self.eventPause, in: loop)
        case .progressed?, .full?:
            stream?.discardInput()
            interpreter.endFollowing()
            takeTurn(at: loop.now, in: loop)
        case .ended?, .failed?, nil: close(in: loop)
        }
    }

    private func takeTurn(at instant: Instant, in loop: TaskLoop) {
        awaitsTurn = true
        loop.setDeadline(instant, of: handle)
    }

    func close(in loop: TaskLoop) {
        interpreter.forget()
        stream?.wipeInput()
        stream?.close(.close, loop.kernel)
        stream = nil
        limit.connections[ObjectIdentifier(self)] = nil
        loop.remove(handle)
    }
}
