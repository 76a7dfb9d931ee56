// One field line of a head: `field-name ":" OWS field-value OWS` (RFC 9112 section 5).
//
// The line is copied into the arena in one go and taken apart there, where eight bytes can be read at any place:
// its name is lowered and checked eight bytes at a time. Lines that are not written `name: value` are copied in pieces.

internal import Basics

extension HeaderFields {
    /// Appends the field of a line without control characters, which in `input` is followed by CR LF, or by LF alone:
    /// `next` is where the next line begins. Returns the known field it is, by way of `known`, or what is wrong with it.
    @inline(__always)
    mutating func append(
        line range: Range<Int>, next: Int, of input: RawSpan, acceptInvalid: Bool, known: inout KnownField
    ) -> Offence? {
        let count = range.count
        if next &- range.upperBound != 2 {
            return appendOdd(line: input.extracting(range), acceptInvalid: acceptInvalid, known: &known)
        }
        makeRoom(for: count &+ 3)  // the line, its end, and a space that it may lack
        let start = used
        let entry: Entry? = unsafe arena.withUnsafeMutableBytes { arena in
            unsafe input.withUnsafeBytes { input in
                // Safe: makeRoom has made room for the line, and the slack behind it, from `start` on; and the line
                // lies, with its end, inside the input.
                let line = unsafe arena.baseAddress.unsafelyUnwrapped + start
                let source = unsafe input.baseAddress.unsafelyUnwrapped + range.lowerBound
                unsafe line.copyMemory(from: source, byteCount: count &+ 2)
                let nameCount = unsafe lowerName(source, count &+ 2, to: line)
                guard nameCount &+ 2 < count, nameCount > 0 else { return nil }
                // A colon, one space, a visible character, and a visible character at the end.
                let around = unsafe source.loadUnaligned(fromByteOffset: nameCount, as: UInt32.self)
                guard UInt16(truncatingIfNeeded: around) == Self.colonSpace,
                    !isSpace(UInt8(truncatingIfNeeded: around &>> 16)),
                    !isSpace(unsafe source.load(fromByteOffset: count &- 1, as: UInt8.self))
                else { return nil }
                return unsafe Entry(
                    start: start, nameCount: nameCount, valueCount: count &- nameCount &- 2,
                    known: KnownField.named(line, count: nameCount))
            }
        }
        if let entry {
            known = entry.known
            record(entry)
            return nil
        }
        return appendOdd(line: input.extracting(range), acceptInvalid: acceptInvalid, known: &known)
    }

    /// Lengthens the value of the field appended last by a line that is folded behind it: one space stands for the fold.
    /// False if there is no field, or if it says where the message ends: one that is read in two ways would be the worse.
    @inline(never)
    mutating func unfold(_ line: RawSpan) -> Bool {
        guard let last = entries.last, last.known != .contentLength, last.known != .transferEncoding else {
            return false
        }
        let more = line.withoutOuterSpace
        if more.byteCount == 0 { return true }
        // The field's line is the last in the arena: it grows where it is, since a head may consist of such lines.
        precondition(used == last.lineEnd, "a field that was not appended last is lengthened")
        used = last.valueEnd
        makeRoom(for: more.byteCount + 3)
        var at = used
        if last.valueCount > 0 {
            arena[at] = 0x20
            at += 1
        }
        for i in 0..<more.byteCount { arena[at + i] = more[i] }
        at += more.byteCount
        arena[at] = 0x0D
        arena[at + 1] = 0x0A
        entries[entries.count - 1].valueCount = UInt32(at - last.valueStart)
        used = at + 2
        return true
    }

    /// Where in its name the last field has what `acceptInvalid` let through; nil if it is a token.
    var oddityInLastName: Int? {
        guard count > 0 else { return nil }
        let name = name(count - 1)
        for i in 0..<name.byteCount where !ByteSet.token.contains(name[i]) { return i }
        return nil
    }

    /// The same for a line that is written otherwise, or not valid.
    @inline(never)
    private mutating func appendOdd(
        line: RawSpan, acceptInvalid: Bool, known: inout KnownField
    ) -> Offence? {
        if isSpace(line[0]) { return Offence(fault: .foldedField, offset: 0) }
        guard let colon = line.firstIndex(of: 0x3A, in: 0..<line.byteCount) else {
            return Offence(fault: .missingColon, offset: line.byteCount)
        }
        if colon == 0 { return Offence(fault: .emptyFieldName, offset: 0) }
        for i in 0..<colon where !ByteSet.token.contains(line[i]) {
            if isSpace(line[i]) {
                let isLast = line.trimmed(0..<colon).upperBound <= i
                return Offence(fault: isLast ? .spaceBeforeColon : .invalidFieldName, offset: i)
            }
            if !acceptInvalid { return Offence(fault: .invalidFieldName, offset: i) }
        }
        let value = line.extracting(line.trimmed(colon + 1..<line.byteCount))
        appendLine(name: line.extracting(0..<colon), value: value, known: nil)
        known = entries[entries.count - 1].known
        return nil
    }
}

/// Lowers the letters at `line`, which is a copy of the `count` bytes at `source`, up to the first byte that is neither
/// a letter nor `-`; returns how many bytes that is. For almost every field that is the name, and a colon stops it.
///
/// Bytes are read from the source where it is long enough: to read what was written a moment ago, in pieces of another
/// size, would stall the processor.
@inline(__always)
private func lowerName(_ source: UnsafeRawPointer, _ count: Int, to line: UnsafeMutableRawPointer) -> Int {
    var index = 0
    while true {
        // Safe: a line's end is neither letter nor `-`, and the slack lies behind that.
        let word =
            index &+ 8 <= count
            ? unsafe source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            : unsafe line.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        let lowered = word | 0x2020_2020_2020_2020
        let stops = EightBytes.notLetterOrDash(word, lowered: lowered)
        if stops == 0 {
            unsafe line.storeBytes(of: lowered, toByteOffset: index, as: UInt64.self)
            index &+= 8
            continue
        }
        // Bits below the lowest mark: the bytes before the stop, and seven bits of it.
        let before = (stops &- 1 ^ stops) &>> 8
        unsafe line.storeBytes(of: word & ~before | lowered & before, toByteOffset: index, as: UInt64.self)
        return index &+ EightBytes.firstIndex(stops)
    }
}
