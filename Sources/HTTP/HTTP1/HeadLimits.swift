// How large a message's head may be, and how much of what RFC 9112 forbids is let through.
// Limits of bodies' framing are in BodyDecoder.

internal import Basics

/// What a head parser accepts.
public struct HeadLimits: Sendable {
    /// Bytes from the first of the start line to the last of the empty line. `tune.bufsize` less `tune.maxrewrite`:
    /// by default 15 KiB, inside the 8 to 80 KiB that other servers allow.
    public var headBytesMax: Int
    /// Fields in one head (`tune.http.maxhdr`): enough for browsers and proxies, too few to make searching them slow.
    public var fieldsMax: Int
    /// `option accept-unsafe-violations-in-http-request` or `-response`: `#` and bytes from 0x80 in targets, any visible
    /// characters but the colon in field names, other protocols and versions of more digits, no version at all
    /// (HTTP/0.9), lines of a request's head that end with LF alone. Nothing that makes it doubtful where a message ends
    /// or whom it is for; what is sent on is HTTP/1.1 all the same.
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

/// How far a parser has come.
public enum ParseProgress: Equatable, Sendable {
    case needMore
    case complete
    case failed(MessageFault)
}
