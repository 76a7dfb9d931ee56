// The two halves of a Host value: `host_only` and `port_only` (manual, section 7.3.1; RFC 9110 section 7.2).

internal import Basics
internal import Configuration

enum HostConverter: Sendable {
    case host, port

    static let rows: [ConverterRow] = [
        ConverterRow(
            "host_only", takes: .string, yields: .string,
            summary: "What stands before the port in a Host value, in lower case; an IPv6 address keeps its brackets."
        ) { (_, _) throws(ConfigProblem) in .host(.host) },
        ConverterRow(
            "port_only", takes: .string, yields: .integer,
            summary: "The port in a Host value; 0 if there is none, or no number."
        ) { (_, _) throws(ConfigProblem) in .host(.port) },
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        let input = value.bytes(context)
        switch self {
        case .host:
            let copy = context.copyToScratch(input.part(0..<context.withBytes(input) { $0.hostEnd }))
            for i in copy.start..<copy.start + copy.count { context.scratch[i] = asciiLowercased(context.scratch[i]) }
            return .string(copy)
        case .port:
            let port = context.withBytes(input) { text in
                let start = text.hostEnd + 1
                return start < text.byteCount ? text.extracting(start..<text.byteCount).decimalValue : nil
            }
            return .integer(port.flatMap { Int(exactly: $0) } ?? 0)
        }
    }
}

extension RawSpan {
    /// Where the colon before the port stands: the last one, unless it belongs to an address in brackets.
    fileprivate var hostEnd: Int {
        var i = byteCount
        while i > 0 {
            i -= 1
            if self[i] == 0x3A { return i }
            if self[i] == 0x5D { return byteCount }
        }
        return byteCount
    }
}
