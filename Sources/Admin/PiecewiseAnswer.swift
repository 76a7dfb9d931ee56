// An answer that is made while its reader takes it: statistics of ten thousand servers, a ring of log lines. What a client
// that does not read holds is one piece and a position, not the whole text.

public import Basics

/// Makes a text piece by piece, in order.
public protocol PieceProducer {
    /// Appends the next piece to `out`, and returns whether there are more. A piece is a row or so, at most some 2 KiB: it is
    /// kept until the reader takes it. It may be empty.
    mutating func next(into out: inout [UInt8], at now: Instant) -> Bool
}

/// A text in the making, with the bytes of its current piece that found no room yet.
///
/// Neither its length nor its values are known beforehand: each piece says what is true when it is made.
public final class PiecewiseAnswer {
    private var producer: (any PieceProducer)?
    private var piece: [UInt8]
    /// Bytes of `piece` that were handed out.
    private var taken = 0
    /// The capacity in bytes with which `piece` serves again: that of a row and its growth.
    private static let capacityKept = 4_096
    /// What follows the last piece.
    private var end: [UInt8]

    /// - Parameters:
    ///   - text: what precedes the first piece.
    ///   - end: what follows the last one.
    public init(_ producer: (any PieceProducer)?, after text: [UInt8] = [], end: [UInt8] = []) {
        self.producer = producer
        piece = text
        self.end = end
    }

    /// Appends as much as `out` has room for, at most `limit` bytes, and returns whether there is more to come. `out` needs a
    /// block (`ByteBuffer.acquire`), else nothing fits.
    ///
    /// If it returns false, the last byte is in `out`. If it returns true, call it again when `out` has room; it may have
    /// appended nothing where there is room for a few bytes only.
    public func fill(_ out: inout ByteBuffer, limit: Int = .max, at now: Instant) -> Bool {
        let target = out.count + min(limit, out.room)
        while true {
            let count = min(piece.count - taken, target - out.count)
            if count > 0 {
                let fits = unsafe out.append(piece.span.bytes.extracting(taken..<taken + count))
                precondition(fits, "\(count) bytes do not fit into room for \(out.room)")
                taken += count
            }
            guard taken == piece.count else { return true }
            taken = 0
            guard producer != nil || !end.isEmpty else {
                piece = []
                return false
            }
            // Without room the next piece would only be held.
            guard out.count < target else {
                piece = []
                return true
            }
            // What precedes the pieces may be long; its memory is not kept for them.
            piece.removeAll(keepingCapacity: piece.capacity <= Self.capacityKept)
            makePiece(at: now)
        }
    }

    private func makePiece(at now: Instant) {
        if let more = producer?.next(into: &piece, at: now) {
            if !more { producer = nil }
        } else {
            swap(&piece, &end)
        }
    }

    /// The rest of the text at once.
    public func drain(at now: Instant) -> [UInt8] {
        var text = Array(piece[taken...])
        while producer?.next(into: &text, at: now) == true {}
        producer = nil
        text += end
        (piece, taken, end) = ([], 0, [])
        return text
    }
}
