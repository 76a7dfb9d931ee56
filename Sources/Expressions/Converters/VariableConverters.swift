// Converters that know variables: they set them, or compare with them (manual, section 7.3.1).

internal import Basics
internal import Configuration

enum VariableConverter: Sendable {
    case set(VariableName, SetConditions)
    case unset(VariableName)
    case compare(VariableName)
    case compareSecretly(VariableName)

    static let rows: [ConverterRow] = [
        ConverterRow(
            "set-var", "(<var>[,<cond>…])", takes: .any, yields: .any,
            summary:
                "Sets a variable to the value and goes on with it. Nothing if one of the conditions does not hold: ifexists, ifnotexists, "
                + "ifempty, ifnotempty, ifset, ifnotset, ifgt, iflt."
        ) { (arguments, _) throws(ConfigProblem) in
            let name = try arguments.variable()
            var conditions: SetConditions = []
            while let text = arguments.optionalString() {
                guard let condition = SetCondition(rawValue: text) else {
                    throw arguments.problem(
                        "'\(text)' is no condition",
                        expected: "one of "
                            + SetCondition.allCases.map(\.rawValue).joined(separator: ", "))
                }
                conditions.insert(condition)
            }
            return .variable(.set(name, conditions))
        },
        ConverterRow(
            "unset-var", "(<var>)", takes: .any, yields: .any, summary: "Forgets a variable and goes on with the value."
        ) { (arguments, _) throws(ConfigProblem) in .variable(.unset(try arguments.variable())) },
        ConverterRow(
            "strcmp", "(<var>)", takes: .string, yields: .integer,
            summary:
                "Compares the text with a variable: 0 if they are the same, less if the text comes first, more if it "
                + "comes behind."
        ) { (arguments, _) throws(ConfigProblem) in .variable(.compare(try arguments.variable())) },
        ConverterRow(
            "secure_memcmp", "(<var>)", takes: .binary, yields: .bool,
            summary:
                "Whether the bytes are the same as a variable's; the time it takes does not tell where they differ."
        ) { (arguments, _) throws(ConfigProblem) in .variable(.compareSecretly(try arguments.variable())) },
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        switch self {
        case .set(let name, let conditions):
            return context.set(name, value, if: conditions) ? value : nil
        case .unset(let name):
            context.unset(name)
            return value
        case .compare(let name):
            guard let other = context.variable(name)?.bytes(context) else { return nil }
            let order = context.withBytes(value.bytes(context)) { a in context.withBytes(other) { a.order(to: $0) } }
            return .integer(order)
        case .compareSecretly(let name):
            guard let variable = context.variable(name), let other = Cast.toBinary.apply(variable, context),
                case .string(let bytes) = other
            else { return nil }
            let isSame = context.withBytes(value.bytes(context)) { a in
                context.withBytes(bytes) { a.isEqualInConstantTime(to: $0) }
            }
            return .bool(isSame)
        }
    }
}

extension RawSpan {
    /// The difference of the first bytes that differ, else of the lengths, as -1, 0 or 1.
    fileprivate func order(to other: RawSpan) -> Int {
        for i in 0..<Swift.min(byteCount, other.byteCount) where self[i] != other[i] {
            return Int(self[i]) - Int(other[i])
        }
        return (byteCount - other.byteCount).signum()
    }
}
