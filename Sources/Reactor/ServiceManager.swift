// Notifies the service manager that started this process: systemd with Type=notify, or a program that uses the same
// protocol (sd_notify(3)). The protocol is one datagram to the socket named by NOTIFY_SOCKET.

internal import Basics
internal import CLinux
internal import Glibc

/// A connection to the socket named by `NOTIFY_SOCKET`.
public final class ServiceManager {
    private let socket: Int32

    /// Connects to the socket. Call before a chroot or a change of user, which may make its path inaccessible.
    /// - Parameter path: the value of NOTIFY_SOCKET; a leading `@` stands for the abstract namespace.
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

    /// Reports that this process is ready. Does not block: if the manager's socket is full, the message is lost.
    public func announceReady() {
        let text = Array("READY=1\nMAINPID=\(SystemProcess.id)\nSTATUS=Ready.\n".utf8)
        _ = unsafe text.withUnsafeBytes {
            unsafe clinux_send(socket, $0.baseAddress, $0.count, Int32(CLINUX_MSG_NOSIGNAL))
        }
    }
}
