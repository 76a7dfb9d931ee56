// Converts the path of a request to a file path: decodes it once and checks every segment, without resolving it.
//
// Rejected before any system call: `..` in any encoding, an encoded slash, NUL, names that begin with a dot. A
// backslash has no special meaning, and the path need not be UTF-8.

internal import Basics

/// A relative path: segments joined by `/`, none of which is empty or begins with a dot.
struct FilePath {
    enum Parsed {
        case path(FilePath)
        /// A malformed escape, NUL, `..`, or an encoded slash.
        case malformed
        /// A segment begins with a dot.
        case hidden
        case tooLong
    }

    /// The kernel's PATH_MAX, including the terminating NUL: a longer path cannot be opened.
    static let bytesMax = 4_096

    /// The whole path without leading and trailing slashes. The file path starts at `start`, after the stripped prefix.
    private var bytes: [UInt8]
    private let start: Int
    /// Whether the path names a directory: it ends with a slash, or is empty.
    let endsInSlash: Bool

    /// Parses `path` as received: percent-encoded, starting with `/`, without a query (RFC 3986 section 3.3). The result uses the
    /// memory of `bytes`, whose contents are dropped.
    static func parse(
        _ path: RawSpan, strippedPrefix prefix: [UInt8], reusing bytes: consuming [UInt8] = []
    ) -> Parsed {
        guard path.byteCount > 0, path[0] == slash else { return .malformed }
        bytes.removeAll(keepingCapacity: true)
        bytes.reserveCapacity(min(path.byteCount, bytesMax) + 16)
        var segmentStart = 0
        var at = 1
        while at <= path.byteCount {
            if at == path.byteCount || path[at] == slash {
                switch check(bytes[segmentStart...]) {
                case .good: bytes.append(slash)
                case .empty: break
                case .dotDot: return .malformed
                case .hidden: return .hidden
                }
                guard bytes.count <= bytesMax else { return .tooLong }
                segmentStart = bytes.count
                at += 1
                continue
            }
            let run = endOfPlainBytes(path, from: at)
            guard run == at else {
                bytes.append(path.extracting(at..<run))
                at = run
                continue
            }
            var byte = path[at]
            if byte == 0x25 {
                guard at + 2 < path.byteCount, let high = hexDigit(path[at + 1]), let low = hexDigit(path[at + 2])
                else { return .malformed }
                byte = high << 4 | low
                at += 2
                guard byte != slash else { return .malformed }
            }
            guard byte != 0 else { return .malformed }
            bytes.append(byte)
            at += 1
        }
        if bytes.last == slash { bytes.removeLast() }
        var start = 0
        if !prefix.isEmpty, bytes.starts(with: prefix) {
            if bytes.count == prefix.count {
                start = prefix.count
            } else if bytes[prefix.count] == slash {
                start = prefix.count + 1
            }
        }
        return .path(FilePath(bytes: bytes, start: start, endsInSlash: path[path.byteCount - 1] == slash))
    }

    /// Calls `body` with the path relative to the directory as a C string; `.` for the directory itself.
    func withCString<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
        if start == bytes.count { return unsafe ".".withCString { unsafe body($0) } }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count - start + 1) { copy in
            for i in start..<bytes.count { unsafe copy[i - start] = CChar(bitPattern: bytes[i]) }
            unsafe copy[bytes.count - start] = 0
            // Safe: the copy is closed by NUL and lives until the body returns.
            return unsafe body(UnsafePointer(copy.baseAddress.unsafelyUnwrapped))
        }
    }

    /// The path relative to the directory; empty for the directory itself.
    var copy: [UInt8] { Array(bytes[start...]) }

    /// Whether the path relative to the directory is `other`.
    func isSame(as other: [UInt8]) -> Bool {
        guard bytes.count - start == other.count else { return false }
        for i in other.indices where bytes[start + i] != other[i] { return false }
        return true
    }

    func combine(into hasher: inout Hasher) {
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }

    /// Gives the memory of the path back.
    consuming func takeStorage() -> [UInt8] { bytes }

    /// The file name, which determines the media type.
    var lastSegment: ArraySlice<UInt8> {
        bytes[((bytes.lastIndex(of: Self.slash).map { $0 + 1 }) ?? 0)...]
    }

    /// Appends the segment `name`; returns the mark for `pop(to:)`, which removes it.
    mutating func push(_ name: String) -> Int {
        let mark = bytes.count
        if mark > start { bytes.append(Self.slash) }
        bytes.append(name)
        return mark
    }

    mutating func pop(to mark: Int) { bytes.removeLast(bytes.count - mark) }

    /// The whole path, including the prefix, percent-encoded and with a slash at both ends, for a Location field. It
    /// starts with exactly one slash, because browsers take a leading `//` or `/\` as the start of another host.
    var encodedDirectory: [UInt8] {
        var out: [UInt8] = [Self.slash]
        out.reserveCapacity(bytes.count + 8)
        for byte in bytes {
            if byte == Self.slash || Self.isPathCharacter(byte) {
                out.append(byte)
            } else {
                out.append(0x25)
                out.append(Self.hexDigits[Int(byte >> 4)])
                out.append(Self.hexDigits[Int(byte & 15)])
            }
        }
        if !bytes.isEmpty { out.append(Self.slash) }
        return out
    }

    /// The end of the bytes from `start` on that stand for themselves: no slash, escape or NUL.
    private static func endOfPlainBytes(_ path: RawSpan, from start: Int) -> Int {
        var end = start
        while end < path.byteCount, path[end] != slash, path[end] != 0x25, path[end] != 0 { end &+= 1 }
        return end
    }

    private enum Segment { case good, empty, dotDot, hidden }

    private static func check(_ segment: ArraySlice<UInt8>) -> Segment {
        guard let first = segment.first else { return .empty }
        guard first == 0x2E else { return .good }
        return segment.count == 2 && segment.last == 0x2E ? .dotDot : .hidden
    }

    private static let slash: UInt8 = 0x2F
    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = asciiLowercased(byte) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }

    /// `pchar` of RFC 3986 without percent-encoded characters.
    private static func isPathCharacter(_ byte: UInt8) -> Bool {
        if asciiLowercased(byte) &- 0x61 < 26 || byte &- 0x30 < 10 { return true }
        switch byte {
        case 0x2D, 0x2E, 0x5F, 0x7E, 0x3A, 0x40: return true  // - . _ ~ : @
        case 0x21, 0x24, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x3B, 0x3D: return true  // sub-delims
        default: return false
        }
    }
}
