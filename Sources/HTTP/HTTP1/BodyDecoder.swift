// Decodes the framing of a message body: input bytes in, ranges of content out.
//
// The decoder stores no input. It consumes framing byte by byte as it arrives, so that an endless chunk extension or
// trailer section needs no memory. Chunk extensions are validated, bounded and dropped; trailers are validated,
// bounded and reported (RFC 9112 section 7.1).
//
// A request body is parsed strictly: every line ends with CR LF and a chunk size consists of digits only. If two hops
// disagreed about where a chunk ends, a client could smuggle a request inside a body. A response body may be parsed
// leniently, because some servers pad sizes with blanks or zeros or end lines with LF. Even then the end of each
// chunk is unambiguous.

internal import Basics

/// A decoder for the body of one message.
public struct BodyDecoder: Sendable {
    /// How the next bytes of the input are to be treated.
    public enum Step: Equatable, Sendable {
        /// After dropping `skip` bytes of framing, the next `count` bytes are content.
        case data(skip: Int, count: Int)
        /// After dropping `skip` bytes of framing, the next `count` bytes belong to the trailer section: validated
        /// field lines, finally the empty line. Not reported for a section without fields.
        case trailers(skip: Int, count: Int)
        /// Drop `skip` bytes; then more input is needed.
        case needMore(skip: Int)
        /// Drop `skip` bytes; then the body is complete, and the remaining input belongs to the next message.
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
    /// Bytes of content still expected, of the body or of the current chunk. After a failure, the offset of the fault.
    private var remaining: UInt64 = 0
    /// Bytes so far of the current chunk's size, of its extensions, or of the trailer section.
    private var framingBytes = 0
    /// Whether the trailer section has at least one field.
    private var hasTrailers = false

    /// Limit for the extensions of one chunk, in bytes. They are dropped anyway; none in use is longer than a
    /// signature.
    public static let chunkExtensionBytesMax = 256
    /// Limit for the trailer section, in bytes: half of the default limit for a head.
    public static let trailerBytesMax = 8_192
    /// Limit for the hexadecimal digits of a chunk size: a 64-bit number.
    private static let sizeDigitsMax = 16
    /// Limit for a chunk size including leading zeros and trailing blanks, in lenient mode: some servers print the size
    /// into a fixed field of ten or sixteen characters.
    private static let paddedSizeBytesMax = 64

    /// - Parameter isLenient: whether to accept blanks after a chunk size, more than 16 digits if the first ones are
    ///   zeros, and lines that end with LF alone. For responses only.
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

    /// Whether the body is complete. A body delimited by the connection's close is complete after `inputEnded`.
    public var isComplete: Bool { phase == .complete }

    /// Bytes still expected of a body with a declared length; nil for other framings.
    public var remainingLength: UInt64? {
        switch phase {
        case .content: remaining
        case .complete: 0
        default: nil
        }
    }

    /// The next `count` bytes of a body with a declared length have gone by elsewhere; at most `remainingLength`.
    public mutating func skip(_ count: UInt64) {
        precondition(
            phase == .content && count <= remaining, "\(count) bytes are skipped of \(remaining) while \(phase)")
        remaining -= count
        if remaining == 0 { phase = .complete }
    }

    /// The offset of the faulty byte in the input of the call that failed.
    public var faultOffset: Int { phase == .failed ? Int(remaining) : 0 }

    /// Records the end of the input. Returns whether the body may end there.
    public mutating func inputEnded() -> Bool {
        if phase == .untilClose { phase = .complete }
        return phase == .complete
    }

    /// Examines the bytes not yet consumed. The caller consumes what the returned step says, then calls again.
    public mutating func next(_ input: RawSpan) -> Step {
        switch phase {
        case .content:
            let step = content(skip: 0, of: input)
            if remaining == 0 { phase = .complete }
            return step
        case .untilClose: return input.byteCount == 0 ? .needMore(skip: 0) : .data(skip: 0, count: input.byteCount)
        case .complete: return .end(skip: 0)
        case .failed: preconditionFailure("a body decoder was used after it had failed")
        default: return chunked(input)
        }
    }

    /// The step for content that starts at `skip`: as much as the input holds.
    @inline(__always)
    private mutating func content(skip: Int, of input: RawSpan) -> Step {
        let count = Int(min(remaining, UInt64(input.byteCount &- skip)))
        remaining &-= UInt64(count)
        return count == 0 ? .needMore(skip: skip) : .data(skip: skip, count: count)
    }

    /// Consumes framing up to content, the body's end, a fault, or the end of the input.
    private mutating func chunked(_ input: RawSpan) -> Step {
        var index = 0
        // Where the trailer section starts, or continues, in this input; -1 before it.
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
            if let fault = consume(input[index]) {
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

    /// Consumes one byte of framing. Returns the fault if the byte is not allowed here.
    @inline(__always)
    private mutating func consume(_ byte: UInt8) -> MessageFault? {
        switch phase {
        case .sizeStart, .size, .sizeBlanks: return consumeSize(byte)
        case .extensions: return consumeExtension(byte)
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
        case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .lastLineFeed: return consumeTrailer(byte)
        case .content, .untilClose, .chunkData, .complete, .failed:
            preconditionFailure("\(phase) has no framing bytes")
        }
    }

    /// Called at the end of the line with a chunk's size.
    private mutating func endSizeLine() {
        phase = remaining == 0 ? .trailerStart : .chunkData
        framingBytes = 0
        hasTrailers = false
    }

    /// `1*HEXDIG`, then an extension or the line's end: no sign, no prefix; no space in strict mode.
    @inline(__always)
    private mutating func consumeSize(_ byte: UInt8) -> MessageFault? {
        let digit = hexValue(byte)
        if digit < 16, phase != .sizeBlanks {
            if phase == .sizeStart {
                phase = .size
                remaining = 0
                framingBytes = 0
            }
            framingBytes &+= 1
            if framingBytes > Self.sizeDigitsMax {
                // Leading zeros do not make the number larger: only its value counts.
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
        case 0x20 where isLenient, 0x09 where isLenient: return consumeSizeBlank()
        default: return .invalidChunkSize
        }
        framingBytes = 1
        return nil
    }

    /// White space after a chunk size (lenient mode): BWS, which RFC 9110 section 5.6.3 tells recipients to remove.
    private mutating func consumeSizeBlank() -> MessageFault? {
        phase = .sizeBlanks
        framingBytes += 1
        return framingBytes > Self.paddedSizeBytesMax ? .invalidChunkSize : nil
    }

    private mutating func consumeExtension(_ byte: UInt8) -> MessageFault? {
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

    /// Field lines as in a head, up to an empty line.
    private mutating func consumeTrailer(_ byte: UInt8) -> MessageFault? {
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
