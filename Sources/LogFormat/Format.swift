// Log-format strings, compiled: fixed text, variables such as `%ci`, expressions such as `%[src]`
// (manual, section 8.2.6).
//
// The same strings make log lines, header values, locations and bodies. In a log line runs of spaces are one
// space and missing text is a dash; elsewhere every space counts and missing text is nothing. In neither does a
// value bring a control character in: they are written as `#XX` in logs, as `%XX` elsewhere.

internal import Basics
public import Configuration
public import Expressions
public import Patterns

/// A compiled log-format string, within the table it was compiled into.
public struct Format: Sendable {
    /// What the string makes.
    public enum Use: Sendable {
        /// A log line.
        case logLine
        /// Something in a message: a header value, a location, a path, a body, or a backend's name.
        case message
        /// A value of a binary protocol: bytes as they are.
        case bytes
    }

    /// Flags of one variable.
    public struct Flags: OptionSet, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) { self.rawValue = rawValue }

        static let quote = Flags(rawValue: 1)
        static let hexadecimal = Flags(rawValue: 2)
        static let escape = Flags(rawValue: 4)
    }

    public enum Element: Sendable {
        case text(TableSlice)
        /// One space, unless the line already ends with one.
        case separator
        case variable(LogVariable, Flags)
        /// The expression's index in the table.
        case expression(Int32, Flags)
    }

    /// A stretch of the table's elements.
    public let elements: TableSlice
    public let use: Use

    /// Appends what the string makes of the context. Allocates nothing beyond that.
    public func render(_ context: ExchangeContext, _ program: FormatProgram, into out: inout [UInt8]) {
        TextWriter.append(to: &out) { render(context, program, &$0) }
    }

    /// Makes the string in `context.rendered`.
    public func render(_ context: ExchangeContext, _ program: FormatProgram) {
        if !context.rendered.isEmpty { context.rendered.removeAll(keepingCapacity: true) }
        render(context, program, into: &context.rendered)
    }

    private func render(_ context: ExchangeContext, _ program: FormatProgram, _ out: inout TextWriter) {
        var endsWithSpace = true
        for i in elements.range {
            switch program.formats.elements[i] {
            case .text(let text):
                out.append(program.text(text))
                endsWithSpace = false
            case .separator:
                if !endsWithSpace { out.append(0x20) }
                endsWithSpace = true
            case .variable(let variable, let flags):
                let before = out.count
                variable.render(context, flags, isLine: use == .logLine, &out)
                // Captures that are not configured leave nothing, and no second space either.
                if out.count > before || !variable.isCaptureList { endsWithSpace = false }
            case .expression(let place, let flags):
                render(program.expressions.expressions[Int(place)], flags, context, program, &out)
                endsWithSpace = false
            }
        }
    }

    private func render(
        _ expression: Expression, _ flags: Flags, _ context: ExchangeContext, _ program: FormatProgram,
        _ out: inout TextWriter
    ) {
        context.withScratch {
            guard let value = expression.evaluate(context, program) else {
                return out.append(missing: flags, isLine: use == .logLine)
            }
            if flags.isEmpty {
                switch value {
                case .bool(let value): return out.append(value ? 0x31 : 0x30)
                case .integer(let number): return out.append(number: number)
                case .address(let address): return out.append(ip: address)
                case .string: break
                }
            }
            let bytes = value.bytes(context)
            guard bytes.count > 0 else { return out.append(missing: flags, isLine: use == .logLine) }
            if flags.contains(.quote) { out.append(0x22) }
            context.withBytes(bytes) {
                if use == .bytes { return out.append($0) }
                out.append($0, use == .logLine ? .logText : .message, escapingParameters: flags.contains(.escape))
            }
            if flags.contains(.quote) { out.append(0x22) }
        }
    }
}

/// The arrays of formats, as they grow while the file is read.
public struct FormatTable: Sendable {
    /// What the room below compiles.
    public var expressions = ExpressionTable()
    public var elements: [Format.Element] = []

    public init() {}

    /// Keeps a text.
    public mutating func keep(_ text: some Collection<UInt8>) -> TableSlice { expressions.keep(text) }

    /// Keeps the bytes of a text of the file.
    public mutating func keep(_ text: String) -> TableSlice { expressions.keep(text) }

    public func text(_ stretch: TableSlice) -> [UInt8] { expressions.text(stretch) }
}

/// The arrays of formats when all lines have been read.
open class FormatProgram: ExpressionProgram, @unchecked Sendable {
    public final let formats: FormatTable

    public init(_ table: FormatTable) {
        formats = table
        super.init(table.expressions)
    }
}

extension FormatTable {
    /// Whether it is the same text for every exchange.
    public func isConstant(_ format: Format) -> Bool {
        elements[format.elements.range].allSatisfy {
            switch $0 {
            case .text, .separator: true
            case .variable, .expression: false
            }
        }
    }

    /// The fixed parts, one behind the other: all it makes if it is constant.
    public func constantText(_ format: Format) -> [UInt8] {
        var constant: [UInt8] = []
        for case .text(let part) in elements[format.elements.range] { constant += text(part) }
        return constant
    }
}

/// A log-format string by itself: the format of a frontend's log.
public struct LogFormat: Sendable {
    private let format: Format
    private var program: FormatProgram

    /// Compiles a string that makes log lines.
    public init(_ word: Word) throws(ConfigProblem) {
        var table = FormatTable()
        format = try Format(word, for: .logLine, in: .logLine, &table)
        program = FormatProgram(table)
    }

    /// Changes what the file's other sections have to say in.
    public mutating func update(_ change: (inout ExpressionTable) -> Void) {
        var table = program.formats
        change(&table.expressions)
        program = FormatProgram(table)
    }

    /// The names of sections and servers in it.
    public var references: [SiteReference] { program.expressions.references }

    /// Whether its table is so.
    public func holds(_ isSo: (ExpressionTable) -> Bool) -> Bool { isSo(program.expressions) }

    /// Whether the variable occurs in it.
    func uses(_ wanted: LogVariable) -> Bool {
        program.formats.elements[format.elements.range].contains {
            if case .variable(wanted, _) = $0 { true } else { false }
        }
    }

    /// Appends the line. Allocates nothing beyond that.
    public func render(_ context: ExchangeContext, into out: inout [UInt8]) {
        format.render(context, program, into: &out)
    }
}

extension TextWriter {
    /// Appends what stands for missing text: nothing in a message, two quotes or a dash in a line.
    mutating func append(missing flags: Format.Flags, isLine: Bool) {
        guard isLine else { return }
        if flags.contains(.quote) { append("\"\"" as StaticString) } else { append(0x2D) }
    }

    /// Appends text that a variable stands for.
    @inline(__always)
    mutating func append(text: String, _ flags: Format.Flags, isLine: Bool) {
        var text = text
        text.withUTF8 { bytes in
            // Safe: the span does not leave this closure.
            unsafe append(text: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes)), flags, isLine: isLine)
        }
    }

    mutating func append(text: [UInt8], _ flags: Format.Flags, isLine: Bool) {
        unsafe append(text: text.span.bytes, flags, isLine: isLine)
    }

    mutating func append(text: RawSpan, _ flags: Format.Flags, isLine: Bool) {
        if text.byteCount == 0 { return append(missing: flags, isLine: isLine) }
        if flags.isEmpty { return append(text) }
        if flags.contains(.quote) { append(0x22) }
        append(text, .logText, escapingParameters: flags.contains(.escape))
        if flags.contains(.quote) { append(0x22) }
    }
}

extension LogFormat {
    public static let tcp = LogFormat(stock: "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq")

    private static let httpText =
        "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
    public static let http = LogFormat(stock: httpText)

    /// As `http`, with what there is to say of TLS behind it: error codes, resumption, name, version and cipher. Where a
    /// connection is not encrypted, HAProxy writes just this.
    public static let https = LogFormat(
        stock: httpText + " %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed]"
            + " %[ssl_fc_sni]/%sslv/%sslc")

    static let clf = LogFormat(
        stock: "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc"
            + " %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl")

    /// What is written when the client connects is no format of variables: see `ExchangeLog`.
    public static let connection = LogFormat(stock: "")

    private init(stock text: String) {
        do throws(ConfigProblem) {
            try self.init(Word(text, at: SourceRange(file: "stock format", line: 1)))
        } catch {
            preconditionFailure("stock format '\(text)': \(error.message)")
        }
    }
}
