// Access to the page: HTTP Basic authentication (RFC 7617) against the users that `stats auth` names.

internal import Basics

/// Whether a request may see the stats page.
public enum StatsAccess: Sendable, Equatable {
    case allowed, refused

    /// `authorization` is the field's value, nil where the request has none. Without users every request may.
    public static func check(authorization: RawSpan?, settings: StatsPageSettings) -> StatsAccess {
        guard !settings.users.isEmpty else { return .allowed }
        guard let field = authorization, let given = credentials(field) else { return .refused }
        // All users and all bytes are compared, so that the time does not depend on how much is right.
        var isKnown = false
        for user in settings.users {
            let isThis = isEqual(given, "\(user.name):\(user.password)".verbatimBytes)
            isKnown = isKnown || isThis
        }
        return isKnown ? .allowed : .refused
    }

    /// `user:password` from `Basic <base64>`; nil for any other value.
    private static func credentials(_ field: RawSpan) -> [UInt8]? {
        let scheme: StaticString = "basic"
        let length = scheme.utf8CodeUnitCount
        guard field.byteCount > length, field.extracting(first: length).equalsIgnoringCase(scheme) else { return nil }
        var at = length
        while at < field.byteCount, field[at] == 0x20 || field[at] == 0x09 { at += 1 }
        guard at > length else { return nil }
        return Base64.decode(field.extracting(at..<field.byteCount))
    }

    private static func isEqual(_ given: [UInt8], _ expected: [UInt8]) -> Bool {
        var difference = given.count ^ expected.count
        for i in given.indices { difference |= Int(given[i] ^ expected[i % expected.count]) }
        return difference == 0
    }
}

/// RFC 4648 section 4.
enum Base64 {
    /// Returns nil if the text has any other byte than the alphabet's and padding at its end, which may be missing.
    static func decode(_ text: RawSpan) -> [UInt8]? {
        var length = text.byteCount
        while length > 0, text.byteCount - length < 2, text[length - 1] == 0x3D { length -= 1 }
        guard length % 4 != 1 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(length * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for i in 0..<length {
            guard let value = value(of: text[i]) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        // An encoder leaves the remaining bits zero.
        return bits & (1 << UInt32(count) - 1) == 0 ? out : nil
    }

    private static func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x61 + 26
        case 0x30...0x39: byte - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
