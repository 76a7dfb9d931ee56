// Daemonisation that reports start-up failures to the caller.
//
// The process forks before it starts any thread. The parent waits until the child reports that it is ready, and exits
// with status 0; if the child exits first, the parent exits with status 1. The child keeps the terminal for error
// messages until then.

public import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// A child process that is becoming a daemon.
public final class Background {
    private let ready: Int32
    /// /dev/null, opened before a chroot may hide it.
    private let null: Int32
    /// The later standard error: a syslog daemon's socket, so that crash reports are not lost.
    private let standardError: Int32

    /// Forks. Returns in the child only.
    /// - Parameter standardError: the address of a datagram socket that becomes standard error in `detach`.
    public static func begin(standardError: SocketAddress?) throws(Errno) -> Background {
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
        return Background(ready: ends[1], null: null, standardError: standardError.flatMap(datagramSocket) ?? null)
    }

    private init(ready: Int32, null: Int32, standardError: Int32) {
        self.ready = ready
        self.null = null
        self.standardError = standardError
    }

    /// A datagram socket connected to `address`; nil if no process listens there.
    private static func datagramSocket(to address: SocketAddress) -> Int32? {
        let family =
            switch address {
            case .ip(.v4, _): AF_INET
            case .ip(.v6, _): AF_INET6
            case .path, .abstract, .abstractExact: AF_UNIX
            }
        let number = clinux_datagram_socket(family)
        guard number >= 0 else { return nil }
        if unsafe SystemAddress.with(address, { unsafe clinux_connect(number, $0, $1) }) == 0 { return number }
        close(number)
        return nil
    }

    /// Start-up has succeeded: detaches from the terminal and lets the parent exit.
    public func detach() {
        for standard: Int32 in 0...1 { _ = dup2(null, standard) }
        _ = dup2(standardError, 2)
        if standardError != null { close(standardError) }
        close(null)
        var word: UInt8 = 1
        _ = unsafe write(ready, &word, 1)
        close(ready)
    }
}
