// Appends many small pieces of text to an array. They are collected on the stack and appended at once, because a log
// line has about a hundred small parts, and each append to an array checks uniqueness and capacity.

/// Appends to an array. Created by `TextWriter.append(to:)`, and valid until that returns.
@safe
public struct TextWriter: ~Copyable {
    /// The size of the buffer on the stack: enough for most lines.
    @inlinable static var chunkBytes: Int { 1_024 }

    // `used <= chunk.count` always holds.
    @usableFromInline let chunk: UnsafeMutableRawBufferPointer
    @usableFromInline var used = 0
    @usableFromInline var target: [UInt8] = []

    @inlinable init(chunk: UnsafeMutableRawBufferPointer) { unsafe self.chunk = unsafe chunk }

    /// Appends what `body` writes.
    @inlinable @inline(__always)
    public static func append(to out: inout [UInt8], _ body: (inout TextWriter) -> Void) {
        unsafe withUnsafeTemporaryAllocation(byteCount: chunkBytes, alignment: 1) { chunk in
            var writer = unsafe TextWriter(chunk: chunk)
            // Move the array in and out, so that it is uniquely referenced while it grows.
            swap(&writer.target, &out)
            body(&writer)
            writer.flush()
            swap(&writer.target, &out)
        }
    }

    /// The number of bytes in the array, including those written so far.
    @inlinable public var count: Int { target.count + used }

    @usableFromInline mutating func flush() {
        // Safe: the first `used` bytes were written.
        unsafe target.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<used]))
        used = 0
    }

    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        if used == Self.chunkBytes { flush() }
        // Safe: there is room for one byte.
        unsafe chunk.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
        used &+= 1
    }

    @inlinable @inline(__always)
    public mutating func append(_ bytes: RawSpan) {
        let size = bytes.byteCount
        if size > Self.chunkBytes &- used { return appendLong(bytes) }
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress, let room = unsafe chunk.baseAddress else { return }
            // Safe: there is room for `size` bytes.
            unsafe (room + used).copyMemory(from: start, byteCount: size)
        }
        used &+= size
    }

    @usableFromInline mutating func appendLong(_ bytes: RawSpan) {
        flush()
        target.append(bytes)
    }

    @inlinable @inline(__always)
    public mutating func append(_ bytes: [UInt8]) { unsafe append(bytes.span.bytes) }

    @inlinable @inline(__always)
    public mutating func append(_ text: StaticString) {
        // Safe: the bytes of a static string have static lifetime.
        unsafe append(RawSpan(_unsafeStart: UnsafeRawPointer(text.utf8Start), byteCount: text.utf8CodeUnitCount))
    }

    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // Safe: the span does not leave this closure.
            unsafe append(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes)))
        }
    }
}

/// Numbers, dates, addresses.
extension TextWriter {
    @inlinable @inline(__always)
    public mutating func append(number value: Int) {
        if value < 0 { append(0x2D) }
        append(number: UInt64(value.magnitude))
    }

    @inlinable @inline(__always)
    public mutating func append(number value: UInt64) {
        if value < 10 { append(0x30 &+ UInt8(truncatingIfNeeded: value)) } else { append(longNumber: value) }
    }

    @usableFromInline mutating func append(longNumber value: UInt64) {
        // The maximum has twenty digits.
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var start = 20
        var rest = value
        while rest > 0 {
            start &-= 1
            let tenth = rest / 10
            digits[start] = 0x30 &+ UInt8(truncatingIfNeeded: rest &- tenth &* 10)
            rest = tenth
        }
        unsafe append(digits.span.bytes.extracting(start..<20))
    }

    /// Appends exactly two digits, the lowest of the value; `threeDigits` and `fourDigits` likewise.
    @inlinable @inline(__always)
    public mutating func append(twoDigits value: Int) {
        append(0x30 &+ UInt8(truncatingIfNeeded: value / 10 % 10))
        append(0x30 &+ UInt8(truncatingIfNeeded: value % 10))
    }

    public mutating func append(threeDigits value: Int) {
        append(0x30 &+ UInt8(truncatingIfNeeded: value / 100 % 10))
        append(twoDigits: value)
    }

    public mutating func append(fourDigits value: Int) {
        append(twoDigits: value / 100)
        append(twoDigits: value)
    }

    /// Appends at least `width` digits in upper case, as for the flag X of log formats.
    public mutating func append(hexadecimal value: UInt64, width: Int) {
        var shift = max((63 - (value | 1).leadingZeroBitCount) / 4, width - 1) * 4
        while shift >= 0 {
            append(hexadecimalDigit: UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15)
            shift -= 4
        }
    }

    public mutating func append(hexadecimalDigits byte: UInt8) {
        append(hexadecimalDigit: byte &>> 4)
        append(hexadecimalDigit: byte & 15)
    }

    private mutating func append(hexadecimalDigit digit: UInt8) {
        append(digit < 10 ? digit &+ 0x30 : digit &+ 0x37)
    }

    public mutating func append(ip address: IPAddress) {
        switch address {
        case .v4(let word): append(v4: word)
        case .v6(0, let low) where low >> 32 == 0xFFFF || (low >> 32 == 0 && low > 0xFFFF):
            // An embedded IPv4 address (RFC 5952 section 5).
            append(low >> 32 == 0 ? "::" : "::ffff:")
            append(v4: UInt32(truncatingIfNeeded: low))
        case .v6(let high, let low): append(v6: high, low)
        }
    }

    private mutating func append(v4 word: UInt32) {
        append(number: UInt64(word &>> 24))
        append(0x2E)
        append(number: UInt64(word &>> 16 & 255))
        append(0x2E)
        append(number: UInt64(word &>> 8 & 255))
        append(0x2E)
        append(number: UInt64(word & 255))
    }

    /// Appends an IPv6 address in lower case, without leading zeros, and with `::` for the first of the longest runs of
    /// zero groups (RFC 5952 section 4).
    private mutating func append(v6 high: UInt64, _ low: UInt64) {
        func group(_ i: Int) -> UInt64 { (i < 4 ? high : low) &>> UInt64(48 - i % 4 * 16) & 0xFFFF }
        var gap = 0..<0
        var start = 0
        for i in 0...8 where i == 8 || group(i) != 0 {
            if i - start > max(1, gap.count) { gap = start..<i }
            start = i + 1
        }
        for i in 0..<8 {
            if gap.contains(i) {
                if i == gap.lowerBound { append("::" as StaticString) }
                continue
            }
            if i > 0, i != gap.upperBound || gap.isEmpty { append(0x3A) }
            var shift: UInt64 = 12
            while shift > 0, group(i) >> shift == 0 { shift -= 4 }
            while true {
                let digit = UInt8(truncatingIfNeeded: group(i) >> shift) & 15
                append(digit < 10 ? digit &+ 0x30 : digit &+ 0x57)
                if shift == 0 { break }
                shift -= 4
            }
        }
    }

    /// Appends `21/Nov/2026:07:15:25`.
    public mutating func append(logDate civil: CivilTime) {
        append(twoDigits: civil.day)
        append(0x2F)
        append(CivilTime.monthNames[civil.month - 1])
        append(0x2F)
        append(fourDigits: civil.year)
        append(0x3A)
        append(clock: civil)
    }

    /// Appends `21/Nov/2026:07:15:25.196`.
    /// - Parameter time: the moment that `civil` shows; its milliseconds are appended.
    public mutating func append(logDate civil: CivilTime, withMillisecondsOf time: WallTime) {
        append(logDate: civil)
        append(0x2E)
        append(threeDigits: time.microseconds / 1_000)
    }

    /// Appends `2026-11-21T07:15:25`.
    public mutating func append(isoDate civil: CivilTime) {
        append(fourDigits: civil.year)
        append(0x2D)
        append(twoDigits: civil.month)
        append(0x2D)
        append(twoDigits: civil.day)
        append(0x54)
        append(clock: civil)
    }

    /// Appends `07:15:25`.
    public mutating func append(clock civil: CivilTime) {
        append(twoDigits: civil.hour)
        append(0x3A)
        append(twoDigits: civil.minute)
        append(0x3A)
        append(twoDigits: civil.second)
    }

    /// Appends the offset from UTC, `+0100`, with `separator` between hours and minutes.
    public mutating func append(offsetOf civil: CivilTime, separator: UInt8? = nil) {
        let minutes = abs(civil.offsetSeconds) / 60
        append(civil.offsetSeconds < 0 ? 0x2D : 0x2B)
        append(twoDigits: minutes / 60)
        if let separator { append(separator) }
        append(twoDigits: minutes % 60)
    }
}
