// Converts between SocketAddress and the system's sockaddr structures, and resolves host names.

public import Basics
internal import CLinux
internal import Glibc

enum SystemAddress {
    /// Calls `body` with the address as a sockaddr.
    static func with<R>(
        _ address: SocketAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        switch address {
        case .ip(.v4(let word), let port):
            var form = sockaddr_in()
            form.sin_family = sa_family_t(AF_INET)
            form.sin_port = port.bigEndian
            form.sin_addr.s_addr = word.bigEndian
            return unsafe call(&form, length: MemoryLayout<sockaddr_in>.size, body)
        case .ip(.v6(let high, let low), let port):
            var form = sockaddr_in6()
            form.sin6_family = sa_family_t(AF_INET6)
            form.sin6_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &form.sin6_addr) {
                unsafe $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                unsafe $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return unsafe call(&form, length: MemoryLayout<sockaddr_in6>.size, body)
        case .path(let path): return unsafe withUnix(path.verbatimBytes + [0], body)
        case .abstract(let name):
            // The name is padded with zeros to the length of the field, as HAProxy does, so that the two can connect.
            let bytes = [0] + name.verbatimBytes
            return unsafe withUnix(bytes + repeatElement(0, count: max(0, pathBytesMax + 1 - bytes.count)), body)
        case .abstractExact(let name): return unsafe withUnix([0] + Array(name.utf8), body)
        case .pair(let number): preconditionFailure("descriptor \(number) of a pair has no address")
        }
    }

    /// The longest path of a Unix-domain socket in bytes, without its terminating NUL.
    static let pathBytesMax = 107

    private static func withUnix<R>(
        _ name: [UInt8], _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        var form = sockaddr_un()
        form.sun_family = sa_family_t(AF_UNIX)
        let offset = MemoryLayout<sa_family_t>.size
        precondition(name.count <= pathBytesMax + 1, "a socket path of \(name.count) bytes")
        unsafe withUnsafeMutableBytes(of: &form) { bytes in
            for i in name.indices { unsafe bytes[offset + i] = name[i] }
        }
        return unsafe call(&form, length: offset + name.count, body)
    }

    private static func call<Form, R>(
        _ form: inout Form, length: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        unsafe withUnsafePointer(to: &form) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(length))
            }
        }
    }

    /// Calls a function such as accept or getsockname, and converts the address that it stores.
    static func receive(
        _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> (result: Int32, address: SocketAddress) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, &length) }
        }
        guard result >= 0 else { return (result, .path("")) }
        return unsafe withUnsafeBytes(of: &storage) { unsafe (result, read($0, length: Int(length))) }
    }

    /// Converts a sockaddr of `length` bytes.
    static func read(_ bytes: UnsafeRawBufferPointer, length: Int) -> SocketAddress {
        switch unsafe Int32(bytes.load(as: sa_family_t.self)) {
        case AF_INET:
            let form = unsafe bytes.load(as: sockaddr_in.self)
            return .ip(.v4(UInt32(bigEndian: form.sin_addr.s_addr)), port: UInt16(bigEndian: form.sin_port))
        case AF_INET6:
            let form = unsafe bytes.load(as: sockaddr_in6.self)
            let words = unsafe withUnsafeBytes(of: form.sin6_addr) {
                unsafe ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
            let address = IPAddress.v6(UInt64(bigEndian: words.0), UInt64(bigEndian: words.1))
            return .ip(address.unmapped, port: UInt16(bigEndian: form.sin6_port))
        default:
            let name = unsafe bytes[min(2, length)..<max(2, length)]
            if unsafe name.first == 0 {
                let text = unsafe String(decoding: name.dropFirst().prefix { $0 != 0 }, as: UTF8.self)
                return unsafe name.count > pathBytesMax ? .abstract(text) : .abstractExact(text)
            }
            return .path(unsafe String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
        }
    }

    /// A non-blocking stream socket of the address's family; -1 on failure, with errno set.
    static func makeStreamSocket(for address: SocketAddress) -> Int32 {
        clinux_stream_socket(family(of: address))
    }

    static func family(of address: SocketAddress) -> Int32 {
        switch address {
        case .ip(.v4, _): AF_INET
        case .ip(.v6, _): AF_INET6
        case .path, .abstract, .abstractExact, .pair: AF_UNIX
        }
    }
}

public enum HostResolver {
    /// The addresses of a host name, in the system's order of preference; empty if the name does not resolve. A literal
    /// address resolves to itself.
    public static func resolve(_ host: String) -> [IPAddress] {
        if let literal = IPAddress(host) { return [literal] }
        if let book = NameBook.current { return book.addresses(of: host) }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            let address = unsafe SystemAddress.read(
                UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen)),
                length: Int(entry.pointee.ai_addrlen))
            if let ip = address.ip, !addresses.contains(ip) { addresses.append(ip) }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }
}
