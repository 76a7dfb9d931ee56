// The pages an operator has written for the errors that Portico reports, and the lines that name them: `errorfile`, `errorloc`,
// `errorfiles`, in proxies and in `http-errors` sections.
//
// A page stands for a status. The log and the counters have that status, whatever the page's own is, as in HAProxy.
//
// Files are read and checked here, when the configuration is loaded: never while running, and before any chroot.

internal import Basics
internal import Configuration
internal import HTTP
internal import Reactor
internal import Rules
internal import SystemPackage

/// What is sent instead of Portico's own words.
enum ErrorPage: Sendable {
    /// `closes`: the page asks for the end of the connection, as most pages in HAProxy's form do.
    case response(LocalResponse, closes: Bool)
    /// What a line makes of the exchange (`http-error`).
    case computed(ErrorAnswer)
    /// Nothing: the connection is closed without a word (`errorfile 408 /dev/null`).
    case silence

    /// A redirect to where the page is (`errorloc`, `errorloc303`).
    static func redirect(status: Int, to location: String) -> ErrorPage {
        .response(
            LocalResponse(status: status, fields: [("cache-control", "no-cache"), ("location", location)]),
            closes: false)
    }
}

/// The pages of one section, by status.
struct ErrorPages: Sendable {
    private var pages: [Int: ErrorPage] = [:]

    /// The statuses that Portico may say of its own accord.
    static let statuses = [
        200, 400, 401, 403, 404, 405, 407, 408, 410, 412, 413, 414, 417, 421, 422, 425, 429, 431, 500, 501, 502, 503,
        504, 505,
    ]

    subscript(status: Int) -> ErrorPage? {
        get { pages.isEmpty ? nil : pages[status] }
        set { pages[status] = newValue }
    }
}

/// What a section's lines say of error pages, in file order; later lines win.
struct ErrorPageSettings: SectionSettings {
    enum Line: Sendable {
        /// `bytes` is the size of the file it was read from.
        case page(status: Int, ErrorPage, bytes: Int, file: Word)
        /// The pages of an `http-errors` section: those of the statuses, or all.
        case section(Word, statuses: [Int])
        /// What `http-error` makes, by its place among the section's rules; nil for the usual page again.
        case answer(status: Int, place: Int?)
    }

    var lines: [Line] = []
}

extension ErrorPageSettings.Line {
    /// The page, if the line gives one for the status by itself.
    func page(for wanted: Int) -> ErrorPage? {
        guard case .page(wanted, let page, _, _) = self else { return nil }
        return page
    }
}

enum ErrorPageKeywords {
    /// No buffer is larger (`tune.bufsize`), so that no page need be.
    private static let fileBytesMax = 16_777_216

    static let table: [Keyword] = [
        Keyword(
            "errorfile", in: [.proxies, "http-errors"], usage: "errorfile <status> <file>",
            summary: "Answers an error of this status with a file: a whole HTTP response, status line and fields "
                + "included. An empty file closes the connection without a word."
        ) { (args, draft) throws(ConfigProblem) in
            let status = try status(&args)
            let file = try args.next("a file's path")
            let bytes: [UInt8]
            do throws(Errno) {
                bytes = try SystemFile.bytes(of: file.text, atMost: fileBytesMax)
            } catch {
                throw args.problem("cannot read '\(file.text)': \(error)", at: file)
            }
            draft[ErrorPageSettings.self].lines.append(
                .page(status: status, try page(bytes, file, &args), bytes: bytes.count, file: file))
        },
        Keyword(
            "http-error", in: .proxies, usage: "http-error \(RulesSettings.errorAnswerUsage)",
            summary: "Answers an error of this status with what the line says, as http-request return does."
        ) { (args, draft) throws(ConfigProblem) in
            let (status, place) = try draft[RulesSettings.self].readErrorAnswer(&args)
            guard ErrorPages.statuses.contains(status) else {
                throw args.problem(
                    "\(status) is no status that Portico says by itself",
                    expected: "one of \(ErrorPages.statuses.map { "\($0)" }.joined(separator: ", "))")
            }
            draft[ErrorPageSettings.self].lines.append(.answer(status: status, place: place))
        },
        location("errorloc", status: 302),
        location("errorloc302", status: 302),
        location("errorloc303", status: 303),
        Keyword(
            "errorfiles", in: .proxies, usage: "errorfiles <name> [<status>...]",
            summary: "Uses the pages of an http-errors section: all of them, or those of some statuses."
        ) { (args, draft) throws(ConfigProblem) in
            let name = try args.next("the name of an http-errors section")
            var statuses: [Int] = []
            while !args.isAtEnd { statuses.append(try status(&args)) }
            draft[ErrorPageSettings.self].lines.append(.section(name, statuses: statuses))
        },
    ]

    private static func location(_ name: String, status: Int) -> Keyword {
        Keyword(
            name, in: .proxies, usage: "\(name) <status> <url>",
            summary: "Answers an error of this status with a redirect (\(status)) to a page elsewhere."
        ) { (args, draft) throws(ConfigProblem) in
            let replaced = try Self.status(&args)
            let url = try args.next("a URL")
            guard !url.text.isEmpty, url.text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
                throw args.problem("'\(url.text)' cannot be a location", at: url, expected: "a URL without blanks")
            }
            draft[ErrorPageSettings.self].lines.append(
                .page(status: replaced, .redirect(status: status, to: url.text), bytes: 0, file: url))
        }
    }

    private static func status(_ args: inout Arguments) throws(ConfigProblem) -> Int {
        let word = try args.next("a status")
        guard let status = Int(word.text), ErrorPages.statuses.contains(status) else {
            throw args.problem(
                "'\(word.text)' is no status that Portico says by itself", at: word,
                expected: "one of \(ErrorPages.statuses.map { "\($0)" }.joined(separator: ", "))")
        }
        return status
    }

    private static func page(
        _ bytes: [UInt8], _ file: Word, _ args: inout Arguments
    ) throws(ConfigProblem) -> ErrorPage {
        if bytes.isEmpty { return .silence }
        do throws(StoredResponse.Fault) {
            let stored = try StoredResponse(bytes)
            return .response(stored.response, closes: stored.closes)
        } catch {
            throw args.problem(
                "'\(file.text)' \(error.description)", at: file,
                expected: "a whole HTTP response: status line, fields, an empty line, the body")
        }
    }
}
