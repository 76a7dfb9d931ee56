// What the codecs of a client's and of a server's connection have in common where the connection is one stream of HTTP/2.

internal import HTTP

protocol StreamCodec {
    /// Nil in other protocols.
    var http2: HTTP2Stream? { get }
}

extension StreamCodec {
    /// The stream of a connection that is one.
    var stream: HTTP2Stream {
        guard let http2 else { preconditionFailure("a codec of HTTP/2 without a stream") }
        return http2
    }

    /// All content of the message that is read is in the connection's buffer, or was taken out of it: nothing of it is still to come. In
    /// HTTP/1 the content's framing says where it ends.
    var contentHasEnded: Bool { http2?.isReadToEnd == true }

    /// What came behind the content of the message that is read, once that has ended.
    var trailers: [UInt8]? { http2?.trailers }

    /// Whether what is written may have trailers behind content whose length is known.
    func expectTrailers(_ expects: Bool) { http2?.expectsTrailers = expects }

    /// The number of the stream in HTTP/2; 0 in other protocols.
    var streamID: UInt32 { http2.map { $0.http2.number(of: $0.slot) } ?? 0 }
}
