// A conversation on a runtime socket: lines in, bytes out. It reads no socket and knows no live state but the
// snapshot that its context gives.
//
// As in HAProxy: a line is one command or several with `;` between them; each answer ends in an empty line; without
// `prompt` the conversation is over after one line.

internal import Basics

/// What commands may ask of the running program.
public protocol CommandContext {
    func snapshot() -> StatsSnapshot
    /// What was refused last at each proxy.
    func refusedMessages() -> RefusedMessages
    /// What the nameservers of each `resolvers` section answered.
    func resolversReports() -> [ResolversReport]
    /// The rings of log lines.
    func eventSinks() -> [EventSink]
    /// Where a ring's next line will be.
    func endOfEvents(of name: String) -> UInt64
    /// Appends a ring's lines from `position` on, which becomes that of the first line not appended; up to some `bytesMax`.
    func readEvents(
        of name: String, from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int)
}

extension CommandContext {
    public func eventSinks() -> [EventSink] { [] }
    public func endOfEvents(of name: String) -> UInt64 { 0 }
    public func readEvents(
        of name: String, from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int
    ) {}
}

/// What to do after some input: send the bytes, then close if that is said.
public struct CommandResult: Sendable, Equatable {
    public var bytes: [UInt8] = []
    public var closes = false
    /// Whether the conversation is interactive and waits for the next line.
    public var prompts = false

    public init() {}
}

/// One conversation.
public struct CommandInterpreter: Sendable {
    /// The longest line, as in HAProxy; a longer one ends the conversation.
    public static let lineBytesMax = 16_384

    private var session: CommandSession
    private var unfinished: [UInt8] = []

    /// Whether a command may begin with the process it is for.
    private let takesProcess: Bool

    /// - Parameters:
    ///   - level: that of the socket.
    ///   - takesProcess: whether a command may begin with the process it is for (`@1`, `@!123`): there is only one.
    public init(level: AccessLevel, takesProcess: Bool = false) {
        session = CommandSession(level: level)
        self.takesProcess = takesProcess
    }

    /// Takes bytes as they come. Whole lines are run, the rest is kept for the next call.
    public mutating func receive(_ bytes: RawSpan, context: some CommandContext) -> CommandResult {
        var result = CommandResult()
        for i in 0..<bytes.byteCount where !session.isOver {
            if bytes[i] == 0x0A {
                runUnfinished(context: context, to: &result)
            } else if unfinished.count == Self.lineBytesMax {
                session.isOver = true
                result.bytes.append("Line too long.\n\n")
            } else {
                unfinished.append(bytes[i])
            }
        }
        finish(&result)
        return result
    }

    /// The peer sends no more: a last line without its newline is run, then the conversation is over.
    public mutating func inputEnded(context: some CommandContext) -> CommandResult {
        var result = CommandResult()
        if !unfinished.isEmpty, !session.isOver { runUnfinished(context: context, to: &result) }
        session.isOver = true
        finish(&result)
        return result
    }

    /// Runs one line, given without its newline.
    public mutating func run(line: String, context: some CommandContext) -> CommandResult {
        var result = CommandResult()
        if !session.isOver { run(line, context: context, to: &result) }
        finish(&result)
        return result
    }

    /// Whether the conversation shows the lines of a ring as they come: `readEvents` is to be called from time to time, and any
    /// input ends it (`endFollowing`).
    public var isFollowing: Bool { session.follow != nil }

    /// The lines that have come since the last call, as many as may be sent at a time.
    public mutating func readEvents(context: some CommandContext) -> [UInt8] {
        var out: [UInt8] = []
        guard var follow = session.follow else { return out }
        context.readEvents(
            of: follow.name, from: &follow.position, into: &out, delimiter: follow.delimiter,
            bytesMax: EventFollow.bytesMax)
        session.follow = follow
        return out
    }

    /// Ends that, and with it a conversation that is not interactive.
    public mutating func endFollowing() -> CommandResult {
        session.follow = nil
        if !session.isInteractive { session.isOver = true }
        var result = CommandResult()
        result.bytes.append(session.isInteractive ? "\n> " : "\n")
        finish(&result)
        return result
    }

    private func finish(_ result: inout CommandResult) {
        result.closes = session.isOver
        result.prompts = session.isInteractive && !session.isOver
    }

    private mutating func runUnfinished(context: some CommandContext, to result: inout CommandResult) {
        if unfinished.last == 0x0D { unfinished.removeLast() }
        let line = String(decoding: unfinished, as: UTF8.self)
        unfinished.removeAll()
        run(line, context: context, to: &result)
    }

    private mutating func run(_ line: String, context: some CommandContext, to result: inout CommandResult) {
        for words in CommandLine.commands(of: line) where !session.isOver {
            let isForProcess = takesProcess && words.first?.hasPrefix("@") == true
            var call = CommandCall(
                words: isForProcess ? Array(words.dropFirst()) : words, context: context, session: session)
            // The process alone chooses it for what follows.
            if !isForProcess || !call.words.isEmpty { Command.run(&call) }
            session = call.session
            guard !session.isOver else { break }
            result.bytes += call.out
            // What stands behind it in the line would come after the end of that, which is some input.
            if session.follow != nil { return }
            result.bytes.append(session.isInteractive ? "\n> " : "\n")
        }
        if !session.isInteractive { session.isOver = true }
    }
}

/// What a conversation remembers between commands.
struct CommandSession {
    var level: AccessLevel
    var isInteractive = false
    var isOver = false
    /// The ring whose lines are shown as they come.
    var follow: EventFollow?

    init(level: AccessLevel) { self.level = level }
}

/// A line taken apart.
enum CommandLine {
    /// The commands of a line, each as its words. Always at least one, which may have no words. A backslash takes the
    /// meaning from a blank, a semicolon or a backslash behind it.
    static func commands(of line: String) -> [[String]] {
        var commands: [[String]] = []
        var words: [String] = []
        var word: [UInt8] = []
        var hasWord = false
        var isEscaped = false
        func endWord() {
            guard hasWord else { return }
            words.append(String(decoding: word, as: UTF8.self))
            word = []
            hasWord = false
        }
        for byte in line.utf8 {
            switch byte {
            case _ where isEscaped:
                isEscaped = false
                word.append(byte)
            case 0x5C:
                isEscaped = true
                hasWord = true
            case 0x20, 0x09: endWord()
            case 0x3B:
                endWord()
                commands.append(words)
                words = []
            default:
                hasWord = true
                word.append(byte)
            }
        }
        endWord()
        // A semicolon at the end of the line ends its command; nothing follows it.
        if !words.isEmpty || commands.isEmpty { commands.append(words) }
        return commands
    }
}
