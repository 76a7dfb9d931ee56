// Analyses a regular expression that matches a whole line of a message (of the removed rules `reqrep` and so on), to
// find out whether it is about a field or about the request's target.

/// The meaning of such an expression.
enum LinePattern {
    /// `^Name: value`: a field, and the pattern for its value; empty for any value. If it is grouped, the first group
    /// includes the name.
    case field(name: String, value: String, isGrouped: Bool)
    /// `^Name`: all fields whose names start with this prefix.
    case fields(prefix: String)
    /// `^[^ ]* /target`: a request line.
    case target(TargetPattern)

    init?(_ text: String) {
        guard text.hasPrefix("^"), let scan = ExpressionScan(text.dropFirst()), !scan.hasAlternatives else {
            return nil
        }
        if let target = TargetPattern(scan) {
            self = .target(target)
            return
        }
        var rest = scan.letters[...]
        // `^(Name: value)`: the group is applied to the value.
        let isGrouped = scan.leadingGroup != nil
        if let group = scan.leadingGroup {
            guard let inside = ExpressionScan(scan.text(group)[...]), !inside.hasAlternatives else { return nil }
            rest = rest.dropFirst()
        }
        var name = ""
        while let letter = rest.first {
            // `\-` is an escaped dash.
            if letter == "\\", rest.dropFirst().first == "-" {
                rest = rest.dropFirst()
                continue
            }
            guard letter.isASCII, letter.isLetter || letter.isNumber || letter == "-" || letter == "_" else { break }
            name.append(letter)
            rest = rest.dropFirst()
        }
        guard !name.isEmpty else { return nil }
        let behind = String(rest)
        if !isGrouped, ["", ".*", ".*:", ".*:.*", "[^:]*:", "[^:]*:.*"].contains(behind) {
            self = .fields(prefix: name)
            return
        }
        guard rest.first == ":" else { return nil }
        let value = Self.withoutBlank(String(rest.dropFirst()))
        self = .field(name: name, value: isGrouped ? "(" + value : value, isGrouped: isGrouped)
    }

    /// The pattern without the part that matches the blank after a field's colon.
    private static func withoutBlank(_ text: String) -> String {
        for blank in [" ", "\\s", "[ \\t]", "[[:space:]]", "[ ]"] where text.hasPrefix(blank) {
            let rest = text.dropFirst(blank.count)
            return String(rest.first == "*" || rest.first == "+" || rest.first == "?" ? rest.dropFirst() : rest)
        }
        return text
    }
}

/// A pattern for the request line: a method, a target, and the version or the rest of the line.
struct TargetPattern {
    /// The pattern for the target alone.
    let pattern: String
    /// The methods that it matches; empty for any.
    let methods: [String]
    private let head: Head
    private let groups: Int
    /// Whether the version is matched separately; otherwise the last group includes it.
    private let hasVersion: Bool
    private let versionIsGroup: Bool
    private let endsWithRest: Bool

    /// The start of the pattern, up to the target.
    private enum Head {
        /// `([^ ]*) `: the first group is the method.
        case methodGroup
        /// `([^ ]* /app)`: the first group includes the start of the target.
        case prefixGroup(String)
        /// `GET `.
        case name(String)
        /// `[^ ]* `.
        case unkept

        var groups: Int {
            switch self {
            case .methodGroup, .prefixGroup: 1
            case .name, .unkept: 0
            }
        }
    }

    /// Patterns that match any method.
    private static let anyMethod: Set<String> = [
        "[^ :]*", "[^ ]*", "[^ :]+", "[^ ]+", "[^: ]*", "[^: ]+", ".*", ".+", "\\S*", "\\S+", "[A-Z]*", "[A-Z]+",
        "\\w*", "\\w+",
        "[^\\ ]*", "[^\\ :]*", "[^\\s]*", "[^\\s]+",
    ]

    /// Patterns that match any version.
    private static let anyVersion: Set<String> = [
        ".*", ".+", "HTTP/.*", "HTTP.*", "HTTP/1\\.[01]", "HTTP/1.[01]", "HTTP/1\\..", "HTTP/1.*", "[^ ]*", "\\S*",
        "\\S+",
    ]

    fileprivate init?(_ scan: ExpressionScan) {
        var blanks = scan.blanks
        let start: Int
        var prefix = ""
        if let group = scan.leadingGroup, let inside = ExpressionScan(scan.text(group)[...]), inside.groups == 0,
            !inside.hasAlternatives, inside.blanks.count == 1, let blank = inside.blanks.first,
            let literal = Self.literal(inside.text(blank.upperBound..<inside.letters.count)),
            let methods = Self.methods(inside.text(0..<blank.lowerBound))
        {
            prefix = inside.text(blank.upperBound..<inside.letters.count)
            head = .prefixGroup(literal)
            self.methods = methods
            start = group.upperBound + 1
        } else {
            guard let first = blanks.first else { return nil }
            blanks.removeFirst()
            let (method, isGroup) = Self.bare(scan.text(0..<first.lowerBound))
            guard let methods = Self.methods(method) else { return nil }
            self.methods = methods
            head = isGroup ? .methodGroup : methods.count == 1 ? .name(methods[0]) : .unkept
            start = first.upperBound
        }
        guard blanks.count <= 1 else { return nil }
        var target = prefix + scan.text(start..<(blanks.first?.lowerBound ?? scan.letters.count))
        hasVersion = !blanks.isEmpty
        if let blank = blanks.first {
            var version = scan.text(blank.upperBound..<scan.letters.count)
            if version.hasSuffix("$") { version.removeLast() }
            let bare = Self.bare(version)
            guard Self.anyVersion.contains(bare.text) else { return nil }
            versionIsGroup = bare.isGroup
            pattern = "^" + target + "$"
        } else {
            versionIsGroup = false
            if target.hasSuffix("(.*)$") || target.hasSuffix(".*$") { target.removeLast() }
            // A pattern that ends with the target never matches: the version always follows.
            guard !target.hasSuffix("$") else { return nil }
            pattern = "^" + target
        }
        guard !target.isEmpty, let inside = ExpressionScan(target[...]) else { return nil }
        groups = inside.groups
        endsWithRest = target.hasSuffix("(.*)")
    }

    /// The target in a replacement for the request line; nil if the replacement does not keep method and version.
    func replacement(_ line: String) -> String? {
        var text: Substring
        switch head {
        case .methodGroup where line.hasPrefix("\\1 "): text = line.dropFirst(3)
        case .prefixGroup(let prefix) where line.hasPrefix("\\1"): text = prefix + line.dropFirst(2)
        case .name(let name) where line.hasPrefix(name + " "): text = line.dropFirst(name.count + 1)
        default: return nil
        }
        if hasVersion {
            let endings = [" HTTP/1.1"] + (versionIsGroup ? [" \\\(head.groups + groups + 1)"] : [])
            guard let ending = endings.first(where: { text.hasSuffix($0) }) else { return nil }
            text.removeLast(ending.count)
        } else {
            guard endsWithRest, text.hasSuffix("\\\(head.groups + groups)") else { return nil }
        }
        // Renumber the references `\n` to the groups of the target's pattern.
        var new = ""
        while let letter = text.popFirst() {
            guard letter == "\\", let digit = text.first?.wholeNumberValue else {
                new.append(letter)
                continue
            }
            guard digit > head.groups, digit <= head.groups + groups else { return nil }
            text.removeFirst()
            new += "\\\(digit - head.groups)"
        }
        return new.isEmpty || new.contains(" ") ? nil : new
    }

    /// The methods that a pattern matches, empty for any; nil if that cannot be determined.
    private static func methods(_ text: String) -> [String]? {
        if anyMethod.contains(text) { return [] }
        let names = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        let areNames = names.allSatisfy { name in !name.isEmpty && name.allSatisfy { ("A"..."Z").contains($0) } }
        return areNames ? names : nil
    }

    /// The text that a part of an expression matches, if it matches exactly one; otherwise nil.
    private static func literal(_ text: String) -> String? {
        var literal = ""
        var rest = text[...]
        while var letter = rest.popFirst() {
            if letter == "\\" {
                guard let next = rest.popFirst(), "./-".contains(next) else { return nil }
                letter = next
            } else if !letter.isLetter, !letter.isNumber, !"/-_~%".contains(letter) {
                return nil
            }
            literal.append(letter)
        }
        return literal
    }

    /// The text without a group that encloses all of it.
    private static func bare(_ text: String) -> (text: String, isGroup: Bool) {
        guard text.hasPrefix("("), text.hasSuffix(")"), !text.dropFirst().dropLast().contains("(") else {
            return (text, false)
        }
        return (String(text.dropFirst().dropLast()), true)
    }
}

/// A scan of the top level of a regular expression.
struct ExpressionScan {
    let letters: [Character]
    /// Blanks, or escapes that match one, outside groups and classes.
    private(set) var blanks: [Range<Int>] = []
    private(set) var groups = 0
    private(set) var hasAlternatives = false
    /// The contents of the group at the start of the expression, unless the group is repeated.
    private(set) var leadingGroup: Range<Int>?

    /// Returns nil for expressions that are not supported: unclosed, or with named groups or back-references.
    init?(_ text: Substring) {
        letters = Array(text)
        var depth = 0
        var index = 0
        var groupStart: Int?
        while index < letters.count {
            let letter = letters[index]
            let next = index + 1 < letters.count ? letters[index + 1] : nil
            switch letter {
            case "\\":
                guard let next, !next.isNumber, next != "k", next != "g", next != "Q" else { return nil }
                if depth == 0, next == "s" || next == " " { appendBlank(&index, letters: 2) } else { index += 2 }
                continue
            case "[":
                guard let end = classEnd(from: index) else { return nil }
                index = end
            case "(":
                depth += 1
                if next == "?" {
                    guard index + 2 < letters.count, !"<P'|(&R".contains(letters[index + 2]) else { return nil }
                } else {
                    groups += 1
                    if depth == 1 { groupStart = index }
                }
            case ")":
                depth -= 1
                guard depth >= 0 else { return nil }
                if depth == 0, groupStart == 0, next.map({ !"?*+{".contains($0) }) ?? true {
                    leadingGroup = 1..<index
                }
                if depth == 0 { groupStart = nil }
            case "|": if depth == 0 { hasAlternatives = true }
            case " ":
                if depth == 0 {
                    appendBlank(&index, letters: 1)
                    continue
                }
            default: break
            }
            index += 1
        }
        guard depth == 0 else { return nil }
    }

    func text(_ range: Range<Int>) -> String { String(letters[range]) }

    private mutating func appendBlank(_ index: inout Int, letters count: Int) {
        let start = index
        index += count
        if index < letters.count, letters[index] == "+" || letters[index] == "*" { index += 1 }
        blanks.append(start..<index)
    }

    /// The index of the `]` of the class that starts at `start`, or nil.
    private func classEnd(from start: Int) -> Int? {
        var index = start + 1
        if index < letters.count, letters[index] == "^" { index += 1 }
        // A `]` in first position is part of the class.
        if index < letters.count, letters[index] == "]" { index += 1 }
        while index < letters.count, letters[index] != "]" {
            if letters[index] == "\\" { index += 1 }
            if letters[index...].starts(with: "[:"), let end = letters[index...].firstIndex(of: "]") { index = end }
            index += 1
        }
        return index < letters.count ? index : nil
    }
}
