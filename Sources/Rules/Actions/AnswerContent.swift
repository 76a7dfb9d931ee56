// `return`, `deny`, `tarpit`, `use-service`: answers with a status, fields and a body (manual, `http-request return`,
// `http-request deny`, `http-request use-service`).

internal import Basics
internal import Configuration
internal import Expressions
internal import Glibc
internal import HTTP
internal import LogFormat
internal import Patterns

struct AnswerContent: Sendable {
    var status: Int
    /// Without a body of its own and any field: nil for an empty answer, or the section's page for the status.
    var usesPage = false
    /// Whether the line gives anything besides the status.
    var isCustom = false
    var contentType: String?
    /// The body: a text, or what makes one.
    var text: [UInt8] = []
    var format: Format?
    var fields: [(name: String, value: Format)] = []
    /// The `http-errors` section whose page for the status is the answer.
    var errorSection: Word?
    /// The whole answer, if it is the same every time.
    var fixed: LocalResponse?

    /// A file's content is held in memory.
    static let fileBytesMax = 1 << 20
    /// `status` may say these.
    static let statuses = 200...599

    /// The answer to this exchange.
    func response(_ context: ExchangeContext, _ program: RuleProgram) -> LocalResponse {
        if let fixed { return fixed }
        var response = LocalResponse(status: status, body: text)
        for field in fields {
            field.value.render(context, program)
            // As in HAProxy, a field that has no value is not there.
            if context.rendered.isEmpty { continue }
            response.fields.append((field.name, String(verbatim: context.rendered)))
        }
        if let contentType { response.fields.append(("content-type", contentType)) }
        format?.render(context, program, into: &response.body)
        return response
    }
}

extension AnswerContent {
    /// What stands behind `return` and `deny`, for their help.
    static let usage =
        "[status <code>] [content-type <type>] [default-errorfiles | errorfiles <name> | errorfile <path> | file <path> | lf-file <path> | string <text>"
        + " | lf-string <format>] [hdr <name> <format>]*"

    /// Reads the words up to the condition. `statusWords` are those that a status may stand behind.
    init(
        _ arguments: inout Arguments, status: Int, statusWords: [String], in hook: RuleHook, _ table: inout RuleTable
    ) throws(ConfigProblem) {
        self.status = status
        var typeWord: Word?
        var bodyWord: Word?
        var fieldWord: Word?
        while !arguments.isAtCondition {
            let word = try arguments.next("an argument")
            switch word.text {
            case _ where statusWords.contains(word.text):
                self.status = try arguments.integer("a status", in: Self.statuses)
            case "content-type":
                typeWord = word
                contentType = try Self.contentType(&arguments)
                isCustom = true
            case "hdr":
                fieldWord = fieldWord ?? word
                fields.append(try Self.field(&arguments, in: hook, &table))
                isCustom = true
            case "default-errorfiles", "errorfiles", "errorfile", "file", "lf-file", "string", "lf-string":
                if let bodyWord {
                    throw arguments.problem("'\(word.text)' after '\(bodyWord.text)': an answer has one body", at: word)
                }
                bodyWord = word
                try readBody(word, &arguments, in: hook, &table)
            default:
                throw arguments.problem(
                    "unexpected '\(word.text)'", at: word, expected: Self.usage,
                    suggestion: nearest(word.text, among: Self.words + statusWords + ["if", "unless"]))
            }
        }
        if fixed?.isSilent == true { fixed?.status = self.status }
        try checkType(typeWord, bodyWord, &arguments)
        if fixed != nil || errorSection != nil, let fieldWord {
            arguments.warn("hdr is ignored: the file is the whole answer", at: fieldWord)
        }
        if format == nil, errorSection == nil, fields.allSatisfy({ table.formats.isConstant($0.value) }) {
            fixed = response(ExchangeContext(), RuleProgram(table))
        }
    }

    private static let words = [
        "content-type", "hdr", "default-errorfiles", "errorfiles", "errorfile", "file", "lf-file", "string",
        "lf-string",
    ]

    private mutating func readBody(
        _ word: Word, _ arguments: inout Arguments, in hook: RuleHook, _ table: inout RuleTable
    ) throws(ConfigProblem) {
        isCustom = true
        switch word.text {
        case "default-errorfiles": usesPage = true
        case "errorfiles": errorSection = try arguments.next("the name of an http-errors section")
        case "errorfile": fixed = try Self.wholeResponse(&arguments)
        case "string": text = try arguments.next("a text").text.verbatimBytes
        case "file": text = try Self.content(of: arguments.next("a file's path"))
        case "lf-string": try setFormat(arguments.next("a log format"), in: hook, &table)
        default:
            let path = try arguments.next("a file's path")
            let content = String(verbatim: try Self.content(of: path))
            try setFormat(Word(content, at: path.range), in: hook, &table)
        }
    }

    private mutating func setFormat(
        _ word: Word, in hook: RuleHook, _ table: inout RuleTable
    ) throws(ConfigProblem) {
        let made = try Format(word, for: .message, in: hook, &table.formats)
        if table.formats.isConstant(made) { text = table.formats.constantText(made) } else { format = made }
    }

    /// A body needs a type, and a type a body.
    private mutating func checkType(
        _ typeWord: Word?, _ bodyWord: Word?, _ arguments: inout Arguments
    ) throws(ConfigProblem) {
        let hasBody = format != nil || !text.isEmpty
        if hasBody, contentType == nil, let bodyWord {
            throw arguments.problem(
                "'\(bodyWord.text)' needs a content-type", at: bodyWord, expected: "content-type <type>")
        }
        if !hasBody, let typeWord {
            arguments.warn("content-type is ignored: the answer has no body of its own", at: typeWord)
            contentType = nil
        }
        if usesPage, !fields.isEmpty {
            arguments.warn("hdr is ignored: the section's error page is the whole answer", at: bodyWord)
        }
    }

    private static func wholeResponse(_ arguments: inout Arguments) throws(ConfigProblem) -> LocalResponse {
        let path = try arguments.next("a file's path")
        let bytes = try content(of: path)
        // The status is elsewhere in the line.
        if bytes.isEmpty { return .silence(status: 200) }
        do throws(StoredResponse.Fault) {
            return try StoredResponse(bytes).response
        } catch {
            throw arguments.problem(
                "'\(path.text)' \(error.description)", at: path,
                expected: "a whole HTTP response: status line, fields, an empty line, the body")
        }
    }

    private static func contentType(_ arguments: inout Arguments) throws(ConfigProblem) -> String {
        let word = try arguments.next("a media type such as text/plain")
        guard word.text.isFieldValue, !word.text.isEmpty else {
            throw arguments.problem("'\(word.text)' cannot be a header value", at: word)
        }
        return word.text
    }

    private static func field(
        _ arguments: inout Arguments, in hook: RuleHook, _ table: inout RuleTable
    ) throws(ConfigProblem) -> (name: String, value: Format) {
        let word = try arguments.nextFieldName()
        guard let name = FieldName(word.text, &table.expressions) else {
            throw arguments.problem("'\(word.text)' cannot be a field name", at: word)
        }
        if name.known == .contentType {
            throw arguments.problem("the type is said by 'content-type <type>', not by hdr", at: word)
        }
        if name.framesMessages {
            throw arguments.problem("'\(word.text)' is Portico's to write, not a rule's", at: word)
        }
        let value = try arguments.fieldFormat("a value for the field", in: hook, &table)
        return (String(decoding: table.text(name.text), as: UTF8.self), value)
    }

    private static func content(of path: Word) throws(ConfigProblem) -> [UInt8] {
        FilesRead.note(path.text)
        let descriptor = path.text.withVerbatimCString { unsafe open($0, O_RDONLY | O_CLOEXEC) }
        func failure(_ why: String) -> ConfigProblem {
            ConfigProblem("cannot read '\(path.text)': \(why)", at: path.range)
        }
        guard descriptor >= 0 else { throw failure(unsafe String(cString: strerror(errno))) }
        defer { close(descriptor) }
        // One byte more than allowed tells a file that is too long.
        var content = [UInt8](repeating: 0, count: fileBytesMax + 1)
        var count = 0
        while count < content.count {
            let got = unsafe content.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress.unsafelyUnwrapped + count, $0.count - count)
            }
            if got < 0 { throw failure(unsafe String(cString: strerror(errno))) }
            if got == 0 { return Array(content[..<count]) }
            count += got
        }
        throw failure("more than \(fileBytesMax) bytes")
    }
}

extension String {
    /// Whether it can stand in a header field.
    var isFieldValue: Bool { utf8.allSatisfy { ($0 >= 0x20 || $0 == 0x09) && $0 != 0x7F } }
}

extension AnswerContent {
    /// What comes of `return` with this content.
    func answer(_ context: ExchangeContext, _ program: RuleProgram) -> RuleOutcome {
        usesPage ? .answerStatus(status) : .answer(response(context, program))
    }

    static let answerRow = ActionRow(
        "return", in: [.httpRequest, .httpResponse], usage,
        summary: "Answers with this status (200), content and fields, without asking a server."
    ) { (arguments, family, table) throws(ConfigProblem) in
        table.answers.append(
            try AnswerContent(&arguments, status: 200, statusWords: ["status"], in: family.hook, &table))
        return .answer(table.answers.count - 1)
    }
}

extension AnswerContent {
    /// What comes of `deny` with this content: with nothing but a status it is the section's page for that, as with
    /// `default-errorfiles`.
    func denial(_ context: ExchangeContext, _ program: RuleProgram) -> RuleOutcome {
        usesPage || !isCustom ? .denyStatus(status) : .deny(response(context, program))
    }

    func tarpit(_ context: ExchangeContext, _ program: RuleProgram) -> RuleOutcome {
        usesPage || !isCustom ? .tarpitStatus(status) : .tarpit(response(context, program))
    }

    static let denyRow = ActionRow(
        "deny", in: [.httpRequest, .httpResponse, .statsRequest], "[deny_status <code>] " + usage,
        summary: "Refuses the message: a request with status 403, a response with 502, unless another is said."
            + ActionRow.undecidedIsMatch
    ) { (arguments, family, table) throws(ConfigProblem) in
        table.answers.append(
            try AnswerContent(
                &arguments, status: family.denyStatus, statusWords: ["status", "deny_status"], in: family.hook, &table)
        )
        return .deny(table.answers.count - 1)
    }

    static let tarpitRow = ActionRow(
        "tarpit", in: [.httpRequest], "[deny_status <code>] " + usage,
        summary: "Refuses the request once timeout tarpit has passed: with status 500, unless another is said."
            + ActionRow.undecidedIsMatch
    ) { (arguments, family, table) throws(ConfigProblem) in
        table.answers.append(
            try AnswerContent(
                &arguments, status: 500, statusWords: ["status", "deny_status"], in: family.hook, &table))
        return .tarpit(table.answers.count - 1)
    }
}

enum UseService {
    static let row = ActionRow(
        "use-service", in: [.httpRequest], "prometheus-exporter",
        summary:
            "Answers with what a service makes. Known is prometheus-exporter, which is not there yet: its answer is 503."
    ) { (arguments, _, table) throws(ConfigProblem) in
        let word = try arguments.next("a service's name")
        guard word.text == exporter else {
            throw arguments.problem(
                "there is no service '\(word.text)'", at: word, expected: exporter,
                suggestion: nearest(word.text, among: [exporter]))
        }
        arguments.warn(
            "'\(exporter)' is not there yet: until it is, the answer is 503 with a text that says so", at: word)
        var content = AnswerContent(status: 503)
        content.isCustom = true
        content.fixed = LocalResponse(
            status: 503, fields: [("cache-control", "no-cache"), ("content-type", "text/plain")],
            body: Array("Portico has no Prometheus exporter yet.\n".utf8))
        table.answers.append(content)
        return .answer(table.answers.count - 1)
    }

    private static let exporter = "prometheus-exporter"
}
