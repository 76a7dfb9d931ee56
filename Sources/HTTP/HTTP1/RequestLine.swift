// Parses `request-line = method SP request-target SP HTTP-version` (RFC 9112 section 3), with exactly one SP each.
// A line that the fast path rejects is parsed a second time, to find the reason.

internal import Basics

enum RequestLine {
    /// Parses a line without control characters into `head`. Returns the fault and its offset in the line, or nil. A
    /// violation that `limits.acceptInvalid` tolerates is stored in `tolerated`.
    @inline(__always)
    static func read(
        _ line: RawSpan, into head: inout RequestHead, _ limits: HeadLimits, tolerated: inout ParseError?
    ) -> ParseError? {
        let count = line.byteCount
        guard count >= shortest, let version = HTTPVersion(line.extracting(count &- 8..<count)),
            line[count &- 9] == 0x20
        else { return readTolerated(line, into: &head, limits, tolerated: &tolerated) }
        let methodEnd = line.firstIndex(in: 0..<count &- 9) { EightBytes.equal($0, 0x20) }
        guard methodEnd > 0, methodEnd < count &- 10 else { return explain(line) }
        head.version = version
        if line[count &- 1] > 0x31 { head.storeVersion(version, writtenAs: line.extracting(count &- 8..<count)) }
        return read(
            line, method: 0..<methodEnd, target: methodEnd &+ 1..<count &- 9, into: &head, limits, tolerated: &tolerated
        )
    }

    @inline(__always)
    private static func read(
        _ line: RawSpan, method: Range<Int>, target range: Range<Int>, into head: inout RequestHead,
        _ limits: HeadLimits, tolerated: inout ParseError?
    ) -> ParseError? {
        guard head.setMethod(line.extracting(method)) else {
            return ParseError(fault: .invalidMethod, offset: firstNonToken(line, before: method.upperBound))
        }
        let target = line.extracting(range)
        switch TargetParts.parse(target, method: head.method, acceptInvalid: limits.acceptInvalid) {
        case .success(let parts):
            head.storeTarget(target, parts)
            if limits.acceptInvalid, tolerated == nil, let violation = TargetParts.toleratedViolation(in: target) {
                tolerated = ParseError(fault: violation.fault, offset: range.lowerBound + violation.offset)
            }
            return nil
        case .failure(let error):
            return ParseError(fault: error.fault, offset: range.lowerBound + error.offset)
        }
    }

    /// The slow path of `read`: a line that does not end with HTTP/1.x. Rejected unless `limits.acceptInvalid` allows
    /// it.
    @inline(never)
    private static func readTolerated(
        _ line: RawSpan, into head: inout RequestHead, _ limits: HeadLimits, tolerated: inout ParseError?
    ) -> ParseError? {
        let error = explain(line)
        let count = line.byteCount
        guard limits.acceptInvalid, let methodEnd = line.firstIndex(of: 0x20, in: 0..<count) else { return error }
        let targetEnd = line.firstIndex(of: 0x20, in: methodEnd + 1..<count) ?? count
        switch error.fault {
        case .malformedVersion, .unsupportedVersion:
            let text = line.extracting(targetEnd + 1..<count)
            guard HTTPVersion.isToleratedVersion(text) else { return error }
            head.storeVersion(HTTPVersion(tolerated: text), writtenAs: text)
        // HTTP/0.9 has only GET.
        case .missingVersion where line.extracting(0..<methodEnd).equals("GET"): head.version = .http10
        default: return error
        }
        tolerated = error
        return read(
            line, method: 0..<methodEnd, target: methodEnd + 1..<targetEnd, into: &head, limits, tolerated: &tolerated)
    }

    /// The shortest valid line in bytes: `A * HTTP/1.1`.
    private static let shortest = 12

    /// The fault of a line that is not a method, a target and a supported version.
    @inline(never)
    private static func explain(_ line: RawSpan) -> ParseError {
        let count = line.byteCount
        if line.equals("PRI * HTTP/2.0") { return ParseError(fault: .unexpectedPreface, offset: 0) }
        guard let methodEnd = line.firstIndex(of: 0x20, in: 0..<count) else {
            return ParseError(fault: .malformedRequestLine, offset: firstNonToken(line, before: count))
        }
        let nonToken = firstNonToken(line, before: methodEnd)
        if methodEnd == 0 || nonToken < methodEnd { return ParseError(fault: .invalidMethod, offset: nonToken) }
        guard let targetEnd = line.firstIndex(of: 0x20, in: methodEnd + 1..<count) else {
            return ParseError(fault: methodEnd + 1 == count ? .malformedRequestLine : .missingVersion, offset: count)
        }
        if targetEnd == methodEnd + 1 { return ParseError(fault: .malformedRequestLine, offset: targetEnd) }
        let version = line.extracting(targetEnd + 1..<count)
        if version.firstIndex(of: 0x20, in: 0..<version.byteCount) != nil || version.byteCount == 0 {
            return ParseError(fault: .malformedRequestLine, offset: targetEnd)
        }
        return ParseError(fault: HTTPVersion.fault(of: version), offset: targetEnd + 1)
    }

    private static func firstNonToken(_ line: RawSpan, before end: Int) -> Int {
        for i in 0..<end where !ByteSet.token.contains(line[i]) { return i }
        return end
    }
}

extension HTTPVersion {
    /// Parses `HTTP/1.` and one digit (RFC 9112 section 2.3); nil for anything else. `text` must have eight bytes.
    @inline(__always)
    init?(_ text: RawSpan) {
        precondition(text.byteCount == 8)
        // Safe: the text has eight bytes.
        let word = UInt64(littleEndian: unsafe text.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt64.self))
        let minor = UInt8(truncatingIfNeeded: word &>> 56) &- 0x30
        guard word & 0x00FF_FFFF_FFFF_FFFF == Self.prefix, minor < 10 else { return nil }
        self = minor == 0 ? .http10 : .http11
    }

    /// "HTTP/1." as a little-endian number.
    private static var prefix: UInt64 { 0x002E_312F_5054_5448 }

    /// How to treat a tolerated version: HTTP with a single-digit major version above 1 as HTTP/1.1, anything else as
    /// HTTP/1.0.
    init(tolerated text: RawSpan) {
        self = text.byteCount == 8 && text.extracting(0..<5).equals("HTTP/") && text[5] > 0x31 ? .http11 : .http10
    }

    /// Whether the text is a protocol name in capital letters, `/`, digits, `.` and digits, which `acceptInvalid`
    /// tolerates.
    static func isToleratedVersion(_ text: RawSpan) -> Bool {
        let count = text.byteCount
        guard count <= toleratedVersionBytesMax, let slash = text.firstIndex(of: 0x2F, in: 0..<count), slash > 0,
            let dot = text.firstIndex(of: 0x2E, in: slash + 1..<count), dot > slash + 1, dot + 1 < count
        else { return false }
        for i in 0..<slash where text[i] &- 0x41 >= 26 { return false }
        for i in slash + 1..<count where i != dot && text[i] &- 0x30 >= 10 { return false }
        return true
    }

    /// Limit for a tolerated version, in bytes: enough for any protocol name.
    private static var toleratedVersionBytesMax: Int { 32 }

    /// The fault of a version other than HTTP/1.x: unsupported if it is well-formed, otherwise malformed.
    static func fault(of text: RawSpan) -> MessageFault {
        let isVersion =
            text.byteCount == 8 && text.extracting(0..<5).equals("HTTP/") && text[5] &- 0x30 < 10 && text[6] == 0x2E
            && text[7] &- 0x30 < 10
        return isVersion ? .unsupportedVersion : .malformedVersion
    }
}
