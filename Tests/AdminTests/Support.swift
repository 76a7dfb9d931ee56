// Helpers: one-line requests to the page and the socket.

import Admin
import Basics
import HTTP

/// What commands have logged.
final class LoggedTexts {
    var texts: [String] = []
}

struct FixedContext: CommandContext {
    var stats = Sample.snapshot()
    var statistics: any StatsSource { stats }
    var now = Instant(nanoseconds: 0)
    var wallTime = WallTime(seconds: 1_700_000_000, microseconds: 841_000)
    var captured = CapturedErrors()
    let logged = LoggedTexts()
    var reloads = ReloadRecord()
    /// Those who wait for a reload to end.
    let reloading = Reloading()
    func reload(done: @escaping (ReloadOutcome) -> Void) { reloading.waiting.append(done) }
    func log(_ text: String) { logged.texts.append(text) }
    func capturedErrors() -> CapturedErrors { captured }
    var resolvers: [ResolversReport] = []
    func resolversReports() -> [ResolversReport] { resolvers }
    var rings: [String: [String]] = [:]
    func eventSinks() -> [EventSink] {
        rings.keys.sorted().map { EventSink(name: $0, description: "ring of \($0)", dropped: 3) }
    }
    func endOfEvents(of name: String) -> UInt64 { UInt64(rings[name]?.count ?? 0) }
    func readEvents(
        of name: String, from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int
    ) {
        for line in (rings[name] ?? []).dropFirst(Int(position)) { out += Array(line.utf8) + [delimiter] }
        position = endOfEvents(of: name)
    }
}

/// A program that reloads when its test says so.
final class Reloading {
    var waiting: [(ReloadOutcome) -> Void] = []
}

/// A page at `/` without access rules, with everything enabled.
func openPage(_ change: (inout StatsPageSettings) -> Void = { _ in }) -> StatsPageSettings {
    var settings = StatsPageSettings()
    settings.isEnabled = true
    settings.uri = "/"
    settings.showsLegends = true
    change(&settings)
    return settings
}

/// The response to a request for `target`; nil if the target is not that of the page.
func answer(
    _ target: String, _ settings: StatsPageSettings, method: HTTP.Method = .get, authorization: String? = nil,
    snapshot: StatsSnapshot = Sample.snapshot()
) -> LocalResponse? {
    let bytes = Array(target.utf8)
    guard let request = unsafe StatsRequest.parse(bytes.span.bytes, settings: settings) else { return nil }
    let field = Array((authorization ?? "").utf8)
    let response = unsafe StatsService.respond(
        to: request, method: method, authorization: authorization == nil ? nil : field.span.bytes, settings: settings,
        section: "stats", source: { snapshot })
    var whole = response.head
    if let body = response.body { whole.body = body.drain(at: Instant(nanoseconds: 0)) }
    return whole
}

extension LocalResponse {
    var text: String { String(decoding: body, as: UTF8.self) }

    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// The commands of this room.
let commands: [any RuntimeCommand.Type] = [
    ShowAccessLevel.self, ShowErrors.self, ShowEvents.self, ShowInfo.self, ShowResolvers.self, ShowServersState.self,
    ShowStartupLogs.self, ShowStat.self, ShowVersion.self, ReloadCommand.self, LowerToOperator.self, LowerToUser.self,
    DebugLog.self, ExpertMode.self, HelpCommand.self, PromptCommand.self, QuitCommand.self,
]

/// The answer to some input, and whether the conversation goes on.
struct CommandResult {
    var bytes: [UInt8] = []
    var closes = false
    var prompts = false
}

extension CommandInterpreter {
    init(level: AccessLevel, severity: SeverityOutput = .none, takesProcess: Bool = false) {
        self.init(
            commands: commands, level: level, severity: severity,
            masterCommands: takesProcess ? [ShowProcesses.self, ReloadCommand.self, ShowVersion.self] : nil)
    }

    /// Receives all of `bytes` with a reader that takes every answer in blocks of `blockBytes`.
    mutating func receive(_ bytes: RawSpan, context: FixedContext, blockBytes: Int = 512) -> CommandResult {
        var result = CommandResult()
        var start = 0
        while start < bytes.byteCount, !isOver {
            start += receive(bytes.extracting(start..<bytes.byteCount))
            take(&result, context, blockBytes)
        }
        (result.closes, result.prompts) = (isOver, prompts)
        return result
    }

    mutating func inputEnded(context: FixedContext) -> CommandResult {
        var result = CommandResult()
        inputEnded()
        take(&result, context, 512)
        (result.closes, result.prompts) = (isOver, prompts)
        return result
    }

    mutating func run(line: String, context: FixedContext) -> CommandResult {
        let bytes = Array((line + "\n").utf8)
        return unsafe receive(bytes.span.bytes, context: context)
    }

    /// The lines of a ring that have come.
    mutating func readEvents(context: FixedContext) -> [UInt8] {
        var result = CommandResult()
        take(&result, context, 512)
        return result.bytes
    }

    mutating func endFollowing(context: FixedContext) -> CommandResult {
        endFollowing()
        var result = CommandResult()
        take(&result, context, 512)
        (result.closes, result.prompts) = (isOver, prompts)
        return result
    }

    private mutating func take(_ result: inout CommandResult, _ context: FixedContext, _ blockBytes: Int) {
        let pool = BufferPool(blockBytes: blockBytes)
        var buffer = ByteBuffer()
        var hasMore = true
        while hasMore {
            buffer.acquire(from: pool)
            hasMore = fill(&buffer, context: context)
            result.bytes.append(buffer.readable)
            buffer.release(to: pool)
        }
    }

    mutating func text(_ line: String, _ context: FixedContext = FixedContext()) -> String {
        String(decoding: run(line: line, context: context).bytes, as: UTF8.self)
    }
}

/// The response to one line on a new socket connection.
func socket(_ line: String, level: AccessLevel = .admin, _ context: FixedContext = FixedContext()) -> String {
    var interpreter = CommandInterpreter(level: level)
    return interpreter.text(line, context)
}
