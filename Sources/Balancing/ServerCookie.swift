// What names a server in a cookie that is made of its address (`cookie … dynamic`): the same value as HAProxy's, so that clients come
// back to the same server through any proxy that has the same key.

internal import Basics
internal import CXXHash
internal import Synchronization

/// A hash of a key, a server's address and its port.
struct AddressCookie: ~Copyable, Sendable {
    /// 0 for none.
    private let hash: Atomic<UInt64>

    /// - Parameter key: `dynamic-cookie-key`; nil for a server that has no such cookie.
    init(key: [UInt8]?, address: SocketAddress?) {
        hash = Atomic(Self.hash(key, address))
    }

    var value: UInt64? {
        let value = hash.load(ordering: .relaxed)
        return value == 0 ? nil : value
    }

    func follow(_ address: SocketAddress?, key: [UInt8]?) { hash.store(Self.hash(key, address), ordering: .relaxed) }

    /// XXH64 of the key, the bytes of the address, and the port in four bytes, the highest first.
    static func hash(_ key: [UInt8]?, _ address: SocketAddress?) -> UInt64 {
        guard var bytes = key, case .ip(let ip, let port)? = address else { return 0 }
        switch ip {
        case .v4(let word): append(UInt64(word), count: 4, to: &bytes)
        case .v6(let high, let low):
            append(high, count: 8, to: &bytes)
            append(low, count: 8, to: &bytes)
        }
        append(UInt64(port), count: 4, to: &bytes)
        // Safe: the library reads as many bytes as it is told.
        return unsafe bytes.withUnsafeBytes { unsafe XXH64($0.baseAddress, $0.count, 0) }
    }

    private static func append(_ word: UInt64, count: Int, to bytes: inout [UInt8]) {
        for shift in stride(from: 8 * (count - 1), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
    }
}

extension Server {
    /// The number whose 16 hexadecimal digits name the server in a cookie; nil without `dynamic-cookie-key`, or while the server has no
    /// IP address.
    public var addressCookie: UInt64? { cookie.value }
}
