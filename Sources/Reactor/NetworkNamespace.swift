// A network namespace of Linux by the name that ip-netns(8) has given it. A thread enters it for as long as it takes to make a
// socket, which stays in it.

internal import CLinux
internal import Glibc
public import SystemPackage

/// A network namespace that is kept open, so that it is there behind chroot and after its name is gone.
public final class NetworkNamespace: Sendable {
    public let name: String
    private let descriptor: Int32

    /// Opens the namespace. Making sockets in it needs CAP_SYS_ADMIN.
    /// - Parameter name: that of ip-netns(8), or the path of a namespace's file, like /proc/<process>/ns/net.
    /// - Throws: the errno; `noSuchFileOrDirectory` if there is no namespace of that name.
    public init(named name: String) throws(Errno) {
        guard Self.own >= 0 else { throw .noSuchFileOrDirectory }
        let isPath = name.hasPrefix("/")
        // A name with a slash would be a path to elsewhere.
        guard isPath || !name.isEmpty && !name.contains("/") && name != "." && name != ".." else {
            throw .noSuchFileOrDirectory
        }
        let descriptor = unsafe open(isPath ? name : "/var/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Errno.last }
        self.name = name
        self.descriptor = descriptor
    }

    deinit { _ = Glibc.close(descriptor) }

    /// The namespace of the process.
    private static let own: Int32 = unsafe open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)

    /// Runs `body` with the calling thread in the namespace; -1 with errno set if it may not enter.
    func inside(_ body: () -> Int32) -> Int32 {
        guard clinux_enter_network(descriptor) == 0 else { return -1 }
        let result = body()
        let reason = Errno.last
        let isBack = clinux_enter_network(Self.own) == 0
        precondition(isBack, "a thread cannot leave the network namespace \(name): \(Errno.last)")
        if result < 0 { errno = reason.rawValue }
        return result
    }
}
