// `h1-case-adjust`: field names in mixed case, for peers that compare names case-sensitively although RFC 9110
// section 5.1 says they are case-insensitive. Portico writes names in lower case otherwise.
//
// A head is adjusted in its output buffer after it has been written, so the framing fields are adjusted as well.

public import Basics

/// A set of field names and the spelling in which each is sent.
public struct CaseAdjustments: Sendable {
    /// Indexed by the name's length: the name in lower case, and the spelling to send.
    private var names: [[(lowercased: [UInt8], adjusted: [UInt8])]] = []

    public init() {}

    public var isEmpty: Bool { names.isEmpty }

    /// Whether a spelling is set for this lower-case name.
    public func contains(_ lowercased: [UInt8]) -> Bool {
        lowercased.count < names.count && names[lowercased.count].contains { $0.lowercased == lowercased }
    }

    /// Sets the spelling of a name. Both arguments must have the same length.
    public mutating func add(_ lowercased: [UInt8], _ adjusted: [UInt8]) {
        precondition(lowercased.count == adjusted.count, "the adjusted name differs in length")
        while names.count <= lowercased.count { names.append([]) }
        names[lowercased.count].append((lowercased, adjusted))
    }

    /// The union of both sets; for a name in both, this one's spelling wins.
    public func merged(with others: CaseAdjustments) -> CaseAdjustments {
        var all = self
        for (lowercased, adjusted) in others.names.joined() where !contains(lowercased) {
            all.add(lowercased, adjusted)
        }
        return all
    }

    /// Adjusts the field names of the head that starts `offset` bytes after the buffer's first readable byte and
    /// extends to its end.
    public func apply(to buffer: inout ByteBuffer, from offset: Int) {
        guard !isEmpty, offset < buffer.count else { return }
        unsafe buffer.overwrite(from: offset) { head in
            // Safe: every index is below the head's count.
            var lineStart = 0
            while let end = unsafe head[lineStart...].firstIndex(of: 0x0A) {
                lineStart = end + 1
                guard let colon = unsafe head[lineStart...].firstIndex(where: { $0 == 0x3A || $0 == 0x0D }) else {
                    return
                }
                unsafe adjust(UnsafeMutableRawBufferPointer(rebasing: head[lineStart..<colon]))
            }
        }
    }

    @unsafe
    private func adjust(_ name: UnsafeMutableRawBufferPointer) {
        guard name.count < names.count else { return }
        for entry in names[name.count] where unsafe name.elementsEqual(entry.lowercased) {
            unsafe name.copyBytes(from: entry.adjusted)
            return
        }
    }
}
