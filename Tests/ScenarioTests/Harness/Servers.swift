// Servers that follow a script, byte by byte, for behaviour that real applications do not show.

import Foundation
import Glibc
import Synchronization

/// Listens on a port of its own and runs its script on each connection, each on a thread.
final class ScriptedServer: Sendable {
    typealias Script = @Sendable (_ connection: Connection, _ number: Int) throws -> Void

    let port: Int
    private let host: UInt8
    private let takesLittle: Bool
    private let script: Script
    private let state = Mutex(State())

    private struct State {
        var listener: Int32 = -1
        var connections: [Connection] = []
        var accepted = 0
        var requests: [Request] = []
    }

    /// Runs `script` on every connection. The connection is closed when the script ends or throws.
    /// - Parameters:
    ///   - host: the last number of its address, 127.0.0.1 by default.
    ///   - takesLittle: as for `Connection`.
    init(port: Int? = nil, host: UInt8 = 1, takesLittle: Bool = false, _ script: @escaping Script) throws {
        self.port = try port ?? freePort()
        self.host = host
        self.takesLittle = takesLittle
        self.script = script
        try start()
        Stage.current.atTheEnd { [self] in stop() }
    }

    /// Responds to every request on every keep-alive connection with `respond`.
    convenience init(
        port: Int? = nil, host: UInt8 = 1, respond: @escaping @Sendable (Request) -> String
    ) throws {
        let log = Mutex<@Sendable (Request) -> Void>({ _ in })
        try self.init(port: port, host: host) { connection, _ in
            while true {
                let request = try connection.receiveRequest(within: 60)
                log.withLock { $0 }(request)
                try connection.send(respond(request))
            }
        }
        log.withLock { $0 = { [weak self] request in self?.state.withLock { $0.requests.append(request) } } }
    }

    /// Responds with 200 and `text`.
    convenience init(saying text: String, port: Int? = nil, host: UInt8 = 1) throws {
        try self.init(port: port, host: host) { request in
            let body = request.method == "HEAD" ? "" : text
            return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(body)"
        }
    }

    /// The number of connections accepted so far.
    var connectionCount: Int { state.withLock { $0.accepted } }
    /// The requests read so far, by servers that respond to requests.
    var requests: [Request] { state.withLock { $0.requests } }

    /// Starts to listen (again).
    func start() throws {
        let endpoint = Endpoint.ipv4(port, host: host)
        let listener = try endpoint.socket(SOCK_STREAM)
        var yes: Int32 = 1
        unsafe setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        if takesLittle { Connection.takeLittle(listener) }
        guard endpoint.bind(listener), fcntl(listener, F_SETFL, O_NONBLOCK) == 0, listen(listener, 128) == 0 else {
            throw StageFault("cannot listen on \(endpoint): \(errorText())")
        }
        state.withLock { $0.listener = listener }
        Thread.detachNewThread { [self] in accept(from: listener) }
    }

    /// Stops listening and closes all connections.
    func stop() {
        let (listener, connections) = state.withLock { state in
            defer {
                state.listener = -1
                state.connections = []
            }
            return (state.listener, state.connections)
        }
        // Wakes the accepting thread, which closes the descriptor.
        if listener >= 0 { shutdown(listener, Int32(SHUT_RDWR)) }
        for connection in connections { connection.interrupt() }
    }

    private func accept(from listener: Int32) {
        while true {
            var request = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            unsafe poll(&request, 1, -1)
            // A program that another test starts at this moment would keep the connection open. The listener does not block.
            let (descriptor, reason) = Child.whileNoneStarts {
                let descriptor = Glibc.accept(listener, nil, nil)
                return (descriptor, descriptor < 0 ? errno : fcntl(descriptor, F_SETFD, FD_CLOEXEC))
            }
            if descriptor < 0 && [EINTR, EAGAIN, ECONNABORTED].contains(reason) { continue }
            guard descriptor >= 0 else { break }
            let connection = Connection(descriptor: descriptor)
            let number: Int? = state.withLock { state in
                guard state.listener == listener else { return nil }
                state.connections.append(connection)
                state.accepted += 1
                return state.accepted
            }
            guard let number else { break }
            Thread.detachNewThread { [self] in
                // A script that throws has lost its peer, which many tests intend.
                try? script(connection, number)
                connection.close()
            }
        }
        close(listener)
    }
}

/// Receives datagrams, as a syslog daemon does.
final class DatagramReceiver: Sendable {
    private let descriptor: Int32

    init(_ endpoint: Endpoint) throws {
        descriptor = try endpoint.socket(SOCK_DGRAM)
        guard endpoint.bind(descriptor) else {
            throw StageFault("cannot bind \(endpoint): \(errorText())")
        }
    }

    deinit { close(descriptor) }

    /// The next datagram for which `isWanted` returns true; others are discarded.
    func receive(within seconds: Double = patience, where isWanted: (String) -> Bool) throws -> String {
        let deadline = Deadline(in: seconds)
        while waitUntilReady(descriptor, POLLIN, by: deadline) {
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            let text = String(decoding: bytes[..<max(0, count)], as: UTF8.self)
            if isWanted(text) { return text }
        }
        throw StageFault("no such datagram within \(seconds) s")
    }
}
