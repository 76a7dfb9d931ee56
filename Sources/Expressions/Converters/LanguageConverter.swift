// `language`: the one of our languages that a client likes best, of an Accept-Language field (manual, section 7.3.1;
// RFC 9110 section 12.5.4).

internal import Basics
internal import Configuration
internal import Patterns

struct LanguageConverter: Sendable {
    /// Stretches of the table's strings.
    private let languages: TableSlice
    private let fallback: TableSlice?

    static let rows: [ConverterRow] = [
        ConverterRow(
            "language", "(<value>[;<value>…][,<default>])", takes: .string, yields: .string,
            summary:
                "Of these languages the one with the highest q in an Accept-Language value; `fr-CH` stands for `fr` too "
                + "unless it is in the list itself."
        ) { (arguments, table) throws(ConfigProblem) in
            let list = try arguments.string("languages, parted by ';'")
            let names = list.split(separator: ";")
            guard !names.isEmpty else { throw arguments.problem("there is no language in '\(list)'") }
            let start = table.patterns.strings.count
            for name in names { table.patterns.strings.append(table.keep(String(name))) }
            let languages = TableSlice(start..<table.patterns.strings.count)
            let fallback = arguments.optionalString().map { table.keep($0) }
            return .language(LanguageConverter(languages: languages, fallback: fallback))
        }
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        let found = context.withBytes(value.bytes(context)) { best(in: $0, program) }
        return (found ?? fallback).map { text in .string(context.make { $0.append(program.text(text)) }) }
    }

    private func best(in text: RawSpan, _ program: ExpressionProgram) -> TableSlice? {
        var best: TableSlice?
        var bestQuality = 0
        var start = 0
        while start < text.byteCount {
            let end = text.firstIndex(from: start) { $0 == 0x2C }
            let item = text.extracting(start..<end)
            let nameEnd = item.firstIndex(from: 0) { $0 == 0x3B }
            let quality = item.extracting(nameEnd..<item.byteCount).quality
            // The first of equals stays.
            if quality > bestQuality, let language = language(item.extracting(0..<nameEnd).trimmed(), program) {
                best = language
                bestQuality = quality
            }
            start = end + 1
        }
        return best
    }

    /// The language itself, or the nearest of which it is a variant.
    private func language(_ name: RawSpan, _ program: ExpressionProgram) -> TableSlice? {
        var end = name.byteCount
        while end > 0 {
            if let listed = listed(name.extracting(0..<end), program) { return listed }
            repeat { end -= 1 } while end > 0 && name[end] != 0x2D
        }
        return nil
    }

    private func listed(_ name: RawSpan, _ program: ExpressionProgram) -> TableSlice? {
        for i in languages.range where program.text(program.patterns.strings[i]).isEqual(to: name) {
            return program.patterns.strings[i]
        }
        return nil
    }
}

extension RawSpan {
    /// Without spaces and tabs at its ends.
    @_lifetime(copy self)
    fileprivate func trimmed() -> RawSpan {
        var (low, high) = (0, byteCount)
        while low < high, self[low] == 0x20 || self[low] == 0x09 { low += 1 }
        while low < high, self[high - 1] == 0x20 || self[high - 1] == 0x09 { high -= 1 }
        return extracting(low..<high)
    }

    /// The q among `;name=value` in thousandths; 1,000 where there is none that can be read.
    fileprivate var quality: Int {
        var i = firstIndex(from: 0) { $0 | 0x20 == 0x71 }
        guard i + 1 < byteCount, self[i + 1] == 0x3D else { return 1_000 }
        i += 2
        guard i < byteCount, self[i] == 0x30 || self[i] == 0x31 else { return 1_000 }
        var quality = self[i] == 0x31 ? 1_000 : 0
        i += 1
        guard i < byteCount, self[i] == 0x2E else { return quality }
        var unit = 100
        i += 1
        while i < byteCount, unit > 0, self[i] &- 0x30 < 10 {
            quality += unit * Int(self[i] &- 0x30)
            unit /= 10
            i += 1
        }
        return min(quality, 1_000)
    }
}
