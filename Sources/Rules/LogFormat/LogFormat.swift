// Log-format strings, compiled: fixed text, variables such as `%ci`, expressions such as `%[src]`
// (manual, section 8.2.6).
//
// The same strings make log lines, header values, locations and bodies. In a log line runs of spaces are one
// space and missing text is a dash; elsewhere every space counts and missing text is nothing. In neither does a
// value bring a control character in: they are written as `#XX` in logs, as `%XX` elsewhere.

internal import Basics

public struct LogFormat: Sendable {
    /// What the string makes.
    public enum Use: Sendable {
        /// A log line.
        case logLine
        /// Something in a message: a header value, a location, a path, a body, or a backend's name.
        case message
    }

    /// Flags of one variable.
    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        static let quote = Flags(rawValue: 1)
        static let hexadecimal = Flags(rawValue: 2)
        static let escape = Flags(rawValue: 4)
    }

    enum Element: Sendable {
        case text([UInt8])
        /// One space, unless the line already ends with one.
        case separator
        case variable(LogVariable, Flags)
        case expression(Expression, Flags)
    }

    let elements: [Element]
    private let use: Use

    init(elements: [Element], use: Use) {
        self.elements = elements
        self.use = use
    }

    /// Whether it is the same text for every exchange.
    public var isConstant: Bool {
        elements.allSatisfy {
            switch $0 {
            case .text, .separator: true
            case .variable, .expression: false
            }
        }
    }

    /// Appends what the string makes of the facts. Allocates nothing beyond that.
    public func render(_ facts: ExchangeFacts, into out: inout [UInt8]) {
        var endsWithSpace = true
        for element in elements {
            switch element {
            case .text(let text):
                out.append(contentsOf: text)
                endsWithSpace = false
            case .separator:
                if !endsWithSpace { out.append(0x20) }
                endsWithSpace = true
            case .variable(let variable, let flags):
                let before = out.count
                variable.render(facts, flags, isLine: use == .logLine, into: &out)
                // Captures that are not configured leave nothing, and no second space either.
                if out.count > before || !variable.isCaptureList { endsWithSpace = false }
            case .expression(let expression, let flags):
                facts.withScratch {
                    guard let value = expression.evaluate(facts) else {
                        out.append(missing: flags, isLine: use == .logLine)
                        return
                    }
                    render(value, facts, flags, into: &out)
                }
                endsWithSpace = false
            }
        }
    }

    @inline(__always)
    private func render(_ value: SampleValue, _ facts: ExchangeFacts, _ flags: Flags, into out: inout [UInt8]) {
        let bytes = value.bytes(facts)
        if bytes.count == 0 { return out.append(missing: flags, isLine: use == .logLine) }
        if flags.contains(.quote) { out.append(0x22) }
        facts.withBytes(bytes) {
            out.append($0, use == .logLine ? .logText : .message, escapingParameters: flags.contains(.escape))
        }
        if flags.contains(.quote) { out.append(0x22) }
    }
}

extension [UInt8] {
    /// Appends what stands for missing text: nothing in a message, two quotes or a dash in a line.
    mutating func append(missing flags: LogFormat.Flags, isLine: Bool) {
        guard isLine else { return }
        append(flags.contains(.quote) ? "\"\"" : "-")
    }

    /// Appends text that a variable stands for.
    mutating func append(logText text: some Collection<UInt8>, _ flags: LogFormat.Flags, isLine: Bool) {
        if text.isEmpty { return append(missing: flags, isLine: isLine) }
        if flags.contains(.quote) { append(0x22) }
        if flags.contains(.escape) {
            for byte in text {
                if byte == 0x22 || byte == 0x5C || byte == 0x5D { append(0x5C) }
                append(byte)
            }
        } else {
            append(contentsOf: text)
        }
        if flags.contains(.quote) { append(0x22) }
    }
}
