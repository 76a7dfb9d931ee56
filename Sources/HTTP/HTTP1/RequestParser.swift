// Reads the head of a request, line by line (RFC 9112 sections 2 and 3).
//
// Complete lines are taken out of the input, so that its buffer may be given back between reads; only an
// unfinished line stays. What the parser says does not depend on how the input was cut into pieces.

internal import Basics

/// A parser for one request head after the other.
public struct RequestParser: Sendable {
    private enum Phase { case requestLine, fields, ended }

    private let limits: HeadLimits
    private var phase = Phase.requestLine
    private var reader = LineReader()
    private var emptyLines = 0
    /// Whether a byte of this request was seen, empty lines before it aside.
    public private(set) var hasBegun = false
    /// The first thing that was wrong and let through by `acceptInvalid`, and where in the message it is.
    private var tolerated: Offence?
    public var toleratedFault: MessageFault? { tolerated?.fault }
    public var toleratedOffset: Int { tolerated?.offset ?? 0 }

    public init(limits: HeadLimits) { self.limits = limits }

    /// Makes ready for the next request.
    public mutating func reset() { self = RequestParser(limits: limits) }

    /// Takes lines out of `input` into `head`, which must be clear at the first call of a request.
    ///
    /// `consumed` becomes the number of bytes used up; the next input must begin with those that are left. After a
    /// failure it is the offset of the offence. A complete head has a valid target and, in HTTP/1.1, exactly one
    /// valid Host, which agrees with the target; its framing is asked for with `bodyFraming()`.
    public mutating func parse(
        _ input: RawSpan, into head: inout RequestHead, consumed: inout Int
    ) -> ParseProgress {
        precondition(phase != .ended, "a request parser was used on after its end: call reset() first")
        consumed = 0
        if phase == .requestLine {
            switch readRequestLine(input, into: &head, place: &consumed) {
            case .needMore: return .needMore
            case .complete:
                // A request of HTTP/0.9 is one line.
                if tolerated?.fault == .missingVersion {
                    phase = .ended
                    return .complete
                }
                phase = .fields
            case .failed(let fault): return fail(fault)
            }
        }
        while true {
            switch reader.next(
                input, from: consumed, headBytesMax: limits.headBytesMax, takesLineFeed: limits.acceptInvalid)
            {
            case .complete(let line, let next):
                tolerate(lineFeedBehind: line, next)
                if line.isEmpty {
                    consumed = next
                    if let fault = Self.hostFault(of: head) { return fail(fault) }
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

    /// Notes a line that ended with LF alone, unless there is something worse to note.
    @inline(__always)
    private mutating func tolerate(lineFeedBehind line: Range<Int>, _ next: Int) {
        guard next &- line.upperBound == 1, tolerated == nil else { return }
        tolerated = Offence(fault: .bareLineFeed, offset: reader.taken - 1)
    }

    @inline(__always)
    private mutating func take(
        _ line: Range<Int>, _ next: Int, of input: RawSpan, into head: inout RequestHead
    ) -> Offence? {
        if head.fields.count >= limits.fieldsMax { return Offence(fault: .tooManyFields, offset: 0) }
        let hadHost = head.fields.contains(.host)
        var known = KnownField.other
        if let offence = head.fields.append(
            line: line, next: next, of: input, acceptInvalid: limits.acceptInvalid, known: &known)
        {
            return offence
        }
        if limits.acceptInvalid, tolerated == nil || tolerated?.fault == .bareLineFeed,
            let odd = head.fields.oddityInLastName
        {
            tolerated = Offence(fault: .invalidFieldName, offset: reader.taken - (next - line.lowerBound) + odd)
        }
        return known == .host && hadHost ? Offence(fault: .repeatedHost, offset: 0) : nil
    }

    // MARK: - Request line

    /// Passes over the empty lines that may stand before a request, and counts them. True if there is a byte of a request
    /// behind them, or one too many of them: then `parse` goes on from there. False if there is nothing else yet; a CR whose
    /// LF is still to come is left in the input.
    public mutating func skipEmptyLines(_ input: RawSpan, consumed: inout Int) -> Bool {
        precondition(phase == .requestLine && !hasBegun, "a request has begun already")
        consumed = 0
        while consumed < input.byteCount {
            guard input[consumed] == 0x0D || input[consumed] == 0x0A && limits.acceptInvalid else { return true }
            if input[consumed] == 0x0D, consumed + 1 == input.byteCount { return false }
            let end = input[consumed] == 0x0D ? consumed + 1 : consumed
            guard input[end] == 0x0A, emptyLines < Self.emptyLinesMax else { return true }
            emptyLines += 1
            consumed = end + 1
        }
        return false
    }

    /// Empty lines are skipped before a request, for clients that send one line end too many after a body (RFC 9112
    /// section 2.2); a few, so that nobody keeps a connection busy with them.
    private static let emptyLinesMax = 4

    private mutating func readRequestLine(
        _ input: RawSpan, into head: inout RequestHead, place: inout Int
    ) -> ParseProgress {
        while true {
            if !hasBegun {
                guard place < input.byteCount else { return .needMore }
                let byte = input[place]
                // TLS, HTTP/2 frames and other protocols show at the first byte; no line of theirs is waited for.
                guard ByteSet.token.contains(byte) || byte == 0x0D || byte == 0x0A else { return .failed(.notHTTP) }
                hasBegun = byte != 0x0D && (byte != 0x0A || !limits.acceptInvalid)
            }
            switch reader.next(
                input, from: place, headBytesMax: limits.headBytesMax, takesLineFeed: limits.acceptInvalid)
            {
            case .complete(let line, let next):
                if line.isEmpty {
                    emptyLines += 1
                    if emptyLines > Self.emptyLinesMax { return .failed(.tooManyEmptyLines) }
                    reader.restart()
                    place = next
                    continue
                }
                if let offence = RequestLine.read(input.extracting(line), into: &head, limits, tolerated: &tolerated) {
                    place = line.lowerBound + offence.offset
                    return .failed(offence.fault)
                }
                tolerate(lineFeedBehind: line, next)
                place = next
                return .complete
            case .needMore: return .needMore
            case .tooLong(let offset):
                place = offset
                return .failed(.requestLineTooLong)
            case .failed(let offence):
                place = offence.offset
                return .failed(offence.fault)
            }
        }
    }

    // MARK: - Host

    /// RFC 9112 section 3.2: exactly one Host in HTTP/1.1, valid, and the same as the target's authority. (The RFC
    /// lets an absolute form overrule Host; two hops of which only one knows that would disagree.)
    private static func hostFault(of head: borrowing RequestHead) -> MessageFault? {
        guard let i = head.fields.first(.host) else { return head.version == .http11 ? .missingHost : nil }
        let host = head.fields.value(i)
        guard Authority(host) != nil else { return .invalidHost }
        switch head.targetForm {
        case .origin, .asterisk: return nil
        case .absolute:
            return Authority.agree(host, head.authority, defaultPort: head.defaultPort) ? nil : .hostDisagrees
        case .authority:
            // Clients leave out the port in Host that everybody knows.
            let agrees = [80, 443, nil].contains { Authority.agree(host, head.authority, defaultPort: $0) }
            return agrees ? nil : .hostDisagrees
        }
    }
}
