// The keywords for log destinations.

internal import Basics
public import Configuration
internal import Glibc

/// The keyword table of this module.
public enum LoggingKeywords {
    public static let table: [Keyword] = lines + RingKeywords.table + MailerKeywords.table

    private static let lines: [Keyword] = [
        Keyword(
            "log", in: [.global, .defaults, .frontend, .backend, .listen],
            usage:
                "log global | log <target> [len <bytes>] [format <format>] [sample <ranges>:<size>] [profile <name>] <facility>"
                + " [<level> [<minlevel>]]",
            summary: "Sends log lines to stdout, stderr, fd@<number>, a syslog server's address or a datagram socket's"
                + " path, over a stream to tcp@<address> or uxst@<path>, or to ring@<name>, a ring section. Several log"
                + " lines add up; 'no log' removes those inherited from defaults.",
            negatable: true
        ) { (arguments, draft) throws(ConfigProblem) in
            if arguments.isNegated {
                draft[LoggingSettings.self].lines = []
                return
            }
            if let word = arguments.peek, arguments.skip("global") {
                guard draft.kind != .global else {
                    throw arguments.problem("'log global' is not allowed in the global section", at: word)
                }
                guard !draft[LoggingSettings.self].lines.contains(.global) else { return }
                draft[LoggingSettings.self].lines.append(.global)
                return
            }
            let word = arguments.peek
            let entry = try line(&arguments)
            noticeMissingSocket(of: entry, at: word, &arguments)
            draft[LoggingSettings.self].lines.append(entry)
        },
        Keyword(
            "log-tag", in: [.global, .defaults, .frontend, .backend, .listen, "log-profile"], usage: "log-tag <name>",
            summary: "Sets the program name in syslog headers; portico by default."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[LoggingSettings.self].tag = try headerWord("a name", &arguments)
        },
        Keyword(
            "log-send-hostname", in: .global, usage: "log-send-hostname [<name>]",
            summary: "Adds the host name to syslog headers: this machine's name, or the one given."
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[LoggingSettings.self].hostname =
                arguments.isAtEnd ? LogLineWriter.machineName() : try headerWord("a host name", &arguments)
        },
    ]

    /// Warns about a path without a socket, which is usually meant as a log file.
    private static func noticeMissingSocket(
        of entry: LoggingSettings.Line, at word: Word?, _ arguments: inout Arguments
    ) {
        guard case .destination(let destination, _, _) = entry, case .path(let path) = destination.target else {
            return
        }
        var status = stat()
        if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { return }
        arguments.notice(
            "there is no log socket at '\(path)': log lines are lost until there is one", at: word,
            expected:
                "stdout, stderr, fd@<number>, a syslog server's address, or a socket like /dev/log; Portico writes no files"
        )
    }

    /// Parses a `log` line from its target on.
    private static func line(_ arguments: inout Arguments) throws(ConfigProblem) -> LoggingSettings.Line {
        let targetWord = try arguments.nextAddress("a target: stdout, an address, a socket's path, or global")
        let target = try LogTarget(targetWord)
        var format: LogLineFormat?
        var length: Int?
        var sample: LogSample?
        var profile: Word?
        options: while let word = arguments.peek {
            switch word.text {
            case "len":
                _ = arguments.nextIfPresent()
                length = try arguments.integer("the longest line in bytes", in: LogDestination.lengthLimits)
            case "format":
                _ = arguments.nextIfPresent()
                format = try arguments.choice("a log format", of: formats)
            case "sample":
                _ = arguments.nextIfPresent()
                sample = try self.sample(arguments.next("ranges and a size: 1,3:4"))
            case "profile":
                _ = arguments.nextIfPresent()
                profile = try arguments.next("the name of a log-profile section")
            default: break options
            }
        }
        let facilityWord = try arguments.next("a facility: local0, daemon …")
        guard let facility = LogFacility(named: facilityWord.text) else {
            throw arguments.problem(
                "unknown log facility '\(facilityWord.text)'", at: facilityWord,
                expected: "one of " + LogFacility.names.joined(separator: ", "),
                suggestion: nearest(
                    facilityWord.text, among: LogFacility.names + ["len", "format", "sample", "profile"]))
        }
        var destination = LogDestination(
            target: target, format: format ?? .local, facility: facility, lengthMax: length, sample: sample)
        destination.profile = profile?.text
        if !arguments.isAtEnd { destination.maximumLevel = try arguments.choice("a log level", of: levels) }
        if !arguments.isAtEnd { destination.minimumLevel = try arguments.choice("a log level", of: levels) }
        return .destination(
            destination, formatIsGiven: format != nil,
            at: LoggingSettings.Positions(target: targetWord.range, profile: profile?.range))
    }

    static let formats: KeyValuePairs<String, LogLineFormat> = [
        "local": .local, "rfc3164": .rfc3164, "rfc5424": .rfc5424, "priority": .priority, "short": .short,
        "timed": .timed, "iso": .iso, "raw": .raw, "json": .json,
    ]

    static let levels: KeyValuePairs<String, LogLevel> = [
        "emerg": .emerg, "alert": .alert, "crit": .crit, "err": .err, "warning": .warning, "notice": .notice,
        "info": .info, "debug": .debug,
    ]

    /// Parses a sample: `1,3-4:10` selects the 1st, 3rd and 4th line of every ten.
    private static func sample(_ word: Word) throws(ConfigProblem) -> LogSample {
        let problem = ConfigProblem(
            "'\(word.text)' is not a sample", at: word.range,
            expected: "<ranges>:<size>, as in 1,3-4:10 for the 1st, 3rd and 4th line of every ten")
        let parts = word.text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let size = Int(parts[1]), size >= 1 else { throw problem }
        var ranges: [ClosedRange<Int>] = []
        for text in parts[0].split(separator: ",", omittingEmptySubsequences: false) {
            let ends = text.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let low = Int(ends[0]), let high = Int(ends[ends.count - 1]), low >= 1, low <= high,
                high <= size
            else { throw problem }
            ranges.append(low...high)
        }
        return LogSample(ranges: ranges, size: size)
    }

    /// Parses a word for a syslog header, whose parts are separated by spaces.
    private static func headerWord(_ what: String, _ arguments: inout Arguments) throws(ConfigProblem) -> String {
        let word = try arguments.next(what)
        guard !word.text.isEmpty, word.text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw arguments.problem(
                "'\(word.text)' is not allowed in a syslog header", at: word,
                expected: "\(what) in ASCII without spaces")
        }
        return word.text
    }
}
