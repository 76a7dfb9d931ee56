// Resolves host names through the system's resolver. It blocks, so workers must not call it.

public import Basics
internal import CLinux
internal import Glibc

public enum HostResolver {
    /// The addresses of a host name, in the system's order of preference; empty if the name does not resolve. A literal
    /// address resolves to itself.
    public static func resolve(_ host: String) -> [IPAddress] {
        if let literal = IPAddress(host) { return [literal] }
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
