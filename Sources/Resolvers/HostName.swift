// Names as nameservers are asked for them: what a client says in a Host field may be anything.

/// A host name in the form in which it is asked for and remembered.
public enum HostName {
    /// The most bytes that a name has without a dot at its end (RFC 1035 section 2.3.4).
    public static let bytesMax = 253
    private static let labelBytesMax = 63

    /// Appends the name to `out` in lower case, without a dot at its end. False, with some of it appended, if nobody could have that
    /// name: labels are of letters, digits, '-' and '_', of which there are 1 to 63.
    public static func append(_ name: some Collection<UInt8>, to out: inout [UInt8]) -> Bool {
        // One more for the dot at the end.
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
