// Makes the head of a response, and a trailer section, out of a decompressed block (RFC 9113 sections 8.1 to 8.3).

internal import Basics

/// Collects the fields of one response.
struct ResponseFields {
    private var section: FieldSection

    /// Prepares for a response.
    init(limits: HeadLimits, _ head: inout ResponseHead) {
        // A status line with a short reason.
        section = FieldSection(limits: limits, startLineBytes: 17)
        head.clear()
        head.version = .http2
    }

    /// Takes the next field.
    mutating func take(_ name: RawSpan, _ value: RawSpan, _ head: inout ResponseHead) {
        guard section.fault == nil else { return }
        section.fault =
            FieldSection.isPseudo(name) ? takeStatus(name, value, &head) : takeField(name, value, &head)
    }

    /// Completes the head. Returns the first fault of the response.
    mutating func finish(_ head: borrowing ResponseHead, _ contentLength: inout UInt64?) -> MessageFault? {
        contentLength = nil
        if let fault = section.fault { return fault }
        guard section.seen.contains(.status) else { return .missingPseudoHeader }
        switch head.fields.declaredFraming(.http2) {
        case .failure(let fault): return fault
        case .success(.length(let length)): contentLength = length
        case .success: break
        }
        return nil
    }

    private mutating func takeStatus(_ name: RawSpan, _ value: RawSpan, _ head: inout ResponseHead) -> MessageFault? {
        if case .failure(let fault) = section.begin(pseudo: name, value, allowed: .status) { return fault }
        guard value.byteCount == 3, let status = value.decimalValue, status >= 100 else { return .invalidStatus }
        // HTTP/2 has no switch of protocols on a connection (RFC 9113 section 8.6).
        if status == 101 { return .switchInHTTP2 }
        head.setStatus(Int(status))
        return nil
    }

    private mutating func takeField(_ name: RawSpan, _ value: RawSpan, _ head: inout ResponseHead) -> MessageFault? {
        if section.beginField(), !section.seen.contains(.status) { return .missingPseudoHeader }
        if let fault = FieldSection.fault(name, value) { return fault }
        let known = KnownField(lowercasedName: name)
        // TE is for requests (RFC 9113 section 8.2.2).
        if known.bit & (FieldSection.connectionSpecific | KnownField.te.bit) != 0 { return .connectionSpecificField }
        return section.append(name, value, known, to: &head.fields)
    }
}

/// Collects the fields of one trailer section.
struct TrailerFields {
    private(set) var fault: MessageFault?
    private var bytes = 0

    /// Appends the line of the next field to `lines`, unless the section is malformed.
    mutating func take(_ name: RawSpan, _ value: RawSpan, to lines: inout [UInt8]) {
        guard fault == nil else { return }
        fault = Self.fault(name, value)
        bytes += name.byteCount + value.byteCount + 4
        if fault == nil, bytes + 2 > BodyDecoder.trailerBytesMax { fault = .trailersTooLarge }
        guard fault == nil else { return }
        lines.append(name)
        lines.append(": ")
        lines.append(value)
        lines.append("\r\n")
    }

    private static func fault(_ name: RawSpan, _ value: RawSpan) -> MessageFault? {
        if FieldSection.isPseudo(name) { return .unsuitablePseudoHeader }
        if let fault = FieldSection.fault(name, value) { return fault }
        let forbidden = FieldSection.connectionSpecific | KnownField.te.bit
        return KnownField(lowercasedName: name).bit & forbidden != 0 ? .connectionSpecificField : nil
    }
}
