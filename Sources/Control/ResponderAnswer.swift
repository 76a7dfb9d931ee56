// The answer of an OCSP responder: an HTTP response whose content is taken whole, up to a limit.

internal import Admin
internal import Basics
internal import HTTP

/// Reads one answer.
struct ResponderAnswer: ~Copyable {
    /// What the content has to be (RFC 6960, appendix A.2).
    private static let contentType = "application/ocsp-response"

    private let limits: HeadLimits
    private let contentBytesMax: Int
    private var parser: ResponseParser
    private var head = ResponseHead()
    /// Bytes of interim responses: together with the final head they may not exceed what one head may have.
    private var headBytes = 0
    /// Nil until the head is complete.
    private var decoder: BodyDecoder?
    private var content: [UInt8] = []

    typealias Outcome = Result<[UInt8], ResponseUpdateFault>

    /// - Parameter contentBytesMax: a longer content is a fault. Responses have some hundred bytes to a few thousand.
    init(limits: HeadLimits, contentBytesMax: Int) {
        self.limits = limits
        self.contentBytesMax = contentBytesMax
        parser = ResponseParser(limits: limits)
    }

    /// Reads on in `input`; returns nil while the answer is not complete.
    ///
    /// `consumed` becomes the number of bytes used up; the next input must begin with those that are left.
    mutating func read(_ input: RawSpan, consumed: inout Int) -> Outcome? {
        consumed = 0
        while decoder == nil {
            var used = 0
            let progress = parser.parse(input.extracting(consumed..<input.byteCount), into: &head, consumed: &used)
            if case .failed(let fault) = progress { return .failure(Self.malformed(fault)) }
            consumed += used
            headBytes += used
            if headBytes > limits.headBytesMax { return .failure(Self.malformed(.headTooLarge)) }
            guard progress == .complete else { return nil }
            if head.status >= 200 || head.status == 101 {
                if let fault = judgeHead() { return .failure(fault) }
            } else {
                head.clear()
                parser.reset()
            }
        }
        return readContent(input, consumed: &consumed)
    }

    /// The outcome when the responder closes its side.
    mutating func ended() -> Outcome {
        guard decoder != nil else {
            return .failure(
                Self.httpError(
                    parser.hasBegun ? "the answer stops within its head" : "the responder closed without an answer"))
        }
        return decoder?.inputEnded() == true
            ? .success(content) : .failure(Self.httpError("the answer stops before its end"))
    }

    private mutating func judgeHead() -> ResponseUpdateFault? {
        guard head.status == 200 else { return Self.httpError("status \(head.status)") }
        guard let index = head.fields.first(.contentType), Self.isRight(head.fields.value(index)) else {
            return ResponseUpdateFault(.wrongType, "the content's type is not \(Self.contentType)")
        }
        switch head.bodyFraming(requestMethod: .get) {
        case .failure(let fault): return Self.malformed(fault)
        case .success(.length(let length)) where length > UInt64(contentBytesMax): return tooLong
        case .success(let framing): decoder = BodyDecoder(framing, lenient: true)
        }
        return nil
    }

    /// Whether a type, without its parameters, is that of OCSP responses.
    private static func isRight(_ type: RawSpan) -> Bool {
        var text = ""
        for i in 0..<type.byteCount where type[i] != 0x20 && type[i] != 0x09 {
            if type[i] == 0x3B { break }
            text.unicodeScalars.append(UnicodeScalar(type[i]))
        }
        return text.lowercased() == contentType
    }

    private mutating func readContent(_ input: RawSpan, consumed: inout Int) -> Outcome? {
        while let step = decoder?.next(input.extracting(consumed..<input.byteCount)) {
            switch step {
            case .data(let skip, let count):
                guard content.count + count <= contentBytesMax else { return .failure(tooLong) }
                for i in consumed + skip..<consumed + skip + count { content.append(input[i]) }
                consumed += skip + count
            case .trailers(let skip, let count):
                consumed += skip + count
                if decoder?.isComplete == true { return .success(content) }
                if consumed == input.byteCount { return nil }
            case .needMore(let skip):
                consumed += skip
                return nil
            case .end(let skip):
                consumed += skip
                return .success(content)
            case .failed(let fault): return .failure(Self.malformed(fault))
            }
        }
        return nil
    }

    private var tooLong: ResponseUpdateFault {
        Self.httpError("the answer has more than \(contentBytesMax) bytes (tune.bufsize)")
    }

    private static func malformed(_ fault: MessageFault) -> ResponseUpdateFault {
        httpError(fault == .notHTTP ? "the answer is not HTTP/1" : fault.description)
    }

    static func httpError(_ reason: String) -> ResponseUpdateFault { ResponseUpdateFault(.httpError, reason) }
}
