// Splits a message head into lines and rejects control characters, in one pass (RFC 9112 section 2.2). Also the limits
// of a head and the result types that both head parsers use.
//
// A line ends with CR LF. A bare CR is rejected, because implementations disagree about its meaning. A bare LF, which
// RFC 9112 section 2.2 lets a recipient accept as a line end, is accepted in responses, and in requests only where the
// configuration says so.

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

/// A fault and the offset of the byte where it was found.
struct ParseError: Error {
    var fault: MessageFault
    var offset: Int
}

/// Finds the lines of one head, which may arrive in several pieces.
struct LineReader: Sendable {
    /// Bytes in the lines already returned.
    private(set) var bytesRead = 0
    /// Bytes of the unfinished line that have been scanned already.
    private var scanned = 0

    enum Line {
        /// The line without its line end, and the start of the next line: two bytes later, or one after a bare LF.
        case complete(Range<Int>, next: Int)
        /// The input ends inside the line.
        case needMore
        /// The head exceeds its limit; the first byte past the limit is at this offset.
        case tooLong(at: Int)
        case failed(ParseError)
    }

    /// Reads the line of `input` that starts at `start`. After `needMore`, the next call's input must start with the
    /// same line.
    @inline(__always)
    mutating func next(_ input: RawSpan, from start: Int, headBytesMax: Int, acceptsBareLineFeed: Bool) -> Line {
        let end = min(input.byteCount, start &+ headBytesMax &- bytesRead)
        var index = start &+ scanned
        while true {
            index = input.firstIndex(in: index..<end, where: EightBytes.control)
            if index == end {
                if end < input.byteCount { return .tooLong(at: end) }
                scanned = index &- start
                return .needMore
            }
            switch input[index] {
            case 0x0D:
                if index &+ 1 == end {
                    if end < input.byteCount { return .tooLong(at: end) }
                    scanned = index &- start
                    return .needMore
                }
                guard input[index &+ 1] == 0x0A else {
                    return .failed(ParseError(fault: .bareCarriageReturn, offset: index))
                }
                scanned = 0
                bytesRead &+= index &+ 2 &- start
                return .complete(start..<index, next: index &+ 2)
            case 0x0A:
                guard acceptsBareLineFeed else { return .failed(ParseError(fault: .bareLineFeed, offset: index)) }
                scanned = 0
                bytesRead &+= index &+ 1 &- start
                return .complete(start..<index, next: index &+ 1)
            case 0x09: index &+= 1
            default: return .failed(ParseError(fault: .controlCharacter, offset: index))
            }
        }
    }

    /// Starts counting afresh: the lines returned so far (empty lines before a request) are not part of the head.
    mutating func restart() {
        bytesRead = 0
        scanned = 0
    }
}
