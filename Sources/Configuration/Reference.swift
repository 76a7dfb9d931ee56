// Names that lines use for things other lines declare: `default_backend www`.
//
// A parser keeps a `Reference`; when all files are read, a `NameIndex` says what it stands for.

/// A name used for something declared elsewhere, and where it was used.
public struct Reference: Hashable, Sendable {
    public var name: String
    public var range: SourceRange

    public init(name: String, range: SourceRange) {
        self.name = name
        self.range = range
    }

    public init(_ word: Word) { self.init(name: word.text, range: word.range) }
}

/// What names of one kind stand for: positions in a list.
public struct NameIndex: Sendable {
    /// What such a thing is called in a sentence: "backend".
    public let what: String
    private let positions: [String: Int]
    /// Things of another kind under the same roof, and what they are: a frontend where a backend is wanted.
    private let others: [String: String]

    /// An index of names in the order of a list; of equal names the first counts.
    public init(of what: String, _ names: some Sequence<String>) {
        self.init(what: what, positions: names.enumerated().map { ($1, $0) }, others: [])
    }

    /// Frontends and listens by name, as positions in `proxies`.
    public static func frontends(_ proxies: [Draft]) -> NameIndex { NameIndex("frontend", proxies, not: .backend) }

    /// Backends and listens by name, as positions in `proxies`.
    public static func backends(_ proxies: [Draft]) -> NameIndex { NameIndex("backend", proxies, not: .frontend) }

    private init(_ what: String, _ proxies: [Draft], not excluded: SectionKind) {
        let entries = proxies.enumerated()
        self.init(
            what: what,
            positions: entries.filter { $1.kind != excluded }.map { ($1.name, $0) },
            others: proxies.filter { $0.kind == excluded }.map { ($0.name, excluded.name) })
    }

    private init(what: String, positions: [(String, Int)], others: [(String, String)]) {
        self.what = what
        self.positions = Dictionary(positions) { first, _ in first }
        self.others = Dictionary(others) { first, _ in first }
    }

    /// The position a name stands for; nil if there is no such name.
    public subscript(name: String) -> Int? { positions[name] }

    /// The position a reference stands for, or a problem that names what it may have meant.
    public func position(of reference: Reference) throws(ConfigProblem) -> Int {
        if let position = positions[reference.name] { return position }
        throw ConfigProblem(
            "no \(what) named '\(reference.name)'", at: reference.range,
            expected: others[reference.name].map { "a \(what); '\(reference.name)' is a \($0)" },
            suggestion: nearest(reference.name, among: positions.keys))
    }
}
