// Lets one thread end another thread's wait.

internal import CLinux
internal import Glibc
internal import SystemPackage

/// An eventfd that a kernel watches.
public final class Waker: Sendable {
    let socket: Socket

    init() throws(Errno) {
        let number = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard number >= 0 else { throw Errno.last }
        socket = Socket(number)
    }

    deinit { _ = Glibc.close(socket.number) }

    /// Ends the wait that is under way, or the next one.
    public func wake() { _ = eventfd_write(socket.number, 1) }

    /// Forgets the wake-ups that have been noticed.
    func settle() {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(socket.number, &count)
    }
}
