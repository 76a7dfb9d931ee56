// The runtime socket: HAProxy's commands, framing and error messages.

import Balancing
import Basics
import Chance
import Foundation
import Testing

@testable import Admin

@Suite struct CommandTests {
    @Test func oneLineOneAnswer() {
        var interpreter = CommandInterpreter(level: .user)
        let result = interpreter.run(line: "show version", context: FixedContext())
        #expect(String(decoding: result.bytes, as: UTF8.self) == "0.1.0\n\n")
        #expect(result.closes)
        #expect(!result.prompts)
    }

    @Test(arguments: [(SeverityOutput.none, ""), (.number, "[3]: "), (.string, "[err]: ")])
    func messagesShowTheirSeverityAndAnswersDoNot(output: SeverityOutput, prefix: String) {
        func answer(_ line: String) -> String {
            var interpreter = CommandInterpreter(level: .user, severity: output)
            return String(decoding: interpreter.run(line: line, context: FixedContext()).bytes, as: UTF8.self)
        }
        #expect(answer("show version") == "0.1.0\n\n")
        var lists = CommandInterpreter(commands: [ShowCertificateLists.self], level: .admin, severity: output)
        let refusal = lists.run(line: "show ssl crt-list -n", context: FixedContext()).bytes
        #expect(
            String(decoding: refusal, as: UTF8.self).hasPrefix("\(prefix)'show ssl crt-list -n' expects a filename"))
        #expect(answer("show events nowhere") == "\(prefix)Permission denied\n\n")
        let info = output == .none ? "" : output == .number ? "[6]: " : "[info]: "
        #expect(answer("nonsense").hasPrefix("\(info)Unknown command"))
    }

    @Test func onTheMastersSocketACommandMayBeginWithItsProcess() {
        var master = CommandInterpreter(level: .user, takesProcess: true)
        let result = master.run(line: "@1; @!4711 show version; show version", context: FixedContext())
        #expect(String(decoding: result.bytes, as: UTF8.self) == "\n0.1.0\n\n0.1.0\n\n")
        #expect(socket("@1 show version").hasPrefix("Unknown command"))
    }

    @Test func serversStateIsALineAServerInHAProxysLayout() {
        var snapshot = StatsSnapshot()
        var proxy = ProxyStats(name: "app", id: 3)
        proxy.backend = StatsRow(kind: .backend)
        func server(_ name: String, _ id: Int, _ state: RowState, _ change: (inout StatsRow) -> Void) {
            var row = StatsRow(kind: .server, name: name, id: id)
            row.state = state
            row.weight = 1
            row.weightConfigured = 1
            row.weightOfLine = 1
            row.stateAge = .seconds(7)
            change(&row)
            proxy.servers.append(row)
        }
        server("up", 1, .up) {
            $0.endpoint = .ip(.loopbackV4, port: 8_000)
            $0.check = CheckStats(code: "L4OK")
            ($0.checkRise, $0.checkFall, $0.checkHealth) = (1, 1, 1)
        }
        server("down", 2, .down) {
            $0.endpoint = .ip(.v6(0, 1), port: 80)
            $0.check = CheckStats(code: "L4CON")
            ($0.checkRise, $0.checkFall, $0.checkHealth) = (2, 3, 0)
            ($0.checkAddress, $0.checkPort) = (.v4(0x7F00_0002), 2)
            ($0.weight, $0.weightConfigured, $0.weightOfLine) = (5, 5, 5)
            $0.serverState.health = .down
        }
        server("off", 77, .maintenance) {
            $0.endpoint = .ip(.loopbackV4, port: 1)
            $0.hasOwnID = true
            $0.isEncrypted = true
            $0.serverState.administrative = .maintenance
            $0.startedInMaintenance = true
        }
        server("named", 4, .maintenance) {
            ($0.hostName, $0.servicePort) = ("app.test", 80)
            $0.serverState.name = .unresolved
        }
        server("file", 5, .noCheck) {
            $0.endpoint = .path("/run/app.sock")
            $0.agentPort = 9
        }
        var front = ProxyStats(name: "www", id: 2)
        front.frontend = StatsRow(kind: .frontend)
        snapshot.proxies = [front, proxy]
        let context = FixedContext(stats: snapshot)

        let lines = socket("show servers state", context).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            lines.prefix(2).joined(separator: "\n").hasPrefix(
                "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state "))
        #expect(
            Array(lines.dropFirst(2)) == [
                "3 app 1 up 127.0.0.1 2 0 1 1 7 6 3 1 6 0 0 0 - 8000 - 0 0 - - 0",
                "3 app 2 down ::1 0 0 5 5 7 8 2 0 6 0 0 0 - 80 - 0 2 127.0.0.2 - 0",
                "3 app 77 off 127.0.0.1 0 5 1 1 7 1 0 0 0 0 0 1 - 1 - 1 0 - - 0",
                "3 app 4 named - 0 32 1 1 7 1 0 0 0 0 0 0 app.test 80 - 0 0 - - 0",
                "3 app 5 file - 2 0 1 1 7 1 0 1 0 22 0 0 - 0 - 0 0 - - 9", "", "",
            ])
        #expect(socket("show servers state app", context).contains(" up "))
        #expect(socket("show servers state www", context) == "Can't find backend.\n\n")
    }

    @Test(
        "The columns of a server's states are those of HAProxy",
        arguments: [
            (ServerState(), false, "2 0"), (ServerState(.maintenance), true, "0 5"),
            (ServerState(.maintenance), false, "0 1"), (ServerState(), true, "2 4"),
            (ServerState(.drain), false, "2 8"),
            (ServerState(.drain, health: .down), false, "0 8"), (ServerState(health: .down), false, "0 0"),
            (ServerState(.maintenance, health: .down), false, "0 1"), (ServerState(health: .goingDown), false, "2 0"),
            (ServerState(health: .goingUp), false, "0 0"), (ServerState(name: .unresolved), false, "0 32"),
            (ServerState(.maintenance, name: .unresolved), false, "0 33"),
        ])
    func serverStates(_ state: ServerState, isDisabled: Bool, columns: String) {
        var row = StatsRow(kind: .server, name: "s", id: 1)
        row.serverState = state
        row.startedInMaintenance = isDisabled
        let proxy = ProxyIdentity(name: "app", id: 3)
        let words = ServerStateLine.text(of: row, in: proxy).split(separator: " ")
        #expect(words[5...6].joined(separator: " ") == columns)
    }

    @Test func commandsForExpertsAreRefusedAndHiddenOutsideExpertMode() {
        let context = FixedContext()
        #expect(
            socket("debug dev log hello", context)
                == "This command is restricted to expert mode only: expert-mode on\n\n")
        #expect(!socket("help", context).contains("debug dev log"))
        #expect(context.logged.texts.isEmpty)
        #expect(
            socket("expert-mode; expert-mode on; expert-mode", context)
                == "expert-mode is OFF\n\n\nexpert-mode is ON\n\n")
        #expect(socket("expert-mode on; help", context).contains("debug dev log"))
        #expect(socket("expert-mode on; debug dev log hello   you", context) == "\n\n")
        #expect(context.logged.texts == ["hello you"])
        #expect(socket("expert-mode on; expert-mode off; debug dev log x", context).contains("restricted"))
        #expect(socket("expert-mode on", level: .operator, context) == "Permission denied\n\n")
        #expect(socket("expert-mode perhaps", context) == "'perhaps' is not a mode; on or off\n\n")
        #expect(socket("expert-mode on; debug dev log", context).contains("expects a text"))
        #expect(socket("expert-mode on; debug dev log a\u{7}", context).contains("control characters"))
        #expect(context.logged.texts == ["hello you"])
    }

    @Test func severalCommandsOnALine() {
        #expect(socket("show version;show version") == "0.1.0\n\n0.1.0\n\n")
        #expect(socket(" show   version ; ") == "0.1.0\n\n")
        #expect(socket("show version; quit; show version") == "0.1.0\n\n")
    }

    @Test func aPromptKeepsTheConversationOpen() {
        var interpreter = CommandInterpreter(level: .user)
        let first = interpreter.run(line: "prompt", context: FixedContext())
        #expect(String(decoding: first.bytes, as: UTF8.self) == "\n> ")
        #expect(first.prompts && !first.closes)
        #expect(interpreter.text("show version") == "0.1.0\n\n> ")
        #expect(interpreter.text("show version;show cli level") == "0.1.0\n\n> user\n\n> ")
        let last = interpreter.run(line: "quit", context: FixedContext())
        #expect(last.bytes.isEmpty && last.closes && !last.prompts)
        #expect(interpreter.text("show version") == "")
    }

    @Test func aSecondPromptEndsIt() {
        var interpreter = CommandInterpreter(level: .user)
        _ = interpreter.run(line: "prompt", context: FixedContext())
        let result = interpreter.run(line: "prompt", context: FixedContext())
        #expect(String(decoding: result.bytes, as: UTF8.self) == "\n")
        #expect(result.closes)
    }

    @Test func linesArriveInPieces() {
        var interpreter = CommandInterpreter(level: .user)
        var out: [UInt8] = []
        for byte in "prompt\nshow ver".utf8 {
            let piece = [byte]
            out += unsafe interpreter.receive(piece.span.bytes, context: FixedContext()).bytes
        }
        let rest = Array("sion\r\nshow version\nquit\nshow version\n".utf8)
        let result = unsafe interpreter.receive(rest.span.bytes, context: FixedContext())
        out += result.bytes
        #expect(String(decoding: out, as: UTF8.self) == "\n> 0.1.0\n\n> 0.1.0\n\n> ")
        #expect(result.closes)
    }

    @Test func withoutAPromptOnlyTheFirstLineIsRun() {
        var interpreter = CommandInterpreter(level: .user)
        let lines = Array("show version\nshow version\n".utf8)
        let result = unsafe interpreter.receive(lines.span.bytes, context: FixedContext())
        #expect(String(decoding: result.bytes, as: UTF8.self) == "0.1.0\n\n")
        #expect(result.closes)
    }

    @Test func theLastLineNeedsNoNewline() {
        var interpreter = CommandInterpreter(level: .user)
        let line = Array("show version".utf8)
        let waiting = unsafe interpreter.receive(line.span.bytes, context: FixedContext())
        #expect(waiting.bytes.isEmpty && !waiting.closes)
        let result = interpreter.inputEnded(context: FixedContext())
        #expect(String(decoding: result.bytes, as: UTF8.self) == "0.1.0\n\n")
        #expect(result.closes)
    }

    @Test func aLineHasALimit() {
        var interpreter = CommandInterpreter(level: .user)
        let long = [UInt8](repeating: 0x78, count: CommandInterpreter.lineBytesMax + 1)
        let result = unsafe interpreter.receive(long.span.bytes, context: FixedContext())
        #expect(String(decoding: result.bytes, as: UTF8.self) == "Line too long.\n\n")
        #expect(result.closes)
        let fits = [UInt8](repeating: 0x20, count: CommandInterpreter.lineBytesMax - 12) + Array("show version\n".utf8)
        var other = CommandInterpreter(level: .user)
        let good = unsafe other.receive(fits.span.bytes, context: FixedContext())
        #expect(String(decoding: good.bytes, as: UTF8.self) == "0.1.0\n\n")
    }

    @Test func aBackslashTakesAMeaningAway() {
        #expect(socket("show\\ version").hasPrefix("Unknown command"))
        #expect(CommandLine.commands(of: "a\\;b c\\ d;e\\\\ f") == [["a;b", "c d"], ["e\\", "f"]])
        #expect(CommandLine.commands(of: "") == [[]])
        #expect(CommandLine.commands(of: ";") == [[]])
        #expect(CommandLine.commands(of: "a;;b;") == [["a"], [], ["b"]])
    }

    // MARK: show stat

    @Test func showStatIsTheCSV() {
        let text = socket("show stat")
        #expect(text.hasPrefix("# pxname,svname,"))
        #expect(text.hasSuffix("\n\n"))
        #expect(text.split(separator: "\n").count == 14)
    }

    @Test(arguments: [
        ("show stat -1 -1 -1", 13), ("show stat 3 -1 -1", 9), ("show stat app -1 -1", 9), ("show stat app 4 -1", 8),
        ("show stat app 2 -1", 1), ("show stat app 4 3", 1), ("show stat -1 1 -1", 2), ("show stat -1 3 -1", 5),
        ("show stat 99 -1 -1", 0), ("show stat app 4 99", 0), ("show stat app x y", 0), ("show stat up", 11),
        ("show stat no-maint", 12), ("show stat up no-maint", 10), ("show stat app 4 -1 up", 6),
        ("show stat domain proxy app 4 -1", 8), ("show stat bogus", 13),
    ])
    func showStatTakesAFilter(line: String, rows: Int) {
        #expect(socket(line).split(separator: "\n").count == rows + 1)
    }

    @Test func aFilterNamesAProxyThatExists() {
        #expect(socket("show stat nope -1 -1") == "No such proxy.\n\n")
        #expect(socket("show stat domain dns") == "Invalid statistics domain.\n\n")
    }

    @Test func showStatHasOtherForms() throws {
        let typed = socket("show stat app 4 1 typed")
        #expect(
            typed.hasPrefix("S.3.1.0.pxname.1:KNS:str:app\nS.3.1.1.svname.1:KNS:str:flask1\nS.3.1.2.qcur.1:MGP:u32:0\n")
        )
        #expect(socket("show stat typed desc").contains("F.2.0.4.scur.1:MGP:u32:311:\"Sessions now.\"\n"))
        let json = socket("show stat json app 4 1")
        let rows = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[[String: Any]]]
        #expect(rows?.count == 1)
    }

    @Test func addressesAreForOperators() {
        #expect(!socket("show stat", level: .user).contains("127.0.0.1:8001"))
        #expect(socket("show stat", level: .operator).contains("127.0.0.1:8001"))
        #expect(!socket("user;show stat", level: .admin).contains("127.0.0.1:8001"))
    }

    // MARK: show info

    @Test func showInfoHasHAProxysNames() {
        let text = socket("show info")
        for line in [
            "Name: Portico", "Version: 0.1.0", "Release_date: 2026/11/21", "Nbthread: 4", "Nbproc: 1", "Process_num: 1",
            "Pid: 4711", "Uptime: 3d 4h05m06s", "Uptime_sec: 273906", "Ulimit-n: 65536", "Maxconn: 20000",
            "CurrConns: 312", "CumConns: 1204551", "CumReq: 48120345", "ConnRate: 41", "MaxConnRate: 530",
            "Idle_pct: 93", "node: edge-1", "description: Front door of the shop", "Stopping: 0", "Jobs: 318",
            "Listeners: 6", "DroppedLogs: 0", "TotalBytesOut: 868923340800", "PoolAlloc_bytes: 4194304",
            "Start_time_sec: 1700000000",
        ] { #expect(text.contains("\(line)\n"), "\(line)") }
        #expect(text.hasSuffix("\n\n"))
    }

    @Test func showInfoHasOtherForms() throws {
        #expect(socket("show info typed").contains("6.Pid.1:SGP:u32:4711\n"))
        #expect(socket("show info desc").contains("Pid: 4711:\"Process identifier\"\n"))
        #expect(socket("show info typed desc").contains("Pid.1:SGP:u32:4711:\"Process identifier\"\n"))
        let fields = try JSONSerialization.jsonObject(with: Data(socket("show info json").utf8)) as? [[String: Any]]
        #expect(fields?.count == InfoMetrics.table.count)
    }

    @Test func everyFactIsInEveryForm() {
        let plain = socket("show info")
        let described = socket("show info desc")
        let json = socket("show info json")
        for metric in InfoMetrics.table {
            #expect(plain.contains("\(metric.name): "), "\(metric.name)")
            #expect(described.contains(":\"\(metric.help)\"\n"), "\(metric.name)")
            #expect(json.contains("\"name\":\"\(metric.name)\""), "\(metric.name)")
        }
    }

    // MARK: help

    @Test func helpListsEveryCommand() {
        let text = socket("expert-mode on; help")
        #expect(text.hasPrefix("\nThe following commands are valid at this level:\n"))
        for command in commands {
            #expect(text.contains("  \(command.usage)"), "\(command.name)")
            #expect(text.contains(": \(command.summary)\n"), "\(command.name)")
            #expect(command.usage.hasPrefix(command.name))
        }
        #expect(text.contains("  show version                            : show version of the current process\n"))
    }

    @Test func helpListsMatchingCommands() {
        let text = socket("help show v")
        #expect(text.contains("show version"))
        #expect(!text.contains("show stat"))
        #expect(text.contains("  quit "))
        #expect(socket("help nonsense").contains("show stat"))
    }

    @Test(arguments: [
        ("show stta", "show stat"), ("show inof typed", "show info"), ("hlep", "help"), ("shwo stat", "show stat"),
        ("promt", "prompt"), ("sho", "show stat"), ("show", "show version"), ("show nonsense", "show info"),
        ("SHOW STAT", "show stat"),
    ])
    func anUnknownCommandGetsTheNearest(line: String, meant: String) {
        let text = socket(line)
        #expect(text.hasPrefix("Unknown command, but maybe one of the following ones is a better match:\n"), "\(text)")
        #expect(text.contains("  \(meant) "), "\(text)")
        #expect(text.contains("  quit "))
    }

    @Test(arguments: [
        ("set weight app/s1 50%", "set weight"), ("clear counters all", "clear counters all"),
        ("show sess all", "show sess"),
        ("clear counters", "clear counters"), ("set server app/s1 state maint", "set server"),
        ("show table", "show table"), ("disable frontend www", "disable frontend"), ("show fd", "show fd"),
        ("show ssl cert x", "show ssl cert"), ("echo hello", "echo"),
    ])
    func aCommandOfHAProxysIsNotThereYet(line: String, name: String) {
        #expect(socket(line) == "'\(name)' is known to HAProxy, but Portico does not do it yet.\n\n")
    }

    @Test(arguments: [
        ("clear countres", "clear counters"), ("disable frontned www", "disable frontend"), ("shwo fd", "show fd"),
    ])
    func aSlipInACommandOfHAProxysIsNamed(line: String, name: String) {
        #expect(
            socket(line)
                == "Unknown command. Did you mean '\(name)'? That is known to HAProxy, but Portico does not do it yet.\n\n"
        )
    }

    @Test func noCommandIsBothThereAndNotThereYet() {
        // HAProxy has others beside them.
        for command in commands where !command.isForExperts {
            #expect(!socket(command.name).contains("does not do it yet"), "\(command.name)")
            #expect(!socket(command.name + "x").contains("does not do it yet"), "\(command.name)")
        }
    }

    @Test func whatIsLikeNothingGetsEverything() {
        for line in ["", "xyzzy", ";"] {
            let text = socket(line)
            #expect(text.hasPrefix("Unknown command. Please enter one of the following commands only:\n"), "\(line)")
            #expect(text.contains("show stat"))
        }
    }

    // MARK: levels

    @Test func levelsOnlyGoDown() {
        var interpreter = CommandInterpreter(level: .admin)
        _ = interpreter.text("prompt")
        #expect(interpreter.text("show cli level") == "admin\n\n> ")
        #expect(interpreter.text("operator;show cli level") == "\n> operator\n\n> ")
        #expect(interpreter.text("user;show cli level") == "\n> user\n\n> ")
        #expect(interpreter.text("operator") == "Permission denied\n\n> ")
        #expect(interpreter.text("show cli level") == "user\n\n> ")
    }

    @Test func helpNamesOnlyWhatIsAllowed() {
        #expect(!socket("help", level: .user).contains("  operator "))
        #expect(socket("help", level: .operator).contains("  operator "))
    }

    // MARK: arbitrary input

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func anyBytesGetAnAnswerThatEnds(seed: UInt64) {
        let pieces =
            [
                "show", "stat", "info", "typed", "json", "-1", "app", "99999999999999999999", "help", "prompt", ";",
                "\n",
                " ", "\\", "\\;", "\t", "\r\n", "\0", "é", "<<", "quit", "user", "operator", "domain", "desc", "%n",
                "\u{FFFD}",
            ].map { Array($0.utf8) } + [[0xFF, 0xFE], [0x80], [0x0A, 0x0A]]
        var random = SeededRandom(seed: seed)
        for _ in 0..<60 {
            var input = Bool.random(using: &random) ? Array("prompt\n".utf8) : []
            for _ in 0..<Int.random(in: 0...30, using: &random) {
                input += pieces.randomElement(using: &random) ?? []
                if Bool.random(using: &random) { input.append(0x20) }
            }
            let level = AccessLevel.allCases.randomElement(using: &random) ?? .user
            var whole = CommandInterpreter(level: level)
            var expected = unsafe whole.receive(input.span.bytes, context: FixedContext())
            expected.bytes += whole.inputEnded(context: FixedContext()).bytes
            // The same input, split at any position.
            var pieced = CommandInterpreter(level: level)
            let cut = Int.random(in: 0...input.count, using: &random)
            let head = Array(input[..<cut])
            let tail = Array(input[cut...])
            var bytes = unsafe pieced.receive(head.span.bytes, context: FixedContext()).bytes
            bytes += unsafe pieced.receive(tail.span.bytes, context: FixedContext()).bytes
            let end = pieced.inputEnded(context: FixedContext())
            #expect(bytes + end.bytes == expected.bytes, "seed \(seed)")
            #expect(end.closes)
        }
    }

    /// The rows are HAProxy 2.6's output for the same bytes.
    @Test func capturedErrorsAreShownByteByByte() {
        let bytes =
            Array("GET /x HTTP/1.1\r\nHost: x\r\nX y: 1\t\\ \0".utf8) + [0xFF] + Array(repeating: 0x61, count: 100)
            + Array("\r\nand more: 1\r\n\r\nbody".utf8)
        var request = CapturedError(
            .request, at: .now(), frontend: .init(name: "www", id: 2), client: .ip(.loopbackV4, port: 41_298),
            reason: "field name is not a token", bytes: bytes, position: 27, bufferBytes: 16_384)
        request.number = 2
        var response = CapturedError(
            .response, at: .now(), frontend: .init(name: "www", id: 2), backend: .init(name: "app", id: 3),
            server: .init(name: "s", id: 1), client: .ip(.loopbackV4, port: 41_296), reason: "x",
            bytes: Array("HTTP/1.1 200 OK\r\n".utf8), position: 0, bufferBytes: 16_384)
        response.skipped = 12
        response.number = 1
        let context = FixedContext(captured: CapturedErrors([request, response], total: 3))

        let date = #/\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}/#
        #expect(socket("show errors", context).contains(".841] : "), "the time is the context's")
        let said = socket("show errors", context).replacing(date, with: "DATE")
        #expect(
            said == """
                Total events captured on [DATE] : 3
                \u{20}
                [DATE] frontend www (#2): invalid request
                  backend <NONE> (#-1), server <NONE> (#-1), event #2, src 127.0.0.1:41298
                  buffer starts at 0 (including 0 out), 16226 free,
                  len 158, wraps at 16384, error at position 27
                  H1 fault: field name is not a token :
                \u{20}\u{20}
                  00000  GET /x HTTP/1.1\\r\\n
                  00017  Host: x\\r\\n
                  00026  X y: 1\\t\\\\ \\x00\\xFFaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
                  00088+ aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\r\\n
                  00139  and more: 1\\r\\n
                  00152  \\r\\n
                  00154  body
                \u{20}
                [DATE] backend app (#3): invalid response
                  frontend www (#2), server s (#1), event #1, src 127.0.0.1:41296
                  buffer starts at 12 (including 0 out), 16367 free,
                  len 17, wraps at 16384, error at position 0
                  H1 fault: x :
                \u{20}\u{20}
                  00000  HTTP/1.1 200 OK\\r\\n


                """)
        #expect(!socket("show errors 2 response", context).contains("invalid"))
        #expect(socket("show errors -1 response", context).contains("event #1"))
        #expect(!socket("show errors 3", context).contains("event #2"))
        #expect(socket("show errors nobody", context) == "No such proxy.\n\n")
        #expect(socket("show errors", level: .user, context) == "Permission denied\n\n")
    }

    // MARK: commands that need more

    /// A program with something that a command may change.
    private final class ChangingContext: CommandContext {
        var limit = 10
        let now = Instant(nanoseconds: 0)
        let wallTime = WallTime(seconds: 0, microseconds: 0)
        var statistics: any StatsSource { Sample.snapshot() }
        func log(_ text: String) {}
        func capturedErrors() -> CapturedErrors { CapturedErrors() }
        func resolversReports() -> [ResolversReport] { [] }
        func eventSinks() -> [EventSink] { [] }
        func endOfEvents(of name: String) -> UInt64 { 0 }
        func readEvents(
            of name: String, from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int
        ) {}
    }

    /// All that a command takes which changes something.
    private enum SetLimit: RuntimeCommand {
        static let name = "set limit"
        static let usage = "set limit <number>"
        static let level = AccessLevel.admin
        static let summary = "change the limit"

        static func run(_ call: inout CommandCall) {
            guard let program = call.context as? ChangingContext else { return call.say("Not here.") }
            guard let number = call.words.first.flatMap({ Int($0) }) else { return call.say("Expects a number.") }
            program.limit = number
            call.say("Limit is \(number).")
        }
    }

    @Test func `a command that changes something finds it in its context`() {
        let context = ChangingContext()
        func said(_ line: String, _ level: AccessLevel) -> String {
            var interpreter = CommandInterpreter(commands: commands + [SetLimit.self], level: level)
            let bytes = Array((line + "\n").utf8)
            _ = unsafe interpreter.receive(bytes.span.bytes)
            let pool = BufferPool()
            var buffer = ByteBuffer()
            buffer.acquire(from: pool)
            _ = interpreter.fill(&buffer, context: context)
            let text = buffer.readable.text
            buffer.release(to: pool)
            return text
        }
        #expect(said("set limit 20", .operator) == "Permission denied\n\n" && context.limit == 10)
        #expect(said("set limit x", .admin) == "Expects a number.\n\n" && context.limit == 10)
        #expect(said("set limit 20", .admin) == "Limit is 20.\n\n" && context.limit == 20)
        #expect(said("help set", .admin).contains("  set limit <number>"))
    }

    // MARK: show resolvers

    @Test func `what nameservers answered is shown by section`() {
        var nameserver = NameserverReport(name: "one")
        nameserver.sent = 21
        nameserver.valid = 1
        nameserver.noAddress = 2
        nameserver.noSuchName = 3
        nameserver.timeout = 4
        nameserver.refused = 5
        nameserver.other = 6
        let context = FixedContext(resolvers: [
            ResolversReport(name: "dns", nameservers: [nameserver]), ResolversReport(name: "empty", nameservers: []),
        ])
        let section = """
            Resolvers section dns
             nameserver one:
              sent:        21
              snd_error:   0
              valid:       1
              update:      0
              cname:       0
              cname_error: 0
              any_err:     2
              nx:          3
              timeout:     4
              refused:     5
              other:       6
              invalid:     0
              too_big:     0
              truncated:   0
              outdated:    0

            """
        #expect(socket("show resolvers", context) == section + "Resolvers section empty\n\n")
        #expect(socket("show resolvers dns", level: .user, context) == section + "\n")
        #expect(socket("show resolvers nsd", context) == "Can't find that resolvers section\n\n")
        #expect(socket("show resolvers") == "\n")
    }

    // MARK: show events

    @Test func `rings of log lines are listed, and shown from the beginning or the end`() {
        let context = FixedContext(rings: ["recent": ["one", "two"], "syslog": []])
        #expect(
            socket("show events", level: .user, context) == """
                Supported events sinks are listed below. Add -0(zero), -w(wait), -n(new). Any key to stop.
                    recent     : type=buffer, 3 dropped, ring of recent
                    syslog     : type=buffer, 3 dropped, ring of syslog


                """)
        #expect(socket("show events recent", context) == "one\ntwo\n\n")
        #expect(socket("show events recent -0", context) == "one\0two\0\n")
        #expect(socket("show events recent -n", context) == "\n")
        #expect(socket("show events syslog", context) == "\n")
        #expect(socket("show events rescent", context) == "No such event sink\n\n")
        #expect(socket("show events recent -x", context) == "unknown option\n\n")
        #expect(socket("show events recent", level: .user, context) == "Permission denied\n\n")
    }

    @Test(arguments: ["-w", "-w -n", "-nw", "-wn"])
    func `a conversation that waits for lines shows them until some input comes`(_ options: String) {
        var context = FixedContext(rings: ["recent": ["one"]])
        var interpreter = CommandInterpreter(level: .operator)
        let begun = interpreter.run(line: "show events recent \(options); show version", context: context)
        #expect(!begun.closes && interpreter.isFollowing)
        #expect(begun.bytes + interpreter.readEvents(context: context) == (options == "-w" ? Array("one\n".utf8) : []))
        context.rings["recent"]?.append("two")
        #expect(interpreter.readEvents(context: context) == Array("two\n".utf8))
        #expect(interpreter.readEvents(context: context) == [])
        let ended = interpreter.endFollowing(context: context)
        #expect(ended.bytes == [0x0A] && ended.closes && !interpreter.isFollowing)
    }
}
