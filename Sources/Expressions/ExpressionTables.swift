// The rows by which samples and converters are found, checked and documented.

internal import Basics
internal import Configuration

/// A sample by one of its names.
public struct SampleRow: Sendable {
    typealias Maker = @Sendable (inout ExpressionArguments, inout ExpressionTable) throws(ConfigProblem) -> Sample

    public let name: String
    /// Its arguments as the manual writes them: `(<name>[,<occ>])`.
    public let arguments: String
    public let type: SampleType
    public let availability: SampleAvailability
    /// Whether `<name>_beg`, `<name>_end` and so on are criteria too.
    public let hasMatchForms: Bool
    public let summary: String
    let make: Maker
    /// Makes a number of what a criterion compares it with, where that is not written as one; nil where it is.
    var integer: (@Sendable (_ value: Word) -> Word)?

    init(
        _ name: String, _ arguments: String = "", yields type: SampleType, from availability: SampleAvailability,
        hasMatchForms: Bool = false, summary: String, make: @escaping Maker
    ) {
        self.name = name
        self.arguments = arguments
        self.type = type
        self.availability = availability
        self.hasMatchForms = hasMatchForms
        self.summary = summary
        self.make = make
    }

    /// A sample without arguments.
    init(
        _ name: String, yields type: SampleType, from availability: SampleAvailability, hasMatchForms: Bool = false,
        _ sample: Sample,
        summary: String
    ) {
        self.init(name, yields: type, from: availability, hasMatchForms: hasMatchForms, summary: summary) {
            (_, _) throws(ConfigProblem) in sample
        }
    }

    /// The same sample by another name.
    func named(_ other: String, hasMatchForms: Bool = false) -> SampleRow {
        var row = SampleRow(
            other, arguments, yields: type, from: availability, hasMatchForms: hasMatchForms,
            summary: "The same as \(name).",
            make: make)
        row.integer = integer
        return row
    }

    /// All of them.
    public static let table = Sample.families.flatMap { $0.rows }

    /// The index of each name in the table.
    public static let places = Dictionary(table.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in
        preconditionFailure("two samples are named \(table[first].name)")
    }
}

/// A converter by its name.
public struct ConverterRow: Sendable {
    typealias Maker = @Sendable (inout ExpressionArguments, inout ExpressionTable) throws(ConfigProblem) -> Converter

    public let name: String
    public let arguments: String
    /// What it takes; another type is converted to it first.
    let input: SampleType
    /// What it yields. `any` stands for what it took; if it takes one type only, for one that is only known when the value
    /// is there.
    public let type: SampleType
    public let summary: String
    let make: Maker

    init(
        _ name: String, _ arguments: String = "", takes input: SampleType, yields type: SampleType, summary: String,
        make: @escaping Maker
    ) {
        self.name = name
        self.arguments = arguments
        self.input = input
        self.type = type
        self.summary = summary
        self.make = make
    }

    /// All of them.
    public static let table =
        ArithmeticConverter.rows + TextConverter.rows + Concatenation.rows + PartConverter.rows + LanguageConverter.rows
        + HostConverter.rows + URLConverter.rows + Base64Converter.rows + BinaryConverter.rows + HashConverter.rows
        + DigestConverter.rows + VariableConverter.rows + AddressMask.rows + ForwardedConverter.rows
        + DateConverter.rows + JSONConverter.rows + JSONQuery.rows + TokenQuery.rows + TokenVerifier.rows
        + CipherConverter.rows + ProtobufConverter.rows + FIXConverter.rows
        + MQTTConverter.rows + [WhenConverter.row]
        + CaptureConverter.rows + SiteConverter.rows + [CertificateErrorConverter.row]
        + Substitution.rows + MapConverter.rows

    static let byName = Dictionary(table.map { ($0.name, $0) }) { first, _ in
        preconditionFailure("two converters are named \(first.name)")
    }
}

extension SampleType {
    /// Whether it is an address, of whatever version.
    var isAddress: Bool { self == .address || self == .ipv4 || self == .ipv6 }

    /// Whether HAProxy converts a value of this type to `other` where that is asked for.
    public func converts(to other: SampleType) -> Bool {
        if self == other || self == .any || other == .any { return true }
        return switch (self, other) {
        case (.bool, _) where other.isAddress: false
        case (_, .bool) where isAddress: false
        case (.method, _): other == .string || other == .binary
        case (.binary, .bool), (.binary, .integer): false
        case (.binary, _) where other.isAddress: false
        case (.integer, .ipv6), (.ipv6, .integer): false
        case (.string, .method): true
        case (_, .method): false
        default: true
        }
    }

    /// What has to be done to a value of this type to make it one of `other`; nil if values convert themselves where
    /// they are used.
    func cast(to other: SampleType) -> Cast? {
        switch (self, other) {
        case (.binary, .string): .binaryToText
        case (.bool, .binary), (.integer, .binary), (.address, .binary), (.ipv4, .binary), (.ipv6, .binary),
            (.any, .binary):
            .toBinary
        case (.address, .ipv4), (.integer, .ipv4), (.string, .ipv4), (.ipv6, .ipv4), (.any, .ipv4): .toIPv4
        case (.address, .ipv6), (.ipv4, .ipv6), (.string, .ipv6), (.any, .ipv6): .toIPv6
        default: nil
        }
    }
}
