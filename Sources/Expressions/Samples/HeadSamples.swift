// All fields of a head at once: their names, their lines, their lines in binary (manual, section 7.3.6).

internal import Basics
internal import Configuration
internal import HTTP

struct HeadSample: SampleFamily {
    enum Result: Sendable {
        /// With this byte between them.
        case names(UInt8)
        case lines, binary
    }
    let side: MessageSide
    let result: Result

    static let rows: [SampleRow] = family(.request, "req", "request") + family(.response, "res", "response")

    private static func family(_ side: MessageSide, _ prefix: String, _ what: String) -> [SampleRow] {
        let availability: SampleAvailability = side == .request ? .requestHead : .responseHead
        return [
            SampleRow(
                "\(prefix).hdr_names", "([<delimiter>])", yields: .string, from: availability,
                summary: "The names of all fields of the \(what), with commas or the delimiter between them."
            ) { (arguments, _) throws(ConfigProblem) in
                let delimiter = arguments.optionalString()?.verbatimBytes.first ?? 0x2C
                return .head(HeadSample(side: side, result: .names(delimiter)))
            },
            SampleRow(
                "\(prefix).hdrs", yields: .string, from: availability, .head(HeadSample(side: side, result: .lines)),
                summary: "All field lines of the \(what) and the empty line behind them."),
            SampleRow(
                "\(prefix).hdrs_bin", yields: .binary, from: availability,
                .head(HeadSample(side: side, result: .binary)),
                summary: "Name and value of each field of the \(what), their lengths before them, and two empty texts."),
        ]
    }
    func head(in side: MessageSide) -> MessageSide? { self.side }

    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch side {
        case .request:
            guard context.request.isPresent else { return nil }
            return .string(context.make { context.request.fields.append(result, to: &$0) })
        case .response: return .string(context.make { context.response.fields.append(result, to: &$0) })
        }
    }
}

extension HeaderFields {
    fileprivate func append(_ result: HeadSample.Result, to out: inout [UInt8]) {
        for i in 0..<count {
            switch result {
            case .names(let delimiter):
                if i > 0 { out.append(delimiter) }
                out.append(name(i))
            case .lines:
                out.append(name(i))
                out.append(": ")
                out.append(value(i))
                out.append("\r\n")
            case .binary:
                out.append(variableInteger: name(i).byteCount)
                out.append(name(i))
                out.append(variableInteger: value(i).byteCount)
                out.append(value(i))
            }
        }
        switch result {
        case .names: break
        case .lines: out.append("\r\n")
        case .binary: out += [0, 0]
        }
    }
}

extension [UInt8] {
    /// The variable-length integers of HAProxy's SPOE protocol: one byte below 240, then four bits, then seven each.
    fileprivate mutating func append(variableInteger number: Int) {
        guard number >= 240 else { return append(UInt8(truncatingIfNeeded: number)) }
        append(UInt8(truncatingIfNeeded: number) | 240)
        var rest = (number - 240) >> 4
        while rest >= 128 {
            append(UInt8(truncatingIfNeeded: rest) | 128)
            rest = (rest - 128) >> 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
