// Numbers as dates, and back (manual, section 7.3.1). The number counts seconds since 1970, or thousandths or millionths of
// them. A date whose year has not four digits is none.

internal import Basics
internal import Configuration
internal import HTTP
internal import Patterns

enum DateConverter: Sendable {
    case http(offset: Int, Unit)
    case formatted(TableSlice, offset: Int, Unit, isLocal: Bool)
    case parse

    enum Unit: Int, Sendable {
        case seconds = 1
        case milliseconds = 1_000
        case microseconds = 1_000_000
    }

    static let rows: [ConverterRow] = [
        ConverterRow(
            "http_date", "([<offset>[,<unit>]])", takes: .integer, yields: .string,
            summary:
                "The date as fields have it, `Sun, 06 Nov 1994 08:49:37 GMT`, of a number of s, ms or us; the offset is "
                + "added first."
        ) { (arguments, _) throws(ConfigProblem) in
            let offset = try arguments.optionalInteger("an offset", in: .min ... .max) ?? 0
            switch arguments.optionalString() {
            case nil, "s": return .date(.http(offset: offset, .seconds))
            case "ms": return .date(.http(offset: offset, .milliseconds))
            case "us": return .date(.http(offset: offset, .microseconds))
            case let unit?: throw arguments.problem("'\(unit)' is no unit here", expected: "s, ms or us")
            }
        },
        ConverterRow(
            "date", takes: .string, yields: .integer,
            summary: "The seconds since 1970 of a date in one of the three forms that fields have it in."
        ) { (_, _) throws(ConfigProblem) in .date(.parse) },
        row("ltime", .seconds, isLocal: true), row("utime", .seconds, isLocal: false),
        row("ms_ltime", .milliseconds, isLocal: true), row("ms_utime", .milliseconds, isLocal: false),
        row("us_ltime", .microseconds, isLocal: true), row("us_utime", .microseconds, isLocal: false),
    ]

    private static func row(_ name: String, _ unit: Unit, isLocal: Bool) -> ConverterRow {
        let fraction = unit == .seconds ? "" : ", with %3N for the first three digits of the fraction"
        return ConverterRow(
            name, "(<format>[,<offset>])", takes: .integer, yields: .string,
            summary:
                "The date of a number of \(unit) in \(isLocal ? "local time" : "UTC"), in strftime's format\(fraction); "
                + "the offset is added first."
        ) { (arguments, table) throws(ConfigProblem) in
            let format = table.keep(try arguments.string("a format, like %Y-%m-%d"))
            let offset = try arguments.optionalInteger("an offset", in: .min ... .max) ?? 0
            return .date(.formatted(format, offset: offset, unit, isLocal: isLocal))
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        switch self {
        case .parse:
            return context.withBytes(value.bytes(context)) { HTTPDate.parse($0) }.map { .integer($0.seconds) }
        case .http(let offset, let unit):
            guard let time = unit.time(value.integer(context), offset) else { return nil }
            return .string(
                context.make { out in
                    HTTPDate.append(time, to: &out)
                    guard unit != .seconds else { return }
                    // Where the second has a fraction it stands before the zone, as HAProxy writes it.
                    out.removeLast(4)
                    out.append(0x2E)
                    switch unit {
                    case .milliseconds: out.append(decimal: time.microseconds / 1_000, width: 3)
                    default: out.append(decimal: time.microseconds, width: 6)
                    }
                    out.append(" GMT" as StaticString)
                })
        case .formatted(let format, let offset, let unit, let isLocal):
            guard let time = unit.time(value.integer(context), offset) else { return nil }
            let format = program.text(format)
            return .string(
                context.make { out in
                    TimeFormat(time, isLocal: isLocal, hasFraction: unit != .seconds).append(format, to: &out)
                })
        }
    }
}

extension DateConverter.Unit {
    /// The years that have four digits.
    private static let years = -62_167_219_200...253_402_300_799

    fileprivate func time(_ number: Int?, _ offset: Int) -> WallTime? {
        guard let (sum, overflow) = number?.addingReportingOverflow(offset), !overflow else { return nil }
        var (seconds, rest) = sum.quotientAndRemainder(dividingBy: rawValue)
        if rest < 0 {
            seconds -= 1
            rest += rawValue
        }
        guard Self.years ~= seconds else { return nil }
        return WallTime(seconds: seconds, microseconds: rest * (1_000_000 / rawValue))
    }
}
