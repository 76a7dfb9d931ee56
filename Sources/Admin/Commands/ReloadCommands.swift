// The commands about the configuration's reading and about the process as a whole: `reload`, `show startup-logs`, and those that
// HAProxy's master process answers on its own sockets. Portico is one process, which plays master and worker there.

internal import Basics

public enum ReloadCommand: RuntimeCommand {
    public static let name = "reload"
    public static let level = AccessLevel.admin
    public static let summary = "read the configuration again, and use it if it is valid"

    public static func run(_ call: inout CommandCall) {
        guard call.words.isEmpty else { return call.fail("'reload' expects no argument") }
        let answer = PendingAnswer()
        call.context.reload { outcome in
            var text: [UInt8] = []
            // Programs look for this line.
            text.append("Success=\(outcome.isDone ? 1 : 0)\n")
            if !outcome.lines.isEmpty { text.append("--\n") }
            text.append(outcome)
            answer.text = text
        }
        call.endLine()
        call.wait(for: answer)
    }
}

public enum ShowStartupLogs: RuntimeCommand {
    public static let name = "show startup-logs"
    public static let level = AccessLevel.operator
    public static let summary = "report what was told at the start, or at the latest reload"

    public static func run(_ call: inout CommandCall) {
        let latest = call.context.reloads.latest
        call.say { $0.append(latest) }
    }
}

/// `show proc`: the process as its own master and worker, in HAProxy's columns.
public enum ShowProcesses: RuntimeCommand {
    public static let name = "show proc"
    public static let level = AccessLevel.operator
    public static let summary = "show the process, its age and its reloads"

    public static func run(_ call: inout CommandCall) {
        let process = call.context.statistics.process(at: call.context.now)
        let reloads = call.context.reloads
        let age = reloads.since.map { call.context.now.since($0) } ?? process.uptime
        row(["#<PID>", "<type>", "<reloads>", "<uptime>", "<version>"], to: &call)
        row(
            [
                "\(process.pid)", "master", "\(reloads.attempts) [failed: \(reloads.failures)]",
                uptime(process.uptime), process.version,
            ], to: &call)
        call.say("# workers")
        // The worker is as old as the configuration that it goes by.
        row(["\(process.pid)", "worker", "0", uptime(age), process.version], to: &call)
    }

    private static let columnWidth = 15

    private static func row(_ columns: [String], to call: inout CommandCall) {
        call.say { out in
            for (index, column) in columns.enumerated() {
                if index > 0 { out.append(0x20) }
                out.append(column)
                out.append(contentsOf: repeatElement(0x20, count: max(0, columnWidth - column.utf8.count)))
            }
            out.append(0x0A)
        }
    }

    /// `0d00h02m07s`
    private static func uptime(_ span: TimeSpan) -> String {
        let seconds = span.wholeMilliseconds / 1_000
        func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(seconds / 86_400)d\(two(seconds / 3_600 % 24))h\(two(seconds / 60 % 60))m\(two(seconds % 60))s"
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ outcome: ReloadOutcome) {
        for line in outcome.lines {
            append(contentsOf: line.utf8)
            append(0x0A)
        }
    }
}
