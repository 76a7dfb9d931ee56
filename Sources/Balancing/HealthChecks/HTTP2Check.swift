// `option httpchk` over HTTP/2: a connection with one stream, from the preface to the end of the answer, as far as that is looked at.
//
// The same lines make the request as for HTTP/1, whatever version they say.

public import Basics
public import HTTP

/// One check over HTTP/2: bytes out, bytes in, a verdict.
public struct HTTP2Check: ~Copyable {
    private let check: HTTPCheck
    private let limits: HeadLimits
    private let connection: HTTP2Connection
    private let slot: StreamSlot
    /// Why the request cannot be sent.
    private let requestFault: MessageFault?
    private let body: [UInt8]
    private var bodySent = 0
    /// Bytes of interim responses, which are limited as in HTTP/1.
    private var interimBytes = 0

    /// - Parameters:
    ///   - host: the authority that is asked, unless the check has its own Host field.
    ///   - isSecure: whether TLS carries the connection.
    ///   - limits: of the heads that the server sends.
    public init(_ check: HTTPCheck, to host: String, isSecure: Bool, limits: HeadLimits) {
        self.check = check
        self.limits = limits
        connection = HTTP2Connection(.client, limits: HTTP2Limits(), headLimits: limits)
        slot = connection.open()
        var request = RequestHead()
        requestFault = check.readRequest(to: host, into: &request)
        body = requestFault == nil ? check.body.verbatimBytes : []
        if requestFault == nil {
            _ = connection.send(
                request, content: body.isEmpty ? .none : .known(UInt64(body.count)),
                scheme: isSecure ? "https" : "http", on: slot, endsStream: body.isEmpty, endsWithContent: true)
        } else {
            connection.forgo(slot)
        }
    }

    /// Appends what is to be sent, as far as there is room, and as far as the server's windows let the body out.
    public mutating func write(to output: inout ByteBuffer) {
        connection.drain(into: &output)
        while bodySent < body.count {
            let count = unsafe connection.sendContent(
                body.span.bytes.extracting(bodySent..<body.count), on: slot, to: &output)
            if count == 0 { return }
            bodySent += count
        }
    }

    /// Takes what has come out of `input`: up to the head of the final response and, once that is there, the content. Returns the verdict
    /// on an answer that is wrong. What is to be sent then leaves before the next call.
    public mutating func read(_ input: inout ByteBuffer, into answer: inout CheckAnswer, at now: Instant)
        -> CheckResult?
    {
        if let requestFault { return Self.failed("the request cannot be sent: \(requestFault)") }
        while !answer.isComplete {
            switch connection.next(&input, at: now) {
            case .needsInput, .needsRoom: return nil
            case .head:
                if let result = readHead(&answer) { return result }
                if answer.hasHead { return nil }
            case .content(_, let count, let isLast):
                answer.add(input.readable.extracting(first: count), upTo: limits.headBytesMax)
                input.consume(count)
                connection.took(count, of: slot)
                if isLast { answer.isComplete = true }
            case .ended:
                answer.trailers = connection.trailers ?? []
                answer.isComplete = answer.hasHead
            case .progressed, .windowOpened: break
            case .reset(_, let code, byPeer: true): return Self.failed("the server resets the request: \(code.name)")
            case .reset(_, let code, byPeer: false): return Self.failed("the answer is malformed: \(code.name)")
            case .goAway(let last, let code):
                // Requests up to the last one that it names are answered, unless something is wrong.
                guard code == .noError, last >= connection.number(of: slot) else {
                    return Self.failed("the server ends the connection: \(code.name)")
                }
            case .failed(let fault):
                return Self.failed(connection.hasPeerSettings ? fault.words : "the answer is not HTTP/2")
            }
        }
        return nil
    }

    /// The server has closed its side before the answer was complete.
    public func stop(_ answer: inout CheckAnswer) -> CheckResult {
        answer.hasHead ? HTTPCheckAnswer.cutShort : HTTPCheckAnswer.stopped(hasBegun: interimBytes > 0)
    }

    /// Takes leave of the server: the stream is cancelled, if it has not ended, and GOAWAY is what is written last. Nothing is read
    /// afterwards.
    public mutating func end() {
        bodySent = body.count
        guard connection.fault == nil else { return }
        connection.release(slot, code: .cancel)
        connection.goAway("the check is over")
    }

    /// Reads a head that has come; nil for an interim one.
    private mutating func readHead(_ answer: inout CheckAnswer) -> CheckResult? {
        interimBytes += connection.blockByteCount
        if interimBytes > limits.headBytesMax { return HTTPCheckAnswer.invalid(.headTooLarge) }
        var length: UInt64?
        let isToHead = check.knownMethod == .head
        switch connection.readResponse(slot, into: &answer.head, contentLength: &length, isToHead: isToHead) {
        case .malformed(let fault): return HTTPCheckAnswer.invalid(fault)
        case .undecodable: return HTTPCheckAnswer.invalid(.invalidCompression)
        case .whole: break
        }
        guard !check.isInterim(answer.head) else { return nil }
        answer.hasHead = true
        answer.isComplete = connection.peerHasEnded(slot)
        return nil
    }

    private static func failed(_ info: String) -> CheckResult { CheckResult(.failed, .layer7Response, info: info) }
}

extension HTTPCheck {
    /// Makes the head of the request in HTTP/2 as if it had come in HTTP/1.1; what is wrong with it, or nil. An Upgrade has no
    /// meaning there.
    fileprivate func readRequest(to host: String, into head: inout RequestHead) -> MessageFault? {
        var check = self
        check.version = "HTTP/1.1"
        let text = check.request(to: host)
        var parser = RequestParser(limits: HeadLimits(headBytesMax: max(text.count, 1)))
        var consumed = 0
        switch unsafe parser.parse(text.span.bytes, into: &head, consumed: &consumed) {
        case .complete: break
        case .failed(let fault): return fault
        case .needMore: return .malformedRequestLine
        }
        head.fields.remove(.upgrade)
        return nil
    }
}
