// What a server's connection speaks: the counterpart of `ClientCodec`, and built like it. The protocols of servers are told
// apart here and nowhere else in the data path.

internal import Basics
internal import HTTP

struct ServerCodec: StreamCodec {
    /// A closed list, so that the compiler finds every operation that a new protocol has to answer.
    enum Kind {
        case http1
        /// One stream of HTTP/2.
        case http2
        /// Bytes as they are, from the first to the last.
        case tcp
    }

    let kind: Kind
    private var http1 = HTTP1ClientCodec()
    /// The connection's transport keeps it, for as long as the connection itself. Unowned, since a codec is copied where an operation is
    /// called through its connection.
    @safe unowned(unsafe) private(set) var http2: HTTP2Stream?

    init(_ mode: ProxyMode) {
        switch mode {
        case .http: kind = .http1
        case .tcp: kind = .tcp
        }
    }

    init(_ stream: HTTP2Stream) {
        kind = .http2
        http2 = stream
    }

    private func hasNoMessages(_ operation: StaticString = #function) -> Never {
        preconditionFailure("\(operation) on a server's connection that carries no messages")
    }

    /// Whether the connection may carry another request behind the present response.
    var allowsReuse: Bool {
        switch kind {
        case .http1: http1.allowsReuse
        case .http2: false
        case .tcp: false
        }
    }

    /// No other request goes over this connection.
    mutating func forbidReuse() {
        switch kind {
        case .http1: http1.allowsReuse = false
        case .http2: break
        case .tcp: break
        }
    }

    // MARK: Writing requests

    /// Appends a request's head and makes ready for its response; false, and nothing is appended, if it does not fit.
    /// - Parameters:
    ///   - limits: of the response's head.
    ///   - isSecure: whether the client's connection is encrypted, which HTTP/2 tells in each request.
    mutating func write(
        _ head: borrowing RequestHead, content: ContentLength, options: RequestConnectionOptions, limits: HeadLimits,
        isSecure: Bool, to output: inout ByteBuffer
    ) -> Bool {
        switch kind {
        case .http1: http1.write(head, content: content, options: options, limits: limits, to: &output)
        case .http2: writeOnStream(head, content, isSecure: isSecure)
        case .tcp: hasNoMessages()
        }
    }

    /// Writes the content of a request, for which no server is chosen yet.
    static func bodyWriter(for content: ContentLength) -> BodyWriter { HTTP1ClientCodec.bodyWriter(for: content) }

    /// Writes the content of a request to this server; nil for the writer that was made before the server was chosen.
    var bodyWriter: BodyWriter? { kind == .http2 ? .unframed : nil }

    /// Everything of the request is written, but for `trailers`.
    func finishRequest(trailers: [UInt8]?) { http2?.finishRequest(trailers: trailers) }

    /// The server has not looked at the request: it can be sent again without harm (RFC 9113 section 8.7).
    var wasNotProcessed: Bool { http2?.wasNotProcessed == true }

    private func writeOnStream(_ head: borrowing RequestHead, _ content: ContentLength, isSecure: Bool) -> Bool {
        stream.sendRequest(head, content, isSecure: isSecure)
        return true
    }

    /// Whether bytes have to be read before there can be a head.
    func needsInputForHead(_ hasInput: Bool) -> Bool {
        switch kind {
        case .http1: !hasInput || http1.responseHasBegun
        case .http2: !stream.response.isWaiting
        case .tcp: hasNoMessages()
        }
    }

    /// Whether content whose length is known may have trailers behind it: as in HTTP/2, not in HTTP/1.
    var trailersMayFollow: Bool { http2.map { !$0.peerHasEnded || $0.trailers != nil } ?? false }

    // MARK: Reading responses

    /// Whether a byte of a response was read.
    var responseHasBegun: Bool {
        switch kind {
        case .http1: http1.responseHasBegun
        case .http2: stream.response.hasBegun
        case .tcp: false
        }
    }

    /// Reads on in a response's head; what was understood of it is consumed.
    mutating func readHead(from input: inout ByteBuffer, into head: inout ResponseHead) -> ParseProgress {
        switch kind {
        case .http1: http1.readHead(from: &input, into: &head)
        case .http2: stream.response.take(into: &head)
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

    /// An interim response was read: another head follows.
    mutating func interimComplete() {
        switch kind {
        case .http1: http1.interimComplete()
        case .http2: break
        case .tcp: hasNoMessages()
        }
    }

    /// The head of the final response is whole: how much content follows.
    mutating func headComplete(
        _ head: borrowing ResponseHead, requestMethod: Method
    ) -> Result<ContentLength, MessageFault> {
        switch kind {
        case .http1: http1.headComplete(head, requestMethod: requestMethod)
        case .http2: stream.contentOfResponse(head, requestMethod: requestMethod)
        case .tcp: hasNoMessages()
        }
    }

    /// Takes the response's content out of its framing.
    /// - Parameter keepsTrailers: whether the client may get the server's trailers.
    func bodyReader(keepsTrailers: Bool) -> BodyReader {
        switch kind {
        case .http1: http1.bodyReader(keepsTrailers: keepsTrailers)
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

    /// Whether the content may have trailers behind it.
    var mayHaveTrailers: Bool {
        switch kind {
        case .http1: http1.mayHaveTrailers
        case .http2: true
        case .tcp: false
        }
    }

    /// Appends what is in `input` of the response's content to `out`.
    func copyContent(of input: borrowing ByteBuffer, to out: inout [UInt8]) {
        switch kind {
        case .http1: http1.copyContent(of: input, to: &out)
        case .http2: out.append(input.readable)
        case .tcp: hasNoMessages()
        }
    }
}
