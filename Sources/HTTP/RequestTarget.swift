// Parses request targets (RFC 9112 section 3.2): their form and the ranges of their parts.
//
// Besides what the grammar excludes, this rejects user information (RFC 9110 section 4.2.4 recommends treating it as an
// error). As in HAProxy, fragments and bytes from 0x80 are rejected unless `acceptInvalid` is set.

internal import Basics

/// The four forms of a target.
public enum TargetForm: Sendable {
    case origin, absolute, authority, asterisk
}

/// The form of a target and the ranges of its parts.
struct TargetParts: Sendable {
    var form = TargetForm.origin
    /// Host and port; empty in origin and asterisk form.
    var authority = 0..<0
    var path = 0..<0
    /// The default port of the scheme; nil if the scheme is unknown.
    var defaultPort: UInt16?

    /// Parses a target; returns its parts, or the fault and its offset. The method decides which forms are valid.
    static func parse(
        _ target: RawSpan, method: Method, acceptInvalid: Bool
    ) -> Result<TargetParts, ParseError> {
        let count = target.byteCount
        let first = target.firstIndex(in: 0..<count, where: EightBytes.notInTarget)
        if first < count, let error = violation(in: target, from: first, acceptInvalid: acceptInvalid) {
            return .failure(error)
        }
        if count == 0 { return .failure(ParseError(fault: .malformedRequestLine, offset: 0)) }
        if method == .connect { return authorityForm(target) }
        if target[0] == 0x2F {
            var parts = TargetParts()
            parts.path = 0..<(target.firstIndex(of: 0x3F, in: 0..<count) ?? count)
            return .success(parts)
        }
        if count == 1, target[0] == 0x2A {
            guard method == .options else { return .failure(ParseError(fault: .unsuitableTarget, offset: 0)) }
            var parts = TargetParts()
            parts.form = .asterisk
            parts.path = 0..<1
            return .success(parts)
        }
        return absoluteForm(target)
    }

    /// The first violation that `acceptInvalid` tolerated in a target, or nil.
    static func toleratedViolation(in target: RawSpan) -> ParseError? {
        violation(in: target, from: 0, acceptInvalid: false)
    }

    /// The first violation at or after `start`, or nil.
    private static func violation(in target: RawSpan, from start: Int, acceptInvalid: Bool) -> ParseError? {
        for i in start..<target.byteCount {
            let byte = target[i]
            if byte <= 0x20 || byte == 0x7F { return ParseError(fault: .invalidTarget, offset: i) }
            if acceptInvalid { continue }
            if byte == 0x23 { return ParseError(fault: .fragmentInTarget, offset: i) }
            if byte >= 0x80 { return ParseError(fault: .invalidTarget, offset: i) }
        }
        return nil
    }

    /// `host:port`, used by CONNECT only (RFC 9112 section 3.2.3).
    private static func authorityForm(_ target: RawSpan) -> Result<TargetParts, ParseError> {
        if let at = target.firstIndex(of: 0x40, in: 0..<target.byteCount) {
            return .failure(ParseError(fault: .userInfoInTarget, offset: at))
        }
        // CONNECT requires a port.
        guard let authority = Authority(target), !authority.host.isEmpty, authority.port != nil else {
            return .failure(ParseError(fault: .unsuitableTarget, offset: 0))
        }
        var parts = TargetParts()
        parts.form = .authority
        parts.authority = 0..<target.byteCount
        parts.path = target.byteCount..<target.byteCount
        return .success(parts)
    }

    /// `scheme://host:port/path?query` (RFC 9112 section 3.2.2).
    private static func absoluteForm(_ target: RawSpan) -> Result<TargetParts, ParseError> {
        let count = target.byteCount
        guard let colon = target.firstIndex(of: 0x3A, in: 0..<count), colon > 0, colon + 3 <= count,
            target[0] | 0x20 &- 0x61 < 26, target.all(in: 1..<colon, are: .scheme),
            target[colon + 1] == 0x2F, target[colon + 2] == 0x2F
        else { return .failure(ParseError(fault: .unsuitableTarget, offset: 0)) }
        let start = colon + 3
        var end = start
        // A fragment, which `acceptInvalid` tolerates, also ends the authority (RFC 3986 section 3.2).
        while end < count, target[end] != 0x2F, target[end] != 0x3F, target[end] != 0x23 { end += 1 }
        if let at = target.firstIndex(of: 0x40, in: start..<end) {
            return .failure(ParseError(fault: .userInfoInTarget, offset: at))
        }
        guard let authority = Authority(target.extracting(start..<end)), !authority.host.isEmpty else {
            return .failure(ParseError(fault: .invalidHost, offset: start))
        }
        var parts = TargetParts()
        parts.form = .absolute
        parts.authority = start..<end
        parts.path = end..<(target.firstIndex(of: 0x3F, in: end..<count) ?? count)
        parts.defaultPort = Authority.defaultPort(scheme: target.extracting(0..<colon))
        return .success(parts)
    }
}
