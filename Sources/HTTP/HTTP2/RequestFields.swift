// Makes the head of a request out of a decompressed block (RFC 9113 sections 8.1 to 8.3, RFC 8441).
//
// The head gets the shape that a request of HTTP/1.1 has: `:authority` becomes Host, `:path` the target in origin form, and a
// CONNECT for another protocol (WebSocket above all) becomes a GET with an Upgrade. So nothing behind the codecs has to know where a request came from.

internal import Basics

/// Collects the fields of one request; used again for the next one, with its memory.
struct RequestFields {
    private var section = FieldSection(limits: HeadLimits(), startLineBytes: 0)
    private var acceptsInvalid = false
    // Values that are needed once all pseudo-header fields are known.
    private var authority: [UInt8] = []
    private var path: [UInt8] = []
    private var defaultPort: UInt16?
    private var protocolName: [UInt8] = []
    /// The cookies, which may come in several fields (RFC 9113 section 8.2.3).
    private var cookies: [UInt8] = []
    private var hasCookie = false
    private var hasHost = false

    /// Prepares for a request.
    mutating func begin(limits: HeadLimits, _ head: inout RequestHead, _ facts: inout HTTP2RequestFacts) {
        // The version and line end of a request line, and its two spaces; method and target are counted as they come.
        section = FieldSection(limits: limits, startLineBytes: 12)
        acceptsInvalid = limits.acceptInvalid
        defaultPort = nil
        protocolName.removeAll(keepingCapacity: true)
        cookies.removeAll(keepingCapacity: true)
        hasCookie = false
        hasHost = false
        head.clear()
        head.version = .http2
        facts = HTTP2RequestFacts()
    }

    /// Takes the next field.
    mutating func take(
        _ name: RawSpan, _ value: RawSpan, _ head: inout RequestHead, _ facts: inout HTTP2RequestFacts
    ) {
        guard section.fault == nil else { return }
        if FieldSection.isPseudo(name) {
            section.fault = takePseudo(name, value, &head)
        } else {
            if section.beginField() { section.fault = pseudoHeadersComplete(&head, &facts) }
            if section.fault == nil { section.fault = takeField(name, value, &head, facts) }
        }
    }

    /// Completes the head. Returns the first fault of the request.
    mutating func finish(_ head: inout RequestHead, _ facts: inout HTTP2RequestFacts) -> MessageFault? {
        if section.fault == nil, !section.isInFields { section.fault = pseudoHeadersComplete(&head, &facts) }
        if section.fault == nil { section.fault = fieldsComplete(&head, &facts) }
        return section.fault
    }

    // MARK: - Pseudo-header fields

    private mutating func takePseudo(_ name: RawSpan, _ value: RawSpan, _ head: inout RequestHead) -> MessageFault? {
        switch section.begin(pseudo: name, value, allowed: .ofRequests) {
        case .failure(let fault): return fault
        case .success(.method):
            guard head.setMethod(value) else { return .invalidMethod }
            return section.count(value.byteCount)
        case .success(.scheme):
            guard value.byteCount > 0, value[0] | 0x20 &- 0x61 < 26, value.all(in: 1..<value.byteCount, are: .scheme)
            else { return .invalidScheme }
            defaultPort = Authority.defaultPort(scheme: value)
            return nil
        case .success(.authority):
            authority.removeAll(keepingCapacity: true)
            authority.append(value)
            return section.count(value.byteCount + 8)
        case .success(.path):
            path.removeAll(keepingCapacity: true)
            path.append(value)
            return section.count(value.byteCount)
        case .success:
            protocolName.removeAll(keepingCapacity: true)
            protocolName.append(value)
            return section.count(value.byteCount)
        }
    }

    /// Checks which pseudo-header fields there are (RFC 9113 sections 8.3.1 and 8.5, RFC 8441 section 4), and fills in target and
    /// Host.
    private mutating func pseudoHeadersComplete(
        _ head: inout RequestHead, _ facts: inout HTTP2RequestFacts
    ) -> MessageFault? {
        let seen = section.seen
        guard seen.contains(.method) else { return .missingPseudoHeader }
        if head.method == .connect, !seen.contains(.protocol) {
            guard seen == [.method, .authority] else { return .malformedConnect }
            return setTarget(authority, &head) ?? addHost(&head)
        }
        guard seen.isSuperset(of: [.scheme, .path]) else { return .missingPseudoHeader }
        if seen.contains(.protocol) {
            guard head.method == .connect else { return .unsuitablePseudoHeader }
            guard seen.contains(.authority) else { return .missingPseudoHeader }
            guard Self.isUpgradable(protocolName.bytes) else { return .unsupportedProtocol }
            facts.isExtendedConnect = true
            head.setMethod(Method.get.name.bytes)
        }
        guard path.first == 0x2F || path == [0x2A] else { return .invalidPath }
        if let fault = setTarget(path, &head) ?? addHost(&head) { return fault }
        if facts.isExtendedConnect { addUpgrade(to: &head.fields) }
        return nil
    }

    private func setTarget(_ target: [UInt8], _ head: inout RequestHead) -> MessageFault? {
        switch TargetParts.parse(target.bytes, method: head.method, acceptInvalid: acceptsInvalid) {
        case .failure(let error): return error.fault
        case .success(let parts):
            head.storeTarget(target.bytes, parts)
            return nil
        }
    }

    private func addHost(_ head: inout RequestHead) -> MessageFault? {
        guard section.seen.contains(.authority) else { return nil }
        if let fault = Self.authorityFault(authority.bytes) { return fault }
        head.fields.appendLine(
            name: KnownField.host.name.bytes, value: Self.normalized(authority.bytes, defaultPort), known: .host)
        return nil
    }

    /// The authority without a port that its scheme implies (RFC 9110 section 4.2.3): rules compare Host with names.
    @_lifetime(copy text)
    private static func normalized(_ text: RawSpan, _ defaultPort: UInt16?) -> RawSpan {
        guard let defaultPort, let parts = Authority(text), parts.port == defaultPort else { return text }
        return text.extracting(parts.host)
    }

    /// Whether the protocol can be asked for by Upgrade: HTTP/2 itself cannot.
    private static func isUpgradable(_ name: RawSpan) -> Bool {
        HeaderFields.isToken(name) && !name.equalsIgnoringCase("h2c") && !name.equalsIgnoringCase("h2")
    }

    /// The fields with which a GET of HTTP/1.1 asks for another protocol; for WebSocket a key too. The key, which only HTTP/1.1 has (RFC 8441 section 5), is a fresh
    /// one (RFC 6455 section 4.1): sixteen random bytes in base64, of which the last character holds four bits fewer.
    private func addUpgrade(to fields: inout HeaderFields) {
        fields.append(.connection, "upgrade")
        fields.append(.upgrade, value: protocolName.bytes)
        guard protocolName.bytes.equalsIgnoringCase("websocket") else { return }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var key: [UInt8] = []
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<21 { key.append(alphabet[Int.random(in: 0..<64, using: &generator)]) }
        key.append(alphabet[Int.random(in: 0..<4, using: &generator) * 16])
        key.append("==")
        fields.append(.secWebSocketKey, key)
    }

    // MARK: - Regular fields

    private mutating func takeField(
        _ name: RawSpan, _ value: RawSpan, _ head: inout RequestHead, _ facts: HTTP2RequestFacts
    ) -> MessageFault? {
        if let fault = FieldSection.fault(name, value) { return fault }
        let known = KnownField(lowercasedName: name)
        if known.bit & FieldSection.connectionSpecific != 0 { return .connectionSpecificField }
        switch known {
        case .host: return takeHost(value, &head)
        case .cookie: return takeCookie(value, head)
        case .te where !value.equalsIgnoringCase("trailers"): return .invalidTE
        case .secWebSocketKey where facts.isExtendedConnect: return nil
        default: return section.append(name, value, known, to: &head.fields, othersToCome: hasCookie ? 1 : 0)
        }
    }

    /// Host and `:authority` must name the same (RFC 9113 section 8.3.1); one of them is kept.
    private mutating func takeHost(_ value: RawSpan, _ head: inout RequestHead) -> MessageFault? {
        if hasHost { return .repeatedHost }
        hasHost = true
        if let fault = Self.authorityFault(value) { return fault }
        guard section.seen.contains(.authority) else {
            return section.append(
                KnownField.host.name.bytes, value, .host, to: &head.fields, othersToCome: hasCookie ? 1 : 0)
        }
        if head.targetForm == .authority {
            // Clients omit a well-known port from Host.
            let agrees = [80, 443, nil].contains { Authority.agree(value, authority.bytes, defaultPort: $0) }
            return agrees ? nil : .hostDisagrees
        }
        return Authority.agree(value, authority.bytes, defaultPort: defaultPort) ? nil : .hostDisagrees
    }

    /// Several Cookie fields are one (RFC 9113 section 8.2.3), which is counted as such.
    private mutating func takeCookie(_ value: RawSpan, _ head: borrowing RequestHead) -> MessageFault? {
        if !hasCookie {
            hasCookie = true
            if let fault = section.countField(value.byteCount + 10, fieldsBefore: head.fields.count) { return fault }
        } else if let fault = section.count(value.byteCount + 2) {
            return fault
        }
        if value.byteCount > 0, !cookies.isEmpty { cookies.append("; ") }
        cookies.append(value)
        return nil
    }

    private mutating func fieldsComplete(
        _ head: inout RequestHead, _ facts: inout HTTP2RequestFacts
    ) -> MessageFault? {
        if hasCookie {
            head.fields.appendLine(name: KnownField.cookie.name.bytes, value: cookies.bytes, known: .cookie)
        }
        switch head.fields.declaredFraming(.http2) {
        case .failure(let fault): return fault
        case .success(.length(let length)):
            // What follows the head of a CONNECT belongs to the tunnel (RFC 9110 section 9.3.6).
            if head.method == .connect || facts.isExtendedConnect { return length > 0 ? .contentInConnect : nil }
            facts.contentLength = length
        case .success: break
        }
        return nil
    }

    /// `uri-host [":" port]`, and not empty, since http and https need one (RFC 9110 section 4.2).
    private static func authorityFault(_ text: RawSpan) -> MessageFault? {
        if text.firstIndex(of: 0x40, in: 0..<text.byteCount) != nil { return .userInfoInTarget }
        guard let authority = Authority(text), !authority.host.isEmpty else { return .invalidHost }
        return nil
    }
}
