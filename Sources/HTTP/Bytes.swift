// Small questions about bytes that this room asks often.
// Those that every room asks are in Basics.

internal import Basics
internal import Glibc

extension [UInt8] {
    /// The bytes of the array.
    @inlinable var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // Safe: bytes have no padding, which is all that `Span.bytes` warns of.
            unsafe span.bytes
        }
    }

    /// Makes `bytes` the array's first bytes and leaves those behind them: where one text replaces the other all the
    /// time, that costs a third of emptying the array and appending.
    mutating func overwrite(with bytes: RawSpan) {
        if count < bytes.byteCount { append(contentsOf: repeatElement(0, count: bytes.byteCount - count)) }
        unsafe withUnsafeMutableBytes { room in
            unsafe bytes.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
        }
    }
}

extension StaticString {
    /// The bytes of the text; they live for ever.
    var bytes: RawSpan {
        @_lifetime(immortal)
        get {
            let span = unsafe RawSpan(_unsafeStart: utf8Start, byteCount: utf8CodeUnitCount)
            return unsafe _overrideLifetime(span, borrowing: ())
        }
    }
}

extension RawSpan {
    /// Whether both hold the same bytes.
    func isSame(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        return unsafe withUnsafeBytes { a in
            unsafe other.withUnsafeBytes { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return true }
                return unsafe memcmp(a, b, byteCount) == 0
            }
        }
    }

    /// Whether both hold the same bytes, ASCII letters compared without case.
    func isSameIgnoringCase(as other: RawSpan) -> Bool {
        if isSame(as: other) { return true }
        guard byteCount == other.byteCount else { return false }
        for i in 0..<byteCount where asciiLowercased(self[i]) != asciiLowercased(other[i]) { return false }
        return true
    }

    /// A copy in lower case.
    var lowercased: [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(byteCount)
        for i in 0..<byteCount { copy.append(asciiLowercased(self[i])) }
        return copy
    }

    /// Without the spaces and tabs at both ends (OWS, RFC 9110 section 5.6.3).
    var withoutOuterSpace: RawSpan {
        @_lifetime(copy self)
        get { extracting(trimmed(0..<byteCount)) }
    }

    /// `range` without the spaces and tabs at both ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isSpace(self[start]) { start += 1 }
        while start < end, isSpace(self[end - 1]) { end -= 1 }
        return start..<end
    }

    /// The index of the first `byte` in `range`; nil if there is none.
    func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        let index = firstIndex(in: range) { EightBytes.equal($0, byte) }
        return index < range.upperBound ? index : nil
    }
}

/// SP or HTAB (RFC 5234 WSP).
@inline(__always)
func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
