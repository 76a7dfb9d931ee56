// Messages on a stream of HTTP/2: heads in and out, how much content follows, and the end. What the codecs of connections call.
//
// To exchanges a WebSocket is a request with Upgrade and a response with 101, whatever carries it; over HTTP/2 it is an extended CONNECT
// and a 200 (RFC 8441). The difference is made here and in the heads' own reading and writing.

internal import Basics
internal import Expressions
internal import HTTP

extension HTTP2Stream {
    // MARK: Content, in both roles

    private var framing: BodyFraming {
        if isTunnel { return .none }
        // The connection compares the length with what comes; trailers may follow it. That all of it has come says nothing: rules may have
        // waited for it, and it lies in the reader's buffer.
        return contentLength == 0 ? .none : .untilClose
    }

    var bodyReader: BodyReader { BodyReader(framing) }
    var bodyProbe: BodyProbe { BodyProbe(framing) }

    // MARK: A client's stream

    /// Reads the head with which the stream begins.
    /// - Returns: also the bytes that it took.
    func readRequest(into head: inout RequestHead) -> (ParseProgress, bytes: Int) {
        var facts = HTTP2RequestFacts()
        let bytes = http2.blockByteCount
        let result = http2.readRequest(slot, into: &head, facts: &facts)
        contentLength = facts.contentLength
        peerHasEnded = http2.peerHasEnded(slot)
        if !peerHasEnded { multiplexer.flushLater() }
        asksForTunnel = facts.isExtendedConnect || head.method == .connect
        switch result {
        case .whole: return (.complete, bytes)
        case .malformed(let fault): return (.failed(fault), bytes)
        case .undecodable: return (.failed(.invalidCompression), bytes)
        }
    }

    /// How much content follows the request's head.
    func contentOfRequest(_ head: borrowing RequestHead) -> ContentLength {
        if asksForTunnel { return .none }
        if let contentLength { return .known(contentLength) }
        return peerHasEnded ? .none : .unknown
    }

    /// Whether a final response that is not a switch of protocols can be told: to a client that asks for a tunnel any 2xx is the tunnel
    /// (RFC 8441 section 5).
    func takes(_ status: Int) -> Bool { !(asksForTunnel && 200..<300 ~= status) }

    /// Whether the server has switched to the protocol that the client has asked for. The client cannot see for itself: key and consent
    /// of WebSocket are HTTP/1.1's.
    static func isConsent(_ response: borrowing ResponseHead, to request: borrowing RequestHead) -> Bool {
        guard response.switches(toProtocolOf: request) else { return false }
        guard request.asksForWebSocket, let key = request.fields.first(.secWebSocketKey) else { return true }
        var consent: [UInt8] = []
        var text: [UInt8] = []
        text.append(request.fields.value(key))
        WebSocketKey.appendConsent(to: text, &consent)
        return response.acceptsWebSocket(with: consent)
    }

    func sendInterim(_ head: borrowing ResponseHead) -> Int {
        guard reset == nil else { return 0 }
        multiplexer.flushLater()
        return http2.send(
            head, content: .none, isTunnel: false, on: slot, endsStream: false, endsWithContent: false)
    }

    func sendContinue() -> Int {
        var head = ResponseHead()
        head.setStatus(100)
        return sendInterim(head)
    }

    /// Sends the response's head; without content it is all of the response.
    func sendResponse(_ head: borrowing ResponseHead, _ content: ContentLength) -> Int {
        hasSentHead = true
        guard reset == nil else { return 0 }
        multiplexer.flushLater()
        let isWhole = content == .none || content == .known(0)
        return http2.send(
            head, content: content, isTunnel: false, on: slot, endsStream: isWhole && !expectsTrailers,
            endsWithContent: !expectsTrailers)
    }

    /// Sends the head behind which a tunnel begins.
    func sendTunnelHead(_ head: borrowing ResponseHead) -> Int {
        hasSentHead = true
        isTunnel = true
        guard reset == nil else { return 0 }
        multiplexer.flushLater()
        return http2.send(head, content: .none, isTunnel: true, on: slot, endsStream: false, endsWithContent: false)
    }

    /// The response is written in full. One without a head is none, and the stream is reset.
    func finishResponse() {
        if hasSentHead { end(trailers: trailersToSend) }
    }

    // MARK: A server's stream

    /// Sends a request's head.
    func sendRequest(_ head: borrowing RequestHead, _ content: ContentLength, isSecure: Bool) {
        response.isToHead = head.method == .head
        let isUpgrade = head.asksForUpgrade
        if isUpgrade { response.noteUpgrade(of: head) }
        asksForTunnel = isUpgrade || head.method == .connect
        hasSentHead = true
        guard reset == nil else { return }
        multiplexer.flushLater()
        if isUpgrade, !http2.peerTakesExtendedConnect {
            response.refuse(.unsupportedProtocol)
            return http2.forgo(slot)
        }
        _ = http2.send(
            head, content: content, scheme: isSecure ? "https" : "http", on: slot,
            endsStream: content == .none && !asksForTunnel, endsWithContent: !expectsTrailers)
    }

    /// The request is written in full.
    func finishRequest(trailers: [UInt8]?) {
        if !asksForTunnel { end(trailers: trailers) }
    }

    /// Takes in the head of a response that has just come.
    func receiveResponse() {
        let isToHead = response.isToHead
        var length: UInt64?
        let result = response.receive { head in
            http2.readResponse(slot, into: &head, contentLength: &length, isToHead: isToHead)
        }
        contentLength = length
        peerHasEnded = http2.peerHasEnded(slot)
        if case .malformed = result { return http2.reset(slot, .protocolError) }
        if asksForTunnel, 200..<300 ~= response.head.status { tunnelBegins() }
    }

    /// The server has agreed to a tunnel.
    private func tunnelBegins() {
        isTunnel = true
        response.becomeUpgrade()
    }

    /// How much content follows the response's head.
    func contentOfResponse(_ head: borrowing ResponseHead, requestMethod: Method) -> Result<ContentLength, MessageFault>
    {
        if requestMethod == .head || head.status == 204 || head.status == 304 { return .success(.none) }
        if let contentLength { return .success(.known(contentLength)) }
        return .success(isReadToEnd && trailers == nil ? .known(0) : .unknown)
    }
}
