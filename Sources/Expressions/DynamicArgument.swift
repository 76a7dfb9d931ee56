// Arguments of converters that may be variables: `add(5)` and `add(txn.n)`.

internal import Basics
internal import Configuration
internal import Patterns

/// A number, or a variable that holds one.
enum IntegerArgument: Sendable {
    case constant(Int)
    case variable(VariableName)

    /// nil if the variable is not set, or holds no number.
    func value(_ context: ExchangeContext) -> Int? {
        switch self {
        case .constant(let number): number
        case .variable(let name): context.variable(name)?.integer(context)
        }
    }
}

/// A text, or a variable that holds one.
enum TextArgument: Sendable {
    case constant(TableSlice)
    case variable(VariableName)

    /// In the scratch; nil if the variable is not set.
    func value(_ context: ExchangeContext, _ program: ExpressionProgram) -> SampleBytes? {
        switch self {
        case .constant(let text): context.make { $0.append(program.text(text)) }
        case .variable(let name): context.variable(name)?.bytes(context)
        }
    }

    /// The bytes that a variable holds in base64, or those of `base64OrVariable`; nil if there are none.
    func decoded(_ context: ExchangeContext, _ program: ExpressionProgram) -> SampleBytes? {
        switch self {
        case .constant: return value(context, program)
        case .variable(let name):
            guard let text = context.variable(name)?.bytes(context),
                case .string(let bytes)? = context.convert(text, { Base64.ordinary.decode($0, to: &$1) })
            else { return nil }
            return bytes
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
    mutating func textOrVariable(_ what: String, _ table: inout ExpressionTable) throws(ConfigProblem) -> TextArgument {
        let text = try string(what)
        let scope = text.prefix { $0 != "." }
        if text.contains("."), VariableScope(rawValue: String(scope)) != nil {
            return .variable(try variableName(text))
        }
        return .constant(table.keep(text))
    }

    /// Takes bytes in base64, which are decoded, or a variable that will hold some.
    mutating func base64OrVariable(_ what: String, _ table: inout ExpressionTable) throws(ConfigProblem) -> TextArgument
    {
        let argument = try textOrVariable(what, &table)
        guard case .constant(let text) = argument else { return argument }
        var bytes: [UInt8] = []
        guard unsafe Base64.ordinary.decode(table.text(text).span.bytes, to: &bytes) else {
            throw problem(
                "'\(String(verbatim: table.text(text)))' is not in base64",
                expected: "\(what), or a variable")
        }
        return .constant(table.keep(bytes))
    }
}
