// The flags between a criterion and its values (manual, section 7.1).

public import Configuration

public struct PatternFlags {
    public struct File {
        public let path: Word
        /// Whether the file is a map, of which the keys are compared.
        public let isMap: Bool
        public let ignoresCase: Bool
    }

    public private(set) var method: MatchMethod?
    public private(set) var methodWord: Word?
    /// For the values in the line itself.
    public private(set) var ignoresCase = false
    public private(set) var files: [File] = []
    /// The number by which the values can be changed.
    public private(set) var id: Int?

    /// The numbers that HAProxy accepts behind `-u`.
    private static let ids = 0...Int(Int32.max)

    /// Takes flags up to the first value. As in HAProxy, `-i` and `-M` hold for the files behind them.
    public init(_ arguments: inout Arguments, until isEnd: (Word) -> Bool) throws(ConfigProblem) {
        var readsMaps: Word?
        while let flag = arguments.peek, !isEnd(flag), Self.looksLikeFlag(flag.text) {
            _ = arguments.nextIfPresent()
            switch flag.text {
            case "-i": ignoresCase = true
            case "-m":
                guard files.isEmpty else {
                    throw arguments.problem("'-m' stands behind a file", at: flag, expected: "-m before -f")
                }
                let word = try arguments.next("a way to match")
                method = try word.choice("a way to match", of: Self.methods)
                methodWord = word
            case "-f":
                let path = try arguments.next("a file's path")
                guard !path.text.isEmpty else {
                    throw arguments.problem("the path of a file is empty", at: path)
                }
                files.append(File(path: path, isMap: readsMaps != nil, ignoresCase: ignoresCase))
            case "-M": readsMaps = flag
            case "-u": id = try arguments.integer("a number", in: Self.ids)
            // Names are never looked up here.
            case "-n": break
            case "--": return
            default:
                throw ConfigProblem(
                    "unknown flag '\(flag.text)'", at: flag.range,
                    expected: "-i, -m <method>, -f <file>, -M, -n, -u <number> or --")
            }
        }
        if let readsMaps, files.isEmpty {
            arguments.warn("'-M' has no effect without '-f <file>' behind it", at: readsMaps)
        }
    }

    private static let methods = KeyValuePairs(
        dictionaryLiteral: ("found", MatchMethod.found), ("bool", .bool), ("int", .int), ("ip", .ip), ("bin", .bin),
        ("len", .len), ("str", .str), ("beg", .beg), ("sub", .sub), ("dir", .dir), ("dom", .dom), ("end", .end),
        ("reg", .reg))

    /// A dash and one letter, or two dashes; anything longer is a value that begins with a dash.
    private static func looksLikeFlag(_ text: String) -> Bool {
        text.count == 2 && text.hasPrefix("-") && !(text.last?.isNumber ?? false)
    }
}
