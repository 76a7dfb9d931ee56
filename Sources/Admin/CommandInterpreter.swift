// A conversation on a runtime socket: lines in, text out, which is made while the peer takes it. It reads no socket and no
// live state but what its context gives.
//
// As in HAProxy: a line is one command or several with `;` between them; each answer ends in an empty line; without
// `prompt` the conversation is over after one line. A line that ends with `<<` goes on with a payload: lines up to an empty one, or
// up to the word that stands behind `<<`.

public import Basics
internal import TLS

/// One conversation.
public struct CommandInterpreter {
    /// The longest line, as in HAProxy; a longer one ends the conversation.
    public static let lineBytesMax = 16_384
    /// The longest payload: a file of all the authorities that a system trusts has a quarter of it.
    public static let payloadBytesMax = 1 << 20

    private let commands: [any RuntimeCommand.Type]
    /// Those on the socket of HAProxy's master process: the master's own, then the others, which the one process has as well. Nil where
    /// no command may begin with the process it is for.
    private let masterCommands: [any RuntimeCommand.Type]?
    /// What stands behind an answer where there is a prompt.
    private var prompt = "> "
    private var session: CommandSession
    private var unfinished: [UInt8] = []
    /// Commands of the line that are still to be run, the first one last.
    private var waiting: [[String]] = []
    private var answer: PiecewiseAnswer?
    /// What the last command of the line gets, while its lines come.
    private var payload: CommandPayload?
    /// The whole of it, once the last line has come.
    private var received: SecretBytes?

    /// - Parameters:
    ///   - commands: those there are, in the order of the help.
    ///   - level: that of the socket.
    ///   - severity: how messages show their severity.
    ///   - masterCommands: on the socket of HAProxy's master process, those of the master. A command may begin with the process it is
    ///     for there (`@1`, `@!123`): there is only one, which is its own master.
    ///   - exposesListeners: whether `_getsocks` is obeyed.
    public init(
        commands: [any RuntimeCommand.Type], level: AccessLevel, severity: SeverityOutput = .none,
        masterCommands: [any RuntimeCommand.Type]? = nil, exposesListeners: Bool = false
    ) {
        self.commands = commands
        self.masterCommands = masterCommands.map { own in
            own + commands.filter { command in !own.contains { $0.name == command.name } }
        }
        session = CommandSession(level: level, severityOutput: severity, exposesListeners: exposesListeners)
    }

    /// Whether the conversation is over; once `fill` returns false, its last byte is out.
    public var isOver: Bool { session.isOver }
    /// Whether it is interactive and waits for the next line.
    public var prompts: Bool { session.isInteractive && !session.isOver }
    /// Whether it shows the lines of a ring as they come: `fill` is to be called from time to time, and any input ends it
    /// (`endFollowing`).
    public var isFollowing: Bool { session.follow != nil }
    /// Whether a command waits for something before it answers: `fill` is to be called from time to time, and nothing received.
    public var isWaiting: Bool { session.pending != nil }

    /// Whether the connection is for the listening sockets from now on, once `fill` returns false.
    public var handsOver: Bool { session.handsOver }

    /// Takes bytes up to the end of the first line; returns how many. The rest is for the next call, after `fill` has returned
    /// false.
    public mutating func receive(_ bytes: RawSpan) -> Int {
        precondition(waiting.isEmpty && answer == nil, "a line was received before the one before was answered")
        for i in 0..<bytes.byteCount where !session.isOver {
            if bytes[i] == 0x0A {
                endLine()
                return i + 1
            }
            guard unfinished.count < Self.lineBytesMax, payload?.isFull != true else {
                session.isOver = true
                let what = payload?.isFull == true ? "Payload" : "Line"
                answer = PiecewiseAnswer(nil, after: Array("\(what) too long.\n\n".utf8))
                payload = nil
                return bytes.byteCount
            }
            SecretBytes.append(CollectionOfOne(bytes[i]), to: &unfinished)
        }
        return bytes.byteCount
    }

    /// The peer sends no more: a last line without its newline is run, then the conversation is over.
    public mutating func inputEnded() {
        if !unfinished.isEmpty, !session.isOver { endLine() }
        // A payload without its end may lack a part.
        payload = nil
        session.endsWithLine = true
        if waiting.isEmpty { session.isOver = true }
    }

    /// Overwrites what has come of a line or of a payload, before the conversation is dropped.
    public mutating func forget() {
        SecretBytes.wipe(&unfinished)
        unfinished.removeAll()
        payload = nil
        received = nil
    }

    private mutating func endLine() {
        if unfinished.last == 0x0D { unfinished.removeLast() }
        defer { SecretBytes.wipe(&unfinished); unfinished.removeAll() }
        if let payload {
            if payload.take(line: unfinished) {
                waiting = CommandLine.commands(of: payload.line).reversed()
                received = payload.contents
                self.payload = nil
            } else if session.isInteractive {
                answer = PiecewiseAnswer(nil, after: Array("+ ".utf8))
            }
            return
        }
        if let begun = CommandPayload(beginningWith: unfinished) {
            payload = begun
            if session.isInteractive { answer = PiecewiseAnswer(nil, after: Array("+ ".utf8)) }
            return
        }
        waiting = CommandLine.commands(of: String(decoding: unfinished, as: UTF8.self)).reversed()
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
            if let pending = session.pending {
                guard let text = pending.text else { return false }
                session.pending = nil
                answer = PiecewiseAnswer(nil, after: text, end: end)
                endIfLineIsDone()
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
        let isForProcess = masterCommands != nil && words.first?.hasPrefix("@") == true
        let isForWorker = isForProcess ? !Self.isMaster(words[0]) : session.isInWorker
        var call = CommandCall(
            words: isForProcess ? Array(words.dropFirst()) : words, context: context,
            commands: isForWorker ? commands : masterCommands ?? commands, session: session)
        // It belongs to the last command of the line.
        if waiting.isEmpty {
            call.payload = received
            received = nil
        }
        // A process without a command chooses it for what follows.
        if isForProcess, call.words.isEmpty { call.session.isInWorker = isForWorker } else { call.run() }
        session = call.session
        if masterCommands != nil { prompt = masterPrompt(context) }
        if session.endsLine {
            waiting = []
            session.endsLine = false
        }
        // `quit` says nothing.
        guard !session.isOver else { return }
        // The messages with the sockets follow.
        if session.handsOver { return waiting = [] }
        if session.follow != nil {
            // Following ends with input, so what stands behind it in the line is not run.
            waiting = []
            answer = PiecewiseAnswer(nil, after: call.text)
            return
        }
        guard session.pending == nil else {
            answer = PiecewiseAnswer(nil, after: call.text)
            return
        }
        answer = PiecewiseAnswer(call.pieces, after: call.text, end: end)
        endIfLineIsDone()
    }

    /// What follows every answer.
    private var end: [UInt8] { Array((session.isInteractive ? "\n\(prompt)" : "\n").utf8) }

    /// Whether it stands for the master process.
    private static func isMaster(_ process: String) -> Bool { ["@", "@0", "@master"].contains(process) }

    /// As HAProxy's master has it: where the conversation is, and what an operator should not miss.
    private func masterPrompt(_ context: any CommandContext) -> String {
        let place =
            session.isInWorker
            ? "\(context.statistics.process(at: context.now).pid)"
            : context.reloads.latest.isDone ? "master" : "master[ReloadFailed]"
        return place + (session.isExpert ? "(e)> " : "> ")
    }

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
    let severityOutput: SeverityOutput
    let exposesListeners: Bool
    /// `_getsocks` was received.
    var handsOver = false
    var isInteractive = false
    /// `expert-mode on`
    var isExpert = false
    var isOver = false
    /// On the master's socket: whether commands without a process are the worker's.
    var isInWorker = false
    /// What follows in the line is not run.
    var endsLine = false
    /// The peer sends no more lines.
    var endsWithLine = false
    /// The ring whose lines are shown as they come.
    var follow: EventFollow?
    /// The answer that the last command waits for.
    var pending: PendingAnswer?

    init(level: AccessLevel, severityOutput: SeverityOutput, exposesListeners: Bool = false) {
        self.exposesListeners = exposesListeners
        self.level = level
        self.severityOutput = severityOutput
    }
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

/// A payload while its lines come.
final class CommandPayload {
    /// As many as HAProxy allows.
    private static let markBytesMax = 64

    /// The line without `<<` and what follows it.
    let line: String
    /// The line that ends it.
    private let mark: [UInt8]
    let contents = SecretBytes([])

    /// Nil for a line that no payload follows: its last word does not begin with `<<`.
    init?(beginningWith bytes: [UInt8]) {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        guard let blank = bytes.lastIndex(where: isBlank) else { return nil }
        let word = bytes[(blank + 1)...]
        guard word.starts(with: [0x3C, 0x3C]), word.count <= Self.markBytesMax + 2 else { return nil }
        mark = Array(word.dropFirst(2))
        line = String(decoding: bytes[..<blank], as: UTF8.self)
    }

    /// Whether it is as long as it may be.
    var isFull: Bool { contents.bytes.count > CommandInterpreter.payloadBytesMax }

    /// Takes a line. Returns whether it was the end.
    func take(line: [UInt8]) -> Bool {
        guard line != mark else { return true }
        contents.append(line)
        contents.append([0x0A])
        return false
    }
}
