// Parses the head of a response line by line (RFC 9112 sections 2 and 4).
//
// A line may end with LF alone, which RFC 9112 section 2.2 permits: some servers and many scripts write heads that way.
// A folded field is joined into one line (section 5.2). Otherwise the parser is as strict as for requests, because a
// malformed response could poison a client's cache.

internal import Basics

/// A parser for the response heads of a connection, one after another, including interim responses (1xx).
public struct ResponseParser: Sendable {
    private enum Phase { case statusLine, fields, ended }

    private let limits: HeadLimits
    private var phase = Phase.statusLine
    private var reader = LineReader()
    /// Whether any byte of this response has been seen.
    public private(set) var hasBegun = false
    /// The first violation that `acceptInvalid` tolerated, and its offset in the message.
    private var tolerated: ParseError?
    public var toleratedFault: MessageFault? { tolerated?.fault }
    public var toleratedOffset: Int { tolerated?.offset ?? 0 }

    public init(limits: HeadLimits) { self.limits = limits }

    /// Prepares for the next response.
    public mutating func reset() { self = ResponseParser(limits: limits) }

    /// Parses lines of `input` into `head`, which must be cleared before the first call for a response.
    ///
    /// Sets `consumed` to the number of bytes parsed, or after a failure to the offset of the faulty byte. The next
    /// call's input must start with the first unconsumed byte.
    public mutating func parse(
        _ input: RawSpan, into head: inout ResponseHead, consumed: inout Int
    ) -> ParseProgress {
        precondition(phase != .ended, "a response parser was used after the end of the head: call reset() first")
        consumed = 0
        if !hasBegun, input.byteCount > 0 {
            hasBegun = true
            if input[0] != 0x48 { return fail(.notHTTP) }
        }
        while true {
            switch reader.next(input, from: consumed, headBytesMax: limits.headBytesMax, acceptsBareLineFeed: true) {
            case .complete(let line, let next):
                if line.isEmpty, phase == .fields {
                    consumed = next
                    phase = .ended
                    return .complete
                }
                if let error = parse(line, next, of: input, into: &head) {
                    consumed = line.lowerBound + error.offset
                    return fail(error.fault)
                }
                consumed = next
            case .needMore: return .needMore
            case .tooLong(let offset):
                consumed = offset
                return fail(.headTooLarge)
            case .failed(let error):
                consumed = error.offset
                return fail(error.fault)
            }
        }
    }

    private mutating func fail(_ fault: MessageFault) -> ParseProgress {
        phase = .ended
        return .failed(fault)
    }

    @inline(__always)
    private mutating func parse(
        _ line: Range<Int>, _ next: Int, of input: RawSpan, into head: inout ResponseHead
    ) -> ParseError? {
        if phase == .statusLine {
            phase = .fields
            let text = input.extracting(line)
            guard let error = StatusLine.read(text, into: &head) else { return nil }
            guard limits.acceptInvalid, StatusLine.readTolerated(text, into: &head) else { return error }
            tolerated = error
            return nil
        }
        if head.fields.count >= limits.fieldsMax, !isSpace(input[line.lowerBound]) {
            return ParseError(fault: .tooManyFields, offset: 0)
        }
        var known = KnownField.other
        if let error = head.fields.append(
            line: line, next: next, of: input, acceptInvalid: limits.acceptInvalid, known: &known)
        {
            guard error.fault == .foldedField, head.fields.appendContinuation(input.extracting(line)) else {
                return error
            }
            return nil
        }
        if limits.acceptInvalid, tolerated == nil, let offset = head.fields.invalidByteInLastName {
            tolerated = ParseError(
                fault: .invalidFieldName, offset: reader.bytesRead - (next - line.lowerBound) + offset)
        }
        return nil
    }
}

/// `status-line = HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 section 4). Many servers omit the second
/// space along with the reason; that is accepted.
private enum StatusLine {
    /// Parses a line without control characters into `head`. Returns the fault and its offset in the line, or nil.
    static func read(_ line: RawSpan, into head: inout ResponseHead) -> ParseError? {
        let count = line.byteCount
        guard count >= 12, line[8] == 0x20 else { return ParseError(fault: .malformedStatusLine, offset: 0) }
        let version = line.extracting(0..<8)
        guard let known = HTTPVersion(version) else {
            return ParseError(fault: HTTPVersion.fault(of: version), offset: 0)
        }
        head.version = known
        return readStatus(line, from: 9, into: &head)
    }

    /// Parses a line with another HTTP version, of any number of digits, as HTTP/1.0. Returns false if it is malformed.
    @inline(never)
    static func readTolerated(_ line: RawSpan, into head: inout ResponseHead) -> Bool {
        let count = line.byteCount
        guard let end = line.firstIndex(of: 0x20, in: 0..<count), line.extracting(first: min(5, end)).equals("HTTP/"),
            HTTPVersion.isToleratedVersion(line.extracting(0..<end)), count >= end + 4
        else { return false }
        head.version = .http10
        return readStatus(line, from: end + 1, into: &head) == nil
    }

    /// Parses the status at `start`, where at least three bytes must follow, and the reason phrase.
    @inline(__always)
    private static func readStatus(_ line: RawSpan, from start: Int, into head: inout ResponseHead) -> ParseError? {
        let count = line.byteCount
        let end = start &+ 3
        var status = 0
        for i in start..<end {
            let digit = line[i] &- 0x30
            guard digit < 10 else { return ParseError(fault: .invalidStatus, offset: i) }
            status = status * 10 + Int(digit)
        }
        guard status >= 100 else { return ParseError(fault: .invalidStatus, offset: start) }
        guard count == end || line[end] == 0x20 else { return ParseError(fault: .invalidStatus, offset: end) }
        head.status = status
        head.storeReason(line.extracting(min(end &+ 1, count)..<count))
        return nil
    }
}
