// Lets one thread interrupt another thread's wait.

internal import CLinux
internal import Glibc
internal import SystemPackage

/// An eventfd that a `LinuxKernel` watches: lets one thread interrupt another thread's wait.
public final class Waker: Sendable {
    let socket: Socket

    init() throws(Errno) {
        let number = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard number >= 0 else { throw Errno.last }
        socket = Socket(number)
    }

    deinit { _ = Glibc.close(socket.number) }

    /// Ends the current wait, or the next one if the thread is not waiting.
    public func wake() { _ = eventfd_write(socket.number, 1) }

    /// Resets the counter after a wake-up.
    func reset() {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(socket.number, &count)
    }
}
