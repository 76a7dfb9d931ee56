// `request-line = method SP request-target SP HTTP-version` (RFC 9112 section 3), with exactly these spaces.
// Only lines that are refused are looked at twice, to say why.

internal import Basics

enum RequestLine {
    /// Reads a line without control characters into `head`; returns its fault and where in the line it is.
    @inline(__always)
    static func read(
        _ line: RawSpan, into head: inout RequestHead, _ limits: HeadLimits
    ) -> Offence? {
        let count = line.byteCount
        guard count >= shortest, let version = HTTPVersion(line.extracting(count &- 8..<count)),
            line[count &- 9] == 0x20
        else { return explain(line) }
        let methodEnd = line.firstIndex(in: 0..<count &- 9) { EightBytes.equal($0, 0x20) }
        guard methodEnd > 0, methodEnd < count &- 10 else { return explain(line) }
        guard head.setMethod(line.extracting(0..<methodEnd)) else {
            return Offence(fault: .invalidMethod, offset: firstNonToken(line, before: methodEnd))
        }
        head.version = version
        let target = line.extracting(methodEnd &+ 1..<count &- 9)
        switch TargetParts.parse(target, method: head.method, acceptInvalid: limits.acceptInvalid) {
        case .success(let parts):
            head.take(target, parts)
            return nil
        case .failure(let offence):
            return Offence(fault: offence.fault, offset: methodEnd + 1 + offence.offset)
        }
    }

    /// Bytes of `A * HTTP/1.1`.
    private static let shortest = 12

    /// The fault of a line that is not made of a method, a target and a version known here.
    @inline(never)
    private static func explain(_ line: RawSpan) -> Offence {
        let count = line.byteCount
        guard let methodEnd = line.firstIndex(of: 0x20, in: 0..<count) else {
            return Offence(fault: .malformedRequestLine, offset: firstNonToken(line, before: count))
        }
        let nonToken = firstNonToken(line, before: methodEnd)
        if methodEnd == 0 || nonToken < methodEnd { return Offence(fault: .invalidMethod, offset: nonToken) }
        guard let targetEnd = line.firstIndex(of: 0x20, in: methodEnd + 1..<count) else {
            return Offence(fault: methodEnd + 1 == count ? .malformedRequestLine : .missingVersion, offset: count)
        }
        if targetEnd == methodEnd + 1 { return Offence(fault: .malformedRequestLine, offset: targetEnd) }
        let version = line.extracting(targetEnd + 1..<count)
        if version.firstIndex(of: 0x20, in: 0..<version.byteCount) != nil || version.byteCount == 0 {
            return Offence(fault: .malformedRequestLine, offset: targetEnd)
        }
        return Offence(fault: HTTPVersion.fault(of: version), offset: targetEnd + 1)
    }

    private static func firstNonToken(_ line: RawSpan, before end: Int) -> Int {
        for i in 0..<end where !ByteSet.token.contains(line[i]) { return i }
        return end
    }
}

extension HTTPVersion {
    /// `HTTP/1.` and a digit, exactly (RFC 9112 section 2.3); nil for anything else.
    @inline(__always)
    init?(_ text: RawSpan) {
        precondition(text.byteCount == 8)
        // Safe: there are eight bytes.
        let word = UInt64(littleEndian: unsafe text.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt64.self))
        let minor = UInt8(truncatingIfNeeded: word &>> 56) &- 0x30
        guard word & 0x00FF_FFFF_FFFF_FFFF == Self.prefix, minor < 10 else { return nil }
        self = minor == 0 ? .http10 : .http11
    }

    /// "HTTP/1." read as a little-endian number.
    private static var prefix: UInt64 { 0x002E_312F_5054_5448 }

    /// What is wrong with a version that is none of HTTP/1's: another one of HTTP, or no version at all.
    static func fault(of text: RawSpan) -> MessageFault {
        let isVersion =
            text.byteCount == 8 && text.extracting(0..<5).equals("HTTP/") && text[5] &- 0x30 < 10 && text[6] == 0x2E
            && text[7] &- 0x30 < 10
        return isVersion ? .unsupportedVersion : .malformedVersion
    }
}
