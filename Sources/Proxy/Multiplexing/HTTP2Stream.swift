// One stream of HTTP/2 as the transport of its user's connection: content that has come and was not read yet, and what its end said.

internal import Basics
internal import HTTP
internal import Reactor
internal import SystemPackage
internal import Transport

final class HTTP2Stream: StreamCarrier {
    // All of it is set by `begin`: objects serve one stream after the other.
    @safe @exclusivity(unchecked) private(set) var multiplexer: Multiplexer!
    @safe @exclusivity(unchecked) private(set) var slot: StreamSlot = -1
    /// The connection of its user, which reads and writes it.
    @safe @exclusivity(unchecked) private(set) var owner: Connection!

    // Content that has come: a block, and where that is full, more of them.
    @safe @exclusivity(unchecked) private var received = ByteBuffer()
    @safe @exclusivity(unchecked) private var more: BodyStore?
    /// Nothing comes behind what was received.
    @safe @exclusivity(unchecked) var peerHasEnded = false
    /// What came behind the content; nil for nothing.
    @safe @exclusivity(unchecked) var trailers: [UInt8]?
    /// What is to go behind the content that is written.
    @safe @exclusivity(unchecked) var trailersToSend: [UInt8]?
    /// Trailers may follow content whose length is known.
    @safe @exclusivity(unchecked) var expectsTrailers = false
    /// It has ended before its end, or its connection has.
    @safe @exclusivity(unchecked) private(set) var reset: HTTP2ErrorCode?
    /// The server has not looked at it: the request can be sent again without harm.
    @safe @exclusivity(unchecked) var wasNotProcessed = false
    /// Bytes both ways, without messages: its end is the end of a direction.
    @safe @exclusivity(unchecked) var isTunnel = false

    // Messages.
    /// How much content the message that is read has, as far as its head says.
    @safe @exclusivity(unchecked) var contentLength: UInt64?
    /// The final head was sent.
    @safe @exclusivity(unchecked) var hasSentHead = false
    /// A malformed head has come: the stream ends with that.
    @safe @exclusivity(unchecked) var wasRefused = false
    /// The request asks for a tunnel: CONNECT, or the extended one of RFC 8441.
    @safe @exclusivity(unchecked) var asksForTunnel = false

    // Towards a server.
    @safe @exclusivity(unchecked) var response = ReceivedResponse()

    func begin(_ multiplexer: Multiplexer, _ slot: StreamSlot, for owner: Connection) {
        self.multiplexer = multiplexer
        self.slot = slot
        self.owner = owner
        peerHasEnded = false
        trailers = nil
        trailersToSend = nil
        expectsTrailers = false
        reset = nil
        wasNotProcessed = false
        isTunnel = false
        contentLength = nil
        hasSentHead = false
        wasRefused = false
        asksForTunnel = false
        response.begin()
    }

    var http2: HTTP2Connection { multiplexer.http2 }

    // MARK: Reading

    /// Whether content has come that was not read.
    var hasUnreadContent: Bool { !received.isEmpty || more?.isDrained == false }

    /// All content of the message is in its reader's buffer.
    var isReadToEnd: Bool { peerHasEnded && !hasUnreadContent }

    override func read(into input: inout ByteBuffer) -> Received {
        let before = input.count
        if !received.isEmpty {
            Self.move(&received, to: &input)
            received.releaseIfEmpty(to: multiplexer.worker.buffers)
        } else if let more {
            _ = more.take(into: &input)
            if more.isDrained { releaseMore() }
        }
        let count = input.count - before
        if count > 0 {
            multiplexer.took(count, of: self)
            return .bytes(count)
        }
        // A server may end the stream when it has answered; a client that does so has given the answer up.
        if reset != nil, !peerHasEnded || http2.role == .server { return .failed(.connectionReset) }
        return peerHasEnded && isTunnel ? .endOfStream : .wouldBlock
    }

    private static func move(_ source: inout ByteBuffer, to target: inout ByteBuffer) {
        if target.isEmpty { return ByteBuffer.swap(&source, &target) }
        let count = min(source.count, target.room)
        let fits = target.append(source.readable.extracting(0..<count))
        precondition(fits, "\(count) bytes did not fit")
        source.consume(count)
    }

    /// Takes the first `count` bytes of `input`, which have come for this stream.
    func receive(_ count: Int, from input: inout ByteBuffer) {
        let pool = multiplexer.worker.buffers
        if more == nil {
            received.acquire(from: pool)
            if received.room < count { received.compact() }
            if received.room >= count {
                let fits = received.append(input.readable.extracting(0..<count))
                precondition(fits, "\(count) bytes did not fit")
                return input.consume(count)
            }
        }
        let store = more ?? BodyStore(.inMemory, keeps: false, pool: pool)
        more = store
        var left = count
        while left > 0 {
            left -= store.put { block in
                let part = min(left, block.room)
                let fits = block.append(input.readable.extracting(0..<part))
                precondition(fits, "\(part) bytes did not fit")
                input.consume(part)
                return part
            }
        }
    }

    private func releaseMore() {
        more?.release()
        more = nil
    }

    // MARK: Writing

    override func write(_ bytes: RawSpan) -> Sent {
        if reset != nil { return .failed(.brokenPipe) }
        let count = multiplexer.send(bytes, on: self)
        return count > 0 ? .bytes(count) : .wouldBlock
    }

    override func finishSending() { end(trailers: nil) }

    /// Everything was written: ends the stream, if it has not ended with its content.
    func end(trailers: [UInt8]?) {
        guard reset == nil else { return }
        http2.end(slot, trailers: trailers)
        multiplexer.flushLater()
    }

    // MARK: Ending

    /// The peer has ended the stream, or its connection is gone.
    func wasReset(_ code: HTTP2ErrorCode) {
        if reset == nil { reset = code }
    }

    override func close(_ mode: CloseMode) {
        // One that has waited for its connection in vain has none.
        multiplexer?.leave(self, mode)
    }

    /// Nothing uses it any more: bytes that were not read are given up.
    func release() -> Int {
        let unread = received.count + (more?.waiting ?? 0)
        received.release(to: multiplexer.worker.buffers)
        releaseMore()
        multiplexer = nil
        owner = nil
        trailers = nil
        return unread
    }
}

extension BodyBuffering {
    /// The windows bound what is stored.
    fileprivate static let inMemory = BodyBuffering(memoryBytesMax: .max, spill: nil)
}

/// What the codecs of a client's and of a server's connection have in common where the connection is one stream.
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
