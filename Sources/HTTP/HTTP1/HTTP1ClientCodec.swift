// The client's side of an HTTP/1 connection: writes requests, reads responses (RFC 9112). Sans I/O, like its counterpart.

public import Basics

/// What a request says of the connection that carries it.
public struct RequestConnectionOptions: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// No other request follows on this connection.
    public static let close = RequestConnectionOptions(rawValue: 1)
    /// The request has an Upgrade field (RFC 9110 section 7.8).
    public static let upgrade = RequestConnectionOptions(rawValue: 2)
    /// The request has a TE field (RFC 9110 section 10.1.4).
    public static let te = RequestConnectionOptions(rawValue: 4)
}

/// Writes one request after the other, and reads the response to each.
public struct HTTP1ClientCodec: Sendable {
    private var parser = ResponseParser(limits: HeadLimits())
    private var framing = BodyFraming.none
    /// The response that is being read lets the connection carry another request.
    public var allowsReuse = false

    public init() {}

    // MARK: Writing a request

    /// Appends a request's head and makes ready for its response; false, and nothing is appended, if it does not fit.
    /// - Parameter limits: of the response's head.
    public mutating func write(
        _ head: borrowing RequestHead, content: ContentLength, options: RequestConnectionOptions, limits: HeadLimits,
        to output: inout ByteBuffer
    ) -> Bool {
        parser = ResponseParser(limits: limits)
        allowsReuse = false
        var option = MessageWriter.ConnectionHeader.none
        if options.contains(.close) { option.insert(.close) }
        if options.contains(.upgrade) { option.insert(.upgrade) }
        if options.contains(.te) { option.insert(.te) }
        return MessageWriter.write(head, framing: Self.framing(of: content), connection: option, to: &output)
    }

    /// A writer for the content of such a request.
    public static func bodyWriter(for content: ContentLength) -> BodyWriter { BodyWriter(framing(of: content)) }

    private static func framing(of content: ContentLength) -> BodyFraming {
        switch content {
        case .none: .none
        case .known(let length): .length(length)
        case .unknown: .chunked
        }
    }

    // MARK: Reading a response

    /// Whether a byte of the response was read.
    public var responseHasBegun: Bool { parser.hasBegun }

    /// Reads on in a response's head; what was understood of it is consumed.
    public mutating func readHead(from input: inout ByteBuffer, into head: inout ResponseHead) -> ParseProgress {
        var consumed = 0
        let progress = parser.parse(input.readable, into: &head, consumed: &consumed)
        input.consume(consumed)
        return progress
    }

    /// What `option accept-unsafe-violations-in-http-response` let through in the head, and where in the message it is.
    public var toleratedFault: (fault: MessageFault, offset: Int)? {
        parser.toleratedFault.map { ($0, parser.toleratedOffset) }
    }

    /// An interim response was read: another head follows.
    public mutating func interimComplete() { parser.reset() }

    /// The head of the final response is whole: finds out how its content is framed and whether the connection may be used again.
    public mutating func headComplete(
        _ head: borrowing ResponseHead, requestMethod: Method
    ) -> Result<ContentLength, MessageFault> {
        switch head.bodyFraming(requestMethod: requestMethod) {
        case .failure(let fault): return .failure(fault)
        case .success(let found):
            framing = found
            allowsReuse = head.allowsReuse && found != .untilClose
            return .success(ContentLength(found))
        }
    }

    /// A reader for the response's content. What a server has padded is accepted.
    /// - Parameter keepsTrailers: whether the client may get the server's trailers.
    public func bodyReader(keepsTrailers: Bool) -> BodyReader {
        BodyReader(framing, lenient: true, keepsTrailers: keepsTrailers)
    }
    public var bodyProbe: BodyProbe { BodyProbe(framing, lenient: true) }
    /// Whether the content may have trailers behind it.
    public var mayHaveTrailers: Bool { framing == .chunked }
    /// Appends what is in `input` of the response's content to `out`.
    public func copyContent(of input: borrowing ByteBuffer, to out: inout [UInt8]) {
        BodyReader.copyContent(of: input, framing, lenient: true, to: &out)
    }
}
