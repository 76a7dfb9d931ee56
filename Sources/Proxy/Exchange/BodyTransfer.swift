// One direction of one message's body: content out of one buffer, in its framing, into another, in its own. It sees neither
// sockets nor clocks. The same for requests and responses, whether the other side takes the bytes at once or a store does.

internal import Basics
internal import HTTP

/// What came of moving a body on.
enum TransferResult: Equatable {
    /// Everything in the input was used up: more is needed.
    case needsInput
    /// The output is full: it has to be sent first.
    case needsRoom
    case complete
    case failed(MessageFault)
}

struct BodyTransfer {
    private var reader: BodyReader
    private var writer: BodyWriter
    /// All content and the end of its framing are in the output buffer.
    private(set) var isComplete: Bool
    /// Bytes that may still be thrown away before the body is given up; nil for a body that is passed on.
    private var discardable: Int?
    /// The body was too long to be thrown away: the rest of it is left to its sender.
    private(set) var wasGivenUp = false

    static var none: BodyTransfer { BodyTransfer(.none, from: BodyReader(.none), to: BodyWriter(.none)) }

    /// - Parameters:
    ///   - content: what is to come.
    ///   - reader: takes it out of its sender's framing.
    ///   - writer: puts it into the framing that its recipient is told.
    init(_ content: ContentLength, from reader: BodyReader, to writer: BodyWriter) {
        self.reader = reader
        self.writer = writer
        isComplete = content == .none || content == .known(0)
    }

    /// Content that is read so that another message may follow it, and thrown away.
    /// - Parameter limit: bytes after which this costs more than another connection.
    init(discarding content: ContentLength, from reader: BodyReader, atMost limit: Int) {
        self.init(content, from: reader, to: BodyWriter(.none))
        discardable = limit
    }

    /// From now on trailers end here. For a body of which nothing has been moved yet.
    mutating func dropTrailers() { reader.dropTrailers() }

    /// From now on the content goes out in another framing. For a body of which nothing has been moved yet.
    mutating func write(with writer: BodyWriter) { self.writer = writer }

    /// Moves what is there and fits. `output` holds a block.
    /// - Parameters:
    ///   - isAll: nothing comes behind what is in the input, which the body's own framing need not say.
    ///   - trailers: what came behind it then.
    mutating func move(
        from input: inout ByteBuffer, to output: inout ByteBuffer, isAll: Bool = false, trailers: [UInt8]? = nil
    ) -> TransferResult {
        while !isComplete {
            if reader.isComplete {
                guard finish(&output) else { return .needsRoom }
                break
            }
            let room = discardable ?? writer.room(in: output)
            guard room > 0 else { return lacksRoom() }
            switch reader.next(&input, window: room) {
            case .content(let count): pass(count, from: &input, to: &output)
            case .needsInput:
                guard isAll, input.isEmpty, reader.inputEnded(trailers: trailers) else { return .needsInput }
            case .needsRoom: return .needsRoom
            case .end: break
            case .failed(let fault): return .failed(fault)
            }
        }
        return .complete
    }

    private mutating func lacksRoom() -> TransferResult {
        guard discardable != nil else { return .needsRoom }
        wasGivenUp = true
        isComplete = true
        return .complete
    }

    /// Content on its way from reader to writer: the one place that every byte of a body passes, and so the place for filters.
    private mutating func pass(_ count: Int, from input: inout ByteBuffer, to output: inout ByteBuffer) {
        if let left = discardable {
            discardable = left - count
            return input.consume(count)
        }
        writer.write(count, from: &input, to: &output)
    }

    /// Writes the end of the output's framing, as much of it as there is room for; false if that was not all.
    private mutating func finish(_ output: inout ByteBuffer) -> Bool {
        isComplete = discardable != nil || writer.finish(trailers: reader.trailers, to: &output)
        return isComplete
    }

    /// What the sender has sent behind the content.
    var trailers: [UInt8]? { reader.trailers }

    /// Bytes that are still to come and need no change on their way: the system can move them by itself. 0 if there are none such.
    var plainBytes: Int {
        guard !isComplete, writer.isPlain, discardable == nil else { return 0 }
        return Int(clamping: reader.plainBytes ?? 0)
    }

    /// The system has moved the next `count` of them.
    mutating func pass(_ count: Int) {
        reader.pass(count)
        isComplete = reader.isComplete
    }

    /// Throws away what is here of a body that is not passed on; false if more of it is to come, or it is malformed.
    mutating func discard(from input: inout ByteBuffer) -> Bool {
        if !isComplete { isComplete = reader.discard(from: &input) }
        return isComplete
    }

    /// The sender closed: true if that is how its body ends, false if the body is cut short. Call `move` afterwards no more
    /// when true: only the end of the output's framing is still written here.
    mutating func inputEnded(to output: inout ByteBuffer) -> Bool {
        if isComplete { return true }
        // Such a body has no trailers, and room for its end was kept.
        return reader.inputEnded() && finish(&output)
    }
}
