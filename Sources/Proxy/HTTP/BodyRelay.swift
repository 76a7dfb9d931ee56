// One direction of one message's body: content out of one buffer, in its framing, into another, in its own.
// Bytes to bytes; it sees neither sockets nor clocks. Trailers go along where both sides are chunked.

internal import Basics
internal import HTTP

struct BodyRelay {
    private var decoder: BodyDecoder
    private let framing: BodyFraming
    /// Trailers are read and do not go along.
    private var dropsTrailers: Bool
    /// The trailer section as far as it was received; then, from `endSent` on, what is to be sent in its place. Empty for
    /// almost all bodies.
    private var trailers: [UInt8] = []
    private var endSent = 0
    private var isEnding = false
    /// All content and the end of its framing are in the output buffer.
    private(set) var isComplete: Bool

    enum Moved: Equatable {
        /// Everything in the input was used up: more is needed.
        case needsInput
        /// The output is full: it has to be sent first.
        case needsRoom
        case complete
        case failed(MessageFault)
    }

    /// - Parameters:
    ///   - source: how the body comes in.
    ///   - target: how it goes out.
    ///   - isLenient: whether chunks that a server has padded are accepted, see `BodyDecoder`.
    ///   - dropsTrailers: whether trailers end here.
    init(
        from source: BodyFraming, to target: BodyFraming, lenient isLenient: Bool = false, dropsTrailers: Bool = false
    ) {
        decoder = BodyDecoder(source, lenient: isLenient)
        framing = target
        self.dropsTrailers = dropsTrailers
        isComplete = source == .none || source == .length(0)
    }

    /// From now on trailers end here. For a body of which nothing has been moved yet.
    mutating func dropTrailers() { dropsTrailers = true }

    /// Moves what is there and fits. `output` holds a block.
    mutating func move(from input: inout ByteBuffer, to output: inout ByteBuffer) -> Moved {
        while !isComplete {
            if isEnding, !finish(&output) { return .needsRoom }
            if isComplete { break }
            let room = output.room - (framing == .chunked ? MessageWriter.chunkOverheadMax : 0)
            guard room > 0 else { return .needsRoom }
            // The decoder is shown no more than there is room for.
            let window = min(input.count, room)
            switch decoder.next(input.readable.extracting(first: window)) {
            case .data(let skip, let count):
                input.consume(skip)
                write(count, from: &input, to: &output)
            case .needMore(let skip):
                input.consume(skip)
                // With nothing used up and more in the buffer, only the window was too small.
                if skip == 0 && window < input.count { return .needsRoom }
                if input.isEmpty || skip == 0 { return .needsInput }
            case .trailers(let skip, let count):
                input.consume(skip)
                if framing == .chunked, !dropsTrailers { trailers.append(input.readable.extracting(first: count)) }
                input.consume(count)
            case .end(let skip): input.consume(skip)
            case .failed(let fault): return .failed(fault)
            }
            if decoder.isComplete { isEnding = true }
        }
        return .complete
    }

    private func write(_ count: Int, from input: inout ByteBuffer, to output: inout ByteBuffer) {
        if framing == .chunked {
            let fits = MessageWriter.chunk(input.readable.extracting(first: count), to: &output)
            precondition(fits, "a chunk of \(count) bytes did not fit")
            input.consume(count)
        } else if output.isEmpty && count == input.count {
            // The whole buffer is content: hand over the block instead of its bytes.
            ByteBuffer.swap(&input, &output)
        } else {
            let fits = output.append(input.readable.extracting(first: count))
            precondition(fits, "\(count) bytes did not fit")
            input.consume(count)
        }
    }

    /// Writes the end of the output's framing, as much of it as there is room for; false if that was not all.
    private mutating func finish(_ output: inout ByteBuffer) -> Bool {
        if framing == .chunked {
            if trailers.isEmpty {
                let fits = MessageWriter.lastChunk(to: &output)
                precondition(fits, "the last chunk did not fit into the room kept for it")
            } else {
                if endSent == 0 { makeEnd() }
                let count = min(output.room, trailers.count - endSent)
                let fits = unsafe output.append(trailers.span.bytes.extracting(endSent..<endSent + count))
                precondition(fits, "\(count) bytes did not fit")
                endSent += count
                if endSent < trailers.count { return false }
            }
        }
        isComplete = true
        return true
    }

    /// Makes what is sent of what was received.
    private mutating func makeEnd() {
        var end: [UInt8] = []
        Trailers.appendLastChunk(with: trailers, to: &end)
        trailers = end
    }

    /// Throws away what is here of a body that nobody wants; false if that is not all of it, or not well-formed.
    mutating func discard(from input: inout ByteBuffer) -> Bool {
        while !isComplete {
            switch decoder.next(input.readable) {
            case .data(let skip, let count), .trailers(let skip, let count): input.consume(skip + count)
            case .needMore(let skip):
                input.consume(skip)
                return false
            case .end(let skip): input.consume(skip)
            case .failed: return false
            }
            isComplete = decoder.isComplete
        }
        return true
    }

    /// The sender closed: true if that is how its body ends, false if the body is cut short. Call `move` afterwards no more
    /// when true: only the end of the output's framing is still written here.
    mutating func inputEnded(to output: inout ByteBuffer) -> Bool {
        if isComplete { return true }
        // Such a body has no trailers, and room for its end was kept.
        return decoder.inputEnded() && finish(&output)
    }
}
