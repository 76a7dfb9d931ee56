// Reads the head of a response, line by line (RFC 9112 sections 2 and 4). A line may end with LF alone, as RFC 9112
// section 2.2 lets a recipient have it: some servers and many scripts write their heads so. A field that an old server
// folds becomes one line (section 5.2). In all else it is as strict as with a request: a server may be as mistaken as a
// client, and what it sends goes to a client's cache.

internal import Basics

/// A parser for one response head after the other, interim ones (1xx) included.
public struct ResponseParser: Sendable {
    private enum Phase { case statusLine, fields, ended }

    private let limits: HeadLimits
    private var phase = Phase.statusLine
    private var reader = LineReader()
    /// Whether a byte of this response was seen.
    public private(set) var hasBegun = false
    /// The first thing that was wrong and let through by `acceptInvalid`, and where in the message it is.
    private var tolerated: Offence?
    public var toleratedFault: MessageFault? { tolerated?.fault }
    public var toleratedOffset: Int { tolerated?.offset ?? 0 }

    public init(limits: HeadLimits) { self.limits = limits }

    /// Makes ready for the next response.
    public mutating func reset() { self = ResponseParser(limits: limits) }

    /// Takes lines out of `input` into `head`, which must be clear at the first call of a response.
    ///
    /// `consumed` becomes the number of bytes used up; the next input must begin with those that are left. After a
    /// failure it is the offset of the offence.
    public mutating func parse(
        _ input: RawSpan, into head: inout ResponseHead, consumed: inout Int
    ) -> ParseProgress {
        precondition(phase != .ended, "a response parser was used on after its end: call reset() first")
        consumed = 0
        if !hasBegun, input.byteCount > 0 {
            hasBegun = true
            if input[0] != 0x48 { return fail(.notHTTP) }
        }
        while true {
            switch reader.next(input, from: consumed, headBytesMax: limits.headBytesMax, takesLineFeed: true) {
            case .complete(let line, let next):
                if line.isEmpty, phase == .fields {
                    consumed = next
                    phase = .ended
                    return .complete
                }
                if let offence = take(line, next, of: input, into: &head) {
                    consumed = line.lowerBound + offence.offset
                    return fail(offence.fault)
                }
                consumed = next
            case .needMore: return .needMore
            case .tooLong(let offset):
                consumed = offset
                return fail(.headTooLarge)
            case .failed(let offence):
                consumed = offence.offset
                return fail(offence.fault)
            }
        }
    }

    private mutating func fail(_ fault: MessageFault) -> ParseProgress {
        phase = .ended
        return .failed(fault)
    }

    @inline(__always)
    private mutating func take(
        _ line: Range<Int>, _ next: Int, of input: RawSpan, into head: inout ResponseHead
    ) -> Offence? {
        if phase == .statusLine {
            phase = .fields
            let text = input.extracting(line)
            guard let offence = StatusLine.read(text, into: &head) else { return nil }
            guard limits.acceptInvalid, StatusLine.readOdd(text, into: &head) else { return offence }
            tolerated = offence
            return nil
        }
        if head.fields.count >= limits.fieldsMax, !isSpace(input[line.lowerBound]) {
            return Offence(fault: .tooManyFields, offset: 0)
        }
        var known = KnownField.other
        if let offence = head.fields.append(
            line: line, next: next, of: input, acceptInvalid: limits.acceptInvalid, known: &known)
        {
            guard offence.fault == .foldedField, head.fields.unfold(input.extracting(line)) else { return offence }
            return nil
        }
        if limits.acceptInvalid, tolerated == nil, let odd = head.fields.oddityInLastName {
            tolerated = Offence(fault: .invalidFieldName, offset: reader.taken - (next - line.lowerBound) + odd)
        }
        return nil
    }
}

/// `status-line = HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 section 4); the second space may be
/// missing where there is no reason, as many servers write it.
private enum StatusLine {
    /// Reads a line without control characters into `head`; returns its fault and where in the line it is.
    static func read(_ line: RawSpan, into head: inout ResponseHead) -> Offence? {
        let count = line.byteCount
        guard count >= 12, line[8] == 0x20 else { return Offence(fault: .malformedStatusLine, offset: 0) }
        let version = line.extracting(0..<8)
        guard let known = HTTPVersion(version) else { return Offence(fault: HTTPVersion.fault(of: version), offset: 0) }
        head.version = known
        return readStatus(line, from: 9, into: &head)
    }

    /// Reads a line whose version has several digits, or another major number, as if it were HTTP/1.0; false if it is none.
    @inline(never)
    static func readOdd(_ line: RawSpan, into head: inout ResponseHead) -> Bool {
        let count = line.byteCount
        guard let end = line.firstIndex(of: 0x20, in: 0..<count), line.extracting(first: min(5, end)).equals("HTTP/"),
            HTTPVersion.isOddVersion(line.extracting(0..<end)), count >= end + 4
        else { return false }
        head.version = .http10
        return readStatus(line, from: end + 1, into: &head) == nil
    }

    /// The status that begins at `start`, where there are three bytes at least, and the reason behind it.
    @inline(__always)
    private static func readStatus(_ line: RawSpan, from start: Int, into head: inout ResponseHead) -> Offence? {
        let count = line.byteCount
        let end = start &+ 3
        var status = 0
        for i in start..<end {
            let digit = line[i] &- 0x30
            guard digit < 10 else { return Offence(fault: .invalidStatus, offset: i) }
            status = status * 10 + Int(digit)
        }
        guard status >= 100 else { return Offence(fault: .invalidStatus, offset: start) }
        guard count == end || line[end] == 0x20 else { return Offence(fault: .invalidStatus, offset: end) }
        head.status = status
        head.takeReason(line.extracting(min(end &+ 1, count)..<count))
        return nil
    }
}
