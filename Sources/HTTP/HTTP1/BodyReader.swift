// A received body, read out of its framing where it lies in its sender's buffer.

public import Basics

/// The content of one message as it comes in. It keeps no content; trailers it keeps if they are to be passed on.
public struct BodyReader: Sendable {
    public enum Step: Equatable, Sendable {
        /// This many bytes at the front of the input are content: consume them before the next step.
        case content(Int)
        /// Everything in the input was used up, or is the beginning of a piece of framing: more is needed.
        case needsInput
        /// A piece of framing is longer than the window.
        case needsRoom
        /// All content and the framing behind it have been read.
        case end
        case failed(MessageFault)
    }

    private var decoder: BodyDecoder
    private var keepsTrailers: Bool
    /// The trailer section as it was received, with its empty line; nil for almost all bodies, whose copies then count no references.
    public private(set) var trailers: [UInt8]?

    /// - Parameters:
    ///   - isLenient: whether chunks that a server has padded are accepted, see `BodyDecoder`.
    ///   - keepsTrailers: whether `trailers` is filled.
    public init(_ framing: BodyFraming, lenient isLenient: Bool = false, keepsTrailers: Bool = true) {
        decoder = BodyDecoder(framing, lenient: isLenient)
        self.keepsTrailers = keepsTrailers
    }

    /// Whether the end has been read.
    public var isComplete: Bool { decoder.isComplete }

    /// Bytes that are still to come of a body without framing; nil for other bodies.
    public var plainBytes: UInt64? { decoder.remainingLength }

    /// The next `count` bytes of a body without framing have gone by elsewhere.
    public mutating func pass(_ count: Int) { decoder.skip(UInt64(count)) }

    /// From now on trailers are read and forgotten. For a body of which nothing has been read yet.
    public mutating func dropTrailers() { keepsTrailers = false }

    /// Consumes framing at the front of `input` and says what comes behind it.
    /// - Parameter limit: bytes of `input` that are looked at, at most.
    public mutating func next(_ input: inout ByteBuffer, window limit: Int = .max) -> Step {
        while !decoder.isComplete {
            let window = min(input.count, limit)
            switch decoder.next(input.readable.extracting(first: window)) {
            case .data(let skip, let count):
                input.consume(skip)
                return .content(count)
            case .needMore(let skip):
                input.consume(skip)
                if skip == 0 && window < input.count { return .needsRoom }
                if input.isEmpty || skip == 0 { return .needsInput }
            case .trailers(let skip, let count):
                input.consume(skip)
                if keepsTrailers { trailers = (trailers ?? []) + Self.bytes(of: input, first: count) }
                input.consume(count)
            case .end(let skip): input.consume(skip)
            case .failed(let fault): return .failed(fault)
            }
        }
        return .end
    }

    private static func bytes(of input: borrowing ByteBuffer, first count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(input.readable.extracting(first: count))
        return bytes
    }

    /// Throws away what is here of a body that is not passed on; false if more of it is to come, or it is malformed.
    public mutating func discard(from input: inout ByteBuffer) -> Bool {
        keepsTrailers = false
        while true {
            switch next(&input) {
            case .content(let count): input.consume(count)
            case .end: return true
            case .needsInput, .needsRoom, .failed: return false
            }
        }
    }

    /// The sender closed: whether that is how its body ends; false if the body is cut short.
    public mutating func inputEnded() -> Bool { decoder.inputEnded() }

    /// Nothing comes behind what was read: whether the body ends so. `trailers` are those that its sender's framing has apart.
    public mutating func inputEnded(trailers: [UInt8]?) -> Bool {
        guard decoder.inputEnded() else { return false }
        if keepsTrailers { self.trailers = trailers }
        return true
    }

    /// Appends a copy of the content that is in `input`, whose first byte is the body's first, to `out`. What is wrong with it is
    /// found when the body is passed on.
    public static func copyContent(
        of input: borrowing ByteBuffer, _ framing: BodyFraming, lenient isLenient: Bool = false, to out: inout [UInt8]
    ) {
        var decoder = BodyDecoder(framing, lenient: isLenient)
        var seen = 0
        while !decoder.isComplete {
            switch decoder.next(input.readable.extracting(seen..<input.count)) {
            case .data(let skip, let count):
                out.append(input.readable.extracting(seen + skip..<seen + skip + count))
                seen += skip + count
            case .trailers(let skip, let count): seen += skip + count
            case .needMore, .end, .failed: return
            }
        }
    }
}

/// Looks for the end of a body that stays where it is.
public struct BodyProbe: Sendable {
    private var decoder: BodyDecoder
    /// Bytes looked at before.
    private var seen = 0
    /// Bytes of content among them.
    public private(set) var contentBytes = 0

    public enum Found: Equatable, Sendable { case whole, needsMore, failed(MessageFault) }

    public init(_ framing: BodyFraming, lenient isLenient: Bool = false) {
        decoder = BodyDecoder(framing, lenient: isLenient)
    }

    /// Looks on. `input` begins with the body each time.
    public mutating func look(at input: borrowing ByteBuffer) -> Found {
        while !decoder.isComplete {
            switch decoder.next(input.readable.extracting(seen..<input.count)) {
            case .data(let skip, let count):
                seen += skip + count
                contentBytes += count
            case .trailers(let skip, let count): seen += skip + count
            case .needMore(let skip):
                seen += skip
                return .needsMore
            case .end: return .whole
            case .failed(let fault): return .failed(fault)
            }
        }
        return .whole
    }
}
