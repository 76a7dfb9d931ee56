// Parses `host[:port]` from Host fields and request targets (RFC 3986 section 3.2, RFC 9110 section 7.2).
// Checks syntax only: host names are not resolved, IP addresses are not parsed. Ambiguous input is rejected.

internal import Basics

/// The parts of an authority, as byte ranges of its text. User information is not part of it.
struct Authority {
    /// The host, including the brackets of an IP literal; may be empty.
    var host: Range<Int>
    /// The port; nil when there is no colon, or no digit after it.
    var port: UInt16?

    /// Returns nil unless the bytes are `uri-host [":" port]` with a port below 65,536.
    init?(_ bytes: RawSpan) {
        let count = bytes.byteCount
        if count > 0, bytes[0] == 0x5B {
            guard let close = bytes.firstIndex(of: 0x5D, in: 0..<count), close > 1,
                bytes.all(in: 1..<close, are: .ipLiteral)
            else { return nil }
            host = 0..<close + 1
        } else {
            var end = 0
            while end < count, ByteSet.regName.contains(bytes[end]) {
                if bytes[end] == 0x25 {
                    guard end + 2 < count, hexValue(bytes[end + 1]) < 16, hexValue(bytes[end + 2]) < 16 else {
                        return nil
                    }
                }
                end += 1
            }
            host = 0..<end
        }
        if host.upperBound == count { return }
        guard bytes[host.upperBound] == 0x3A else { return nil }
        let digits = bytes.extracting(host.upperBound + 1..<count)
        if digits.byteCount == 0 { return }
        guard digits.byteCount <= 5, let value = digits.decimalValue, let port = UInt16(exactly: value) else {
            return nil
        }
        self.port = port
    }

    /// Whether two authorities name the same host and port; a missing port counts as `defaultPort`.
    /// Returns false if either is malformed.
    static func agree(_ a: RawSpan, _ b: RawSpan, defaultPort: UInt16?) -> Bool {
        guard let first = Authority(a), let second = Authority(b) else { return false }
        return a.extracting(first.host).isSameIgnoringCase(as: b.extracting(second.host))
            && (first.port ?? defaultPort) == (second.port ?? defaultPort)
    }

    /// The default port of a URI scheme; nil for schemes other than http, https, ws and wss.
    static func defaultPort(scheme: RawSpan) -> UInt16? {
        if scheme.equalsIgnoringCase("http") || scheme.equalsIgnoringCase("ws") { return 80 }
        if scheme.equalsIgnoringCase("https") || scheme.equalsIgnoringCase("wss") { return 443 }
        return nil
    }
}

/// The value of a hexadecimal digit; 255 for any other byte.
@inline(__always)
func hexValue(_ byte: UInt8) -> UInt8 {
    let digit = byte &- 0x30
    if digit < 10 { return digit }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter &+ 10 : 255
}
