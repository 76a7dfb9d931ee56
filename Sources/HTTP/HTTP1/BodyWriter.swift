// A body on its way out, in the framing of the message that carries it.

public import Basics

/// Writes the content of one message, and the end of its framing.
public struct BodyWriter: Sendable {
    private let framing: BodyFraming
    /// The last chunk and the trailers, once there are trailers to write; how much of it is written.
    private var ending: [UInt8]?
    private var endingWritten = 0

    public init(_ framing: BodyFraming) { self.framing = framing }

    /// Content as it is: for a store that is sent with a length later.
    public static let unframed = BodyWriter(.untilClose)

    /// Whether content goes out as it is.
    public var isPlain: Bool { framing != .chunked }

    /// Whether trailers that the sender has can go along.
    public var carriesTrailers: Bool { framing == .chunked }

    /// Bytes of content that fit into `output` now; what the framing of one chunk takes is kept free.
    public func room(in output: borrowing ByteBuffer) -> Int {
        output.room - (framing == .chunked ? MessageWriter.chunkOverheadMax : 0)
    }

    /// Moves the first `count` bytes of `input`, which are content and no more than `room(in:)`, into `output`.
    public func write(_ count: Int, from input: inout ByteBuffer, to output: inout ByteBuffer) {
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

    /// Writes the end of the framing, as much of it as there is room for.
    /// - Parameter trailers: a checked trailer section, if there is one; those fields that may be passed on are written.
    /// - Returns: false if that was not all: call again when there is room.
    public mutating func finish(trailers: [UInt8]? = nil, to output: inout ByteBuffer) -> Bool {
        guard framing == .chunked else { return true }
        guard let trailers else {
            let fits = MessageWriter.lastChunk(to: &output)
            precondition(fits, "the last chunk did not fit into the room kept for it")
            return true
        }
        var ending = ending ?? []
        if ending.isEmpty { Trailers.appendLastChunk(with: trailers, to: &ending) }
        self.ending = ending
        let count = min(output.room, ending.count - endingWritten)
        let fits = unsafe output.append(ending.span.bytes.extracting(endingWritten..<endingWritten + count))
        precondition(fits, "\(count) bytes did not fit")
        endingWritten += count
        return endingWritten == ending.count
    }
}
