// Byte-span helpers used throughout this module: comparison, trimming, searching. More general ones are in Basics.

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

    /// Overwrites the start of the array with `bytes`, growing it if needed, and keeps what follows. When one text
    /// replaces another for every message, this costs a third of clearing the array and appending.
    mutating func overwrite(with bytes: RawSpan) {
        if count < bytes.byteCount { append(contentsOf: repeatElement(0, count: bytes.byteCount - count)) }
        unsafe withUnsafeMutableBytes { room in
            unsafe bytes.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
        }
    }
}

extension StaticString {
    /// The bytes of the text; their lifetime is static.
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

    /// Whether both hold the same bytes, ignoring the case of ASCII letters.
    public func isSameIgnoringCase(as other: RawSpan) -> Bool {
        if isSame(as: other) { return true }
        guard byteCount == other.byteCount else { return false }
        for i in 0..<byteCount where asciiLowercased(self[i]) != asciiLowercased(other[i]) { return false }
        return true
    }

    /// A copy with ASCII letters in lower case.
    var lowercased: [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(byteCount)
        for i in 0..<byteCount { copy.append(asciiLowercased(self[i])) }
        return copy
    }

    /// The span without leading and trailing spaces and tabs (OWS, RFC 9110 section 5.6.3).
    var withoutOuterSpace: RawSpan {
        @_lifetime(copy self)
        get { extracting(trimmed(0..<byteCount)) }
    }

    /// `range` without leading and trailing spaces and tabs.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isSpace(self[start]) { start += 1 }
        while start < end, isSpace(self[end - 1]) { end -= 1 }
        return start..<end
    }

    /// The index of the first `byte` in `range`, or nil.
    func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        let index = firstIndex(in: range) { EightBytes.equal($0, byte) }
        return index < range.upperBound ? index : nil
    }
}

/// SP or HTAB (RFC 5234 WSP).
@inline(__always)
func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
