// Appends pieces of a message to free buffer space. Once a piece does not fit, the writer is full and ignores all
// further ones; the caller checks `isFull` once, at the end.

internal import Glibc

/// Writes bytes, numbers and fields into a buffer of fixed capacity.
@safe
struct BufferWriter {
    private let start: UnsafeMutableRawPointer?
    private let capacity: Int
    private var count = 0
    private(set) var isFull = false

    init(_ buffer: UnsafeMutableRawBufferPointer) {
        unsafe start = buffer.baseAddress
        capacity = buffer.count
    }

    /// The number of bytes to commit: 0 if a piece did not fit.
    var written: Int { isFull ? 0 : count }

    /// Reserves `bytes` and returns where to write them; if they do not fit, marks the writer full and returns nil.
    @inline(__always)
    private mutating func reserve(_ bytes: Int) -> UnsafeMutableRawPointer? {
        guard bytes <= capacity &- count, !isFull, let start = unsafe start else {
            isFull = isFull || bytes > 0
            return nil
        }
        defer { count &+= bytes }
        return unsafe start + count
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        guard let destination = unsafe reserve(text.utf8CodeUnitCount) else { return }
        unsafe memcpy(destination, text.utf8Start, text.utf8CodeUnitCount)
    }

    mutating func put(_ bytes: RawSpan) {
        guard bytes.byteCount > 0, let destination = unsafe reserve(bytes.byteCount) else { return }
        unsafe bytes.withUnsafeBytes {
            unsafe destination.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count)
        }
    }

    @inline(__always)
    mutating func put(byte: UInt8) {
        guard let destination = unsafe reserve(1) else { return }
        unsafe destination.storeBytes(of: byte, as: UInt8.self)
    }

    mutating func put(decimal value: UInt64) {
        var digits = 1
        var power: UInt64 = 10
        while digits < 20, value >= power {
            digits += 1
            power = digits == 20 ? .max : power &* 10
        }
        guard let destination = unsafe reserve(digits) else { return }
        var rest = value
        for i in (0..<digits).reversed() {
            unsafe destination.storeBytes(of: UInt8(rest % 10) + 0x30, toByteOffset: i, as: UInt8.self)
            rest /= 10
        }
    }

    mutating func put(hexadecimal value: UInt64) {
        let digits = max(1, (64 - value.leadingZeroBitCount + 3) / 4)
        guard let destination = unsafe reserve(digits) else { return }
        for i in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: value &>> UInt64((digits - 1 - i) * 4)) & 15
            unsafe destination.storeBytes(of: digit < 10 ? digit + 0x30 : digit + 0x57, toByteOffset: i, as: UInt8.self)
        }
    }

    /// Appends every field except those whose bits are set in `without`. Fields adjacent in the arena are copied at
    /// once.
    mutating func put(_ fields: borrowing HeaderFields, without: UInt64) {
        var start = 0
        var end = 0
        for entry in fields.entries where entry.known.bit & without == 0 {
            if entry.nameStart != end {
                put(fields.bytes(start, end))
                start = entry.nameStart
            }
            end = entry.lineEnd
        }
        put(fields.bytes(start, end))
    }

    /// Appends Content-Length or Transfer-Encoding, where the framing has one.
    mutating func put(_ framing: BodyFraming) {
        switch framing {
        case .none, .untilClose: break
        case .length(let length):
            put("content-length: ")
            put(decimal: length)
            put("\r\n")
        case .chunked: put("transfer-encoding: chunked\r\n")
        }
    }

    /// Appends the Connection field, unless it would be empty, and the empty line that ends the head.
    mutating func put(_ connection: MessageWriter.ConnectionHeader) {
        if !connection.isEmpty {
            put("connection: ")
            var isFirst = true
            put(option: "close", if: connection.contains(.close), &isFirst)
            put(option: "keep-alive", if: connection.contains(.keepAlive), &isFirst)
            put(option: "upgrade", if: connection.contains(.upgrade), &isFirst)
            put(option: "te", if: connection.contains(.te), &isFirst)
            put("\r\n")
        }
        put("\r\n")
    }

    private mutating func put(option: StaticString, if isPresent: Bool, _ isFirst: inout Bool) {
        guard isPresent else { return }
        if !isFirst { put(", ") }
        isFirst = false
        put(option)
    }
}
