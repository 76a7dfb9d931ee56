// Limits for parsing a message head, and which violations of RFC 9112 are tolerated.
// The limits for chunk extensions and trailers are in BodyDecoder.

internal import Basics

/// What a head parser accepts.
public struct HeadLimits: Sendable {
    /// Bytes from the start line up to and including the empty line: `tune.bufsize` less `tune.maxrewrite`. The default
    /// is 15 KiB; other servers allow 8 to 80 KiB.
    public var headBytesMax: Int
    /// Fields in one head (`tune.http.maxhdr`): enough for browsers and proxies, and few enough for linear search.
    public var fieldsMax: Int
    /// `option accept-unsafe-violations-in-http-request` or `-response`: accepts `#` and bytes from 0x80 in targets,
    /// any visible character except a colon in field names, other protocol names and versions, requests without a
    /// version (HTTP/0.9), and request head lines that end with LF alone. Never accepts anything that makes the
    /// message's end or its Host ambiguous. The message is forwarded as HTTP/1.1 in any case.
    public var acceptInvalid: Bool

    public init(headBytesMax: Int = 15_360, fieldsMax: Int = 101, acceptInvalid: Bool = false) {
        precondition(headBytesMax > 0 && headBytesMax <= Self.headBytesLimit, "a head of \(headBytesMax) bytes")
        precondition(fieldsMax > 0, "a head of \(fieldsMax) fields")
        self.headBytesMax = headBytesMax
        self.fieldsMax = fieldsMax
        self.acceptInvalid = acceptInvalid
    }

    /// The largest `headBytesMax`: lengths of field names are kept in 24 bits.
    public static let headBytesLimit = 1 << 24 - 1
}

/// The result of feeding input to a head parser.
public enum ParseProgress: Equatable, Sendable {
    case needMore
    case complete
    case failed(MessageFault)
}
