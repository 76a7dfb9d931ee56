// Helpers: one-line requests to the page and the socket.

import Admin
import Basics
import HTTP

struct FixedContext: CommandContext {
    var stats = Sample.snapshot()
    func snapshot() -> StatsSnapshot { stats }
    var refused = RefusedMessages()
    func refusedMessages() -> RefusedMessages { refused }
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
    return unsafe StatsService.answer(
        request, method: method, authorization: authorization == nil ? nil : field.span.bytes, settings: settings,
        section: "stats", snapshot: { snapshot })
}

extension LocalResponse {
    var text: String { String(decoding: body, as: UTF8.self) }

    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

extension CommandInterpreter {
    mutating func text(_ line: String, _ context: FixedContext = FixedContext()) -> String {
        String(decoding: run(line: line, context: context).bytes, as: UTF8.self)
    }
}

/// The response to one line on a new socket connection.
func socket(_ line: String, level: AccessLevel = .admin, _ context: FixedContext = FixedContext()) -> String {
    var interpreter = CommandInterpreter(level: level)
    return interpreter.text(line, context)
}
