// What the values of a map are (manual, section 7.3.1).

internal import Basics

/// What the values of a map are.
public enum MapValue: Sendable {
    case text, integer, address
    /// Text in which `\1` and the like stand for groups of the expression.
    case expansion
    /// Not the value but the key that led to it.
    case key

    /// Whether a text can be such a value.
    public func accepts(_ text: RawSpan) -> Bool {
        switch self {
        case .integer: Self.integer(text) != nil
        case .address: IPAddress(text.text) != nil
        case .text, .expansion, .key: true
        }
    }

    /// A whole number and nothing else; 0 for the empty value of a key that stands alone, as in HAProxy.
    public static func integer(_ text: RawSpan) -> Int? {
        if text.byteCount == 0 { return 0 }
        if let number = text.decimalValue { return Int(exactly: number) }
        guard text.byteCount > 1, text[0] == 0x2D || text[0] == 0x2B else { return nil }
        return Int(text.text)
    }
}
