// What a regular expression for a whole line of a message is about, where it says so: a field, or the request's target.

/// Such an expression, understood.
enum LinePattern {
    /// `^Name: value`: a field, and what is asked of its value; empty for anything.
    case field(name: String, value: String)
    /// `^Name`: all fields whose names begin so.
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
        let letters = scan.letters
        var name = ""
        var rest = letters[...]
        while let letter = rest.first {
            // `\-` is a dash.
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
        if ["", ".*", ".*:", ".*:.*", "[^:]*:", "[^:]*:.*"].contains(behind) {
            self = .fields(prefix: name)
            return
        }
        guard rest.first == ":" else { return nil }
        self = .field(name: name, value: Self.withoutBlank(String(rest.dropFirst())))
    }

    /// Without what stands for the blank behind a field's name.
    private static func withoutBlank(_ text: String) -> String {
        for blank in [" ", "\\s", "[ \\t]", "[[:space:]]", "[ ]"] where text.hasPrefix(blank) {
            let rest = text.dropFirst(blank.count)
            return String(rest.first == "*" || rest.first == "+" || rest.first == "?" ? rest.dropFirst() : rest)
        }
        return text
    }
}

/// A pattern for the request line: any method, a target, and the version or all that is left.
struct TargetPattern {
    /// For the target alone.
    let pattern: String
    /// Groups before it, of the method: none or one.
    private let groupsBefore: Int
    private let groups: Int
    /// Whether the version has a group of its own behind those.
    private let versionIsGroup: Bool
    /// Whether the version is matched by itself; otherwise the last group takes it along.
    private let hasVersion: Bool
    private let endsWithRest: Bool

    /// What stands for any method.
    private static let methods: Set<String> = [
        "[^ :]*", "[^ ]*", "[^ :]+", "[^ ]+", "[^: ]*", "[^: ]+", ".*", ".+", "\\S*", "\\S+", "[A-Z]*", "[A-Z]+",
        "\\w*", "\\w+",
        "[^\\ ]*", "[^\\ :]*", "[^\\s]*", "[^\\s]+",
    ]

    /// What stands for any version.
    private static let versions: Set<String> = [
        ".*", ".+", "HTTP/.*", "HTTP.*", "HTTP/1\\.[01]", "HTTP/1.[01]", "HTTP/1\\..", "HTTP/1.*", "[^ ]*", "\\S*",
        "\\S+",
    ]

    fileprivate init?(_ scan: ExpressionScan) {
        guard let first = scan.blanks.first, scan.blanks.count <= 2 else { return nil }
        let method = Self.bare(scan.text(0..<first.lowerBound))
        guard Self.methods.contains(method.text) else { return nil }
        groupsBefore = method.isGroup ? 1 : 0
        var target = scan.text(first.upperBound..<scan.letters.count)
        hasVersion = scan.blanks.count == 2
        if hasVersion {
            target = scan.text(first.upperBound..<scan.blanks[1].lowerBound)
            var version = scan.text(scan.blanks[1].upperBound..<scan.letters.count)
            if version.hasSuffix("$") { version.removeLast() }
            let bare = Self.bare(version)
            guard Self.versions.contains(bare.text) else { return nil }
            versionIsGroup = bare.isGroup
            pattern = "^" + target + "$"
        } else {
            versionIsGroup = false
            if target.hasSuffix("(.*)$") || target.hasSuffix(".*$") { target.removeLast() }
            // The version follows a target, always.
            guard !target.hasSuffix("$") else { return nil }
            pattern = "^" + target
        }
        guard !target.isEmpty, let inside = ExpressionScan(target[...]) else { return nil }
        groups = inside.groups
        endsWithRest = target.hasSuffix("(.*)")
    }

    /// The new target out of a new request line; nil if that does not keep the method and the version.
    func replacement(_ line: String) -> String? {
        guard groupsBefore == 1, line.hasPrefix("\\1 ") else { return nil }
        var text = line.dropFirst(3)
        if hasVersion {
            let endings = [" HTTP/1.1"] + (versionIsGroup ? [" \\\(groups + 2)"] : [])
            guard let ending = endings.first(where: { text.hasSuffix($0) }) else { return nil }
            text.removeLast(ending.count)
        } else {
            guard endsWithRest, text.hasSuffix("\\\(groups + 1)") else { return nil }
        }
        // Each `\n` names the group as the target's own pattern counts it.
        var new = ""
        while let letter = text.popFirst() {
            guard letter == "\\", let digit = text.first?.wholeNumberValue else {
                new.append(letter)
                continue
            }
            guard (2...groups + 1).contains(digit) else { return nil }
            text.removeFirst()
            new += "\\\(digit - 1)"
        }
        return new.isEmpty || new.contains(" ") ? nil : new
    }

    /// Without a group around all of it.
    private static func bare(_ text: String) -> (text: String, isGroup: Bool) {
        guard text.hasPrefix("("), text.hasSuffix(")"), !text.dropFirst().dropLast().contains("(") else {
            return (text, false)
        }
        return (String(text.dropFirst().dropLast()), true)
    }
}

/// A regular expression looked at from outside: what stands at its top, and how many groups it counts.
struct ExpressionScan {
    let letters: [Character]
    /// Blanks, or what stands for one, outside of groups and classes.
    private(set) var blanks: [Range<Int>] = []
    private(set) var groups = 0
    private(set) var hasAlternatives = false

    /// Nil for one that is beyond this: unclosed, or with named groups or references to its own groups.
    init?(_ text: Substring) {
        letters = Array(text)
        var depth = 0
        var index = 0
        while index < letters.count {
            let letter = letters[index]
            let next = index + 1 < letters.count ? letters[index + 1] : nil
            switch letter {
            case "\\":
                guard let next, !next.isNumber, next != "k", next != "g", next != "Q" else { return nil }
                if depth == 0, next == "s" || next == " " { takeBlank(&index, letters: 2) } else { index += 2 }
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
                }
            case ")":
                depth -= 1
                guard depth >= 0 else { return nil }
            case "|": if depth == 0 { hasAlternatives = true }
            case " ":
                if depth == 0 {
                    takeBlank(&index, letters: 1)
                    continue
                }
            default: break
            }
            index += 1
        }
        guard depth == 0 else { return nil }
    }

    func text(_ range: Range<Int>) -> String { String(letters[range]) }

    private mutating func takeBlank(_ index: inout Int, letters count: Int) {
        let start = index
        index += count
        if index < letters.count, letters[index] == "+" || letters[index] == "*" { index += 1 }
        blanks.append(start..<index)
    }

    /// Where the class that begins at `start` has its `]`.
    private func classEnd(from start: Int) -> Int? {
        var index = start + 1
        if index < letters.count, letters[index] == "^" { index += 1 }
        // The first may be a `]` of its own.
        if index < letters.count, letters[index] == "]" { index += 1 }
        while index < letters.count, letters[index] != "]" {
            if letters[index] == "\\" { index += 1 }
            if letters[index...].starts(with: "[:"), let end = letters[index...].firstIndex(of: "]") { index = end }
            index += 1
        }
        return index < letters.count ? index : nil
    }
}
