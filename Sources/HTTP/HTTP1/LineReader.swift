// The lines of a head: where each ends, and that it holds no control characters (RFC 9112 section 2.2).
//
// A line ends with CR LF. A bare CR is refused, because hops differ in what they take it for; and so is a bare LF, but
// for heads of servers, and of clients for which the configuration asks for it (RFC 9112 section 2.2 lets a recipient
// take LF for the end of a line). Looking for the line's end and for control characters is one pass.

internal import Basics

/// A fault and the byte that it was found at.
struct Offence: Error {
    var fault: MessageFault
    var offset: Int
}

/// Finds the lines of one head in pieces of input.
struct LineReader: Sendable {
    /// Bytes of the head in lines already read.
    private(set) var taken = 0
    /// Bytes of the unfinished line in which there is nothing of interest.
    private var scanned = 0

    enum Line {
        /// The line without its end, and where the next one begins: two bytes behind it, or one behind a bare LF.
        case complete(Range<Int>, next: Int)
        /// The input has ended inside the line.
        case needMore
        /// The head is longer than allowed: its first byte too many is at this offset.
        case tooLong(at: Int)
        case failed(Offence)
    }

    /// The line of `input` that begins at `start`. After `needMore`, the next call's input begins with the same line.
    @inline(__always)
    mutating func next(_ input: RawSpan, from start: Int, headBytesMax: Int, takesLineFeed: Bool) -> Line {
        let end = min(input.byteCount, start &+ headBytesMax &- taken)
        var index = start &+ scanned
        while true {
            index = input.firstIndex(in: index..<end, where: EightBytes.control)
            if index == end {
                if end < input.byteCount { return .tooLong(at: end) }
                scanned = index &- start
                return .needMore
            }
            switch input[index] {
            case 0x0D:
                if index &+ 1 == end {
                    if end < input.byteCount { return .tooLong(at: end) }
                    scanned = index &- start
                    return .needMore
                }
                guard input[index &+ 1] == 0x0A else {
                    return .failed(Offence(fault: .bareCarriageReturn, offset: index))
                }
                scanned = 0
                taken &+= index &+ 2 &- start
                return .complete(start..<index, next: index &+ 2)
            case 0x0A:
                guard takesLineFeed else { return .failed(Offence(fault: .bareLineFeed, offset: index)) }
                scanned = 0
                taken &+= index &+ 1 &- start
                return .complete(start..<index, next: index &+ 1)
            case 0x09: index &+= 1
            default: return .failed(Offence(fault: .controlCharacter, offset: index))
            }
        }
    }

    /// Forgets the lines read so far: they were not part of the head after all.
    mutating func restart() {
        taken = 0
        scanned = 0
    }
}
