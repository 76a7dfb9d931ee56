// Lines that are valid by themselves and have no effect where they stand: lines that need `mode http` in a section in TCP mode, and
// rules below others that run after them.
//
// The `mode` line may stand below such a line, so lines are only noted while they are read; `PlanBuilder` judges them.

public import Configuration

/// What was noted of a section's lines, those of the defaults it starts from first.
public struct SectionLines: SectionSettings {
    struct Line: Sendable {
        let keyword: String
        let range: SourceRange
        /// Where the section begins in which it stands: another one than the proxy's own if it is inherited.
        let section: SourceRange
    }

    /// Lines that have an effect in HTTP mode only.
    fileprivate(set) var ofHTTP: [Line] = []
    /// The last line of each kind of rules, by `RuleStage`.
    fileprivate var lastOfStage: [RuleStage: Line] = [:]

    public init() {}
}

extension SectionLines {
    /// The keywords, with parsers that note the lines that are judged later.
    public static func noted(_ keywords: [Keyword]) -> [Keyword] {
        keywords.map { keyword in
            let stage = RuleStage(keyword.name)
            let needsHTTP = needsHTTP(keyword.name)
            guard stage != nil || needsHTTP else { return keyword }
            return keyword.parsing { (args, draft) throws(ConfigProblem) in
                try keyword.parse(&args, &draft)
                if args.isNegated { return }
                let line = Line(keyword: keyword.name, range: args.keyword.range, section: draft.range)
                if needsHTTP { draft[SectionLines.self].ofHTTP.append(line) }
                if let stage, !args.isMoved { draft[SectionLines.self].note(line, stage, &args) }
            }
        }
    }

    private static let httpOptions: Set<String> = [
        "option forwardfor", "option forwarded", "option originalto", "option forwarded-headers", "option httplog",
        "option http-buffer-request", "option http-ignore-probes", "option http-drop-request-trailers",
        "option http-drop-response-trailers", "option accept-unsafe-violations-in-http-request",
        "option accept-unsafe-violations-in-http-response", "option accept-invalid-http-request",
        "option accept-invalid-http-response", "monitor-uri", "redirect", "unique-id-header", "request-buffer",
        "response-buffer", "files",
    ]

    private static func needsHTTP(_ name: String) -> Bool {
        httpOptions.contains(name)
            || ["http-request ", "http-response ", "http-after-response ", "capture request ", "capture response "]
                .contains { name.hasPrefix($0) }
    }

    private mutating func note(_ line: Line, _ stage: RuleStage, _ args: inout Arguments) {
        // As in HAProxy the nearest stage that runs later; lines of defaults run first anyway.
        let later = RuleStage.allCases.first { $0 > stage && lastOfStage[$0]?.section == line.section }
        if let later, let above = lastOfStage[later] {
            args.warn(
                "'\(stage.rawValue)' lines run before '\(later.rawValue)' lines, wherever they stand: this one runs before line \(above.range.line)",
                expected: "this line above that one")
        }
        lastOfStage[stage] = line
    }
}

/// The kinds of rules about requests, in the order in which they run.
enum RuleStage: String, CaseIterable, Comparable {
    case connection = "tcp-request connection"
    case session = "tcp-request session"
    case content = "tcp-request content"
    case monitor = "monitor fail"
    case request = "http-request"
    case redirect
    case backend = "use_backend"
    case server = "use-server"

    init?(_ keyword: String) {
        let found = Self.allCases.first { keyword == $0.rawValue || keyword.hasPrefix($0.rawValue + " ") }
        guard let found else { return nil }
        self = found
    }

    static func < (a: RuleStage, b: RuleStage) -> Bool { a.position < b.position }

    private var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

// MARK: - HTTP's words in TCP mode

extension PlanBuilder {
    /// Reports lines about requests in sections in TCP mode, which parse none. A line that would refuse requests is an error.
    mutating func checkModes() {
        for draft in drafts where draft[ProxySettings.self].mode == .tcp {
            var seen: Set<String> = []
            for line in draft[SectionLines.self].ofHTTP {
                let words = line.keyword.split(separator: " ")
                // Rules of one kind are reported once, options each.
                let what = words[0] == "option" || words[0] == "capture" ? line.keyword : String(words[0])
                if line.section != draft.range {
                    report(
                        "'\(what)' needs mode http: in sections in tcp mode that start from these defaults it does nothing",
                        at: line.range, severity: .notice)
                } else if Self.refuses(words) {
                    report(
                        "'\(line.keyword)' needs mode http: in \(draft.kind.name) '\(draft.name)', which is in tcp mode, it never runs",
                        at: line.range, expected: "mode http, or a tcp-request line")
                } else if seen.insert(what).inserted {
                    report(
                        "'\(what)' needs mode http: in \(draft.kind.name) '\(draft.name)', which is in tcp mode, it does nothing",
                        at: line.range, severity: .warning)
                }
            }
        }
    }

    /// Whether a rule refuses requests or sends them elsewhere.
    private static func refuses(_ words: [Substring]) -> Bool {
        if words[0] == "redirect" { return true }
        guard words[0].hasPrefix("http-"), words.count > 1 else { return false }
        return ["deny", "tarpit", "reject", "silent-drop", "auth", "redirect"].contains(words[1])
    }
}
