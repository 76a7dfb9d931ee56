// Header fields in order, stored in one byte array: no allocation per field, and none at all once the arrays have grown
// to the size that the traffic needs.
//
// The arena holds each field in its wire format, `name: value` and CR LF, with the name in lower case, so that a head
// is written by copying a few long ranges. Removing a field drops its entry; its bytes stay in the arena until the
// message is over. Names and values that could break out of their line (header injection) are rejected here, for every
// caller.

public import Basics

/// The header fields of one message, in the order received or appended.
///
/// Not copyable, like the heads: an accidental copy, for example by reading a class property, would retain both arrays
/// and force a copy of them at the next mutation.
public struct HeaderFields: ~Copyable, Sendable {
    /// One field: the start of its line in the arena and the lengths of name and value.
    @usableFromInline
    struct Entry: Sendable {
        @usableFromInline var start: UInt32
        /// The name's length in the low 24 bits, the known field in the next seven, `isSetApart` in the top bit.
        @usableFromInline var nameCountAndKnown: UInt32
        @usableFromInline var valueCount: UInt32

        @inlinable
        init(start: Int, nameCount: Int, valueCount: Int, known: KnownField) {
            self.start = UInt32(truncatingIfNeeded: start)
            nameCountAndKnown = UInt32(truncatingIfNeeded: nameCount) | UInt32(known.rawValue) &<< 24
            self.valueCount = UInt32(truncatingIfNeeded: valueCount)
        }

        @inlinable var nameStart: Int { Int(start) }
        @inlinable var nameEnd: Int { Int(start) &+ Int(nameCountAndKnown & 0xFF_FFFF) }
        @inlinable var valueStart: Int { nameEnd &+ 2 }
        @inlinable var valueEnd: Int { valueStart &+ Int(valueCount) }
        @inlinable var lineEnd: Int { valueEnd &+ 2 }
        @inlinable var known: KnownField {
            // Safe: the seven bits hold the raw value of a KnownField, which has fewer than 128 cases.
            unsafe unsafeBitCast(UInt8(truncatingIfNeeded: nameCountAndKnown &>> 24) & 0x7F, to: KnownField.self)
        }
        /// Whether this is a received hop-by-hop field: see `setApartHopByHop`.
        var isSetApart: Bool { nameCountAndKnown & Self.setApart != 0 }
        mutating func setItApart() { nameCountAndKnown |= Self.setApart }
        private static var setApart: UInt32 { 1 &<< 31 }
    }

    /// The lines, in the first `used` bytes. Never shorter than `used + slack`.
    @usableFromInline var arena: [UInt8] = []
    @usableFromInline var used = 0
    @usableFromInline var entries: [Entry] = []
    /// The bits of the known fields that are present, so that looking for an absent one is a bit test.
    @usableFromInline var present: UInt64 = 0
    /// Used while the elements of a Connection list are looked up; kept for its memory.
    var nameTable = FieldNameTable()

    /// Bytes after the last line that may be read, with undefined contents: names are processed eight bytes at a time.
    static let slack = 8

    public init() {}

    /// Removes every field and keeps the memory.
    @inlinable
    public mutating func removeAll() {
        used = 0
        present = 0
        if !entries.isEmpty { entries.removeAll(keepingCapacity: true) }
    }

    /// The size of all lines as written, in bytes.
    public var byteCount: Int {
        var count = 0
        for entry in entries { count &+= entry.lineEnd &- entry.nameStart }
        return count
    }

    /// An upper bound of `byteCount` in constant time: it includes lines that have been removed.
    @inlinable public var byteCountAtMost: Int { used }

    /// The number of fields.
    @inlinable public var count: Int { entries.count }

    /// The name of field `i`, in lower case.
    @inlinable
    @_lifetime(borrow self)
    public func name(_ i: Int) -> RawSpan {
        let entry = entries[i]
        return bytes(entry.nameStart, entry.nameEnd)
    }

    /// The value of field `i`, without surrounding white space.
    @inlinable
    @_lifetime(borrow self)
    public func value(_ i: Int) -> RawSpan {
        let entry = entries[i]
        return bytes(entry.valueStart, entry.valueEnd)
    }

    @inlinable public func known(_ i: Int) -> KnownField { entries[i].known }

    /// Whether the field is present; a bit test.
    @inlinable public func contains(_ field: KnownField) -> Bool { present & field.bit != 0 }

    /// The index of the first such field, or nil.
    @inlinable
    public func first(_ field: KnownField) -> Int? { next(field, from: 0) }

    /// The index of the first such field at or after `index`, or nil.
    @inlinable
    public func next(_ field: KnownField, from index: Int) -> Int? {
        guard present & field.bit != 0 else { return nil }
        var i = index
        while i < entries.count {
            if entries[i].known == field { return i }
            i &+= 1
        }
        return nil
    }

    /// The index of the first field of this lower-case name, or nil.
    public func first(named lowercased: [UInt8]) -> Int? { next(named: lowercased, from: 0) }

    /// The index of the first field of this lower-case name at or after `index`, or nil.
    public func next(named lowercased: [UInt8], from index: Int) -> Int? {
        var i = index
        while i < entries.count {
            if name(i).isSame(as: lowercased.bytes) { return i }
            i += 1
        }
        return nil
    }

    @inlinable
    @_lifetime(borrow self)
    func bytes(_ start: Int, _ end: Int) -> RawSpan { arena.bytes.extracting(start..<end) }
}

// MARK: - Changing

extension HeaderFields {
    /// Appends a known field. Returns false and appends nothing if the value is not valid (see `isValidValue`).
    @discardableResult
    public mutating func append(_ field: KnownField, value: RawSpan) -> Bool {
        precondition(field != .other, "fields without a known name are appended by name")
        guard Self.isValidValue(value) else { return false }
        appendLine(name: field.name.bytes, value: value.withoutOuterSpace, known: field)
        return true
    }

    /// Appends a field of any name, which is stored in lower case. Returns false and appends nothing if the name is not
    /// a token or the value not valid.
    @discardableResult
    public mutating func append(name: RawSpan, value: RawSpan) -> Bool {
        guard Self.isToken(name), Self.isValidValue(value) else { return false }
        appendLine(name: name, value: value.withoutOuterSpace, known: nil)
        return true
    }

    @discardableResult
    public mutating func append(_ field: KnownField, _ value: StaticString) -> Bool {
        append(field, value: value.bytes)
    }

    @discardableResult
    public mutating func append(_ field: KnownField, _ value: [UInt8]) -> Bool {
        append(field, value: value.bytes)
    }

    @discardableResult
    public mutating func append(_ field: KnownField, _ value: String) -> Bool {
        append(field, value.verbatimBytes)
    }

    @discardableResult
    public mutating func append(name: String, _ value: String) -> Bool {
        append(name: Array(name.utf8).bytes, value: value.verbatimBytes.bytes)
    }

    /// Removes every such field.
    @inlinable
    public mutating func remove(_ field: KnownField) {
        precondition(field != .other, "fields without a known name are removed by name")
        guard present & field.bit != 0 else { return }
        entries.removeAll { $0.known == field }
        present &= ~field.bit
    }

    /// Removes every field of this lower-case name.
    public mutating func remove(named lowercased: [UInt8]) {
        let known = KnownField(lowercasedName: lowercased.bytes)
        if known != .other { return remove(known) }
        removeAll { fields, i in fields.known(i) == .other && fields.name(i).isSame(as: lowercased.bytes) }
    }

    /// Removes every field for whose index `shouldRemove` returns true, in one pass that calls it once for each field.
    public mutating func removeAll(where shouldRemove: (borrowing HeaderFields, Int) -> Bool) {
        var kept = 0
        var present: UInt64 = 0
        for i in 0..<entries.count where !shouldRemove(self, i) {
            let entry = entries[i]
            present |= entry.known.bit
            // Entries from `i` on must stay unchanged until `shouldRemove` has seen them.
            if kept < i { entries[kept] = entry }
            kept += 1
        }
        entries.removeLast(entries.count - kept)
        self.present = present
    }

    /// Removes the field at index `i`; later fields move up.
    public mutating func remove(at i: Int) {
        let field = entries.remove(at: i).known
        if !entries.contains(where: { $0.known == field }) { present &= ~field.bit }
    }

    /// Replaces all such fields by one with this value. Returns false and changes nothing if the value is not valid.
    @discardableResult
    public mutating func set(_ field: KnownField, value: RawSpan) -> Bool {
        guard Self.isValidValue(value) else { return false }
        remove(field)
        return append(field, value: value)
    }

    /// Replaces all fields of this name by one with this value. Returns false and changes nothing if the name is not a
    /// token or the value not valid.
    @discardableResult
    public mutating func set(name: RawSpan, value: RawSpan) -> Bool {
        guard Self.isToken(name), Self.isValidValue(value) else { return false }
        remove(named: name.lowercased)
        return append(name: name, value: value)
    }

    /// Replaces the value of field `i`. Returns false and changes nothing if the new value is not valid.
    @discardableResult
    public mutating func replaceValue(_ i: Int, with value: RawSpan) -> Bool {
        guard Self.isValidValue(value) else { return false }
        let old = entries[i]
        let name = Array(arena[old.nameStart..<old.nameEnd])
        appendLine(name: name.bytes, value: value.withoutOuterSpace, known: old.known)
        entries.swapAt(i, entries.count - 1)
        entries.removeLast()
        return true
    }

    /// Whether the bytes may be a field value: no control character (CR, LF, NUL and so on) except HTAB (RFC 9110
    /// section 5.5).
    public static func isValidValue(_ bytes: RawSpan) -> Bool {
        var start = 0
        while true {
            start = bytes.firstIndex(in: start..<bytes.byteCount, where: EightBytes.control)
            if start == bytes.byteCount { return true }
            guard bytes[start] == 0x09 else { return false }
            start += 1
        }
    }

    /// Whether the bytes are a token, such as a field name or a method (RFC 9110 section 5.6.2).
    public static func isToken(_ bytes: RawSpan) -> Bool {
        bytes.byteCount > 0 && bytes.all(in: 0..<bytes.byteCount, are: .token)
    }

    /// Appends a field whose name and value have been validated. If `known` is given, `name` must be in lower case.
    mutating func appendLine(name: RawSpan, value: RawSpan, known: KnownField?) {
        let start = used
        let valueStart = start + name.byteCount + 2
        let end = valueStart + value.byteCount
        makeRoom(for: end + 2 - start)
        let field = unsafe arena.withUnsafeMutableBytes { arena in
            // Safe: makeRoom has extended the arena for the whole line.
            let line = unsafe UnsafeMutableRawBufferPointer(rebasing: arena[start...])
            if known == nil {
                for i in 0..<name.byteCount { unsafe line[i] = asciiLowercased(name[i]) }
            } else {
                unsafe name.withUnsafeBytes { unsafe line.copyMemory(from: $0) }
            }
            unsafe line.storeBytes(of: Self.colonSpace, toByteOffset: name.byteCount, as: UInt16.self)
            unsafe value.withUnsafeBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(rebasing: line[(valueStart - start)...]).copyMemory(from: bytes)
            }
            unsafe line.storeBytes(of: Self.lineEnd, toByteOffset: end - start, as: UInt16.self)
            if let known { return known }
            return unsafe KnownField.named(UnsafeRawPointer(line.baseAddress.unsafelyUnwrapped), count: name.byteCount)
        }
        record(Entry(start: start, nameCount: name.byteCount, valueCount: value.byteCount, known: field))
    }

    /// Adds the entry of a line that has been written at the end of the arena.
    @inline(__always)
    mutating func record(_ entry: Entry) {
        used = entry.lineEnd
        present |= entry.known.bit
        entries.append(entry)
    }

    /// Extends the arena if `count` bytes and the slack do not fit after the last line.
    @inline(__always)
    mutating func makeRoom(for count: Int) {
        if used &+ count &+ Self.slack > arena.count { grow(to: used + count + Self.slack) }
    }

    @inline(never)
    private mutating func grow(to needed: Int) {
        let target = max(needed, arena.count * 2, Self.arenaBytesMin)
        arena.append(contentsOf: repeatElement(0, count: target - arena.count))
    }

    /// The arena's initial size in bytes: enough for most heads.
    private static let arenaBytesMin = 1_024
    /// ": " and CR LF as stored.
    static let colonSpace = UInt16(littleEndian: 0x203A)
    static let lineEnd = UInt16(littleEndian: 0x0A0D)
}

// MARK: - Unusual names

extension HeaderFields {
    /// Whether any field name has a character other than a letter, digit or hyphen. RFC 9110 allows them, but CGI-like
    /// gateways map several such names to the same variable.
    public var hasUnusualNames: Bool {
        for i in 0..<count where known(i) == .other && Self.isUnusual(name(i)) { return true }
        return false
    }

    /// Removes the fields whose name has a character other than a letter, digit or hyphen.
    public mutating func removeUnusualNames() {
        var i = count - 1
        while i >= 0 {
            // Known fields never qualify.
            if known(i) == .other, Self.isUnusual(name(i)) { remove(at: i) }
            i -= 1
        }
    }

    /// `name` is in lower case.
    private static func isUnusual(_ name: RawSpan) -> Bool {
        for i in 0..<name.byteCount {
            let byte = name[i]
            if byte &- 0x61 >= 26, byte &- 0x30 >= 10, byte != 0x2D { return true }
        }
        return false
    }
}
