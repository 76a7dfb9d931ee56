// The snapshot as text for programs: CSV with HAProxy's columns, its typed text, its JSON. All three walk the
// metric tables; none knows a metric by name.

internal import Basics

/// Which rows of the snapshot are wanted.
struct RowFilter {
    /// Only this proxy.
    var proxyID: Int?
    var kinds = RowKinds.all
    /// Only this number within its proxy.
    var rowID: Int?
    /// Without servers that are down, or in maintenance.
    var hidesDown = false
    var hidesMaintenance = false

    func takes(_ row: StatsRow, of proxy: ProxyStats) -> Bool {
        guard proxyID == nil || proxyID == proxy.id, kinds.contains(row.kind), rowID == nil || rowID == row.id else {
            return false
        }
        guard row.kind == .server else { return true }
        switch row.state {
        case .down, .goingUp: return !hidesDown
        case .maintenance, .unresolved: return !hidesMaintenance
        default: return true
        }
    }
}

extension StatsSnapshot {
    /// Calls `body` for every row that `filter` takes: a proxy's frontend, its servers, its backend.
    func forEachRow(_ filter: RowFilter, showsLegends: Bool, _ body: (StatSubject) -> Void) {
        for proxy in proxies where filter.proxyID == nil || filter.proxyID == proxy.id {
            func visit(_ row: StatsRow) {
                guard filter.takes(row, of: proxy) else { return }
                body(StatSubject(process: process, proxy: proxy, row: row, showsLegends: showsLegends))
            }
            if let frontend = proxy.frontend { visit(frontend) }
            for server in proxy.servers { visit(server) }
            if let backend = proxy.backend { visit(backend) }
        }
    }
}

// MARK: - CSV

extension StatsSnapshot {
    /// Appends HAProxy's CSV: a header line, then a line a row; every line ends in a comma.
    func appendCSV(_ filter: RowFilter = RowFilter(), showsLegends: Bool, to out: inout [UInt8]) {
        out.append("# ")
        for metric in StatMetrics.table {
            if "\(metric.name)" == StatMetrics.firstModuleMetric { out.append("-,") }
            out.append(metric.name)
            out.append(0x2C)
        }
        out.append(0x0A)
        let firstModule = StatMetrics.table.firstIndex { "\($0.name)" == StatMetrics.firstModuleMetric }
        forEachRow(filter, showsLegends: showsLegends) { subject in
            for (index, metric) in StatMetrics.table.enumerated() {
                if index == firstModule { out.append("-,") }
                out.append(csv: metric.value(subject))
                out.append(0x2C)
            }
            out.append(0x0A)
        }
    }
}

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

extension StatsSnapshot {
    /// Appends a line a value: `S.3.1.0.pxname.1:KNS:str:app`; with `describes` also what it means, in quotes.
    func appendTyped(
        _ filter: RowFilter = RowFilter(), showsLegends: Bool, describes: Bool = false, to out: inout [UInt8]
    ) {
        forEachRow(filter, showsLegends: showsLegends) { subject in
            for (position, metric) in StatMetrics.table.enumerated() {
                let value = metric.value(subject)
                guard !value.isNone else { continue }
                out.append(subject.row.kind.letter)
                for number in [subject.proxy.id, subject.row.id, position] {
                    out.append(0x2E)
                    out.append(decimal: number)
                }
                out.append(0x2E)
                out.append(typed: value, of: metric, describes: describes)
            }
        }
    }
}

extension ProcessStats {
    /// Appends a line a fact: `Pid: 4711`; with `describes` also what it means, in quotes.
    func appendInfo(describes: Bool = false, to out: inout [UInt8]) {
        for metric in InfoMetrics.table {
            let value = metric.value(self)
            guard !value.isNone else { continue }
            out.append(metric.name)
            out.append(": ")
            out.append(plain: value)
            if describes { out.append(description: metric.help) }
            out.append(0x0A)
        }
    }

    /// Appends a line a fact: `6.Pid.1:SGP:u32:4711`.
    func appendTypedInfo(describes: Bool = false, to out: inout [UInt8]) {
        for (position, metric) in InfoMetrics.table.enumerated() {
            let value = metric.value(self)
            guard !value.isNone else { continue }
            out.append(decimal: position)
            out.append(0x2E)
            out.append(typed: value, of: metric, describes: describes)
        }
    }
}

extension [UInt8] {
    /// From the metric's name to the end of the line.
    fileprivate mutating func append<S>(typed value: MetricValue, of metric: Metric<S>, describes: Bool) {
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

    /// A value on a line of its own: whatever a peer put into a text, it stays on that line.
    fileprivate mutating func append(plain value: MetricValue) {
        switch value {
        case .none: break
        case .u32(let number), .s32(let number): append(decimal: number)
        case .u64(let number): append(decimal: number)
        case .text(let text): append(contentsOf: text.utf8.lazy.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 })
        }
    }

    fileprivate mutating func append(description help: StaticString) {
        append(":\"")
        append(help)
        append(0x22)
    }
}

// MARK: - JSON

extension StatsSnapshot {
    /// Appends HAProxy's JSON: an array of rows, each an array of typed fields.
    func appendJSON(_ filter: RowFilter = RowFilter(), showsLegends: Bool, to out: inout [UInt8]) {
        out.append(0x5B)
        var isFirstRow = true
        forEachRow(filter, showsLegends: showsLegends) { subject in
            out.append(isFirstRow ? "[" : ",[")
            isFirstRow = false
            var isFirst = true
            for (position, metric) in StatMetrics.table.enumerated() {
                let value = metric.value(subject)
                guard !value.isNone else { continue }
                out.append(isFirst ? "{\"objType\":\"" : ",{\"objType\":\"")
                isFirst = false
                out.append(subject.row.kind.typeName)
                out.append("\",\"proxyId\":")
                out.append(decimal: subject.proxy.id)
                out.append(",\"id\":")
                out.append(decimal: subject.row.id)
                out.append(0x2C)
                out.append(json: value, of: metric, position: position)
            }
            out.append(0x5D)
        }
        out.append("]\n")
    }
}

extension ProcessStats {
    /// Appends HAProxy's JSON: an array of typed fields.
    func appendJSONInfo(to out: inout [UInt8]) {
        out.append(0x5B)
        var isFirst = true
        for (position, metric) in InfoMetrics.table.enumerated() {
            let value = metric.value(self)
            guard !value.isNone else { continue }
            out.append(isFirst ? "{" : ",{")
            isFirst = false
            out.append(json: value, of: metric, position: position)
        }
        out.append("]\n")
    }
}

extension [UInt8] {
    /// From `"field"` to the closing brace.
    fileprivate mutating func append<S>(json value: MetricValue, of metric: Metric<S>, position: Int) {
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
