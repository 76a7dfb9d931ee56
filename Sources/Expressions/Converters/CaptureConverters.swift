// `capture-req` and `capture-res`: a value on its way is kept for the log (manual, section 7.3.1).

internal import Basics
internal import Configuration
internal import Patterns

struct CaptureConverter: Sendable {
    private let slot: Int
    private let side: MessageSide

    static let rows: [ConverterRow] = [
        row("capture-req", .request, "request"), row("capture-res", .response, "response"),
    ]

    private static func row(_ name: String, _ side: MessageSide, _ what: String) -> ConverterRow {
        ConverterRow(
            name, "(<id>)", takes: .string, yields: .string,
            summary:
                "Keeps the text in the \(what) capture of this number, which the frontend declares, and goes on with it; "
                + "nothing if there is no such capture."
        ) { (arguments, _) throws(ConfigProblem) in
            let slot = try arguments.integer("the number of a declared capture", in: 0...1_023)
            return .capture(CaptureConverter(slot: slot, side: side))
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        let bytes = value.bytes(context)
        let isKept = context.withBytes(bytes) { text in
            switch side {
            case .request: context.requestCaptures.keep(slot, text)
            case .response: context.responseCaptures.keep(slot, text)
            }
        }
        return isKept ? .string(bytes) : nil
    }
}

extension FieldCaptures {
    /// Returns false when there is no such slot.
    fileprivate mutating func keep(_ slot: Int, _ text: RawSpan) -> Bool {
        set(slot, text)
        return slot < count
    }
}
