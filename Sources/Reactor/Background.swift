// Going into the background, so that the caller learns whether it worked.
//
// The process forks before there is any thread. The parent stays until the child says that it is ready,
// and ends with status 0; if the child ends first, the parent ends with status 1. The child keeps the
// terminal for its complaints until then.

internal import CLinux
internal import Glibc
public import SystemPackage

/// A child process on its way into the background.
public final class Background {
    private let ready: Int32
    /// Opened here, since a later chroot may hide it.
    private let null: Int32

    /// Forks. Returns in the child only.
    public static func begin() throws(Errno) -> Background {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw Errno.last }
        let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else { throw Errno.last }
        let child = clinux_fork()
        if child < 0 { throw Errno.last }
        if child > 0 {
            close(ends[1])
            var word: UInt8 = 0
            _exit(unsafe read(ends[0], &word, 1) == 1 ? 0 : 1)
        }
        close(ends[0])
        _ = setsid()
        return Background(ready: ends[1], null: null)
    }

    private init(ready: Int32, null: Int32) {
        self.ready = ready
        self.null = null
    }

    /// Everything has worked: lets go of the terminal and of the parent.
    public func settle() {
        for standard: Int32 in 0...2 { _ = dup2(null, standard) }
        close(null)
        var word: UInt8 = 1
        _ = unsafe write(ready, &word, 1)
        close(ready)
    }
}
