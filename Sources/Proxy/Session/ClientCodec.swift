// What a client's connection speaks. The protocols of clients are told apart here and nowhere else in the data path: streams
// speak of heads, content, ends and bytes, and another protocol is one more case of `Kind` and one more line in each operation.
//
// The codecs are stored beside the case, not in it: taking a payload out of a case and putting it back would copy a parser twice
// for each operation.

internal import Basics
internal import HTTP

struct ClientCodec: StreamCodec {
    /// A closed list, so that the compiler finds every operation that a new protocol has to answer.
    enum Kind {
        case http1
        /// One stream of HTTP/2.
        case http2
        /// Bytes as they are, from the first to the last.
        case tcp
    }

    private(set) var kind: Kind
    /// Its counts of bytes are also those of `tcp`, which has nothing else.
    private var http1: HTTP1ServerCodec
    /// The connection's transport keeps it, for as long as the connection itself. Unowned, since a codec is copied where an operation is
    /// called through its connection.
    @safe unowned(unsafe) private(set) var http2: HTTP2Stream?

    init(_ mode: ProxyMode, limits: HeadLimits) {
        switch mode {
        case .http: kind = .http1
        case .tcp: kind = .tcp
        }
        http1 = HTTP1ServerCodec(limits: limits)
    }

    init(_ stream: HTTP2Stream) {
        kind = .http2
        http1 = HTTP1ServerCodec(limits: HeadLimits())
        http2 = stream
    }

    /// Whether the client sends requests.
    var speaksHTTP: Bool { kind != .tcp }

    /// What the client sends is read as requests from here on.
    mutating func becomeHTTP() {
        precondition(kind == .tcp, "a connection becomes HTTP that was \(kind)")
        kind = .http1
    }

    /// Makes ready for the next stream.
    mutating func reset() {
        switch kind {
        case .http1, .http2, .tcp: http1.reset()
        }
    }

    private func hasNoMessages(_ operation: StaticString = #function) -> Never {
        preconditionFailure("\(operation) on a client's connection that carries no messages")
    }

    // MARK: Bytes of the present stream, framing included

    var bytesReceived: UInt64 {
        switch kind {
        case .http1, .http2, .tcp: http1.bytesReceived
        }
    }

    var bytesSent: UInt64 {
        switch kind {
        case .http1, .http2, .tcp: http1.bytesSent
        }
    }

    mutating func countReceived(_ bytes: Int) {
        switch kind {
        case .http1, .http2, .tcp: http1.bytesReceived &+= UInt64(bytes)
        }
    }

    mutating func countSent(_ bytes: Int) {
        switch kind {
        case .http1, .http2, .tcp: http1.bytesSent &+= UInt64(bytes)
        }
    }

    // MARK: Reading requests

    /// Passes over what may stand between two requests and means nothing; false if there is nothing else yet.
    mutating func skipEmptyLines(_ input: inout ByteBuffer) -> Bool {
        switch kind {
        case .http1: http1.skipEmptyLines(&input)
        case .http2: true
        case .tcp: hasNoMessages()
        }
    }

    /// Reads on in a request's head; what was understood of it is consumed.
    mutating func readHead(from input: inout ByteBuffer, into head: inout RequestHead) -> ParseProgress {
        switch kind {
        case .http1: http1.readHead(from: &input, into: &head)
        case .http2: readStreamHead(into: &head)
        case .tcp: hasNoMessages()
        }
    }

    /// What the head has that is only let through by an option, and where.
    var toleratedFault: (fault: MessageFault, offset: Int)? {
        switch kind {
        case .http1: http1.toleratedFault
        case .http2: nil
        case .tcp: hasNoMessages()
        }
    }

    /// The head is whole: how much content follows.
    mutating func headComplete(_ head: borrowing RequestHead) -> Result<ContentLength, MessageFault> {
        switch kind {
        case .http1: http1.headComplete(head)
        case .http2: .success(stream.contentOfRequest(head))
        case .tcp: hasNoMessages()
        }
    }

    /// The head was malformed or never whole: nothing behind it can be read.
    mutating func refuseHead(_ head: borrowing RequestHead) {
        switch kind {
        case .http1: http1.refuseHead(head)
        case .http2: stream.wasRefused = true
        case .tcp: hasNoMessages()
        }
    }

    /// Takes the present request's content out of its framing.
    var bodyReader: BodyReader {
        switch kind {
        case .http1: http1.bodyReader
        case .http2: stream.bodyReader
        case .tcp: hasNoMessages()
        }
    }

    /// Looks for the end of content that stays in the buffer.
    var bodyProbe: BodyProbe {
        switch kind {
        case .http1: http1.bodyProbe
        case .http2: stream.bodyProbe
        case .tcp: hasNoMessages()
        }
    }

    /// Appends what is in `input` of the present request's content to `out`.
    func copyContent(of input: borrowing ByteBuffer, to out: inout [UInt8]) {
        switch kind {
        case .http1: http1.copyContent(of: input, to: &out)
        case .http2: out.append(input.readable)
        case .tcp: hasNoMessages()
        }
    }

    // MARK: The end of a stream

    /// Whether another request may follow on this connection.
    var keepsAlive: Bool {
        switch kind {
        case .http1: http1.keepsAlive
        case .http2: false
        case .tcp: false
        }
    }

    /// No other request follows on this connection. Takes effect until the response's head is written.
    mutating func endAfterResponse() {
        switch kind {
        case .http1: http1.keepsAlive = false
        case .http2: break
        case .tcp: break
        }
    }

    /// Whether the client has nothing more to send, once all of the present stream was read.
    var isClientDone: Bool {
        switch kind {
        case .http1: http1.isClientDone
        case .http2: false
        case .tcp: true
        }
    }

    /// Whether a response that is cut short would look whole if the connection ended without a reset.
    var endsByClosing: Bool {
        switch kind {
        case .http1: http1.endsByClosing
        case .http2: false
        case .tcp: false
        }
    }

    // MARK: Writing responses

    /// Whether the client understands interim responses.
    var takesInterim: Bool {
        switch kind {
        case .http1: http1.takesInterim
        case .http2: true
        case .tcp: false
        }
    }

    /// Whether content of unknown length can be marked, and have trailers.
    var marksEnds: Bool {
        switch kind {
        case .http1: http1.marksEnds
        case .http2: true
        case .tcp: false
        }
    }

    /// Appends an interim response; nothing where it does not fit, since such a response is advice.
    mutating func writeInterim(_ head: borrowing ResponseHead, to output: inout ByteBuffer) {
        switch kind {
        case .http1: http1.writeInterim(head, to: &output)
        case .http2: http1.bytesSent &+= UInt64(stream.sendInterim(head))
        case .tcp: hasNoMessages()
        }
    }

    /// Appends what a client waits for which expects a word before it sends content.
    mutating func writeContinue(to output: inout ByteBuffer) {
        switch kind {
        case .http1: http1.writeContinue(to: &output)
        case .http2: http1.bytesSent &+= UInt64(stream.sendContinue())
        case .tcp: hasNoMessages()
        }
    }

    /// Appends a response's head.
    /// - Returns: what writes the content; nil, and nothing is appended, if the head does not fit.
    mutating func write(
        _ head: inout ResponseHead, content: ContentLength, to output: inout ByteBuffer
    ) -> BodyWriter? {
        switch kind {
        case .http1: http1.write(&head, content: content, to: &output)
        case .http2: writeOnStream(&head, content)
        case .tcp: hasNoMessages()
        }
    }

    /// Appends the head behind which a tunnel begins; false, and nothing is appended, if it does not fit.
    mutating func writeTunnelHead(
        _ head: inout ResponseHead, isUpgrade: Bool, to output: inout ByteBuffer
    ) -> Bool {
        switch kind {
        case .http1: http1.writeTunnelHead(&head, isUpgrade: isUpgrade, to: &output)
        case .http2: writeTunnelHeadOnStream(&head)
        case .tcp: hasNoMessages()
        }
    }

    // MARK: Streams of HTTP/2

    private mutating func readStreamHead(into head: inout RequestHead) -> ParseProgress {
        let (progress, bytes) = stream.readRequest(into: &head)
        http1.bytesReceived &+= UInt64(bytes)
        return progress
    }

    private mutating func writeOnStream(_ head: inout ResponseHead, _ content: ContentLength) -> BodyWriter {
        _ = head.fields.takeConnectionOptions()
        http1.bytesSent &+= UInt64(stream.sendResponse(head, content))
        return .unframed
    }

    private mutating func writeTunnelHeadOnStream(_ head: inout ResponseHead) -> Bool {
        _ = head.fields.takeConnectionOptions()
        http1.bytesSent &+= UInt64(stream.sendTunnelHead(head))
        return true
    }

    /// Whether the client can be told that its request for another protocol was answered with this status instead.
    func takes(_ status: Int, insteadOfUpgrade: Bool) -> Bool {
        guard insteadOfUpgrade, let http2 else { return true }
        return http2.takes(status)
    }

    /// Whether the server's switch of protocols is what the client has asked for, as far as the client cannot see that for itself. In
    /// HTTP/1.1 it compares the key of WebSocket; that there is an answer to it tells a server from one that knows no WebSocket.
    func isConsent(_ response: borrowing ResponseHead, to request: borrowing RequestHead) -> Bool {
        guard http2 == nil else { return HTTP2Stream.isConsent(response, to: request) }
        return !request.asksForWebSocket || response.hasWebSocketConsent
    }

    /// Whether content whose length is known may have trailers behind it: as in HTTP/2, not in HTTP/1.
    var hasTrailersApart: Bool { kind == .http2 }

    /// What goes behind the response's content.
    func keep(trailers: [UInt8]?) { http2?.trailersToSend = trailers }

    /// Everything of the response is written.
    func finish() { http2?.finishResponse() }
}
