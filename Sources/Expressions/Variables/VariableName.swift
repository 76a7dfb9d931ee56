// The names of variables: `txn.user`, a scope and a name (manual, section 7.3.1, `var` and `set-var`).

public import Configuration
internal import Patterns

/// How long a variable lives, and who sees it.
public enum VariableScope: String, CaseIterable, Sendable {
    /// The process: all exchanges.
    case process = "proc"
    /// The client's connection.
    case session = "sess"
    /// One request and its response.
    case transaction = "txn"
    case request = "req"
    case response = "res"
    /// One health check.
    case check
}

/// A variable, ready to be looked for.
public struct VariableName: Sendable {
    public let scope: VariableScope
    /// Stands for the name: two names of one file share a key only if they are equal, as far as 64 bits can tell.
    public let key: UInt64

    /// Reads `scope.name`. `problem` makes what is thrown of a message and what was expected.
    public init(
        _ text: String, problem: (_ message: String, _ expected: String, _ suggestion: String?) -> ConfigProblem
    ) throws(ConfigProblem) {
        let expected = "proc, sess, txn, req or res, a dot and a name, like txn.user"
        guard let dot = text.firstIndex(of: ".") else {
            throw problem("'\(text)' names no variable: its scope is missing", expected, "txn.\(text)")
        }
        let scopeText = String(text[..<dot])
        guard let scope = VariableScope(rawValue: scopeText) else {
            let nearest = nearest(scopeText, among: VariableScope.allCases.map(\.rawValue))
            throw problem(
                "'\(scopeText)' is no scope of variables", expected, nearest.map { $0 + text[dot...] })
        }
        let name = text[text.index(after: dot)...]
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else {
            throw problem("'\(text)' cannot name a variable", "letters, digits, '_', '-' and '.'", nil)
        }
        self.scope = scope
        key = Self.key(of: name.utf8)
    }

    public init(_ word: Word) throws(ConfigProblem) {
        try self.init(word.text) { message, expected, suggestion in
            ConfigProblem(message, at: word.range, expected: expected, suggestion: suggestion)
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte | 0x20 &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x5F || byte == 0x2E || byte == 0x2D
    }

    /// FNV-1a.
    private static func key(of name: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }
}

/// When `set-var(<name>,<condition>…)` sets its variable: all have to hold.
public enum SetCondition: String, CaseIterable, Sendable {
    case ifExists = "ifexists", ifNotExists = "ifnotexists"
    /// About the new value.
    case ifEmpty = "ifempty", ifNotEmpty = "ifnotempty"
    /// About the old value.
    case ifSet = "ifset", ifNotSet = "ifnotset"
    /// The old value is greater, or less, than the new one. Where either is no number nothing is compared, and they hold.
    case ifGreater = "ifgt", ifLess = "iflt"
}

/// Some of them, as bits.
public struct SetConditions: Sendable, ExpressibleByArrayLiteral {
    private var bits: UInt8 = 0

    public init(arrayLiteral conditions: SetCondition...) {
        for condition in conditions { insert(condition) }
    }

    public var isEmpty: Bool { bits == 0 }

    public func contains(_ condition: SetCondition) -> Bool { bits & Self.bit(condition) != 0 }

    public mutating func insert(_ condition: SetCondition) { bits |= Self.bit(condition) }

    private static func bit(_ condition: SetCondition) -> UInt8 {
        switch condition {
        case .ifExists: 1
        case .ifNotExists: 2
        case .ifEmpty: 4
        case .ifNotEmpty: 8
        case .ifSet: 16
        case .ifNotSet: 32
        case .ifGreater: 64
        case .ifLess: 128
        }
    }
}

extension ExchangeContext {
    /// Sets a variable if the conditions hold; says whether they do.
    @discardableResult
    public func set(_ name: VariableName, _ value: SampleValue, if conditions: SetConditions) -> Bool {
        guard conditions.isEmpty || allHold(conditions, name, value) else { return false }
        set(name, value)
        return true
    }

    private func allHold(_ conditions: SetConditions, _ name: VariableName, _ value: SampleValue) -> Bool {
        for condition in SetCondition.allCases
        where conditions.contains(condition) && !holds(condition, name, value) {
            return false
        }
        return true
    }

    private func holds(_ condition: SetCondition, _ name: VariableName, _ value: SampleValue) -> Bool {
        switch condition {
        // A variable of the process exists as soon as a file names it.
        case .ifExists: name.scope == .process || variable(name) != nil
        case .ifNotExists: name.scope != .process && variable(name) == nil
        case .ifEmpty: isEmpty(value)
        case .ifNotEmpty: !isEmpty(value)
        case .ifSet: variable(name) != nil
        case .ifNotSet: variable(name) == nil
        case .ifGreater: compare(name, value) { $0 > $1 }
        case .ifLess: compare(name, value) { $0 < $1 }
        }
    }

    private func isEmpty(_ value: SampleValue) -> Bool {
        if case .string(let bytes) = value { bytes.count == 0 } else { false }
    }

    private func compare(_ name: VariableName, _ new: SampleValue, _ isSo: (Int, Int) -> Bool) -> Bool {
        guard case .integer(let new) = new, case .integer(let old) = variable(name) else { return true }
        return isSo(old, new)
    }
}

extension VariableName {
    /// Reads a name that rules at `hook` set.
    public init(_ word: Word, in hook: RuleHook) throws(ConfigProblem) {
        try self.init(word)
        let scopes = hook.variableScopes
        guard scopes.contains(scope) else {
            throw ConfigProblem(
                "'\(word.text)' cannot be set in \(hook.name)", at: word.range,
                expected: "a variable that lasts longer: \(scopes.map(\.rawValue).joined(separator: " or "))")
        }
    }
}

extension RuleHook {
    /// The variables that there may be when rules here run.
    fileprivate var variableScopes: [VariableScope] {
        switch self {
        case .global: [.process]
        case .connectionRules, .sessionRules: [.process, .session]
        case .checks: [.process, .session, .check]
        default: VariableScope.allCases.filter { $0 != .check }
        }
    }
}

extension Arguments {
    /// Takes what `set-var` has in parentheses: `name,condition,…`.
    public mutating func variableTarget(in hook: RuleHook) throws(ConfigProblem) -> (VariableName, SetConditions) {
        let word = try inParentheses("a variable")
        var parts = word.text.split(separator: ",", omittingEmptySubsequences: false)
        let first = parts.removeFirst()
        var nameWord = Word(String(first), at: word.range)
        if word.range.length == word.text.count { nameWord.range.length = max(1, first.count) }
        let name = try VariableName(nameWord, in: hook)
        var conditions: SetConditions = []
        for part in parts {
            guard let condition = SetCondition(rawValue: String(part)) else {
                let all = SetCondition.allCases.map(\.rawValue)
                throw problem(
                    "unknown condition '\(part)'", at: word, expected: "one of \(all.joined(separator: ", "))",
                    suggestion: nearest(String(part), among: all))
            }
            conditions.insert(condition)
        }
        return (name, conditions)
    }
}
