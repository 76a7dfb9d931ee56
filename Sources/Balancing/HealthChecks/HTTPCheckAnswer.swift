// The answer to `option httpchk`, read up to the end of its head.
//
// The head goes through the parser and the framing rules that responses to clients go through: a server whose answers
// clients would get as 502 fails its check. The content is not read.

internal import Basics
public import HTTP

/// Reads the answer to one check.
public struct HTTPCheckAnswer: ~Copyable {
    /// Bytes of a reason phrase that are kept for logs and statistics, as in HAProxy.
    static let reasonBytesMax = 127

    private let check: HTTPCheck
    private let limits: HeadLimits
    private var parser: ResponseParser
    private var head = ResponseHead()
    /// Bytes of interim responses: together with the final head they may not exceed what one head may have.
    private var interimBytes = 0

    public init(to check: HTTPCheck, limits: HeadLimits) {
        self.check = check
        self.limits = limits
        parser = ResponseParser(limits: limits)
    }

    /// Reads on in `input`; returns nil while the head of the final response is not complete.
    ///
    /// `consumed` becomes the number of bytes used up; the next input must begin with those that are left.
    public mutating func read(_ input: RawSpan, consumed: inout Int) -> CheckResult? {
        consumed = 0
        while true {
            var used = 0
            let progress = parser.parse(
                input.extracting(consumed..<input.byteCount), into: &head, consumed: &used)
            if case .failed(let fault) = progress { return Self.invalid(fault) }
            consumed += used
            interimBytes += used
            if interimBytes > limits.headBytesMax { return Self.invalid(.headTooLarge) }
            guard progress == .complete else { return nil }
            guard check.isInterim(head) else { return verdict }
            head.clear()
            parser.reset()
        }
    }

    /// The verdict on a server that closes its side before its answer is complete.
    public var stopped: CheckResult { Self.stopped(hasBegun: parser.hasBegun || interimBytes > 0) }

    static func stopped(hasBegun: Bool) -> CheckResult {
        CheckResult(
            .failed, .layer7Response,
            info: hasBegun
                ? "the answer stops before the end of its head" : "the server closed without an answer")
    }

    /// The verdict on an answer of which more than a buffer holds is not yet a line.
    public static var tooLarge: CheckResult { invalid(.headTooLarge) }

    /// The verdict on an answer with this fault.
    static func invalid(_ fault: MessageFault) -> CheckResult {
        CheckResult(
            .failed, .layer7Response, info: fault == .notHTTP ? "the answer is not HTTP/1" : fault.description)
    }

    private var verdict: CheckResult {
        if case .failure(let fault) = head.bodyFraming(requestMethod: check.knownMethod) { return Self.invalid(fault) }
        return check.verdict(on: head)
    }
}

extension HTTPCheck {
    /// Whether another response follows (RFC 9110 section 15.2), unless this is the one that is asked for.
    func isInterim(_ head: borrowing ResponseHead) -> Bool {
        let status = head.status
        return status < 200 && status != 101 && !(statuses?.contains { $0.contains(status) } ?? false)
    }

    /// The verdict on a response that is well-formed.
    func verdict(on head: borrowing ResponseHead) -> CheckResult {
        let status = head.status
        let passes = statuses.map { $0.contains { $0.contains(status) } } ?? (200...399).contains(status)
        return CheckResult(
            passes ? .passed : .failed, passes ? .layer7OK : .layer7Status, status: status,
            info: passes ? "" : Self.text(head.reason))
    }

    /// The server's own words; bytes that are not UTF-8 as `<E9>`.
    private static func text(_ reason: RawSpan) -> String {
        var bytes: [UInt8] = []
        for i in 0..<min(reason.byteCount, HTTPCheckAnswer.reasonBytesMax) { bytes.append(reason[i]) }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return bytes.map { byte in
            byte < 0x80
                ? String(UnicodeScalar(byte)) : "<" + String(byte, radix: 16, uppercase: true) + ">"
        }.joined()
    }
}
