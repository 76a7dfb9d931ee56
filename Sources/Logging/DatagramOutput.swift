// Sends lines to a syslog server, one datagram each, over UDP or a Unix-domain datagram socket.
//
// Sending never blocks: a datagram that the system does not accept at once is lost and counted. After a server restart,
// UDP works again with the next line; a Unix-domain socket is reopened. Host names are resolved here, on the logger
// thread, whenever a socket is opened.

internal import Basics
internal import Glibc

/// The output for a datagram target.
final class DatagramOutput {
    /// The interval between attempts to open a target.
    static let retryAfter = TimeSpan.seconds(1)

    private let target: LogTarget
    private var descriptor: Int32 = -1
    private var notBefore = Instant(nanoseconds: 0)

    init(_ target: LogTarget) { self.target = target }

    deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

    func send(_ line: [UInt8], _ tally: inout LogTally) {
        if attempt(line) { tally.written += 1 } else { tally.lost += 1 }
    }

    private func attempt(_ line: [UInt8]) -> Bool {
        // Two attempts: the first error may stem from an earlier datagram, or from a socket whose server was restarted.
        for _ in 0..<2 {
            guard descriptor >= 0 || open() else { return false }
            switch transmit(line) {
            case 0: return true
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK, ENOBUFS, ENOMEM, EMSGSIZE: return false
            case ECONNREFUSED where isNetwork: continue
            default: close()
            }
        }
        return false
    }

    private var isNetwork: Bool {
        if case .network = target { return true }
        return false
    }

    /// Sends one datagram; returns 0 or the errno.
    private func transmit(_ line: [UInt8]) -> Int32 {
        let count = unsafe line.withUnsafeBytes {
            unsafe Glibc.send(
                descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        }
        return count < 0 ? errno : 0
    }

    private func close() {
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    private func open() -> Bool {
        let now = Instant.now()
        guard now >= notBefore else { return false }
        descriptor =
            switch target {
            case .network(let host, let port): Self.connectNetwork(host, port)
            case .path(let path): Self.connectUnix(path.verbatimBytes + [0])
            case .abstract(let name): Self.connectUnix([0] + name.verbatimBytes)
            case .descriptor, .ring, .stream: preconditionFailure("\(target) is not a datagram target")
            }
        if descriptor < 0 { notBefore = now + Self.retryAfter }
        return descriptor >= 0
    }

    /// A connected socket, or -1. Prefers a name's IPv4 addresses, as HAProxy does, because UDP gives no feedback about
    /// unreachable addresses.
    private static func connectNetwork(_ host: String, _ port: UInt16) -> Int32 {
        let descriptor = connectNetwork(host, port, AF_INET)
        return descriptor >= 0 ? descriptor : connectNetwork(host, port, AF_INET6)
    }

    private static func connectNetwork(_ host: String, _ port: UInt16, _ family: Int32) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = family
        unsafe hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &list) == 0 else { return -1 }
        defer { unsafe freeaddrinfo(list) }
        var next = unsafe list
        while let entry = unsafe next {
            let descriptor = unsafe connected(entry.pointee.ai_family, entry.pointee.ai_addr, entry.pointee.ai_addrlen)
            if descriptor >= 0 { return descriptor }
            unsafe next = entry.pointee.ai_next
        }
        return -1
    }

    /// A connected socket, or -1. `name` is a path with its terminating NUL, or an abstract name with its leading NUL.
    private static func connectUnix(_ name: [UInt8]) -> Int32 {
        var form = sockaddr_un()
        form.sun_family = sa_family_t(AF_UNIX)
        let offset = MemoryLayout<sa_family_t>.size
        guard name.count <= MemoryLayout<sockaddr_un>.size - offset else { return -1 }
        unsafe withUnsafeMutableBytes(of: &form) { bytes in
            for i in name.indices { unsafe bytes[offset + i] = name[i] }
        }
        return unsafe withUnsafePointer(to: &form) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connected(AF_UNIX, $0, socklen_t(offset + name.count))
            }
        }
    }

    @unsafe private static func connected(
        _ family: Int32, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t
    ) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0, unsafe connect(descriptor, address, length) != 0 else { return descriptor }
        _ = Glibc.close(descriptor)
        return -1
    }
}
