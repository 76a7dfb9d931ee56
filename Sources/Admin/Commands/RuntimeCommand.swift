// The runtime commands: each is a type in a file of its own, which names, documents and guards itself and does what it says.
// The list of all of them is `RuntimeCommands`, where everything that commands may change is in sight.

public import Basics
internal import Configuration
public import TLS

/// A command of the runtime socket.
public protocol RuntimeCommand: Sendable {
    /// One word or several: `show stat`.
    static var name: String { get }
    /// The name with its arguments, as the help prints it.
    static var usage: String { get }
    static var summary: String { get }
    /// The lowest level that may use it.
    static var level: AccessLevel { get }
    /// Whether only a conversation in expert mode may use it.
    static var isForExperts: Bool { get }
    /// Whether it is for programs only, so that the help does not list it.
    static var isForPrograms: Bool { get }
    /// Does it. What it needs beyond statistics it finds in the call's context, by the type that the program gives.
    static func run(_ call: inout CommandCall)
}

extension RuntimeCommand {
    public static var usage: String { name }
    public static var level: AccessLevel { .user }
    public static var isForExperts: Bool { false }
    public static var isForPrograms: Bool { false }

    static var words: [Substring] { name.split(separator: " ") }

    static func isNamed(by given: [String]) -> Bool {
        let words = words
        return given.count >= words.count && zip(given, words).allSatisfy { $0 == $1 }
    }

    /// Whether the words begin with a misspelling of its name.
    static func isNear(_ given: [String]) -> Bool {
        let count = words.count
        return given.count >= count
            && nearest(given.prefix(count).joined(separator: " "), among: CollectionOfOne(name)) != nil
    }
}

/// What commands may ask of the running program.
public protocol CommandContext {
    var now: Instant { get }
    var wallTime: WallTime { get }
    var statistics: any StatsSource { get }
    /// The certificates that are in use, and who uses them.
    var encryption: EncryptionState { get }
    /// How fetching OCSP responses has gone, the next one to be fetched first.
    func responseUpdates() -> [ResponseUpdateReport]
    /// Begins to fetch the OCSP response of a certificate; `done` is called once, when it has ended.
    /// - Returns: why it cannot be fetched; nil: it has begun.
    func fetchResponse(
        of certificate: String, done: @escaping (Result<OCSPResponse, ResponseUpdateFault>) -> Void
    ) -> String?
    /// Reads the configuration again, and makes it count if it is valid. `done` is called once, when that has ended; possibly before
    /// this function returns.
    func reload(done: @escaping (ReloadOutcome) -> Void)
    /// What came of that so far.
    var reloads: ReloadRecord { get }
    /// Sends a text to the log targets of the `global` section, with level info.
    func log(_ text: String)
    /// The last message at each proxy that was not understood.
    func capturedErrors() -> CapturedErrors
    /// What the nameservers of each `resolvers` section answered.
    func resolversReports() -> [ResolversReport]
    /// The rings of log lines.
    func eventSinks() -> [EventSink]
    /// The position of a ring's next line.
    func endOfEvents(of name: String) -> UInt64
    /// Appends a ring's lines from `position` on, about `bytesMax` bytes at most, and sets `position` to the first line not
    /// appended.
    func readEvents(
        of name: String, from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int)
}

extension CommandContext {
    /// None, for a program without TLS.
    public var encryption: EncryptionState { EncryptionState() }

    /// None, for a program that fetches nothing.
    public func responseUpdates() -> [ResponseUpdateReport] { [] }

    public func fetchResponse(
        of certificate: String, done: @escaping (Result<OCSPResponse, ResponseUpdateFault>) -> Void
    ) -> String? { "OCSP responses are not fetched here." }

    public func reload(done: @escaping (ReloadOutcome) -> Void) {
        done(ReloadOutcome(isDone: false, problems: "The configuration is not read again here."))
    }

    public var reloads: ReloadRecord { ReloadRecord() }
}

/// An answer that is not known yet when its command has run. Used on one thread.
public final class PendingAnswer {
    /// Set once it is known.
    public var text: [UInt8]?

    public init() {}
}

/// One command being run.
public struct CommandCall {
    /// The words given; while the command runs, those behind its name.
    public internal(set) var words: [String]
    public let context: any CommandContext
    /// All commands, in the order of the help.
    public let commands: [any RuntimeCommand.Type]
    var session: CommandSession
    /// The lines behind `<<`.
    public internal(set) var payload: SecretBytes?
    /// What it says at once, without the empty line that ends every answer.
    public private(set) var text: [UInt8] = []
    /// What it says after that, while the reader takes it.
    var pieces: (any PieceProducer)?

    init(
        words: [String], context: any CommandContext, commands: [any RuntimeCommand.Type], session: CommandSession
    ) {
        self.words = words
        self.context = context
        self.commands = commands
        self.session = session
    }

    /// The level of the conversation, which is at least the command's.
    public var level: AccessLevel { session.level }

    /// Removes `option` from the words; returns whether it was there.
    public mutating func takeOption(_ option: String) -> Bool {
        guard let index = words.firstIndex(of: option) else { return false }
        words.remove(at: index)
        return true
    }

    /// Says a line.
    public mutating func say(_ line: String) {
        text.append(line)
        text.append(0x0A)
    }

    /// Says a line about what it has done; with its severity in front where the socket's `severity-output` asks for that.
    public mutating func tell(_ line: String) { say(session.severityOutput.prefix(of: .info) + line) }

    /// Says why it has not done what was asked.
    public mutating func fail(_ line: String) { say(session.severityOutput.prefix(of: .error) + line) }

    /// Says what `body` appends: some lines. What may be longer than a page is for `say(inPieces:)`.
    public mutating func say(_ body: (inout [UInt8]) -> Void) { body(&text) }

    /// Gives, after the text so far, what `producer` makes while the reader takes it.
    public mutating func say(inPieces producer: any PieceProducer) {
        precondition(pieces == nil, "a command gives one long answer")
        pieces = producer
    }

    /// The answer goes on with what `answer` becomes; the next command of the line is run after that.
    public mutating func wait(for answer: PendingAnswer) { session.pending = answer }

    /// The commands that follow in the same line are not run.
    mutating func endLine() { session.endsLine = true }

    /// Runs the command that the words begin with, of several the one whose name has the most words.
    mutating func run() {
        var found: (any RuntimeCommand.Type)?
        for command in commands where command.isNamed(by: words) {
            if let known = found, known.words.count > command.words.count { continue }
            found = command
        }
        guard let command = found else { return UnknownCommand.answer(&self) }
        guard session.level >= command.level else { return fail("Permission denied") }
        guard session.isExpert || !command.isForExperts else {
            return fail("This command is restricted to expert mode only: expert-mode on")
        }
        words.removeFirst(command.words.count)
        command.run(&self)
    }
}
