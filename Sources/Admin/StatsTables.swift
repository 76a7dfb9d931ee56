// The statistics as text for programs: CSV with HAProxy's columns, its typed text, its JSON. All three walk the metric
// tables; none knows a metric by name.

internal import Basics

/// The counters of all rows, as text in one of three forms.
struct StatsTable: PieceProducer {
    enum Form {
        /// A header line, then a line a row; every line ends in a comma.
        case csv
        /// An array of rows, each an array of typed fields.
        case json
        /// A line a value: `S.3.1.0.pxname.1:KNS:str:app`; with `describes` also what it means, in quotes.
        case typed(describes: Bool)
    }

    let source: any StatsSource
    let form: Form
    let filter: RowFilter
    /// Whether addresses, cookies and algorithms are shown.
    let showsLegends: Bool

    private var cursor = RowCursor()
    private var process: ProcessStats?
    /// The row that is being written, and its next metric: rows in JSON are longer than a piece should be.
    private var subject: StatSubject?
    private var metric = 0
    private var isFirstRow = true
    private var isFirstField = true

    init(_ source: any StatsSource, as form: Form, _ filter: RowFilter = RowFilter(), showsLegends: Bool) {
        self.source = source
        self.form = form
        self.filter = filter
        self.showsLegends = showsLegends
    }

    /// Metrics in one piece of the long forms: some 2 KiB of JSON.
    private static let metricsPerPiece = 16

    mutating func next(into out: inout [UInt8], at now: Instant) -> Bool {
        guard let process else {
            process = source.process(at: now)
            begin(&out)
            return true
        }
        if subject == nil {
            guard let (proxy, row) = cursor.next(in: source, filter, at: now) else {
                if case .json = form { out.append("]\n") }
                return false
            }
            subject = StatSubject(process: process, proxy: proxy, row: row, showsLegends: showsLegends)
            metric = 0
            isFirstField = true
            if case .json = form { out.append(isFirstRow ? "[" : ",[") }
            isFirstRow = false
        }
        guard let subject else { return true }
        let end =
            if case .csv = form { StatMetrics.table.count } else {
                min(StatMetrics.table.count, metric + Self.metricsPerPiece)
            }
        while metric < end {
            append(StatMetrics.table[metric], of: subject, to: &out)
            metric += 1
        }
        if metric == StatMetrics.table.count { endRow(&out) }
        return true
    }

    private func begin(_ out: inout [UInt8]) {
        switch form {
        case .csv:
            out.append("# ")
            for (index, metric) in StatMetrics.table.enumerated() {
                if index == StatMetrics.firstModuleIndex { out.append("-,") }
                out.append(metric.name)
                out.append(0x2C)
            }
            out.append(0x0A)
        case .json: out.append(0x5B)
        case .typed: break
        }
    }

    private mutating func append(_ metric: Metric<StatSubject>, of subject: StatSubject, to out: inout [UInt8]) {
        let value = metric.value(subject)
        let position = self.metric
        switch form {
        case .csv:
            if position == StatMetrics.firstModuleIndex { out.append("-,") }
            out.append(csv: value)
            out.append(0x2C)
        case .typed(let describes):
            guard !value.isNone else { return }
            out.append(subject.row.kind.letter)
            for number in [subject.proxy.id, subject.row.id, position] {
                out.append(0x2E)
                out.append(decimal: number)
            }
            out.append(0x2E)
            out.append(typed: value, of: metric, describes: describes)
        case .json:
            guard !value.isNone else { return }
            out.append(isFirstField ? "{\"objType\":\"" : ",{\"objType\":\"")
            isFirstField = false
            out.append(subject.row.kind.typeName)
            out.append("\",\"proxyId\":")
            out.append(decimal: subject.proxy.id)
            out.append(",\"id\":")
            out.append(decimal: subject.row.id)
            out.append(0x2C)
            out.append(json: value, of: metric, position: position)
        }
    }

    private mutating func endRow(_ out: inout [UInt8]) {
        subject = nil
        switch form {
        case .csv: out.append(0x0A)
        case .json: out.append(0x5D)
        case .typed: break
        }
    }
}

// MARK: - CSV

extension [UInt8] {
    fileprivate mutating func append(csv value: MetricValue) {
        switch value {
        case .none: break
        case .u32(let number), .s32(let number): append(decimal: number)
        case .u64(let number): append(decimal: number)
        case .text(let text):
            // RFC 4180: quoted only where it must be.
            let needsQuotes = text.utf8.contains { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
            guard needsQuotes else { return append(text) }
            append(0x22)
            for byte in text.utf8 {
                if byte == 0x22 { append(0x22) }
                append(byte)
            }
            append(0x22)
        }
    }
}

// MARK: - Typed text

extension [UInt8] {
    /// From the metric's name to the end of the line.
    mutating func append<S>(typed value: MetricValue, of metric: Metric<S>, describes: Bool) {
        append(metric.name)
        append(".1:")
        append(metric.tags.origin.letter)
        append(metric.tags.nature.letter)
        append(metric.tags.scope.letter)
        append(0x3A)
        append(value.typeName)
        append(0x3A)
        append(plain: value)
        if describes { append(description: metric.help) }
        append(0x0A)
    }

    /// A value on a line of its own: line ends that a peer put into a text become blanks.
    mutating func append(plain value: MetricValue) {
        switch value {
        case .none: break
        case .u32(let number), .s32(let number): append(decimal: number)
        case .u64(let number): append(decimal: number)
        case .text(let text): append(contentsOf: text.utf8.lazy.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 })
        }
    }

    mutating func append(description help: StaticString) {
        append(":\"")
        append(help)
        append(0x22)
    }
}

// MARK: - JSON

extension [UInt8] {
    /// From `"field"` to the closing brace.
    mutating func append<S>(json value: MetricValue, of metric: Metric<S>, position: Int) {
        append("\"field\":{\"pos\":")
        append(decimal: position)
        append(",\"name\":\"")
        append(metric.name)
        append("\"},\"processNum\":1,\"tags\":{\"origin\":\"")
        append(metric.tags.origin.name)
        append("\",\"nature\":\"")
        append(metric.tags.nature.name)
        append("\",\"scope\":\"")
        append(metric.tags.scope.name)
        append("\"},\"value\":{\"type\":\"")
        append(value.typeName)
        append("\",\"value\":")
        if case .text(let text) = value {
            append(json: text)
        } else {
            append(plain: value)
        }
        append("}}")
    }

    /// A JSON string (RFC 8259 section 7).
    mutating func append(json text: String) {
        append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22: append("\\\"")
            case 0x5C: append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case ..<0x20, 0x7F:
                append(byte < 0x10 ? "\\u000" : "\\u00")
                append(hexadecimal: UInt64(byte))
            default: append(byte)
            }
        }
        append(0x22)
    }
}

extension RowKind {
    fileprivate var letter: StaticString {
        switch self {
        case .frontend: "F"
        case .backend: "B"
        case .server: "S"
        }
    }

    fileprivate var typeName: StaticString {
        switch self {
        case .frontend: "Frontend"
        case .backend: "Backend"
        case .server: "Server"
        }
    }
}
