// `show info` and `show version`: facts of the process, in HAProxy's three forms.

internal import Basics

public enum ShowInfo: RuntimeCommand {
    public static let name = "show info"
    public static let usage = "show info [desc|json|typed]*"
    public static let summary = "report information about the running process"

    public static func run(_ call: inout CommandCall) {
        let process = call.context.statistics.process(at: call.context.now)
        let describes = call.takeOption("desc")
        if call.takeOption("json") {
            call.say { process.appendJSONInfo(to: &$0) }
        } else if call.takeOption("typed") {
            call.say { process.appendTypedInfo(describes: describes, to: &$0) }
        } else {
            call.say { process.appendInfo(describes: describes, to: &$0) }
        }
    }
}

public enum ShowVersion: RuntimeCommand {
    public static let name = "show version"
    public static let summary = "show version of the current process"

    public static func run(_ call: inout CommandCall) {
        call.say(call.context.statistics.process(at: call.context.now).version)
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
