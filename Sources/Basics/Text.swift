// Text as bytes: formatting and parsing numbers, comparing ASCII without a locale.

/// The byte in lower case if it is an ASCII letter; any other byte unchanged.
@inlinable public func asciiLowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}

/// A word with bit 0x20 set in each byte of `word` that is a lower-case ASCII letter: the bit that differs in a
/// capital.
@inlinable func caseBits(of word: UInt64) -> UInt64 {
    let low = word & 0x7F7F_7F7F_7F7F_7F7F
    let fromA = low &+ 0x1F1F_1F1F_1F1F_1F1F  // 0x61 + 0x1F sets the top bit
    let pastZ = low &+ 0x0505_0505_0505_0505  // 0x7B + 0x05 sets it
    return (fromA & ~pastZ & ~word & 0x8080_8080_8080_8080) &>> 2
}

extension [UInt8] {
    /// Appends `value` in decimal, with leading zeros up to `width` digits.
    @inlinable public mutating func append(decimal value: Int, width: Int = 0) {
        if value < 0 { append(0x2D) }
        append(decimal: value.magnitude, width: width)
    }

    @inlinable public mutating func append(decimal value: some UnsignedInteger & FixedWidthInteger, width: Int = 0) {
        var rest = UInt64(value)
        var digits = 1
        var power: UInt64 = 1
        while rest / power >= 10 {
            power *= 10
            digits += 1
        }
        if width > digits { append(contentsOf: repeatElement(0x30, count: width - digits)) }
        while power > 0 {
            append(UInt8(truncatingIfNeeded: rest / power) &+ 0x30)
            rest %= power
            power /= 10
        }
    }

    /// Appends `value` in lower-case hexadecimal without leading zeros.
    public mutating func append(hexadecimal value: UInt64) {
        var shift = value == 0 ? 0 : (63 - value.leadingZeroBitCount) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15
            append(digit < 10 ? digit &+ 0x30 : digit &+ 0x57)
            shift -= 4
        }
    }

    @inlinable public mutating func append(_ text: StaticString) {
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inlinable public mutating func append(_ text: String) { append(contentsOf: text.utf8) }

    @inlinable public mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}

extension RawSpan {
    /// The byte at `index`. Traps if it is out of bounds.
    @inlinable public subscript(_ index: Int) -> UInt8 {
        Swift.precondition(index >= 0 && index < byteCount)
        return unsafe unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
    }

    /// Whether the bytes equal `text`, ignoring the case of ASCII letters. `text` must be in lower case.
    @inlinable public func equalsIgnoringCase(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard byteCount == count else { return false }
        var index = 0
        while index &+ 8 <= count {
            // Safe: the eight bytes are inside both.
            let mine = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
            let other = unsafe UnsafeRawPointer(text.utf8Start).loadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard (mine ^ other) & ~caseBits(of: other) == 0 else { return false }
            index &+= 8
        }
        while index < count {
            let mine = unsafe unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
            guard unsafe asciiLowercased(mine) == text.utf8Start[index] else { return false }
            index &+= 1
        }
        return true
    }

    @inlinable public func isEqual(to other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        for i in 0..<byteCount where self[i] != other[i] { return false }
        return true
    }

    @inlinable public func equals(_ text: StaticString) -> Bool {
        guard byteCount == text.utf8CodeUnitCount else { return false }
        for i in 0..<byteCount
        where unsafe unsafeLoad(fromUncheckedByteOffset: i, as: UInt8.self) != text.utf8Start[i] {
            return false
        }
        return true
    }

    /// The value of the bytes as a decimal number; nil unless all are digits (no sign, no space) and it fits in 64
    /// bits.
    public var decimalValue: UInt64? {
        guard byteCount > 0 else { return nil }
        var value: UInt64 = 0
        for i in 0..<byteCount {
            let digit = self[i] &- 0x30
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// The bytes decoded as UTF-8, with U+FFFD for invalid sequences.
    public var text: String { unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
}

// MARK: - Bytes

extension RawSpan {
    /// The index of the first byte at or after `start` that passes the test; `byteCount` if there is none.
    @inlinable @inline(__always)
    public func firstIndex(from start: Int, where test: (UInt8) -> Bool) -> Int {
        precondition(start >= 0, "a search from \(start)")
        var i = start
        // Safe: i is below byteCount.
        while i < byteCount, !test(unsafe unsafeLoad(fromUncheckedByteOffset: i, as: UInt8.self)) { i &+= 1 }
        return i
    }
}

extension [UInt8] {
    /// Limit for the capacity that `empty` keeps: more is rarely needed, and too much for each of many exchanges.
    @usableFromInline static var capacityKept: Int { 64 << 10 }

    /// Removes all bytes. Keeps the memory up to `capacityKept` bytes.
    public mutating func empty() {
        // Fast path: usually there is nothing to do, and this check is cheaper than the library's.
        if isEmpty && capacity <= Self.capacityKept { return }
        removeAll(keepingCapacity: capacity <= Self.capacityKept)
    }
}
