// Samples that ask nothing of the exchange: what they yield is known once the file has been read (manual, section 7.3.2).

internal import Basics
internal import Configuration
internal import Glibc
internal import HTTP
internal import Patterns

enum ConstantSample: SampleFamily {
    case nothing
    case bool(Bool)
    case integer(Int)
    case address(IPAddress)
    case string(TableSlice)
    /// A variable of the environment, by its index in the table.
    case environment(Int)

    static let rows: [SampleRow] =
        [
            SampleRow("always_true", yields: .bool, from: .start, .constant(.bool(true)), summary: "Always true."),
            SampleRow("always_false", yields: .bool, from: .start, .constant(.bool(false)), summary: "Never true."),
            SampleRow(
                "bool", "(<value>)", yields: .bool, from: .start, summary: "The value given: true, 1, false or 0."
            ) {
                (arguments, _) throws(ConfigProblem) in
                let text = try arguments.string("true or false")
                switch text {
                case "true", "1", "yes", "on": return .constant(.bool(true))
                case "false", "0", "no", "off": return .constant(.bool(false))
                default: throw arguments.problem("'\(text)' is neither true nor false", expected: "true or false")
                }
            },
            SampleRow("int", "(<number>)", yields: .integer, from: .start, summary: "The whole number given.") {
                (arguments, _) throws(ConfigProblem) in
                .constant(.integer(try arguments.integer("a whole number", in: .min ... .max)))
            },
            SampleRow("str", "([<text>])", yields: .string, from: .start, summary: "The text given.") {
                (arguments, table) throws(ConfigProblem) in
                .constant(.string(table.keep(arguments.optionalString() ?? "")))
            },
            SampleRow("bin", "(<hex digits>)", yields: .binary, from: .start, summary: "The bytes given.") {
                (arguments, table) throws(ConfigProblem) in
                let text = try arguments.string("an even number of hexadecimal digits")
                guard let bytes = bytes(ofHexadecimal: text) else {
                    throw arguments.problem(
                        "'\(text)' is no row of bytes", expected: "an even number of hexadecimal digits, like 0d0a")
                }
                return .constant(.string(table.keep(bytes)))
            },
            SampleRow("meth", "(<method>)", yields: .method, from: .start, summary: "The method given.") {
                (arguments, table) throws(ConfigProblem) in
                let text = try arguments.string("a method")
                guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                    throw arguments.problem("'\(text)' cannot be a method", expected: "a method, like GET")
                }
                return .constant(.string(table.keep(text)))
            },
            address("ipv4", .ipv4),
            address("ipv6", .ipv6),
            SampleRow(
                "env", "(<name>)", yields: .string, from: .start,
                summary: "The variable of the environment, as it was when the file had been read."
            ) { (arguments, table) throws(ConfigProblem) in
                .constant(.environment(table.environmentVariable(try arguments.string("a variable's name"))))
            },
            SampleRow("hostname", yields: .string, from: .start, summary: "This machine's name.") {
                (_, table) throws(ConfigProblem) in .constant(.string(table.keep(machineName)))
            },
            SampleRow(
                "proc", yields: .integer, from: .start, .constant(.integer(1)), summary: "1: there is one process."),
            SampleRow(
                "nbproc", yields: .integer, from: .start, .constant(.integer(1)), summary: "1: there is one process."),
        ]

    private static func address(_ name: String, _ type: SampleType) -> SampleRow {
        SampleRow(name, "(<address>)", yields: type, from: .start, summary: "The address given.") {
            (arguments, _) throws(ConfigProblem) in
            let text = try arguments.string("an address")
            switch IPAddress(text) {
            case .v4(let word) where type == .ipv4: return .constant(.address(.v4(word)))
            case .v6(let high, let low) where type == .ipv6: return .constant(.address(.v6(high, low)))
            default:
                throw arguments.problem(
                    "'\(text)' is no \(type == .ipv4 ? "IPv4" : "IPv6") address",
                    expected: type == .ipv4 ? "an address like 192.0.2.1" : "an address like 2001:db8::1")
            }
        }
    }

    private static func bytes(ofHexadecimal text: String) -> [UInt8]? {
        let digits = text.utf8.map { UInt8(truncatingIfNeeded: Character(UnicodeScalar($0)).hexDigitValue ?? 0xFF) }
        guard digits.count % 2 == 0, !digits.contains(0xFF) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static let machineName: [UInt8] = {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return [] }
        return name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    }()

    @inline(__always)
    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .nothing: nil
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(value)
        case .address(let value): .address(value)
        case .string(let text): .string(context.make { $0.append(program.text(text)) })
        case .environment(let place):
            program.expressions.environment[place].value.map { text in
                .string(context.make { $0.append(program.text(text)) })
            }
        }
    }
}

/// A variable of the environment by the name a line uses for it, and what it is.
struct EnvironmentVariable: Sendable {
    let name: String
    /// Nil if there is none, and until the whole file has been read.
    var value: TableSlice?
}

extension ExpressionTable {
    /// Keeps a variable's name; returns its index.
    fileprivate mutating func environmentVariable(_ name: String) -> Int {
        environment.append(EnvironmentVariable(name: name))
        return environment.count - 1
    }

    /// Looks the variables up.
    public mutating func resolve(environment values: [String: String]) {
        for place in environment.indices {
            environment[place].value = values[environment[place].name].map { keep($0) }
        }
    }
}
