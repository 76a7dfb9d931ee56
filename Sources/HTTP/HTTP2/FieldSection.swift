// What the fields of any decompressed block have to satisfy (RFC 9113 sections 8.2 and 8.3), whatever message they belong to.

internal import Basics

/// The pseudo-header fields (RFC 9113 section 8.3, RFC 8441 section 4), as a set.
struct PseudoHeaders: OptionSet {
    let rawValue: UInt8

    static let method = PseudoHeaders(rawValue: 1)
    static let scheme = PseudoHeaders(rawValue: 2)
    static let authority = PseudoHeaders(rawValue: 4)
    static let path = PseudoHeaders(rawValue: 8)
    static let `protocol` = PseudoHeaders(rawValue: 16)
    static let status = PseudoHeaders(rawValue: 32)
    static let ofRequests: PseudoHeaders = [.method, .scheme, .authority, .path, .protocol]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The one with this name; nil if there is none.
    init?(name: RawSpan) {
        switch name.byteCount {
        case 5 where name.equals(":path"): self = .path
        case 7 where name.equals(":method"): self = .method
        case 7 where name.equals(":scheme"): self = .scheme
        case 7 where name.equals(":status"): self = .status
        case 9 where name.equals(":protocol"): self = .protocol
        case 10 where name.equals(":authority"): self = .authority
        default: return nil
        }
    }
}

/// The progress in one block: the first fault, and what was seen before.
struct FieldSection {
    /// Once there is one, the rest of the block is only decompressed, so that the table of the connection stays in step.
    var fault: MessageFault?
    private let limits: HeadLimits
    /// The size of the head so far, as HTTP/1.1 would write it, in bytes.
    private var bytes: Int
    private(set) var seen: PseudoHeaders = []
    /// Whether a regular field was seen: no pseudo-header field may follow (RFC 9113 section 8.3).
    private(set) var isInFields = false

    /// - Parameter startLineBytes: what the start line adds to the size of the head, apart from what `count` is told.
    init(limits: HeadLimits, startLineBytes: Int) {
        self.limits = limits
        bytes = startLineBytes + 2
    }

    /// Whether the name is that of a pseudo-header field, known or not.
    static func isPseudo(_ name: RawSpan) -> Bool { name.byteCount > 0 && name[0] == 0x3A }

    /// Takes note of a pseudo-header field, which must be one of `allowed`.
    mutating func begin(
        pseudo name: RawSpan, _ value: RawSpan, allowed: PseudoHeaders
    ) -> Result<PseudoHeaders, MessageFault> {
        guard let pseudo = PseudoHeaders(name: name) else { return .failure(.unknownPseudoHeader) }
        if isInFields { return .failure(.latePseudoHeader) }
        guard allowed.contains(pseudo) else { return .failure(.unsuitablePseudoHeader) }
        guard seen.insert(pseudo).inserted else { return .failure(.repeatedPseudoHeader) }
        if let fault = Self.valueFault(value) { return .failure(fault) }
        return .success(pseudo)
    }

    /// Takes note of a regular field. Returns true for the first one.
    mutating func beginField() -> Bool {
        defer { isInFields = true }
        return !isInFields
    }

    /// Adds to the size of the head.
    mutating func count(_ bytes: Int) -> MessageFault? {
        self.bytes += bytes
        return self.bytes > limits.headBytesMax ? .headTooLarge : nil
    }

    /// Counts a field, and its line's size in bytes.
    mutating func countField(_ lineBytes: Int, fieldsBefore: Int) -> MessageFault? {
        fieldsBefore >= limits.fieldsMax ? .tooManyFields : count(lineBytes)
    }

    /// Appends a field that has been checked, within the limits.
    mutating func append(
        _ name: RawSpan, _ value: RawSpan, _ known: KnownField, to fields: inout HeaderFields, othersToCome: Int = 0
    ) -> MessageFault? {
        let lineBytes = name.byteCount + value.byteCount + 4
        if let fault = countField(lineBytes, fieldsBefore: fields.count + othersToCome) { return fault }
        fields.appendLine(name: name, value: value, known: known)
        return nil
    }

    // MARK: - Syntax

    /// The fault of a regular field's name or value; nil if both may stand in a line.
    static func fault(_ name: RawSpan, _ value: RawSpan) -> MessageFault? {
        if name.byteCount == 0 { return .emptyFieldName }
        for i in 0..<name.byteCount where !ByteSet.lowerCaseToken.contains(name[i]) {
            return ByteSet.token.contains(name[i]) ? .upperCaseFieldName : .invalidFieldName
        }
        return valueFault(value)
    }

    private static func valueFault(_ value: RawSpan) -> MessageFault? {
        let count = value.byteCount
        if count > 0, isSpace(value[0]) || isSpace(value[count - 1]) { return .spaceAroundValue }
        return HeaderFields.isValidValue(value) ? nil : .controlCharacter
    }

    /// The fields that HTTP/2 does not have, because they are about one connection (RFC 9113 section 8.2.2).
    static let connectionSpecific: UInt64 =
        KnownField.connection.bit | KnownField.keepAlive.bit | KnownField.proxyConnection.bit
        | KnownField.transferEncoding.bit | KnownField.upgrade.bit | KnownField.http2Settings.bit
}
