// What converters share: making new text out of text, and looking at a stretch of it.

internal import Basics

enum ConversionLimits {
    /// What one conversion makes is no longer than this; what would be is a conversion that failed. Sixteen times what a
    /// whole head may have, and a bound for chains that make text longer at each step.
    static let bytesMax = 256 << 10
}

extension ExchangeContext {
    /// Makes text out of other text: `write` reads the one and appends to the other. nil if it answers false, or if there
    /// is too much.
    @inline(__always)
    func convert(_ input: SampleBytes, _ write: (RawSpan, inout [UInt8]) -> Bool) -> SampleValue? {
        // Not straight into the scratch: what is read may be in it.
        var draft: [UInt8] = []
        swap(&draft, &conversion)
        defer { swap(&draft, &conversion) }
        draft.removeAll(keepingCapacity: true)
        guard withBytes(input, { write($0, &draft) }), draft.count <= ConversionLimits.bytesMax else { return nil }
        return .string(make { $0 += draft })
    }
}

extension SampleBytes {
    /// A stretch of these bytes.
    public func part(_ range: Range<Int>) -> SampleBytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count) bytes")
        return SampleBytes(source: source, start: start + range.lowerBound, count: range.count)
    }
}

extension RawSpan {
    /// Whether the byte is one of these.
    @inline(__always)
    public func contains(_ byte: UInt8) -> Bool {
        for i in 0..<byteCount where self[i] == byte { return true }
        return false
    }
}

/// The value of a digit; nil if it is none.
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
}

extension [UInt8] {
    /// Appends two digits in upper case.
    mutating func append(hexadecimal byte: UInt8) {
        append(hexadecimalDigit: byte >> 4)
        append(hexadecimalDigit: byte & 15)
    }

    private mutating func append(hexadecimalDigit digit: UInt8) {
        append(digit < 10 ? digit &+ 0x30 : digit &+ 0x37)
    }
}
