// A connection of a program that has nothing else to do: it waits for each step, for a limited time.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// Why a step of such a connection failed.
public enum WaitingFault: Error, Sendable, Equatable {
    /// There is no connection.
    case unreachable(Errno)
    /// The peer was silent for too long.
    case silent
    case failed(Errno)
}

/// A connection to another process, which it closes at its end.
public struct WaitingConnection: ~Copyable {
    let socket: Socket
    private let patience: TimeSpan

    /// Connects.
    /// - Parameter patience: how long the peer may be silent.
    static func connect(
        to address: SocketAddress, patience: TimeSpan
    ) throws(WaitingFault) -> WaitingConnection {
        if case .path(let path) = address, path.verbatimBytes.count > SystemAddress.pathBytesMax {
            throw .unreachable(.fileNameTooLong)
        }
        let number = SystemAddress.makeStreamSocket(for: address)
        guard number >= 0 else { throw .unreachable(Errno.last) }
        let connection = WaitingConnection(Socket(number), patience: patience)
        if unsafe SystemAddress.with(address, { unsafe clinux_connect(number, $0, $1) }) == 0 { return connection }
        let reason = Errno.last
        guard reason == .nowInProgress else { throw .unreachable(reason) }
        guard connection.waits(for: POLLOUT, until: .now() + patience) else { throw .silent }
        var result: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &result, &length)
        if result != 0 { throw .unreachable(Errno(rawValue: result)) }
        return connection
    }

    /// A connection that stands and does not block.
    init(_ socket: Socket, patience: TimeSpan) {
        self.socket = socket
        self.patience = patience
    }

    deinit { Glibc.close(socket.number) }

    /// Waits for bytes, and descriptors beside them; no bytes at the end of the stream.
    func receive(
        atMost bytesMax: Int, descriptors: Int = 0
    ) throws(WaitingFault) -> (bytes: [UInt8], sockets: [Socket]) {
        let deadline = Instant.now() + patience
        while true {
            let next = DescriptorPassing.receive(atMost: bytesMax, descriptors: descriptors, over: socket)
            switch next.outcome {
            case .bytes, .endOfStream: return (next.bytes, next.sockets)
            case .failed(let reason): throw .failed(reason)
            case .wouldBlock: guard waits(for: POLLIN, until: deadline) else { throw .silent }
            }
        }
    }

    /// Sends a few bytes, which always have room in the socket's buffer.
    func say(_ bytes: [UInt8]) throws(WaitingFault) {
        switch DescriptorPassing.send(bytes, [], over: socket) {
        case .bytes(bytes.count): break
        case .bytes, .wouldBlock: throw .failed(.noBufferSpace)
        case .failed(let reason): throw .failed(reason)
        }
    }

    /// Returns whether the event came in time.
    private func waits(for event: Int32, until deadline: Instant) -> Bool {
        var request = pollfd(fd: socket.number, events: Int16(event), revents: 0)
        while true {
            let rest = deadline.since(.now())
            guard rest > .zero else { return false }
            if unsafe poll(&request, 1, Int32(clamping: rest.nanoseconds / 1_000_000 + 1)) > 0 { return true }
        }
    }

    /// Says a line to a runtime socket, and returns all that it answers.
    public static func answer(
        to line: String, at address: SocketAddress, patience: TimeSpan
    ) throws(WaitingFault) -> String {
        let connection = try connect(to: address, patience: patience)
        try connection.say(Array((line + "\n").utf8))
        var answer: [UInt8] = []
        while true {
            let next = try connection.receive(atMost: 16_384)
            if next.bytes.isEmpty { return String(decoding: answer, as: UTF8.self) }
            answer += next.bytes
        }
    }
}

extension WaitingFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreachable(let reason): "\(reason)"
        case .silent: "the process there does not answer"
        case .failed(let reason): "the connection failed: \(reason)"
        }
    }
}
