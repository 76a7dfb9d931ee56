// Validates and normalises host names before they are resolved: a Host field may contain anything.

/// The normal form of host names in queries and in the name table.
public enum HostName {
    /// The maximum length of a name in bytes, without a trailing dot (RFC 1035 section 2.3.4).
    public static let bytesMax = 253
    private static let labelBytesMax = 63

    /// Appends the name to `out` in lower case, without a trailing dot. Returns false, possibly after appending a part
    /// of it, if the name is not valid: a label has 1 to 63 letters, digits, '-' and '_'.
    public static func append(_ name: some Collection<UInt8>, to out: inout [UInt8]) -> Bool {
        // One more for a trailing dot.
        guard name.count <= bytesMax + 1 else { return false }
        var labelCount = 0
        let start = out.count
        for byte in name {
            switch byte {
            case 0x41...0x5A: out.append(byte | 0x20)
            case 0x61...0x7A, 0x30...0x39, 0x2D, 0x5F: out.append(byte)
            case 0x2E:
                guard labelCount > 0 else { return false }
                out.append(byte)
                labelCount = 0
                continue
            default: return false
            }
            labelCount += 1
            guard labelCount <= labelBytesMax else { return false }
        }
        if labelCount == 0 && out.count > start { out.removeLast() }
        return out.count > start && out.count - start <= bytesMax
    }
}
