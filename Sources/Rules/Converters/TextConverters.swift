// Text to text, and what can be counted in it (manual, section 7.3.1).

internal import Basics
internal import Configuration

enum TextConverter: Sendable {
    case lower, upper, length

    static let rows: [ConverterRow] = [
        ConverterRow("lower", takes: .string, yields: .string, summary: "ASCII letters in lower case.") {
            (_, _) throws(ConfigProblem) in .text(.lower)
        },
        ConverterRow("upper", takes: .string, yields: .string, summary: "ASCII letters in upper case.") {
            (_, _) throws(ConfigProblem) in .text(.upper)
        },
        ConverterRow("length", takes: .string, yields: .integer, summary: "The number of bytes.") {
            (_, _) throws(ConfigProblem) in .text(.length)
        },
    ]

    func apply(_ value: SampleValue, _ facts: ExchangeFacts) -> SampleValue? {
        let input = value.bytes(facts)
        switch self {
        case .lower:
            let copy = facts.copyToScratch(input)
            facts.scratch.change(copy.start..<copy.start + copy.count) { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
            return .string(copy)
        case .upper:
            let copy = facts.copyToScratch(input)
            facts.scratch.change(copy.start..<copy.start + copy.count) { $0 &- 0x61 < 26 ? $0 & 0xDF : $0 }
            return .string(copy)
        case .length:
            return .integer(input.count)
        }
    }
}

extension [UInt8] {
    @inline(__always)
    fileprivate mutating func change(_ range: Range<Int>, _ change: (UInt8) -> UInt8) {
        for i in range { self[i] = change(self[i]) }
    }
}
