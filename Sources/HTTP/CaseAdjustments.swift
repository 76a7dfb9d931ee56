// Names of fields in another case than the lower one in which they are written: for peers that know a name in one case
// only, whatever RFC 9110 section 5.1 says.
//
// A head is adjusted once it is written, where it stands in its buffer: so the fields that frame the message are too.

public import Basics

public struct CaseAdjustments: Sendable {
    /// By the name's length, each in lower case and as it is to be.
    private var names: [[(lowercased: [UInt8], adjusted: [UInt8])]] = []

    public init() {}

    public var isEmpty: Bool { names.isEmpty }

    /// Whether there is one for this name, which is in lower case.
    public func contains(_ lowercased: [UInt8]) -> Bool {
        lowercased.count < names.count && names[lowercased.count].contains { $0.lowercased == lowercased }
    }

    /// Adds a name, which differs in case only.
    public mutating func add(_ lowercased: [UInt8], _ adjusted: [UInt8]) {
        precondition(lowercased.count == adjusted.count, "a name in another case is as long")
        while names.count <= lowercased.count { names.append([]) }
        names[lowercased.count].append((lowercased, adjusted))
    }

    /// Those of both.
    public func merged(with others: CaseAdjustments) -> CaseAdjustments {
        var all = self
        for (lowercased, adjusted) in others.names.joined() where !contains(lowercased) {
            all.add(lowercased, adjusted)
        }
        return all
    }

    /// Adjusts the names in the head that begins `offset` bytes behind the first waiting one, and ends the buffer.
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
