// Numbers to numbers, and to yes or no (manual, section 7.3.1). What does not fit into 64 bits stops at the greatest or
// the least number.

internal import Basics
internal import Configuration

struct ArithmeticConverter: Sendable {
    private let operation: Operation
    private let operand: IntegerArgument

    private enum Operation {
        case add, sub, mul, div, mod, and, or, xor, neg, cpl, even, odd, not, bool
    }

    static let rows: [ConverterRow] = [
        row("add", .add, "The sum."),
        row("sub", .sub, "The number less the value; `neg,add(value)` is the other way round."),
        row("mul", .mul, "The product."),
        row("div", .div, "The quotient, towards zero; by zero it is the greatest number."),
        row("mod", .mod, "The remainder, with the number's sign; by zero it is zero."),
        row("and", .and, "The bits that are set in both."),
        row("or", .or, "The bits that are set in either."),
        row("xor", .xor, "The bits that are set in one of the two."),
        row("neg", .neg, "The number with the other sign."),
        row("cpl", .cpl, "All bits turned over."),
        row("even", .even, yields: .bool, "Whether the number is even."),
        row("odd", .odd, yields: .bool, "Whether the number is odd."),
        row("not", .not, yields: .bool, "Whether the number is zero."),
        row("bool", .bool, yields: .bool, "Whether the number is not zero."),
    ]

    private static func row(
        _ name: String, _ operation: Operation, yields type: SampleType = .integer, _ summary: String
    ) -> ConverterRow {
        let isUnary =
            switch operation {
            case .add, .sub, .mul, .div, .mod, .and, .or, .xor: false
            case .neg, .cpl, .even, .odd, .not, .bool: true
            }
        return ConverterRow(name, isUnary ? "" : "(<value>)", takes: .integer, yields: type, summary: summary) {
            (arguments, _) throws(ConfigProblem) in
            let operand: IntegerArgument =
                isUnary ? .constant(0) : try arguments.integerOrVariable("a number, or a variable that holds one")
            return .arithmetic(ArithmeticConverter(operation: operation, operand: operand))
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        guard let a = value.integer(context), let b = operand.value(context) else { return nil }
        return switch operation {
        case .add: .integer(Self.saturated(a.addingReportingOverflow(b), isNegative: b < 0))
        case .sub: .integer(Self.saturated(a.subtractingReportingOverflow(b), isNegative: b > 0))
        case .mul: .integer(Self.saturated(a.multipliedReportingOverflow(by: b), isNegative: (a < 0) != (b < 0)))
        // The one quotient that does not fit is that of the least number by -1.
        case .div: .integer(b == 0 ? .max : Self.saturated(a.dividedReportingOverflow(by: b), isNegative: false))
        case .mod: .integer(b == 0 || b == -1 ? 0 : a % b)
        case .and: .integer(a & b)
        case .or: .integer(a | b)
        case .xor: .integer(a ^ b)
        case .neg: .integer(a == .min ? .max : -a)
        case .cpl: .integer(~a)
        case .even: .bool(a & 1 == 0)
        case .odd: .bool(a & 1 != 0)
        case .not: .bool(a == 0)
        case .bool: .bool(a != 0)
        }
    }

    private static func saturated(_ result: (partialValue: Int, overflow: Bool), isNegative: Bool) -> Int {
        if !result.overflow { return result.partialValue }
        return isNegative ? .min : .max
    }
}
