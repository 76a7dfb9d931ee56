// Parses the head of a request line by line (RFC 9112 sections 2 and 3).
//
// The parser consumes complete lines, so that the input buffer only has to keep an unfinished line between reads. Its
// result does not depend on how the input is split.

internal import Basics

/// A parser for the request heads of a connection, one after another.
public struct RequestParser: Sendable {
    private enum Phase { case requestLine, fields, ended }

    private let limits: HeadLimits
    private var phase = Phase.requestLine
    private var reader = LineReader()
    private var emptyLines = 0
    /// Whether any byte of this request has been seen, not counting empty lines before it.
    public private(set) var hasBegun = false
    /// The first violation that `acceptInvalid` tolerated, and its offset in the message.
    private var tolerated: ParseError?
    public var toleratedFault: MessageFault? { tolerated?.fault }
    public var toleratedOffset: Int { tolerated?.offset ?? 0 }

    public init(limits: HeadLimits) { self.limits = limits }

    /// Prepares for the next request.
    public mutating func reset() { self = RequestParser(limits: limits) }

    /// Parses lines of `input` into `head`, which must be cleared before the first call for a request.
    ///
    /// Sets `consumed` to the number of bytes parsed, or after a failure to the offset of the faulty byte. The next
    /// call's input must start with the first unconsumed byte. A complete head has a valid target and, in HTTP/1.1,
    /// exactly one valid Host, which agrees with the target. Its framing has not been checked: see `bodyFraming()`.
    public mutating func parse(
        _ input: RawSpan, into head: inout RequestHead, consumed: inout Int
    ) -> ParseProgress {
        precondition(phase != .ended, "a request parser was used after the end of the head: call reset() first")
        consumed = 0
        if phase == .requestLine {
            switch readRequestLine(input, into: &head, consumed: &consumed) {
            case .needMore: return .needMore
            case .complete:
                // An HTTP/0.9 request is a single line.
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
                input, from: consumed, headBytesMax: limits.headBytesMax, acceptsBareLineFeed: limits.acceptInvalid)
            {
            case .complete(let line, let next):
                recordBareLineFeed(after: line, next)
                if line.isEmpty {
                    consumed = next
                    if let fault = Self.hostFault(of: head) { return fail(fault) }
                    if head.lacksWebSocketKey { return fail(.missingWebSocketKey) }
                    phase = .ended
                    return .complete
                }
                if let error = appendField(line, next, of: input, into: &head) {
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

    /// Records a line that ended with LF alone, unless another violation has been recorded.
    @inline(__always)
    private mutating func recordBareLineFeed(after line: Range<Int>, _ next: Int) {
        guard next &- line.upperBound == 1, tolerated == nil else { return }
        tolerated = ParseError(fault: .bareLineFeed, offset: reader.bytesRead - 1)
    }

    @inline(__always)
    private mutating func appendField(
        _ line: Range<Int>, _ next: Int, of input: RawSpan, into head: inout RequestHead
    ) -> ParseError? {
        if head.fields.count >= limits.fieldsMax { return ParseError(fault: .tooManyFields, offset: 0) }
        let hadHost = head.fields.contains(.host)
        var known = KnownField.other
        if let error = head.fields.append(
            line: line, next: next, of: input, acceptInvalid: limits.acceptInvalid, known: &known)
        {
            return error
        }
        if limits.acceptInvalid, tolerated == nil || tolerated?.fault == .bareLineFeed,
            let offset = head.fields.invalidByteInLastName
        {
            tolerated = ParseError(
                fault: .invalidFieldName, offset: reader.bytesRead - (next - line.lowerBound) + offset)
        }
        return known == .host && hadHost ? ParseError(fault: .repeatedHost, offset: 0) : nil
    }

    // MARK: - Request line

    /// Skips the empty lines that may precede a request, and counts them. Returns true if the input continues with a
    /// request or exceeds the limit of empty lines; `parse` then continues there. Returns false if more input is
    /// needed; a CR whose LF has not arrived is not consumed.
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

    /// Limit for empty lines before a request. Some clients send an extra line end after a body (RFC 9112 section 2.2);
    /// the limit keeps a client from occupying a connection with empty lines.
    private static let emptyLinesMax = 4

    private mutating func readRequestLine(
        _ input: RawSpan, into head: inout RequestHead, consumed: inout Int
    ) -> ParseProgress {
        while true {
            if !hasBegun {
                guard consumed < input.byteCount else { return .needMore }
                let byte = input[consumed]
                // The first byte gives away TLS, HTTP/2 frames and other protocols: fail without waiting for a line.
                guard ByteSet.token.contains(byte) || byte == 0x0D || byte == 0x0A else { return .failed(.notHTTP) }
                hasBegun = byte != 0x0D && (byte != 0x0A || !limits.acceptInvalid)
            }
            switch reader.next(
                input, from: consumed, headBytesMax: limits.headBytesMax, acceptsBareLineFeed: limits.acceptInvalid)
            {
            case .complete(let line, let next):
                if line.isEmpty {
                    emptyLines += 1
                    if emptyLines > Self.emptyLinesMax { return .failed(.tooManyEmptyLines) }
                    reader.restart()
                    consumed = next
                    continue
                }
                if let error = RequestLine.read(input.extracting(line), into: &head, limits, tolerated: &tolerated) {
                    consumed = line.lowerBound + error.offset
                    return .failed(error.fault)
                }
                recordBareLineFeed(after: line, next)
                consumed = next
                return .complete
            case .needMore: return .needMore
            case .tooLong(let offset):
                consumed = offset
                return .failed(.requestLineTooLong)
            case .failed(let error):
                consumed = error.offset
                return .failed(error.fault)
            }
        }
    }

    // MARK: - Host

    /// Checks Host (RFC 9112 section 3.2): HTTP/1.1 requires exactly one valid Host, equal to the target's authority.
    /// (The RFC lets a target in absolute form override Host. An implementation that ignores that rule would route the
    /// request differently, so a mismatch is rejected.)
    private static func hostFault(of head: borrowing RequestHead) -> MessageFault? {
        guard let i = head.fields.first(.host) else { return head.version == .http11 ? .missingHost : nil }
        let host = head.fields.value(i)
        guard Authority(host) != nil else { return .invalidHost }
        switch head.targetForm {
        case .origin, .asterisk: return nil
        case .absolute:
            return Authority.agree(host, head.authority, defaultPort: head.defaultPort) ? nil : .hostDisagrees
        case .authority:
            // Clients omit a well-known port from Host.
            let agrees = [80, 443, nil].contains { Authority.agree(host, head.authority, defaultPort: $0) }
            return agrees ? nil : .hostDisagrees
        }
    }
}
