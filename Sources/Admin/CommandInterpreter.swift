// A conversation on a runtime socket: lines in, text out, which is made while the peer takes it. It reads no socket and no
// live state but what its context gives.
//
// As in HAProxy: a line is one command or several with `;` between them; each answer ends in an empty line; without
// `prompt` the conversation is over after one line.

public import Basics

/// One conversation.
public struct CommandInterpreter {
    /// The longest line, as in HAProxy; a longer one ends the conversation.
    public static let lineBytesMax = 16_384

    private let commands: [any RuntimeCommand.Type]
    /// Whether a command may begin with the process it is for.
    private let takesProcess: Bool
    private var session: CommandSession
    private var unfinished: [UInt8] = []
    /// Commands of the line that are still to be run, the first one last.
    private var waiting: [[String]] = []
    private var answer: PiecewiseAnswer?

    /// - Parameters:
    ///   - commands: those there are, in the order of the help.
    ///   - level: that of the socket.
    ///   - takesProcess: whether a command may begin with the process it is for (`@1`, `@!123`): there is only one.
    public init(commands: [any RuntimeCommand.Type], level: AccessLevel, takesProcess: Bool = false) {
        self.commands = commands
        self.takesProcess = takesProcess
        session = CommandSession(level: level)
    }

    /// Whether the conversation is over; once `fill` returns false, its last byte is out.
    public var isOver: Bool { session.isOver }
    /// Whether it is interactive and waits for the next line.
    public var prompts: Bool { session.isInteractive && !session.isOver }
    /// Whether it shows the lines of a ring as they come: `fill` is to be called from time to time, and any input ends it
    /// (`endFollowing`).
    public var isFollowing: Bool { session.follow != nil }

    /// Takes bytes up to the end of the first line; returns how many. The rest is for the next call, after `fill` has returned
    /// false.
    public mutating func receive(_ bytes: RawSpan) -> Int {
        precondition(waiting.isEmpty && answer == nil, "a line was received before the one before was answered")
        for i in 0..<bytes.byteCount where !session.isOver {
            if bytes[i] == 0x0A {
                endLine()
                return i + 1
            }
            guard unfinished.count < Self.lineBytesMax else {
                session.isOver = true
                answer = PiecewiseAnswer(nil, after: Array("Line too long.\n\n".utf8))
                return bytes.byteCount
            }
            unfinished.append(bytes[i])
        }
        return bytes.byteCount
    }

    /// The peer sends no more: a last line without its newline is run, then the conversation is over.
    public mutating func inputEnded() {
        if !unfinished.isEmpty, !session.isOver { endLine() }
        session.endsWithLine = true
        if waiting.isEmpty { session.isOver = true }
    }

    private mutating func endLine() {
        if unfinished.last == 0x0D { unfinished.removeLast() }
        let line = String(decoding: unfinished, as: UTF8.self)
        unfinished.removeAll()
        waiting = CommandLine.commands(of: line).reversed()
    }

    /// Runs the commands that were received and appends their answers to `out`, as far as there is room. Returns false when
    /// there is nothing more to append for now, and true if it is to be called again when `out` has room.
    public mutating func fill(_ out: inout ByteBuffer, context: any CommandContext) -> Bool {
        while true {
            if let current = answer {
                if current.fill(&out, at: context.now) { return true }
                answer = nil
            }
            if session.follow != nil {
                guard out.room > 0, follow(context) else { return false }
                continue
            }
            guard !session.isOver, let words = waiting.popLast() else {
                waiting = []
                return false
            }
            run(words, context)
        }
    }

    private mutating func run(_ words: [String], _ context: any CommandContext) {
        let isForProcess = takesProcess && words.first?.hasPrefix("@") == true
        var call = CommandCall(
            words: isForProcess ? Array(words.dropFirst()) : words, context: context, commands: commands,
            session: session)
        // A process without a command chooses it for what follows.
        if !isForProcess || !call.words.isEmpty { call.run() }
        session = call.session
        // `quit` says nothing.
        guard !session.isOver else { return }
        if session.follow != nil {
            // Following ends with input, so what stands behind it in the line is not run.
            waiting = []
            answer = PiecewiseAnswer(nil, after: call.text)
            return
        }
        answer = PiecewiseAnswer(call.pieces, after: call.text, end: end)
        endIfLineIsDone()
    }

    /// What follows every answer.
    private var end: [UInt8] { Array((session.isInteractive ? "\n> " : "\n").utf8) }

    private mutating func endIfLineIsDone() {
        if waiting.isEmpty, session.endsWithLine || !session.isInteractive { session.isOver = true }
    }

    /// Puts lines that have come into `answer`; returns false if there are none.
    private mutating func follow(_ context: any CommandContext) -> Bool {
        guard var follow = session.follow else { return false }
        var lines: [UInt8] = []
        context.readEvents(
            of: follow.name, from: &follow.position, into: &lines, delimiter: follow.delimiter,
            bytesMax: EventFollow.bytesMax)
        session.follow = follow
        guard !lines.isEmpty else { return false }
        answer = PiecewiseAnswer(nil, after: lines)
        return true
    }

    /// Ends the display of a ring's lines, and with it a conversation that is not interactive.
    public mutating func endFollowing() {
        session.follow = nil
        // What was read from the ring and not taken by the peer is sent first.
        let rest = answer?.drain(at: .never) ?? []
        answer = PiecewiseAnswer(nil, after: rest, end: end)
        endIfLineIsDone()
    }
}

/// What a conversation remembers between commands.
struct CommandSession {
    var level: AccessLevel
    var isInteractive = false
    var isOver = false
    /// The peer sends no more lines.
    var endsWithLine = false
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
