// The service manager that started this process and waits until it serves: systemd with Type=notify, or a program that speaks the same
// protocol (sd_notify(3)). One datagram, to a socket that NOTIFY_SOCKET names.

internal import Basics
internal import CLinux
internal import Glibc

/// The other end of `NOTIFY_SOCKET`.
public final class ServiceManager {
    private let socket: Int32

    /// Connects while the socket's path can be reached: before a chroot, before a change of user.
    /// - Parameter path: the value of NOTIFY_SOCKET; an `@` at its beginning stands for the abstract namespace.
    /// - Returns: nil when no process listens there.
    public init?(at path: String) {
        let address: SocketAddress = path.hasPrefix("@") ? .abstractExact(String(path.dropFirst())) : .path(path)
        guard path.utf8.count > 1, path.utf8.count <= SystemAddress.pathBytesMax else { return nil }
        socket = clinux_datagram_socket(AF_UNIX)
        guard socket >= 0 else { return nil }
        if unsafe SystemAddress.with(address, { unsafe clinux_connect(socket, $0, $1) }) != 0 {
            Glibc.close(socket)
            return nil
        }
    }

    deinit { Glibc.close(socket) }

    /// Says that this process serves. It never waits: a manager that does not read misses it.
    public func announceReady() {
        let text = Array("READY=1\nMAINPID=\(SystemProcess.id)\nSTATUS=Ready.\n".utf8)
        _ = unsafe text.withUnsafeBytes {
            unsafe clinux_send(socket, $0.baseAddress, $0.count, Int32(CLINUX_MSG_NOSIGNAL))
        }
    }
}
