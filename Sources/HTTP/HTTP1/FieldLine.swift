// One field line of a head: `field-name ":" OWS field-value OWS` (RFC 9112 section 5).
//
// The fast path copies a `name: value` line into the arena as a whole and parses it there, where eight bytes can be
// read at any offset: the name is converted to lower case and checked eight bytes at a time. Lines in any other format
// take the slow path, which copies name and value separately.

internal import Basics

extension HeaderFields {
    /// Parses a field line and appends the field. The line has no control characters and is followed in `input` by CR
    /// LF or by LF alone; `next` is the start of the next line. Sets `known` to the field's identity, or returns the
    /// fault.
    @inline(__always)
    mutating func append(
        line range: Range<Int>, next: Int, of input: RawSpan, acceptInvalid: Bool, known: inout KnownField
    ) -> ParseError? {
        let count = range.count
        if next &- range.upperBound != 2 {
            return appendSlowly(line: input.extracting(range), acceptInvalid: acceptInvalid, known: &known)
        }
        makeRoom(for: count &+ 3)  // the line, its CR LF, and the space that the slow path may add after the colon
        let start = used
        let entry: Entry? = unsafe arena.withUnsafeMutableBytes { arena in
            unsafe input.withUnsafeBytes { input in
                // Safe: makeRoom has made room for the line and the slack from `start` on, and the line with its line
                // end lies inside the input.
                let line = unsafe arena.baseAddress.unsafelyUnwrapped + start
                let source = unsafe input.baseAddress.unsafelyUnwrapped + range.lowerBound
                unsafe line.copyMemory(from: source, byteCount: count &+ 2)
                let nameCount = unsafe lowerName(source, count &+ 2, to: line)
                guard nameCount &+ 2 < count, nameCount > 0 else { return nil }
                // Required: a colon, exactly one space, and a value that starts and ends with a visible character.
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
        return appendSlowly(line: input.extracting(range), acceptInvalid: acceptInvalid, known: &known)
    }

    /// Appends a continuation line (obs-fold, RFC 9112 section 5.2) to the value of the last field; one space replaces
    /// the fold. Returns false if there is no field yet, or if it is a framing field, whose value must not be
    /// ambiguous.
    @inline(never)
    mutating func appendContinuation(_ line: RawSpan) -> Bool {
        guard let last = entries.last, last.known != .contentLength, last.known != .transferEncoding else {
            return false
        }
        let more = line.withoutOuterSpace
        if more.byteCount == 0 { return true }
        // The field's line is the last one in the arena and grows in place, since a head may consist of continuations.
        precondition(used == last.lineEnd, "the field to extend is not the last one in the arena")
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

    /// The offset of the first byte in the last field's name that is not a token character; nil if there is none. Only
    /// `acceptInvalid` lets such names through.
    var invalidByteInLastName: Int? {
        guard count > 0 else { return nil }
        let name = name(count - 1)
        for i in 0..<name.byteCount where !ByteSet.token.contains(name[i]) { return i }
        return nil
    }

    /// The slow path of `append(line:)`: lines in another format than `name: value`, and invalid ones.
    @inline(never)
    private mutating func appendSlowly(
        line: RawSpan, acceptInvalid: Bool, known: inout KnownField
    ) -> ParseError? {
        if isSpace(line[0]) { return ParseError(fault: .foldedField, offset: 0) }
        guard let colon = line.firstIndex(of: 0x3A, in: 0..<line.byteCount) else {
            return ParseError(fault: .missingColon, offset: line.byteCount)
        }
        if colon == 0 { return ParseError(fault: .emptyFieldName, offset: 0) }
        for i in 0..<colon where !ByteSet.token.contains(line[i]) {
            if isSpace(line[i]) {
                let isLast = line.trimmed(0..<colon).upperBound <= i
                return ParseError(fault: isLast ? .spaceBeforeColon : .invalidFieldName, offset: i)
            }
            if !acceptInvalid { return ParseError(fault: .invalidFieldName, offset: i) }
        }
        let value = line.extracting(line.trimmed(colon + 1..<line.byteCount))
        appendLine(name: line.extracting(0..<colon), value: value, known: nil)
        known = entries[entries.count - 1].known
        return nil
    }
}

/// Converts the letters at `line`, a copy of the `count` bytes at `source`, to lower case up to the first byte that is
/// neither a letter nor `-`. Returns the number of bytes before it. For almost every field this is the whole name, and
/// the byte is its colon.
///
/// Reads from `source` where it is long enough: a load that overlaps a recent store of another size would stall the
/// processor (failed store-to-load forwarding).
@inline(__always)
private func lowerName(_ source: UnsafeRawPointer, _ count: Int, to line: UnsafeMutableRawPointer) -> Int {
    var index = 0
    while true {
        // Safe: the line end is neither a letter nor `-`, and the slack follows it.
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
        // Mask of the bytes before the first stop.
        let before = (stops &- 1 ^ stops) &>> 8
        unsafe line.storeBytes(of: word & ~before | lowered & before, toByteOffset: index, as: UInt64.self)
        return index &+ EightBytes.firstIndex(stops)
    }
}
