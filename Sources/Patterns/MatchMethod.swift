// How values are matched with patterns, and what a match in a map yields (manual, sections 7.1.3 and 7.3.1).

internal import Basics

/// The ways to match, by the words of `-m` and of criteria such as `path_beg`.
public enum MatchMethod: String, CaseIterable, Sendable {
    case found, bool, int, ip, bin, len, str, beg, end, sub, dir, dom, reg

    /// How texts are compared; nil where none are.
    public var comparison: StringPatterns.Comparison? {
        switch self {
        case .str: .exact
        case .beg: .prefix
        case .end: .suffix
        case .sub: .substring
        case .dir: .directory
        case .dom: .domain
        case .found, .bool, .int, .ip, .len, .reg, .bin: nil
        }
    }
}

/// What the values of a map are.
public enum MapValue: Sendable {
    case text, integer, address
    /// Text in which `\1` and the like stand for groups of the expression.
    case expansion
    /// Not the value but the key that led to it.
    case key

    /// Whether there are texts that cannot be such a value.
    var isChecked: Bool { self == .integer || self == .address }

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
