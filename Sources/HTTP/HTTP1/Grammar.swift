// Character classes of RFC 9110 and RFC 3986, and tests on eight bytes at once (SWAR).
//
// A set is a bit mask of two words: testing a byte is a shift and needs no table in memory. The unit tests derive
// every set from its grammar rule and compare.

internal import Basics

/// A set of ASCII characters.
@usableFromInline
struct ByteSet {
    @usableFromInline let low: UInt64
    @usableFromInline let high: UInt64

    @inlinable init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inlinable
    func contains(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? low : byte < 128 ? high : 0
        return word &>> UInt64(byte & 63) & 1 != 0
    }

    /// tchar (RFC 9110 section 5.6.2): the characters of methods and field names.
    @inlinable static var token: ByteSet { ByteSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }

    /// The characters of field names in HTTP/2: tchar without letters in upper case (RFC 9113 section 8.2.1).
    @inlinable static var lowerCaseToken: ByteSet { ByteSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C000_0000) }

    /// The characters of a reg-name, including `%` (RFC 3986 section 3.2.2): unreserved, sub-delims, pct-encoded.
    @inlinable static var regName: ByteSet { ByteSet(low: 0x2BFF_7FF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }

    /// The characters between the brackets of an IP literal (RFC 3986 section 3.2.2).
    @inlinable static var ipLiteral: ByteSet { ByteSet(low: 0x2FFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }

    /// The characters of a scheme after its first letter (RFC 3986 section 3.1).
    @inlinable static var scheme: ByteSet { ByteSet(low: 0x03FF_6800_0000_0000, high: 0x07FF_FFFE_07FF_FFFE) }
}

/// Tests on the eight bytes of a word. Each function returns a word in which the top bit of every matching byte is set,
/// and no other bit.
enum EightBytes {
    private static var tops: UInt64 { 0x8080_8080_8080_8080 }
    private static var ones: UInt64 { 0x0101_0101_0101_0101 }

    @inline(__always)
    private static func low7(_ word: UInt64) -> UInt64 { word & ~tops }

    /// Bytes that are `byte`, which is below 0x80.
    @inline(__always)
    static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (ones &* UInt64(byte))
        return ~(low7(difference) &+ ~tops | difference) & tops
    }

    /// Bytes that are control characters (RFC 5234 CTL), HTAB included.
    @inline(__always)
    static func control(_ word: UInt64) -> UInt64 {
        let atLeast20 = low7(word) &+ ones &* 0x60
        let is7F = low7(word) &+ ones
        return (~atLeast20 | is7F) & ~word & tops
    }

    /// Bytes that are not allowed in a request target: controls, space, `#`, and everything from 0x7F.
    @inline(__always)
    static func notInTarget(_ word: UInt64) -> UInt64 {
        let atLeast21 = low7(word) &+ ones &* 0x5F
        let is7F = low7(word) &+ ones
        return (~atLeast21 | is7F | word | equal(word, 0x23)) & tops
    }

    /// Bytes that are neither ASCII letters nor `-`. `lowered` is `word` with bit 0x20 set in every byte.
    @inline(__always)
    static func notLetterOrDash(_ word: UInt64, lowered: UInt64) -> UInt64 {
        let fromA = low7(lowered) &+ ones &* 0x1F  // 0x61 + 0x1F sets the top bit
        let pastZ = low7(lowered) &+ ones &* 0x05  // 0x7B + 0x05 sets it
        return ~(fromA & ~pastZ & ~word | equal(word, 0x2D)) & tops
    }

    /// The word with its ASCII letters in lower case.
    @inline(__always)
    static func lowercased(_ word: UInt64) -> UInt64 {
        let fromA = low7(word) &+ ones &* 0x3F  // 0x41 + 0x3F sets the top bit
        let pastZ = low7(word) &+ ones &* 0x25  // 0x5B + 0x25 sets it
        return word | (fromA & ~pastZ & ~word & tops) &>> 2
    }

    /// The number of bytes before the first marked one; `marks` must not be 0.
    @inline(__always)
    static func firstIndex(_ marks: UInt64) -> Int { marks.trailingZeroBitCount &>> 3 }
}

extension RawSpan {
    /// The index of the first byte in `range` that `marks` matches, or `range.upperBound`.
    ///
    /// `marks` must not match the letter `a`, which pads the last word.
    @inline(__always)
    func firstIndex(in range: Range<Int>, where marks: (UInt64) -> UInt64) -> Int {
        precondition(range.upperBound <= byteCount, "scanning \(range) of \(byteCount) bytes")
        var index = range.lowerBound
        while index &+ 8 <= range.upperBound {
            // Safe: the eight bytes end inside the range, and the range inside the span.
            let found = marks(unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
            if found != 0 { return index &+ EightBytes.firstIndex(found) }
            index &+= 8
        }
        let left = range.upperBound &- index
        if left == 0 { return index }
        if range.upperBound >= 8 {
            // The last eight bytes before the end, ignoring those already tested.
            let start = range.upperBound &- 8
            let word = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: start, as: UInt64.self)
            let found = marks(word) & ~0 &<< UInt64((8 &- left) &* 8)
            return found == 0 ? range.upperBound : start &+ EightBytes.firstIndex(found)
        }
        var word: UInt64 = 0x6161_6161_6161_6161
        for i in 0..<left {
            let shift = UInt64(i * 8)
            word = word & ~(0xFF &<< shift) | UInt64(self[index + i]) &<< shift
        }
        let found = marks(word)
        return found == 0 ? range.upperBound : index &+ EightBytes.firstIndex(found)
    }

    /// Whether every byte of `range` is in `set`.
    func all(in range: Range<Int>, are set: ByteSet) -> Bool {
        for i in range where !set.contains(self[i]) { return false }
        return true
    }
}
