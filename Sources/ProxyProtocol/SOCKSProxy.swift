// SOCKS in version 4: a request of some bytes to a proxy that connects, and its answer of eight, before everything else.

public import Basics

/// What a SOCKS proxy of version 4 is asked.
public enum SOCKSProxy {
    private static let version: UInt8 = 4
    private static let connect: UInt8 = 1
    /// The user that it is told, HAProxy's: a proxy may have rules about it.
    private static let user = "HAProxy"

    /// Asks it to connect to a place; nil if that has no IPv4 address, which is all that the version knows.
    public static func request(for place: SocketAddress) -> [UInt8]? {
        guard case .ip(.v4(let word), let port) = place else { return nil }
        let address = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
        return [version, connect, UInt8(port >> 8), UInt8(port & 0xFF)] + address + Array(user.utf8) + [0]
    }
}

/// What has come of its answer.
public struct SOCKSAnswer: Sendable {
    public enum Verdict: Sendable, Equatable {
        case granted
        /// With the second byte of the answer.
        case refused(code: UInt8)
    }

    private static let size = 8
    /// "Request granted"
    private static let granted: UInt8 = 90
    private var bytes: [UInt8] = []

    public init() {}

    /// How many bytes of it are still to come: what follows is the server's.
    public var missing: Int { Self.size - bytes.count }

    /// Takes bytes, at most as many as are missing.
    public mutating func take(_ more: some Sequence<UInt8>) {
        bytes += more
        precondition(bytes.count <= Self.size, "more than an answer")
    }

    /// Nil while bytes are missing.
    public var verdict: Verdict? {
        guard missing == 0 else { return nil }
        return bytes[0] == 0 && bytes[1] == Self.granted ? .granted : .refused(code: bytes[1])
    }
}
