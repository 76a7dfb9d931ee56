// The answer to a check's request, over HTTP/1: its head, and as much of its content as is looked at.
//
// The head goes through the parser and the framing rules that responses to clients go through: a server whose answers
// clients would get as 502 fails its check.

internal import Basics
public import HTTP

/// What has come of an answer so far.
public struct CheckAnswer: ~Copyable {
    public internal(set) var head = ResponseHead()
    /// Whether the head of the final response is there.
    public internal(set) var hasHead = false
    /// The content so far: no more of it than a head may have.
    public internal(set) var content: [UInt8] = []
    /// Lines behind the content, each `name: value` with its end.
    public internal(set) var trailers: [UInt8] = []
    /// Whether no more content comes, or is wanted.
    public internal(set) var isComplete = false

    public init() {}

    mutating func clear() {
        head.clear()
        hasHead = false
        content = []
        trailers = []
        isComplete = false
    }

    /// Adds content; what is beyond `bytesMax` is not kept.
    mutating func add(_ bytes: RawSpan, upTo bytesMax: Int) {
        content.append(bytes.extracting(first: min(bytes.byteCount, bytesMax - content.count)))
        if content.count >= bytesMax { isComplete = true }
    }
}

/// Reads the answer to one request.
public struct HTTPCheckAnswer: ~Copyable {
    /// Bytes of a reason phrase that are kept for logs and statistics, as in HAProxy.
    static let reasonBytesMax = 127

    private let check: HTTPCheck
    private let limits: HeadLimits
    private var parser: ResponseParser
    private var body = BodyDecoder(.none)
    /// Bytes of interim responses: together with the final head they may not exceed what one head may have.
    private var interimBytes = 0

    public init(to check: HTTPCheck, limits: HeadLimits) {
        self.check = check
        self.limits = limits
        parser = ResponseParser(limits: limits)
    }

    /// Reads on in `input`: up to the end of the head and, once that is there, in the content. Returns the verdict on an answer that is
    /// wrong.
    ///
    /// `consumed` becomes the number of bytes used up; the next input must begin with those that are left.
    public mutating func read(_ input: RawSpan, into answer: inout CheckAnswer, consumed: inout Int) -> CheckResult? {
        consumed = 0
        if answer.hasHead { return readContent(input, &answer, &consumed) }
        while !answer.hasHead {
            var used = 0
            let progress = parser.parse(
                input.extracting(consumed..<input.byteCount), into: &answer.head, consumed: &used)
            if case .failed(let fault) = progress { return Self.invalid(fault) }
            consumed += used
            interimBytes += used
            if interimBytes > limits.headBytesMax { return Self.invalid(.headTooLarge) }
            guard progress == .complete else { return nil }
            if check.isInterim(answer.head) {
                answer.head.clear()
                parser.reset()
            } else if case .failure(let fault) = begin(&answer) {
                return Self.invalid(fault)
            }
        }
        return nil
    }

    private mutating func begin(_ answer: inout CheckAnswer) -> Result<Void, MessageFault> {
        answer.head.bodyFraming(requestMethod: check.knownMethod).map { framing in
            body = BodyDecoder(framing, lenient: true)
            answer.hasHead = true
            answer.isComplete = body.isComplete
        }
    }

    private mutating func readContent(
        _ input: RawSpan, _ answer: inout CheckAnswer, _ consumed: inout Int
    ) -> CheckResult? {
        while !answer.isComplete {
            switch body.next(input.extracting(consumed..<input.byteCount)) {
            case .data(let skip, let count):
                answer.add(input.extracting(consumed + skip..<consumed + skip + count), upTo: limits.headBytesMax)
                consumed += skip + count
            case .trailers(let skip, let count): consumed += skip + count
            case .needMore(let skip):
                consumed += skip
                return nil
            case .end(let skip):
                consumed += skip
                answer.isComplete = true
            case .failed(let fault): return Self.invalid(fault)
            }
            if body.isComplete { answer.isComplete = true }
        }
        return nil
    }

    /// The server has closed its side. Returns the verdict on an answer that may not end there.
    public mutating func stop(_ answer: inout CheckAnswer) -> CheckResult? {
        guard answer.hasHead else { return Self.stopped(hasBegun: parser.hasBegun || interimBytes > 0) }
        answer.isComplete = true
        return body.inputEnded() ? nil : Self.cutShort
    }

    static func stopped(hasBegun: Bool) -> CheckResult {
        CheckResult(
            .failed, .layer7Response,
            info: hasBegun
                ? "the answer stops before the end of its head" : "the server closed without an answer")
    }

    /// The verdict on an answer whose content is not whole.
    static let cutShort = CheckResult(.failed, .layer7Response, info: "the answer stops before the end of its content")

    /// The verdict on an answer of which more than a buffer holds is not yet a line.
    public static var tooLarge: CheckResult { invalid(.headTooLarge) }

    /// The verdict on an answer with this fault.
    static func invalid(_ fault: MessageFault) -> CheckResult {
        CheckResult(
            .failed, .layer7Response, info: fault == .notHTTP ? "the answer is not HTTP/1" : fault.description)
    }

    /// The server's own words; bytes that are not UTF-8 as `<E9>`.
    static func text(_ reason: RawSpan) -> String {
        var bytes: [UInt8] = []
        for i in 0..<min(reason.byteCount, reasonBytesMax) { bytes.append(reason[i]) }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return bytes.map { byte in
            byte < 0x80
                ? String(UnicodeScalar(byte)) : "<" + String(byte, radix: 16, uppercase: true) + ">"
        }.joined()
    }
}

extension HTTPCheck {
    /// Whether another response follows (RFC 9110 section 15.2), unless this is the one that is asked for.
    func isInterim(_ head: borrowing ResponseHead) -> Bool {
        let status = head.status
        return status < 200 && status != 101 && !awaitedStatuses.contains { $0.contains(status) }
    }
}
