// How a thread's wait is interrupted from another thread.

internal import Basics
internal import CLinux
internal import Glibc
internal import SystemPackage

/// Lets one thread interrupt the wait of the kernel that the wakeup belongs to: an eventfd that a `LinuxKernel` watches, or what a
/// simulated kernel does instead.
public final class Wakeup: Sendable {
    private enum Means: Sendable {
        case eventDescriptor(Socket)
        case call(@Sendable () -> Void)
    }

    private let means: Means

    /// - Throws: what the system is short of.
    init() throws(Errno) {
        let number = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard number >= 0 else { throw Errno.last }
        means = .eventDescriptor(Socket(number))
    }

    /// For a kernel that waits for no descriptor: `wake` calls `body`, on the thread that calls it.
    public init(calling body: @escaping @Sendable () -> Void) { means = .call(body) }

    deinit {
        if case .eventDescriptor(let socket) = means { _ = Glibc.close(socket.number) }
    }

    /// What `LinuxKernel` watches.
    var socket: Socket {
        guard case .eventDescriptor(let socket) = means else { preconditionFailure("this wakeup has no descriptor") }
        return socket
    }

    /// Ends the current wait, or the next one if the thread is not waiting.
    public func wake() {
        switch means {
        case .eventDescriptor(let socket): _ = eventfd_write(socket.number, 1)
        case .call(let body): body()
        }
    }

    /// Resets the counter after a wake-up.
    func reset() {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(socket.number, &count)
    }
}
