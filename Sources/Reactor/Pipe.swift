// Pipes of the system: bytes go through them from one socket to another without being copied into the process (splice(2)).

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Bytes between two sockets, inside the system.
public protocol Pipe: AnyObject {
    /// Bytes in it.
    var count: Int { get }
}

/// A pipe of Linux. Its two descriptors are closed with the object.
final class LinuxPipe: Pipe {
    private let input: Int32
    private let output: Int32
    private(set) var count = 0

    /// Several reads' worth, and little against what a system has for pipes (`/proc/sys/fs/pipe-max-size`, 1 MiB each).
    static let bytes = 262_144

    /// Nil if the system has no descriptors or no memory for it.
    init?() {
        var ends: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { bytes in
            unsafe pipe2(bytes.assumingMemoryBound(to: Int32.self).baseAddress, O_NONBLOCK | O_CLOEXEC)
        }
        guard result == 0 else { return nil }
        (output, input) = ends
        // A user who has many pipes is given small ones; then each call moves less.
        _ = clinux_set_pipe_size(input, Int32(Self.bytes))
    }

    deinit {
        close(input)
        close(output)
    }

    /// Moves bytes from the socket into the empty pipe; -1 and the errno where none were moved.
    func fill(from socket: Int32, atMost limit: Int) -> Int {
        precondition(count == 0, "a pipe is filled that still has \(count) bytes")
        let moved = clinux_splice(socket, input, limit, 0)
        if moved > 0 { count = moved }
        return moved
    }

    /// Moves bytes from the pipe into the socket; -1 and the errno where none were moved.
    func drain(into socket: Int32, more: Bool) -> Int {
        let moved = clinux_splice(output, socket, count, more ? 1 : 0)
        if moved > 0 { count -= moved }
        return moved
    }
}

extension LinuxKernel {
    public func makePipe() -> (any Pipe)? { LinuxPipe() }

    public func receive(_ socket: Socket, into pipe: any Pipe, atMost count: Int) -> Received {
        guard let pipe = pipe as? LinuxPipe else { preconditionFailure("a pipe of another system") }
        while true {
            let moved = pipe.fill(from: socket.number, atMost: count)
            if moved > 0 { return .bytes(moved) }
            if moved == 0 { return .endOfStream }
            switch Errno.last {
            case .interrupted: continue
            case .wouldBlock: return .wouldBlock
            case let reason: return .failed(Self.fault(reason, socket))
            }
        }
    }

    public func send(_ socket: Socket, from pipe: any Pipe, more: Bool) -> Sent {
        guard let pipe = pipe as? LinuxPipe else { preconditionFailure("a pipe of another system") }
        return Self.sent(on: socket) { pipe.drain(into: socket.number, more: more) }
    }
}
