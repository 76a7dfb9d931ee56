// IP addresses and socket addresses, their text formats, and parsing.

internal import Glibc

/// An IPv4 or IPv6 address.
public enum IPAddress: Hashable, Sendable {
    /// Host byte order: 127.0.0.1 is 0x7F000001.
    case v4(UInt32)
    /// The upper and the lower 64 bits.
    case v6(UInt64, UInt64)

    public static let anyV4 = IPAddress.v4(0)
    public static let anyV6 = IPAddress.v6(0, 0)
    public static let loopbackV4 = IPAddress.v4(0x7F00_0001)

    /// Parses a dotted quad or an IPv6 address (RFC 4291); returns nil for anything else.
    public init?(_ text: some StringProtocol) {
        let text = String(text)
        // inet_pton would stop at a NUL and ignore the rest.
        guard !text.utf8.contains(0) else { return nil }
        var v4 = in_addr()
        if unsafe inet_pton(AF_INET, text, &v4) == 1 {
            self = .v4(UInt32(bigEndian: v4.s_addr))
            return
        }
        var v6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        let words = unsafe withUnsafeBytes(of: &v6) {
            unsafe ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self = .v6(UInt64(bigEndian: words.0), UInt64(bigEndian: words.1))
    }

    /// The IPv4 address in an IPv4-mapped IPv6 address (`::ffff:0:0/96`); any other address unchanged.
    public var unmapped: IPAddress {
        if case .v6(0, let low) = self, low >> 32 == 0xFFFF { return .v4(UInt32(truncatingIfNeeded: low)) }
        return self
    }

    /// The number of bits of an address of this family: 32 or 128.
    public var bitCount: Int { if case .v4 = self { 32 } else { 128 } }

    /// Whether this is the wildcard address, 0.0.0.0 or [::].
    public var isAny: Bool { self == .anyV4 || self == .anyV6 }

    /// Appends the text form: a dotted quad, or RFC 5952.
    public func append(to out: inout [UInt8]) {
        switch self {
        case .v4(let word):
            out.append(addingCapacity: 15) { text in
                var shift: UInt32 = 24
                while true {
                    Self.append(octet: word &>> shift & 255, to: &text)
                    if shift == 0 { break }
                    text.append(0x2E)
                    shift &-= 8
                }
            }
        case .v6(let high, let low):
            var bytes = (high.bigEndian, low.bigEndian)
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            unsafe inet_ntop(AF_INET6, &bytes, &text, socklen_t(text.count))
            for c in text {
                if c == 0 { break }
                out.append(UInt8(bitPattern: c))
            }
        }
    }

    private static func append(octet: UInt32, to text: inout OutputSpan<UInt8>) {
        if octet >= 100 { text.append(UInt8(truncatingIfNeeded: octet / 100) &+ 0x30) }
        if octet >= 10 { text.append(UInt8(truncatingIfNeeded: octet / 10 % 10) &+ 0x30) }
        text.append(UInt8(truncatingIfNeeded: octet % 10) &+ 0x30)
    }
}

extension IPAddress: CustomStringConvertible {
    public var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// An IP network: all addresses with the same prefix.
public struct IPNetwork: Hashable, Sendable {
    private let address: IPAddress
    private let prefixLength: Int

    /// Parses `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `fd00::/8`, or a single address; returns nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]) else { return nil }
        let length = parts.count == 1 ? address.bitCount : Self.prefixLength(parts[1], of: address)
        guard let length, length <= address.bitCount else { return nil }
        self.address = address
        prefixLength = length
    }

    /// The value of a prefix length in digits, or the number of leading ones in an IPv4 netmask.
    private static func prefixLength(_ text: some StringProtocol, of address: IPAddress) -> Int? {
        if !text.isEmpty, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) { return Int(text) }
        guard case .v4 = address, case .v4(let mask)? = IPAddress(text) else { return nil }
        let ones = (~mask).leadingZeroBitCount
        return mask == (ones == 0 ? 0 : ~0 << UInt32(32 - ones)) ? ones : nil
    }

    /// Whether the address is in the network. An IPv4 network contains no IPv6 addresses, and the reverse.
    public func contains(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4(let a), .v4(let b)): prefixLength == 0 || (a ^ b) >> UInt32(32 - prefixLength) == 0
        case (.v6(let a, let b), .v6(let c, let d)):
            prefixLength <= 64
                ? prefixLength == 0 || (a ^ c) >> UInt64(64 - prefixLength) == 0
                : a == c && (b ^ d) >> UInt64(128 - prefixLength) == 0
        case (.v4, .v6), (.v6, .v4): false
        }
    }
}

/// An address to listen on or to connect to.
public enum SocketAddress: Hashable, Sendable {
    case ip(IPAddress, port: UInt16)
    /// The path of a Unix-domain socket.
    case path(String)
    /// A name in Linux's abstract namespace, without its leading NUL, padded with zeros to the full length (`abns@`).
    case abstract(String)
    /// A name in the abstract namespace without padding, as most other programs use it (`abnsz@`).
    case abstractExact(String)
    /// The number of an inherited descriptor, one end of a pair of sockets over which connections go as descriptors (`sockpair@`).
    case pair(Int32)

    public var ip: IPAddress? {
        if case .ip(let address, _) = self { return address }
        return nil
    }

    public var port: UInt16? {
        if case .ip(_, let port) = self { return port }
        return nil
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `127.0.0.1:80`, `[::1]:80`, `unix@/run/x.sock`, `abns@name`, `abnsz@name`.
    public var description: String {
        switch self {
        case .ip(.v4(let word), let port): "\(IPAddress.v4(word)):\(port)"
        case .ip(let v6, let port): "[\(v6)]:\(port)"
        case .path(let path): "unix@\(path)"
        case .abstract(let name): "abns@\(name)"
        case .abstractExact(let name): "abnsz@\(name)"
        case .pair(let number): "sockpair@\(number)"
        }
    }
}
