// Arguments of converters that may be variables: `add(5)` and `add(txn.n)`.

internal import Basics
internal import Configuration

/// A number, or a variable that holds one.
enum IntegerArgument: Sendable {
    case constant(Int)
    case variable(VariableName)

    /// nil if the variable is not set, or holds no number.
    func value(_ facts: ExchangeFacts) -> Int? {
        switch self {
        case .constant(let number): number
        case .variable(let name): facts.variable(name)?.integer(facts)
        }
    }
}

/// A text, or a variable that holds one.
enum TextArgument: Sendable {
    case constant(Stretch)
    case variable(VariableName)

    /// In the scratch; nil if the variable is not set.
    func value(_ facts: ExchangeFacts, _ program: RuleProgram) -> SampleBytes? {
        switch self {
        case .constant(let text): facts.make { $0.append(program.text(text)) }
        case .variable(let name): facts.variable(name)?.bytes(facts)
        }
    }
}

extension ExpressionArguments {
    /// Takes the name of a variable.
    mutating func variable() throws(ConfigProblem) -> VariableName {
        try variableName(string("a variable, like txn.user"))
    }

    /// Takes the name of a variable that may be missing.
    mutating func optionalVariable() throws(ConfigProblem) -> VariableName? {
        guard let text = optionalString() else { return nil }
        return try variableName(text)
    }

    private func variableName(_ text: String) throws(ConfigProblem) -> VariableName {
        try VariableName(text) { message, expected, suggestion in
            var problem = problem(message, expected: expected)
            problem.suggestion = suggestion
            return problem
        }
    }

    /// Takes a whole number, or a variable.
    mutating func integerOrVariable(_ what: String) throws(ConfigProblem) -> IntegerArgument {
        let text = try string(what)
        if let number = Int(text) { return .constant(number) }
        guard text.contains(".") else {
            throw problem("'\(text)' is neither a number nor a variable", expected: what)
        }
        return .variable(try variableName(text))
    }

    /// Takes a number that is not negative, or a variable.
    mutating func naturalOrVariable(_ what: String) throws(ConfigProblem) -> IntegerArgument {
        let argument = try integerOrVariable(what)
        if case .constant(let number) = argument, number < 0 {
            throw problem("\(number) is negative", expected: what)
        }
        return argument
    }

    mutating func optionalNaturalOrVariable(_ what: String) throws(ConfigProblem) -> IntegerArgument? {
        isAtEnd ? nil : try naturalOrVariable(what)
    }

    /// Takes a variable if the text names one, as HAProxy tells them apart: by a scope in front; else the text itself.
    mutating func textOrVariable(_ what: String, _ table: inout RuleTable) throws(ConfigProblem) -> TextArgument {
        let text = try string(what)
        let scope = text.prefix { $0 != "." }
        if text.contains("."), VariableScope(rawValue: String(scope)) != nil {
            return .variable(try variableName(text))
        }
        return .constant(table.keep(text.utf8))
    }
}
