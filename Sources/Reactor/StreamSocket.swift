// A non-blocking stream socket for what is not driven by a kernel's events: the logger thread polls its own.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

public enum StreamSocket {
    /// Begins to connect a non-blocking socket to `address`; the descriptor is the caller's to close.
    ///
    /// The connection stands, or has failed, once the descriptor is writable: `outcome(of:)` says which.
    /// - Throws: why it could not begin, or failed at once.
    public static func connect(to address: SocketAddress) throws(Errno) -> Int32 {
        let descriptor = SystemAddress.makeStreamSocket(for: address)
        guard descriptor >= 0 else { throw Errno.last }
        while unsafe SystemAddress.with(address, { unsafe clinux_connect(descriptor, $0, $1) }) != 0 {
            let reason = Errno.last
            switch reason {
            case .interrupted: continue
            case .nowInProgress, .alreadyInProcess: return descriptor
            default:
                _ = Glibc.close(descriptor)
                throw reason
            }
        }
        return descriptor
    }

    /// Whether the connecting of a descriptor has ended, and how; nil while it has not.
    public static func outcome(of descriptor: Int32) -> Result<Void, Errno>? {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&request, 1, 0) == 1 else { return nil }
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
            return .failure(Errno.last)
        }
        return code == 0 ? .success(()) : .failure(Errno(rawValue: code))
    }
}
