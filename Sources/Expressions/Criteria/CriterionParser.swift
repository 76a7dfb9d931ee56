// Reads `<criterion> [flags] [operator] [<value>…]`, as it stands behind `acl <name>` or between braces.

internal import Basics
public import Configuration
internal import Patterns

extension MatchMethod {
    /// The method for values of this type when the line names none; nil if the line has to name one.
    init?(default type: SampleType) {
        switch type {
        case .bool: self = .bool
        case .integer: self = .int
        case .address, .ipv4, .ipv6: self = .ip
        case .string, .method: self = .str
        case .binary, .any: return nil
        }
    }
}

extension Criterion {
    /// Reads words until they end or `isEnd` says so of the next one.
    public init(
        _ arguments: inout Arguments, _ table: inout ExpressionTable, until isEnd: (Word) -> Bool
    ) throws(ConfigProblem) {
        let what = "a criterion, such as path_beg or hdr(host)"
        if let end = arguments.peek, isEnd(end) {
            throw ConfigProblem("a criterion is missing before '\(end.text)'", at: end.range, expected: what)
        }
        var word = try arguments.next(what)
        // As in HAProxy, blanks may stand behind the comma before a converter.
        while word.text.hasSuffix(","), let next = arguments.peek, !isEnd(next), arguments.nextIfPresent() != nil {
            word = Word(word.text + next.text, at: word.range)
        }
        let (expression, form) = try Self.expression(word, &table)
        let flags = try PatternFlags(&arguments, until: isEnd)
        guard let method = flags.method ?? form ?? MatchMethod(default: expression.type) else {
            throw arguments.problem(
                "'\(word.text)' needs to be told how its value is matched", at: word,
                expected: "-m <method>, such as -m str or -m found")
        }
        try Self.check(method, expression.type, flags.methodWord ?? word)
        var values: [Word] = []
        while let value = arguments.peek, !isEnd(value), let taken = arguments.nextIfPresent() { values.append(taken) }
        let comparesNothing = method == .found || method == .bool
        if values.isEmpty, flags.files.isEmpty, !comparesNothing {
            arguments.warn(
                "'\(word.text)' is compared with nothing and never matches", at: word,
                expected: "values, or '-m found' to ask whether there is any")
        } else if let value = values.first ?? flags.files.first?.path, comparesNothing {
            arguments.warn("'\(value.text)' is ignored: '\(method.rawValue)' compares with nothing", at: value)
        }
        if method == .int, let integer = expression.row.integer, expression.converters.isEmpty {
            values = values.map(integer)
        }
        self.init(expression, try Self.matcher(method, values, flags, &table))
    }

    /// Whether the request has its target in absolute form, which no sample of the language tells.
    public static func absoluteTarget(_ table: inout ExpressionTable) -> Criterion {
        guard let row = SampleRow.places["url"] else { preconditionFailure("no sample 'url'") }
        table.usesRequestHead = true
        return Criterion(
            Expression(sample: .request(.isAbsolute), converters: TableSlice(0..<0), type: .bool, rowIndex: row), .bool)
    }

    /// The expression, and the way to match if the criterion's name says it: `path_beg`.
    private static func expression(
        _ word: Word, _ table: inout ExpressionTable
    ) throws(ConfigProblem) -> (Expression, MatchMethod?) {
        var text = ExpressionText(word)
        let name = text.name()
        let (row, form) = try row(name, text)
        let expression = try Expression(row, nameStart: 0, &text, &table)
        guard text.isAtEnd else {
            throw text.problem("unexpected text behind the criterion", at: text.position..<text.bytes.count)
        }
        // Behind a converter it is no longer the sample that is matched.
        return (expression, expression.converters.isEmpty ? form : nil)
    }

    private static func row(_ name: String, _ text: ExpressionText) throws(ConfigProblem) -> (Int, MatchMethod?) {
        // These two alone of those that yield bytes have a way to match of their own.
        let form: MatchMethod? = name == "payload" || name == "payload_lv" ? .bin : nil
        if let row = SampleRow.places[name] { return (row, form) }
        if let underscore = name.lastIndex(of: "_"),
            let form = MatchMethod(rawValue: String(name[name.index(after: underscore)...])),
            let row = SampleRow.places[String(name[..<underscore])], SampleRow.table[row].hasMatchForms
        {
            return (row, form)
        }
        guard !name.isEmpty else { throw Expression.unknownSample(name, text, 0) }
        if let known = HAProxyWords.refusal(of: name, as: .criterion, at: text.range(0..<text.position)) { throw known }
        throw text.problem(
            "unknown criterion '\(name)'", at: 0..<text.position, suggestion: nearest(name, among: criterionNames))
    }

    /// Samples, and those with a way to match behind their name.
    private static let criterionNames: [String] = SampleRow.table.flatMap { row in
        [row.name]
            + (row.hasMatchForms ? ["beg", "end", "sub", "dir", "dom", "len", "reg"].map { "\(row.name)_\($0)" } : [])
    }

    /// Throws for combinations of type and method that the manual's table does not have.
    private static func check(_ method: MatchMethod, _ type: SampleType, _ word: Word) throws(ConfigProblem) {
        let isPossible =
            switch (method, type) {
            case (.bool, .address), (.bool, .ipv4), (.bool, .ipv6), (.ip, .bool), (.ip, .method): false
            default: true
            }
        guard isPossible else {
            throw ConfigProblem(
                "a value of type \(type.rawValue) cannot be matched by '\(method.rawValue)'", at: word.range)
        }
    }

    /// Up to this many values of a line are compared one after the other, which costs less than a look-up.
    private static let scannedMax = 8

    private static func matcher(
        _ method: MatchMethod, _ values: [Word], _ flags: PatternFlags, _ table: inout ExpressionTable
    ) throws(ConfigProblem) -> Matcher {
        switch method {
        case .found: return .found
        case .bool: return .bool
        case _ where !flags.files.isEmpty || flags.id != nil || values.count > scannedMax || method == .bin:
            return .patterns(try patterns(method, values, flags, &table))
        case .int: return .integers(try IntegerPatterns(values, &table.patterns))
        case .len: return .length(try IntegerPatterns(values, &table.patterns))
        case .ip: return .addresses(try NetworkPatterns(values, &table.patterns))
        case .reg: return .regular(try RegularPatterns(values, ignoringCase: flags.ignoresCase, &table.patterns))
        case .str, .beg, .end, .sub, .dir, .dom, .bin:
            guard let comparison = method.comparison else { preconditionFailure("'\(method)' compares no texts") }
            return .strings(
                StringPatterns(comparison, ignoringCase: flags.ignoresCase, values.map(\.text), &table.patterns))
        }
    }

    private static func patterns(
        _ method: MatchMethod, _ values: [Word], _ flags: PatternFlags, _ table: inout ExpressionTable
    ) throws(ConfigProblem) -> PatternMatcher {
        var values = values
        if method == .int || method == .len { values = try IntegerPatterns.separated(values) }
        let start = table.patterns.lookups.count
        for file in flags.files {
            _ = table.patterns.use(
                Reference(file.path), isMap: file.isMap, method, ignoringCase: file.ignoresCase,
                id: values.isEmpty ? flags.id : nil)
        }
        if !values.isEmpty || flags.files.isEmpty {
            _ = try table.patterns.use(values, method, ignoringCase: flags.ignoresCase, id: flags.id)
        }
        return PatternMatcher(method: method, lookups: TableSlice(start..<table.patterns.lookups.count))
    }
}
