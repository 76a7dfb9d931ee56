// Text that may come from anywhere, made part of a page: it stays text.

internal import Basics

extension [UInt8] {
    /// Appends text for an element or a quoted attribute. What could end either is escaped; control characters,
    /// which no page may have, become blanks.
    mutating func append(html text: String) {
        for byte in text.verbatimBytes {
            switch byte {
            case 0x26: append("&amp;")
            case 0x3C: append("&lt;")
            case 0x3E: append("&gt;")
            case 0x22: append("&quot;")
            case 0x27: append("&#39;")
            case ..<0x20, 0x7F: append(0x20)
            default: append(byte)
            }
        }
    }

    mutating func append(count: Int) { Amount.append(count: UInt64(Swift.max(0, count)), to: &self) }
    mutating func append(count: UInt64) { Amount.append(count: count, to: &self) }
    mutating func append(bytes: UInt64) { Amount.append(bytes: bytes, to: &self) }
}
