// Bodies: decoded at once and in pieces, re-encoded as chunks, and decoded again.

import Basics
import HTTP

/// A body, decoded in three slicings, and re-encoded as chunks.
struct BodyFuzz {
    private let bytes: [UInt8]
    private let framing: BodyFraming
    /// In the lenient mode for response bodies.
    private let isLenient: Bool

    init(_ bytes: [UInt8], _ choice: UInt8) {
        self.bytes = bytes
        isLenient = choice & 3 == 2
        framing = choice & 1 == 0 ? .chunked : .length(UInt64(choice >> 1))
    }

    private struct Reading: Equatable {
        var content: [UInt8] = []
        var trailers: [UInt8] = []
        var fault: MessageFault?
        var isComplete = false
        var consumed = 0
    }

    func run() {
        let whole = read(bytes, framing, isLenient, piece: max(1, bytes.count))
        precondition(read(bytes, framing, isLenient, piece: 1) == whole, "byte by byte it reads differently")
        precondition(read(bytes, framing, isLenient, piece: 5) == whole, "in pieces it reads differently")
        if isLenient {
            let strict = read(bytes, framing, false, piece: max(1, bytes.count))
            precondition(!strict.isComplete || strict == whole, "read leniently it has another end")
        }
        guard whole.isComplete else { return }
        let chunked = written { out in
            for start in stride(from: 0, to: whole.content.count, by: 1_000) {
                let piece = Array(whole.content[start..<min(start + 1_000, whole.content.count)])
                guard unsafe MessageWriter.chunk(piece.span.bytes, to: &out) else { return false }
            }
            return MessageWriter.lastChunk(to: &out)
        }
        let again = read(chunked, .chunked, false, piece: 3)
        precondition(again.isComplete && again.content == whole.content && again.consumed == chunked.count)
    }

    private func read(_ input: [UInt8], _ framing: BodyFraming, _ isLenient: Bool, piece: Int) -> Reading {
        var decoder = BodyDecoder(framing, lenient: isLenient)
        var reading = Reading()
        var available = 0
        repeat {
            available = min(input.count, available + piece)
            var isHungry = false
            while !isHungry && !decoder.isComplete && reading.fault == nil {
                let window = Array(input[reading.consumed..<available])
                switch unsafe decoder.next(window.span.bytes) {
                case .data(let skip, let count):
                    precondition(count > 0 && reading.consumed + skip + count <= available)
                    reading.content += input[reading.consumed + skip..<reading.consumed + skip + count]
                    reading.consumed += skip + count
                case .trailers(let skip, let count):
                    precondition(count > 0 && reading.consumed + skip + count <= available)
                    reading.trailers += input[reading.consumed + skip..<reading.consumed + skip + count]
                    reading.consumed += skip + count
                case .needMore(let skip):
                    reading.consumed += skip
                    isHungry = true
                case .end(let skip): reading.consumed += skip
                case .failed(let fault):
                    reading.fault = fault
                    reading.consumed += decoder.faultOffset
                    // How much of a faulty section was reported before the fault may differ.
                    reading.trailers = []
                }
                precondition(reading.consumed <= available)
            }
        } while available < input.count && !decoder.isComplete && reading.fault == nil
        reading.isComplete = decoder.isComplete && reading.fault == nil
        return reading
    }
}
