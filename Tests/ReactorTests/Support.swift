// A kernel that records its events, and real sockets on the loopback interface.

import Basics
import Foundation
import Reactor
import SystemPackage
import Testing

/// A kernel, and the readiness that it has reported so far.
final class Watched {
    let kernel: LinuxKernel
    let pool = BufferPool()
    private(set) var seen: [UInt64: Readiness] = [:]
    private var sockets: [Socket] = []

    init() throws { kernel = try LinuxKernel() }

    deinit { for socket in sockets { kernel.close(socket, reset: false) } }

    /// Waits until all of `readiness` has been reported for `token`, and clears it.
    func sees(_ readiness: Readiness, on token: UInt64) -> Bool {
        let deadline = Instant.now() + .seconds(60)
        while seen[token, default: []].isSuperset(of: readiness) == false {
            if Instant.now() >= deadline { return false }
            collect(until: deadline)
        }
        seen[token, default: []].subtract(readiness)
        return true
    }

    /// The readiness reported for `token` without waiting.
    func seesNow(on token: UInt64) -> Readiness {
        seen[token] = nil
        collect(until: kernel.now)
        return seen[token, default: []]
    }

    private func collect(until deadline: Instant) {
        var events: [Event] = []
        kernel.wait(until: deadline, into: &events)
        for event in events { seen[event.token, default: []].formUnion(event.readiness) }
    }

    /// Closed with this object, unless it is closed earlier.
    func own(_ socket: Socket) -> Socket {
        sockets.append(socket)
        return socket
    }

    func close(_ socket: Socket, reset: Bool = false) {
        sockets.removeAll { $0 == socket }
        kernel.close(socket, reset: reset)
    }

    /// A listener on a free port, and its address.
    func listen(_ address: SocketAddress = .ip(.loopbackV4, port: 0)) throws -> (Socket, SocketAddress) {
        let socket = own(try ListeningSocket.open(address, ListenOptions()))
        return (socket, kernel.localAddress(socket))
    }

    func connect(to address: SocketAddress, from source: SocketAddress? = nil) throws -> Socket {
        guard case .started(let socket) = kernel.connect(to: address, from: source) else {
            throw Surprise("no connection to \(address)")
        }
        return own(socket)
    }

    /// Waits for a connection and accepts it.
    func accept(on listener: Socket) throws -> (Socket, from: SocketAddress) {
        kernel.watch(listener, for: .accepting, token: 1_000)
        defer { kernel.unwatch(listener) }
        guard sees(.readable, on: 1_000), case .connection(let socket, let from) = kernel.accept(on: listener) else {
            throw Surprise("nobody came")
        }
        return (own(socket), from)
    }

    /// Both ends of a connection, watched under 1 and 2.
    func pair() throws -> (client: Socket, server: Socket) {
        let (listener, address) = try listen()
        let client = try connect(to: address)
        let (server, _) = try accept(on: listener)
        close(listener)
        kernel.watch(client, for: .streaming, token: 1)
        kernel.watch(server, for: .streaming, token: 2)
        guard sees(.writable, on: 1), sees(.writable, on: 2) else { throw Surprise("not writable") }
        return (client, server)
    }

    func send(_ text: String, on socket: Socket) -> Sent {
        unsafe kernel.send(socket, Array(text.utf8).span.bytes, more: false)
    }

    /// One read: its outcome and the bytes.
    func receive(_ socket: Socket) -> (Received, String) {
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        let outcome = kernel.receive(socket, into: &buffer)
        let text = buffer.readable.text
        buffer.release(to: pool)
        return (outcome, text)
    }
}

struct Surprise: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A folder for each test that needs one.
final class Folder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "reactor-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
