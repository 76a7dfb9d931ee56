// In TCP mode requests are not parsed. If rules read one nevertheless (`req.proto_http`, `hdr(host)`), the probe parses a head at
// the start of the client's bytes, which are forwarded to the server unchanged.

internal import Basics
public import HTTP

/// The search for a request's head, as its bytes come. Each byte is looked at once.
///
/// As in HAProxy, the head need not be one that HTTP mode would accept: lines may end with LF alone, Host and the version
/// may be missing.
public struct RequestProbe: Sendable {
    public enum State: Sendable {
        /// No search has been made yet, or the head is incomplete.
        case awaited
        case found
        /// These bytes begin no request.
        case absent
    }

    public private(set) var state = State.awaited
    private var parser: RequestParser
    /// Bytes that the parser is done with.
    private var consumed = 0

    public init(limits: HeadLimits) {
        var limits = limits
        // Of what is invalid, versions and bare line feeds are let through here.
        limits.acceptInvalid = true
        parser = RequestParser(limits: limits)
    }

    /// Looks on in what the client has sent, all of it from its first byte. Once the head is found it is in `head`.
    public mutating func look(at bytes: [UInt8], into head: inout RequestHead) {
        guard state == .awaited else { return }
        var taken = 0
        let progress = unsafe parser.parse(
            bytes.span.bytes.extracting(consumed..<bytes.count), into: &head, consumed: &taken)
        consumed += taken
        state = verdict(progress, parser)
        if state == .absent { head.clear() }
    }

    private func verdict(_ progress: ParseProgress, _ parser: RequestParser) -> State {
        switch progress {
        case .needMore: .awaited
        // A missing Host is found out at the end.
        case .complete, .failed(.missingHost): Self.isHarmless(parser.toleratedFault) ? .found : .absent
        case .failed: .absent
        }
    }

    private static func isHarmless(_ fault: MessageFault?) -> Bool {
        switch fault {
        case nil, .missingVersion, .unsupportedVersion, .bareLineFeed: true
        default: false
        }
    }
}

extension ExchangeContext {
    /// In TCP mode, whether the head is here that a sample looks at. A request's may yet come.
    func hasHead(for sample: Sample) -> Bool {
        guard let requestProbe, let side = sample.head(in: side) else { return true }
        guard side == .request, requestProbe.state != .absent else { return false }
        if requestProbe.state == .found { return true }
        isUndecided = mayGrow
        return false
    }
}
