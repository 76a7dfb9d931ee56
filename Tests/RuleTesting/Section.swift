// What the tests of the rooms around rules share: sections out of lines, exchanges out of messages.

internal import Basics
public import Configuration
internal import Dispatch
public import Expressions
internal import Foundation
public import HTTP
public import LogFormat
public import Patterns
public import Rules

extension SectionKind {
    public static let userlist: SectionKind = "userlist"
}

/// What a test did not expect of its own lines and messages.
public struct Unexpected: Error {
    public let what: String

    public init(what: String) { self.what = what }
}

/// A section as its lines fill it in.
public struct Section {
    public var draft: Draft
    public var warnings: [ConfigProblem] = []
    /// The pattern files that the lines use.
    public var patterns: PatternSets

    /// - Parameter former: the sets of a configuration before.
    public init(_ kind: SectionKind = .listen, _ text: String = "", keeping former: [PatternSet] = []) throws {
        patterns = PatternSets(keeping: former)
        draft = Draft(kind: kind, name: "test", range: SourceRange(file: "test.cfg", line: 1))
        try read(text)
        try readPatterns()
    }

    /// Reads the files that the lines name, and throws the first mistake in them.
    public mutating func readPatterns() throws {
        var drafts = [draft]
        let problems = patterns.resolve(&drafts)
        draft = drafts[0]
        warnings += problems.filter { $0.severity == .warning }
        if let problem = problems.first(where: { $0.severity == .error }) { throw problem }
    }

    /// Runs lines as the configuration would, and throws what it refuses.
    public mutating func read(_ text: String) throws {
        var lexer = Lexer(Array(text.utf8), file: "test.cfg")
        while let line = lexer.nextLine(variables: { _ in nil }) {
            if let problem = line.problem { throw problem }
            var words = line.words
            let isNegated = words[0].text == "no"
            if isNegated { words.removeFirst() }
            // The longest name that matches wins.
            let matching = RulesKeywords.table.filter { keyword in
                let names = keyword.name.split(separator: " ").map(String.init)
                return zip(words, names).count { word, name in
                    word.text == name || keyword.takesParentheses && word.text.prefix { $0 != "(" } == name[...]
                } == names.count
            }
            guard let keyword = matching.max(by: { $0.name.count < $1.name.count }) else {
                throw Unexpected(what: "no keyword begins '\(words.map(\.text).joined(separator: " "))'")
            }
            let count = keyword.name.split(separator: " ").count
            var whole = words[0]
            whole.text = keyword.name
            var arguments = Arguments(words: Array(words[count...]), keyword: whole, isNegated: isNegated)
            if keyword.takesParentheses { try arguments.takeParentheses(words[count - 1]) }
            try keyword.parse(&arguments, &draft)
            warnings += arguments.warnings
            if let left = arguments.peek {
                throw ConfigProblem("unexpected '\(left.text)'", at: left.range)
            }
        }
    }

    public var rules: RulesSettings { draft[RulesSettings.self] }
}

/// The problem that a line, or the last one of several, is refused with.
public func problem(_ text: String, in kind: SectionKind = .listen) throws -> ConfigProblem {
    do {
        _ = try Section(kind, text)
    } catch let problem as ConfigProblem {
        return problem
    }
    throw Unexpected(what: "accepted: \(text)")
}

/// An exchange whose request is `request`, with `\n` for its line ends.
public func exchange(_ request: String = "GET / HTTP/1.1\nHost: example.com\n\n") throws -> ExchangeContext {
    let context = ExchangeContext()
    context.connection.listener = ListenerIdentity(frontendName: "www")
    context.client = .ip(.v4(0x0A00_0107), port: 4711)
    context.local = .ip(.v4(0xC0A8_0001), port: 80)
    context.clear()
    try receive(request, context)
    return context
}

/// Replaces the exchange's request.
public func receive(_ request: String, _ context: ExchangeContext) throws {
    context.clear()
    var parser = RequestParser(limits: HeadLimits(acceptInvalid: true))
    let bytes = Array(request.replacing("\n", with: "\r\n").utf8)
    var consumed = 0
    let progress = unsafe parser.parse(bytes.span.bytes, into: &context.request, consumed: &consumed)
    guard progress == .complete else { throw Unexpected(what: "\(progress) for \(request)") }
    context.captureRequestLine()
}

/// Gives the exchange a response.
public func answer(_ response: String, _ context: ExchangeContext) throws {
    var parser = ResponseParser(limits: HeadLimits())
    let bytes = Array(response.replacing("\n", with: "\r\n").utf8)
    var consumed = 0
    let progress = unsafe parser.parse(bytes.span.bytes, into: &context.response, consumed: &consumed)
    guard progress == .complete else { throw Unexpected(what: "\(progress) for \(response)") }
    context.outcome.status = context.response.status
}

/// What an expression yields, as text; nil if it yields nothing.
public func value(_ expression: String, _ context: ExchangeContext) throws -> String? {
    var text = ExpressionText(Word(expression, at: SourceRange(file: "test.cfg", line: 1)))
    var table = ExpressionTable()
    let compiled = try Expression(&text, &table)
    guard text.isAtEnd else { throw Unexpected(what: "text behind '\(expression)'") }
    try readPatterns(&table)
    let program = ExpressionProgram(table)
    let result: String? = context.withScratch {
        guard let value = compiled.evaluate(context, program) else { return nil }
        return context.withBytes(value.bytes(context)) { $0.text }
    }
    guard context.scratch.isEmpty else {
        throw Unexpected(what: "'\(expression)' leaves \(context.scratch.count) bytes in the scratch")
    }
    return result
}

/// Reads the files that expressions name.
public func readPatterns(_ table: inout ExpressionTable) throws {
    var patterns = PatternSets()
    var problems: [ConfigProblem] = []
    patterns.note(table.patterns)
    patterns.read(table.patterns, &problems)
    patterns.markChanges(&table.patterns, &problems)
    patterns.resolve(&table.patterns, &problems)
    patterns.finish()
    if let problem = problems.first { throw problem }
}

/// Whether a condition holds: what stands behind `if`.
public func holds(_ condition: String, _ context: ExchangeContext, with lines: String = "") throws -> Bool {
    let section = try Section(.listen, "\(lines)\nhttp-request deny if \(condition)")
    if case .denyStatus = section.rules.ruleSet(.httpRequest).run(on: context) {
        guard context.scratch.isEmpty else {
            throw Unexpected(what: "'\(condition)' leaves \(context.scratch.count) bytes in the scratch")
        }
        return true
    }
    return false
}

/// What a log format makes, in a line or in a message.
public func rendered(_ format: String, _ context: ExchangeContext, for use: Format.Use = .logLine) throws -> String {
    var table = FormatTable()
    let compiled = try Format(
        Word(format, at: SourceRange(file: "test.cfg", line: 1)), for: use, in: .logLine, &table)
    var out: [UInt8] = []
    compiled.render(context, FormatProgram(table), into: &out)
    return String(decoding: out, as: UTF8.self)
}

/// The fields of a head, one a line.
public func lines(_ fields: borrowing HeaderFields) -> [String] {
    (0..<fields.count).map { "\(fields.name($0).text): \(fields.value($0).text)" }
}

/// A file's bytes.
public func contentsOfFile(_ path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(filePath: path))) }

/// Does `body` at once on `count` threads with the numbers from 0 on, and waits for all of them. The threads are their own, so
/// that one may wait for another: a dispatch queue gives no more than it has. A thread may hold `body` a moment longer than it
/// runs it, so it escapes.
public func together(_ count: Int, _ body: @escaping (Int) -> Void) {
    let shared = UncheckedBody(body: body)
    let all = DispatchGroup()
    for number in 0..<count {
        all.enter()
        Thread.detachNewThread {
            shared.body(number)
            all.leave()
        }
    }
    all.wait()
}

private struct UncheckedBody: @unchecked Sendable { let body: (Int) -> Void }

/// A file that is there for the length of a test.
public final class TemporaryFile {
    public let path: String

    public init(_ text: String) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "portico-\(UUID().uuidString)").path
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
