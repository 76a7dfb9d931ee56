// Takes a body out of its framing: input bytes go in, stretches of content come out.
//
// The decoder keeps a few words and no bytes: what is framing is eaten byte by byte as it comes, so that neither an
// endless chunk extension nor an endless trailer needs room. Chunk extensions are checked, bounded and dropped,
// trailers checked, bounded and shown (RFC 9112 section 7.1).
//
// In a client's body every line end is exactly CR LF and a size is nothing but digits: where hops differ in what they
// take for the end of a chunk, a client can hide a request in a body. A server that is ours has nothing to gain from
// that, and some pad sizes with blanks or zeros, or end lines with LF: `lenient` takes these. Where the chunk ends is
// certain all the same.

internal import Basics

/// The decoder of one body.
public struct BodyDecoder: Sendable {
    /// What the next bytes of the input are.
    public enum Step: Equatable, Sendable {
        /// After dropping `skip` bytes of framing, the next `count` bytes are content.
        case data(skip: Int, count: Int)
        /// After dropping `skip` bytes of framing, the next `count` bytes belong to the trailer section: field lines that were
        /// checked, and at last the empty line. Not said of a section without fields.
        case trailers(skip: Int, count: Int)
        /// Drop `skip` bytes; then more input is needed.
        case needMore(skip: Int)
        /// Drop `skip` bytes; then the body is complete, and what follows belongs to the next message.
        case end(skip: Int)
        case failed(MessageFault)
    }

    private enum Phase: UInt8 {
        case content, untilClose
        case sizeStart, size, sizeBlanks, extensions, sizeLineFeed, chunkData, dataReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, lastLineFeed
        case complete, failed
    }

    private var phase: Phase
    private let isLenient: Bool
    /// Bytes of content to come: of the whole body, or of the chunk. After a failure, where it was.
    private var remaining: UInt64 = 0
    /// Bytes of the present chunk's size digits, of its extensions, or of the trailers.
    private var framingBytes = 0
    /// A trailer field has begun.
    private var hasTrailers = false

    /// Bytes of extensions at one chunk: none in use is longer than a signature, and they are only thrown away.
    public static let chunkExtensionBytesMax = 256
    /// Bytes of all trailers: half of what a head may have.
    public static let trailerBytesMax = 8_192
    /// Digits of a chunk's size: a number of 64 bits.
    private static let sizeDigitsMax = 16
    /// The same with zeros before it and blanks behind it, in a body that is read leniently: some servers print the
    /// size into a field of ten characters or of sixteen.
    private static let paddedSizeBytesMax = 64

    /// - Parameter isLenient: whether blanks behind a chunk's size, zeros before it, and lines that end with LF alone are
    ///   accepted. For responses only.
    public init(_ framing: BodyFraming, lenient isLenient: Bool = false) {
        self.isLenient = isLenient
        switch framing {
        case .none: phase = .complete
        case .length(let length):
            remaining = length
            phase = length == 0 ? .complete : .content
        case .chunked: phase = .sizeStart
        case .untilClose: phase = .untilClose
        }
    }

    /// Whether the end of the body was seen. A body that the connection's end ends is complete after `inputEnded`.
    public var isComplete: Bool { phase == .complete }

    /// Bytes still to come of a body whose length was declared; nil for other framings.
    public var remainingLength: UInt64? {
        switch phase {
        case .content: remaining
        case .complete: 0
        default: nil
        }
    }

    /// The offset of the offence in the input of the call that failed.
    public var faultOffset: Int { phase == .failed ? Int(remaining) : 0 }

    /// The input has come to its end: whether the body may end there.
    public mutating func inputEnded() -> Bool {
        if phase == .untilClose { phase = .complete }
        return phase == .complete
    }

    /// Looks at the bytes not yet consumed. The caller consumes what the step says, then calls again.
    public mutating func next(_ input: RawSpan) -> Step {
        switch phase {
        case .content:
            let step = content(skip: 0, of: input)
            if remaining == 0 { phase = .complete }
            return step
        case .untilClose: return input.byteCount == 0 ? .needMore(skip: 0) : .data(skip: 0, count: input.byteCount)
        case .complete: return .end(skip: 0)
        case .failed: preconditionFailure("a body decoder was used on after it had failed")
        default: return chunked(input)
        }
    }

    /// The content at `skip`, as much of it as there is.
    @inline(__always)
    private mutating func content(skip: Int, of input: RawSpan) -> Step {
        let count = Int(min(remaining, UInt64(input.byteCount &- skip)))
        remaining &-= UInt64(count)
        return count == 0 ? .needMore(skip: skip) : .data(skip: skip, count: count)
    }

    /// Eats framing up to content, the end, a fault or the end of the input.
    private mutating func chunked(_ input: RawSpan) -> Step {
        var index = 0
        // Where the trailer section begins, or goes on.
        var sectionStart = isInTrailers ? 0 : -1
        while true {
            if phase == .chunkData {
                let step = content(skip: index, of: input)
                if remaining == 0 { phase = .dataReturn }
                return step
            }
            guard index < input.byteCount else {
                return hasTrailers && index > sectionStart
                    ? .trailers(skip: sectionStart, count: index - sectionStart) : .needMore(skip: index)
            }
            if let fault = take(input[index]) {
                phase = .failed
                remaining = UInt64(index)
                return .failed(fault)
            }
            index &+= 1
            if phase == .trailerStart, sectionStart < 0 { sectionStart = index }
            if phase == .complete {
                return hasTrailers
                    ? .trailers(skip: sectionStart, count: index - sectionStart) : .end(skip: index)
            }
        }
    }

    private var isInTrailers: Bool {
        switch phase {
        case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .lastLineFeed: true
        default: false
        }
    }

    /// One byte of framing.
    @inline(__always)
    private mutating func take(_ byte: UInt8) -> MessageFault? {
        switch phase {
        case .sizeStart, .size, .sizeBlanks: return takeSize(byte)
        case .extensions: return takeExtension(byte)
        case .sizeLineFeed:
            guard byte == 0x0A else { return .bareCarriageReturn }
            endSizeLine()
            return nil
        case .dataReturn:
            if byte == 0x0A, isLenient {
                phase = .sizeStart
                return nil
            }
            guard byte == 0x0D else { return .chunkNotClosed }
            phase = .dataLineFeed
            return nil
        case .dataLineFeed:
            guard byte == 0x0A else { return .chunkNotClosed }
            phase = .sizeStart
            return nil
        case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .lastLineFeed: return takeTrailer(byte)
        case .content, .untilClose, .chunkData, .complete, .failed:
            preconditionFailure("\(phase) has no framing bytes")
        }
    }

    /// The line with a chunk's size is over.
    private mutating func endSizeLine() {
        phase = remaining == 0 ? .trailerStart : .chunkData
        framingBytes = 0
        hasTrailers = false
    }

    /// `1*HEXDIG`, then an extension or the line's end: no sign, no prefix, no space.
    @inline(__always)
    private mutating func takeSize(_ byte: UInt8) -> MessageFault? {
        let digit = hexValue(byte)
        if digit < 16, phase != .sizeBlanks {
            if phase == .sizeStart {
                phase = .size
                remaining = 0
                framingBytes = 0
            }
            framingBytes &+= 1
            if framingBytes > Self.sizeDigitsMax {
                // Zeros in front are no reason why the number should not fit.
                guard isLenient, remaining &>> 60 == 0, framingBytes <= Self.paddedSizeBytesMax else {
                    return .chunkSizeTooLong
                }
            }
            remaining = remaining &<< 4 | UInt64(digit)
            return nil
        }
        guard phase != .sizeStart else { return .invalidChunkSize }
        switch byte {
        case 0x0D: phase = .sizeLineFeed
        case 0x3B: phase = .extensions
        case 0x0A where isLenient: endSizeLine()
        case 0x20 where isLenient, 0x09 where isLenient: return takeSizeBlank()
        default: return .invalidChunkSize
        }
        framingBytes = 1
        return nil
    }

    /// White space behind a size, which RFC 9110 section 5.6.3 tells recipients to remove.
    private mutating func takeSizeBlank() -> MessageFault? {
        phase = .sizeBlanks
        framingBytes += 1
        return framingBytes > Self.paddedSizeBytesMax ? .invalidChunkSize : nil
    }

    private mutating func takeExtension(_ byte: UInt8) -> MessageFault? {
        if byte == 0x0D {
            phase = .sizeLineFeed
            return nil
        }
        if byte == 0x0A, isLenient {
            endSizeLine()
            return nil
        }
        guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else {
            return byte == 0x0A ? .bareLineFeed : .invalidChunkExtension
        }
        framingBytes += 1
        return framingBytes > Self.chunkExtensionBytesMax ? .chunkExtensionTooLong : nil
    }

    /// Lines like those of a head, until an empty one.
    private mutating func takeTrailer(_ byte: UInt8) -> MessageFault? {
        framingBytes += 1
        if framingBytes > Self.trailerBytesMax { return .trailersTooLarge }
        switch phase {
        case .trailerStart:
            if byte == 0x0D {
                phase = .lastLineFeed
            } else if byte == 0x0A, isLenient {
                phase = .complete
            } else if ByteSet.token.contains(byte) {
                phase = .trailerName
                hasTrailers = true
            } else {
                return byte == 0x0A ? .bareLineFeed : .invalidTrailer
            }
        case .trailerName:
            if byte == 0x3A {
                phase = .trailerValue
            } else if !ByteSet.token.contains(byte) {
                return .invalidTrailer
            }
        case .trailerValue:
            if byte == 0x0D {
                phase = .trailerLineFeed
            } else if byte == 0x0A, isLenient {
                phase = .trailerStart
            } else if byte < 0x20 && byte != 0x09 || byte == 0x7F {
                return byte == 0x0A ? .bareLineFeed : .invalidTrailer
            }
        case .trailerLineFeed:
            guard byte == 0x0A else { return .bareCarriageReturn }
            phase = .trailerStart
        case .lastLineFeed:
            guard byte == 0x0A else { return .bareCarriageReturn }
            phase = .complete
        default: preconditionFailure("\(phase) is not in the trailers")
        }
        return nil
    }
}
