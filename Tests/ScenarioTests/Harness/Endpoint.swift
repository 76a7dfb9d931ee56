// Addresses of this machine, free ports, and waiting for a socket.

import Foundation
import Glibc
import Synchronization

/// An address of this machine.
enum Endpoint: CustomStringConvertible {
    /// 127.0.0.1, or another address of the loopback interface.
    case ipv4(Int, host: UInt8 = 1)
    case ipv6(Int), unix(String)

    var description: String {
        switch self {
        case .ipv4(let port, let host): "127.0.0.\(host):\(port)"
        case .ipv6(let port): "[::1]:\(port)"
        case .unix(let path): path
        }
    }

    func socket(_ type: __socket_type) throws -> Int32 {
        let family =
            switch self {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            case .unix: AF_UNIX
            }
        let descriptor = Glibc.socket(family, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw StageFault("no socket: \(errorText())") }
        return descriptor
    }

    /// Connects; returns false, with errno set, if no process accepts there.
    func connect(_ descriptor: Int32) -> Bool {
        unsafe withAddress { unsafe Glibc.connect(descriptor, $0, $1) } == 0
    }

    /// Binds; returns false, with errno set, if the address is not available.
    func bind(_ descriptor: Int32) -> Bool {
        unsafe withAddress { unsafe Glibc.bind(descriptor, $0, $1) } == 0
    }

    private func withAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        switch self {
        case .ipv4(let port, let host):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7f00_0000 + UInt32(host)).bigEndian
            return unsafe Self.call(address, body)
        case .ipv6(let port):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = in_port_t(port).bigEndian
            address.sin6_addr = in6addr_loopback
            return unsafe Self.call(address, body)
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
                precondition(path.utf8.count < room.count, "a unix socket's path is too long: \(path)")
                unsafe room.copyBytes(from: path.utf8)
            }
            return unsafe Self.call(address, body)
        }
    }

    private static func call<A, R>(_ address: A, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        unsafe withUnsafePointer(to: address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<A>.size))
            }
        }
    }
}

func waitUntilReady(_ descriptor: Int32, _ events: Int32, by deadline: Deadline) -> Bool {
    while true {
        var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        let count = unsafe poll(&request, 1, deadline.milliseconds)
        if count > 0 { return true }
        if count == 0 && deadline.hasPassed { return false }
    }
}

func errorText(_ number: Int32 = errno) -> String {
    unsafe String(cString: strerror(number))
}

/// An unused port of the loopback interface, which no other test is given, neither in this process nor in another.
///
/// Assigned in order from the process's block, below the range for outgoing connections.
func freePort() throws -> Int {
    let block = try portBlock.get()
    for _ in block {
        let port = nextPort.withLock { next in
            next += 1
            return block.lowerBound + next % block.count
        }
        let endpoint = Endpoint.ipv4(port)
        let isFree = try Child.whileNoneStarts {
            let descriptor = try endpoint.socket(SOCK_STREAM)
            defer { close(descriptor) }
            return endpoint.bind(descriptor)
        }
        if isFree { return port }
    }
    throw StageFault("no free port")
}

private let nextPort = Mutex(0)

/// Reserves two thousand ports for this process by a lock on a file, as long as it runs. Without that, a port would
/// be free until Portico listens on it, also for the scenarios of other processes.
private let portBlock = Result<Range<Int>, any Error> {
    for number in 0..<8 {
        let path = FileManager.default.temporaryDirectory.path + "/scenario-ports-\(number).lock"
        let descriptor = unsafe open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { continue }
        let first = 15_000 + number * 2_000
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return first..<first + 2_000 }
        close(descriptor)
    }
    throw StageFault("the ports of all blocks are somebody else's")
}
