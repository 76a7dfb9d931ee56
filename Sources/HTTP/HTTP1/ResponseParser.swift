// Reads the head of a response, line by line (RFC 9112 sections 2 and 4), as strictly as that of a request: a server
// may be as mistaken as a client, and what it sends goes to a client's cache.

internal import Basics

/// A parser for one response head after the other, interim ones (1xx) included.
public struct ResponseParser: Sendable {
    private enum Phase { case statusLine, fields, ended }

    private let limits: HeadLimits
    private var phase = Phase.statusLine
    private var reader = LineReader()
    /// Whether a byte of this response was seen.
    public private(set) var hasBegun = false

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
            switch reader.next(input, from: consumed, headBytesMax: limits.headBytesMax) {
            case .complete(let line):
                if line.isEmpty, phase == .fields {
                    consumed = line.upperBound &+ 2
                    phase = .ended
                    return .complete
                }
                if let offence = take(line, of: input, into: &head) {
                    consumed = line.lowerBound + offence.offset
                    return fail(offence.fault)
                }
                consumed = line.upperBound &+ 2
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
        _ line: Range<Int>, of input: RawSpan, into head: inout ResponseHead
    ) -> Offence? {
        if phase == .statusLine {
            phase = .fields
            return StatusLine.read(input.extracting(line), into: &head)
        }
        if head.fields.count >= limits.fieldsMax { return Offence(fault: .tooManyFields, offset: 0) }
        var known = KnownField.other
        return head.fields.append(line: line, of: input, acceptInvalid: limits.acceptInvalid, known: &known)
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
        var status = 0
        for i in 9..<12 {
            let digit = line[i] &- 0x30
            guard digit < 10 else { return Offence(fault: .invalidStatus, offset: i) }
            status = status * 10 + Int(digit)
        }
        guard status >= 100 else { return Offence(fault: .invalidStatus, offset: 9) }
        guard count == 12 || line[12] == 0x20 else { return Offence(fault: .invalidStatus, offset: 12) }
        head.version = known
        head.status = status
        head.takeReason(line.extracting(min(13, count)..<count))
        return nil
    }
}
