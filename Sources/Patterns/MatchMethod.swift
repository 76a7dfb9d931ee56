// The ways to match a value with patterns (manual, section 7.1.3).

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
