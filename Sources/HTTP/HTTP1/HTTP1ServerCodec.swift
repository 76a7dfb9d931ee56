// The server's side of an HTTP/1 connection: reads requests, writes responses (RFC 9112). Framing, keep-alive, the differences
// of HTTP/1.0, 100-continue and the bytes of both directions are known here and nowhere above.
//
// Sans I/O: it sees buffers, neither sockets nor clocks.

public import Basics

/// How much content a message has, whatever the protocol that carries it.
public enum ContentLength: Equatable, Sendable {
    case none
    case known(UInt64)
    /// The end will be marked.
    case unknown

    /// Whether it may be no longer than `limit` bytes.
    public func isAtMost(_ limit: Int) -> Bool {
        if case .known(let count) = self { count <= UInt64(limit) } else { true }
    }
}

/// Reads one request after the other, and writes the response to each.
public struct HTTP1ServerCodec: Sendable {
    private var parser: RequestParser
    /// The present request's framing. Once the body was taken out of it for a store, see `bodyWasStored`, this no longer matters.
    private var framing = BodyFraming.none
    private var isHTTP10 = false
    /// The client takes its connection to stay, and may have sent its next request by now.
    private var clientExpectsMore = false
    /// The request's head was malformed or never whole: nothing behind it can be read.
    private var lostTrack = false
    /// Another request may follow on this connection. Can be withdrawn until the response's head is written.
    public var keepsAlive = false
    /// The end of the response is the connection's: cutting it short would look like the end.
    public private(set) var endsByClosing = false
    /// Bytes of the present request that were consumed, and of its responses that were written, framing included.
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0

    public init(limits: HeadLimits) { parser = RequestParser(limits: limits) }

    /// Makes ready for the next request.
    public mutating func reset() {
        parser.reset()
        framing = .none
        isHTTP10 = false
        clientExpectsMore = false
        lostTrack = false
        keepsAlive = false
        endsByClosing = false
        bytesReceived = 0
        bytesSent = 0
    }

    // MARK: Reading a request

    /// Passes over empty lines between requests; false if there is nothing else yet (`RequestParser.skipEmptyLines`).
    public mutating func skipEmptyLines(_ input: inout ByteBuffer) -> Bool {
        var consumed = 0
        let hasMore = parser.skipEmptyLines(input.readable, consumed: &consumed)
        input.consume(consumed)
        return hasMore
    }

    /// Reads on in a request's head; what was understood of it is consumed.
    public mutating func readHead(from input: inout ByteBuffer, into head: inout RequestHead) -> ParseProgress {
        var consumed = 0
        let progress = parser.parse(input.readable, into: &head, consumed: &consumed)
        input.consume(consumed)
        bytesReceived &+= UInt64(consumed)
        return progress
    }

    /// What `option accept-unsafe-violations-in-http-request` let through in the head, and where in the message it is.
    public var toleratedFault: (fault: MessageFault, offset: Int)? {
        parser.toleratedFault.map { ($0, parser.toleratedOffset) }
    }

    /// The head is whole: finds out how its content is framed and whether the connection may stay.
    public mutating func headComplete(_ head: borrowing RequestHead) -> Result<ContentLength, MessageFault> {
        isHTTP10 = head.version == .http10
        switch head.bodyFraming() {
        case .failure(let fault): return .failure(fault)
        case .success(let found):
            framing = found
            clientExpectsMore = head.wantsKeepAlive
            keepsAlive = clientExpectsMore
            return .success(ContentLength(found))
        }
    }

    /// The head was malformed or never whole: nothing behind it can be read, and the connection does not stay.
    public mutating func refuseHead(_ head: borrowing RequestHead) {
        isHTTP10 = head.version == .http10
        lostTrack = true
        keepsAlive = false
    }

    /// A reader for the present request's body.
    public var bodyReader: BodyReader { BodyReader(framing) }
    public var bodyProbe: BodyProbe { BodyProbe(framing) }
    /// Appends what is in `input` of the present request's content to `out`.
    public func copyContent(of input: borrowing ByteBuffer, to out: inout [UInt8]) {
        BodyReader.copyContent(of: input, framing, to: &out)
    }

    /// Whether the client has nothing more to send, once its request was read to its end.
    public var isClientDone: Bool { !lostTrack && !clientExpectsMore }

    // MARK: Writing responses

    /// Whether the client understands interim responses.
    public var takesInterim: Bool { !isHTTP10 }

    /// Appends an interim response; nothing where it does not fit, since such a response is advice.
    public mutating func writeInterim(_ head: borrowing ResponseHead, to output: inout ByteBuffer) {
        let before = output.count
        _ = MessageWriter.write(head, framing: .none, connection: .none, to: &output)
        bytesSent &+= UInt64(output.count - before)
    }

    /// Appends the word that a client waits for which expects one before its content (RFC 9110 section 10.1.1).
    public mutating func writeContinue(to output: inout ByteBuffer) {
        let before = output.count
        let fits = output.append("HTTP/1.1 100 Continue\r\n\r\n")
        precondition(fits, "an interim response does not fit into an empty buffer")
        bytesSent &+= UInt64(output.count - before)
    }

    /// Whether content of unknown length can be marked, so that the connection may stay behind it.
    public var marksEnds: Bool { !isHTTP10 }

    /// Appends a response's head, with the fields that concern the client's connection. The length of the content, as the client
    /// is told it, is `content`; `none` where the status or the method allow none.
    /// - Returns: what writes the content; nil, and nothing is appended, if the head does not fit.
    public mutating func write(
        _ head: inout ResponseHead, content: ContentLength, to output: inout ByteBuffer
    ) -> BodyWriter? {
        let framing: BodyFraming
        switch content {
        case .none: framing = .none
        case .known(let length): framing = .length(length)
        case .unknown where isHTTP10:
            framing = .untilClose
            keepsAlive = false
        case .unknown: framing = .chunked
        }
        endsByClosing = framing == .untilClose
        let ruled = head.fields.takeConnectionOptions()
        if ruled.contains(.close) { keepsAlive = false }
        var option: MessageWriter.ConnectionHeader = !keepsAlive ? .close : isHTTP10 ? .keepAlive : .none
        if head.fields.contains(.upgrade) { option.insert(.upgrade) }
        return write(head, framing, option, to: &output) ? BodyWriter(framing) : nil
    }

    /// Appends the head behind which a tunnel begins; false, and nothing is appended, if it does not fit.
    public mutating func writeTunnelHead(
        _ head: inout ResponseHead, isUpgrade: Bool, to output: inout ByteBuffer
    ) -> Bool {
        keepsAlive = false
        _ = head.fields.takeConnectionOptions()
        return write(head, .none, isUpgrade ? .upgrade : .none, to: &output)
    }

    private mutating func write(
        _ head: borrowing ResponseHead, _ framing: BodyFraming, _ option: MessageWriter.ConnectionHeader,
        to output: inout ByteBuffer
    ) -> Bool {
        let before = output.count
        let fits = MessageWriter.write(head, framing: framing, connection: option, to: &output)
        bytesSent &+= UInt64(output.count - before)
        return fits
    }
}

extension ContentLength {
    init(_ framing: BodyFraming) {
        switch framing {
        case .none: self = .none
        case .length(let length): self = .known(length)
        case .chunked, .untilClose: self = .unknown
        }
    }
}
