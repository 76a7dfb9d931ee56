// The commands about reloads, and the conversation on the socket of HAProxy's master process.

import Basics
import Testing

@testable import Admin

@Suite struct ReloadCommandTests {
    @Test func `reload answers when it has ended, and ends the line's other commands`() {
        let context = FixedContext()
        var interpreter = CommandInterpreter(level: .admin)
        #expect(interpreter.text("reload; show version", context) == "" && interpreter.isWaiting)
        context.reloading.waiting[0](ReloadOutcome(isDone: true))
        #expect(String(decoding: interpreter.readEvents(context: context), as: UTF8.self) == "Success=1\n\n")
        #expect(interpreter.isOver && context.reloading.waiting.count == 1)
    }

    @Test func `what is wrong is in the answer, without empty lines`() {
        let context = FixedContext()
        var interpreter = CommandInterpreter(level: .admin)
        _ = interpreter.text("prompt", context)
        #expect(interpreter.text("reload", context) == "")
        context.reloading.waiting[0](ReloadOutcome(isDone: false, problems: "a.cfg:1: error: no\n\n  here\n"))
        let answer = String(decoding: interpreter.readEvents(context: context), as: UTF8.self)
        #expect(answer == "Success=0\n--\na.cfg:1: error: no\n  here\n\n> ")
        #expect(!interpreter.isOver && interpreter.text("show version", context) == "0.1.0\n\n> ")
    }

    @Test func `only an admin reloads, and without words behind it`() {
        let context = FixedContext()
        #expect(socket("reload", level: .operator, context) == "Permission denied\n\n")
        #expect(socket("reload now", context) == "'reload' expects no argument\n\n")
        #expect(context.reloading.waiting.isEmpty)
    }

    @Test func `show startup-logs repeats what was told last`() {
        var context = FixedContext()
        context.reloads = ReloadRecord(startMessages: "at the start\n")
        #expect(socket("show startup-logs", context) == "at the start\n\n")
        context.reloads.note(ReloadOutcome(isDone: false, problems: "at the reload"), at: context.now)
        #expect(socket("show startup-logs", context) == "at the reload\n\n")
        #expect(socket("show startup-logs", level: .user, context) == "Permission denied\n\n")
    }

    @Test func `failures are counted since the last success`() {
        var record = ReloadRecord()
        record.note(ReloadOutcome(isDone: false), at: Instant(nanoseconds: 1))
        record.note(ReloadOutcome(isDone: false), at: Instant(nanoseconds: 2))
        #expect((record.attempts, record.failures) == (2, 2) && record.since == nil)
        record.note(ReloadOutcome(isDone: true), at: Instant(nanoseconds: 3))
        #expect((record.attempts, record.failures) == (3, 0) && record.since == Instant(nanoseconds: 3))
    }

    // MARK: The master's socket

    private func master(_ line: String, _ context: FixedContext) -> String {
        var interpreter = CommandInterpreter(level: .admin, takesProcess: true)
        return interpreter.text(line, context)
    }

    @Test func `show proc has the process as master and as worker, which is as old as its configuration`() {
        var context = FixedContext()
        context.now = Instant(nanoseconds: 10_000_000_000)
        context.reloads.note(ReloadOutcome(isDone: true), at: Instant(nanoseconds: 3_000_000_000))
        context.reloads.note(ReloadOutcome(isDone: false), at: Instant(nanoseconds: 9_000_000_000))
        let lines = master("show proc", context).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            lines == [
                "#<PID>          <type>          <reloads>       <uptime>        <version>      ",
                "4711            master          2 [failed: 1]   3d04h05m06s     0.1.0          ",
                "# workers",
                "4711            worker          0               0d00h00m07s     0.1.0          ", "", "",
            ])
    }

    @Test func `the master's commands are not the worker's, but those of the worker are the master's`() {
        let context = FixedContext()
        #expect(master("@1 show proc", context).hasPrefix("'show proc' is known to HAProxy"))
        #expect(socket("show proc", context).hasPrefix("'show proc' is known to HAProxy"))
        #expect(master("show cli level; @1 show cli level", context) == "admin\n\nadmin\n\n")
        #expect(master("@1; show proc", context).hasPrefix("\n'show proc' is known"))
        #expect(master("@1; @; show proc", context).hasPrefix("\n\n#<PID>"))
        #expect(master("@1; @0 show proc", context).hasPrefix("\n#<PID>"))
        #expect(master("@master show proc", context).hasPrefix("#<PID>"))
    }

    @Test func `its prompt says where the conversation is, and what has failed`() {
        var context = FixedContext()
        var interpreter = CommandInterpreter(level: .admin, takesProcess: true)
        #expect(interpreter.text("prompt", context) == "\nmaster> ")
        #expect(interpreter.text("expert-mode on", context) == "\nmaster(e)> ")
        #expect(interpreter.text("@1", context) == "\n4711(e)> ")
        #expect(interpreter.text("@; expert-mode off", context) == "\nmaster(e)> \nmaster> ")
        context.reloads.note(ReloadOutcome(isDone: false), at: context.now)
        #expect(interpreter.text("show version", context) == "0.1.0\n\nmaster[ReloadFailed]> ")
    }
}
