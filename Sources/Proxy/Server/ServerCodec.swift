// What a server's connection speaks: the counterpart of `ClientCodec`, and built like it. The protocols of servers are told
// apart here and nowhere else in the data path.

internal import Basics
internal import HTTP

struct ServerCodec {
    /// A closed list, so that the compiler finds every operation that a new protocol has to answer.
    enum Kind {
        case http1
        /// Bytes as they are, from the first to the last.
        case tcp
    }

    let kind: Kind
    private var http1 = HTTP1ClientCodec()

    init(_ mode: ProxyMode) {
        switch mode {
        case .http: kind = .http1
        case .tcp: kind = .tcp
        }
    }

    private func hasNoMessages(_ operation: StaticString = #function) -> Never {
        preconditionFailure("\(operation) on a server's connection that carries no messages")
    }

    /// Whether the connection may carry another request behind the present response.
    var allowsReuse: Bool {
        switch kind {
        case .http1: http1.allowsReuse
        case .tcp: false
        }
    }

    /// No other request goes over this connection.
    mutating func forbidReuse() {
        switch kind {
        case .http1: http1.allowsReuse = false
        case .tcp: break
        }
    }

    // MARK: Writing requests

    /// Appends a request's head and makes ready for its response; false, and nothing is appended, if it does not fit.
    /// - Parameter limits: of the response's head.
    mutating func write(
        _ head: borrowing RequestHead, content: ContentLength, options: RequestConnectionOptions, limits: HeadLimits,
        to output: inout ByteBuffer
    ) -> Bool {
        switch kind {
        case .http1: http1.write(head, content: content, options: options, limits: limits, to: &output)
        case .tcp: hasNoMessages()
        }
    }

    /// Writes the content of a request, for which no server is chosen yet.
    static func bodyWriter(for content: ContentLength) -> BodyWriter { HTTP1ClientCodec.bodyWriter(for: content) }

    // MARK: Reading responses

    /// Whether a byte of a response was read.
    var responseHasBegun: Bool {
        switch kind {
        case .http1: http1.responseHasBegun
        case .tcp: false
        }
    }

    /// Reads on in a response's head; what was understood of it is consumed.
    mutating func readHead(from input: inout ByteBuffer, into head: inout ResponseHead) -> ParseProgress {
        switch kind {
        case .http1: http1.readHead(from: &input, into: &head)
        case .tcp: hasNoMessages()
        }
    }

    /// What the head has that is only let through by an option, and where.
    var toleratedFault: (fault: MessageFault, offset: Int)? {
        switch kind {
        case .http1: http1.toleratedFault
        case .tcp: hasNoMessages()
        }
    }

    /// An interim response was read: another head follows.
    mutating func interimComplete() {
        switch kind {
        case .http1: http1.interimComplete()
        case .tcp: hasNoMessages()
        }
    }

    /// The head of the final response is whole: how much content follows.
    mutating func headComplete(
        _ head: borrowing ResponseHead, requestMethod: Method
    ) -> Result<ContentLength, MessageFault> {
        switch kind {
        case .http1: http1.headComplete(head, requestMethod: requestMethod)
        case .tcp: hasNoMessages()
        }
    }

    /// Takes the response's content out of its framing.
    /// - Parameter keepsTrailers: whether the client may get the server's trailers.
    func bodyReader(keepsTrailers: Bool) -> BodyReader {
        switch kind {
        case .http1: http1.bodyReader(keepsTrailers: keepsTrailers)
        case .tcp: hasNoMessages()
        }
    }

    /// Looks for the end of content that stays in the buffer.
    var bodyProbe: BodyProbe {
        switch kind {
        case .http1: http1.bodyProbe
        case .tcp: hasNoMessages()
        }
    }

    /// Whether the content may have trailers behind it.
    var mayHaveTrailers: Bool {
        switch kind {
        case .http1: http1.mayHaveTrailers
        case .tcp: false
        }
    }

    /// Appends what is in `input` of the response's content to `out`.
    func copyContent(of input: borrowing ByteBuffer, to out: inout [UInt8]) {
        switch kind {
        case .http1: http1.copyContent(of: input, to: &out)
        case .tcp: hasNoMessages()
        }
    }
}
