// References to named objects, such as `default_backend www`.
//
// A parser stores a `Reference`; after all files have been read, a `NameIndex` resolves it.

/// A name that refers to an object declared elsewhere, with its position.
public struct Reference: Hashable, Sendable {
    public var name: String
    public var range: SourceRange

    public init(name: String, range: SourceRange) {
        self.name = name
        self.range = range
    }

    public init(_ word: Word) { self.init(name: word.text, range: word.range) }
}

/// Resolves names of one kind to positions in a list.
public struct NameIndex: Sendable {
    /// The kind in messages: "backend".
    public let what: String
    private let positions: [String: Int]
    /// Names of another kind, and that kind, for messages: a frontend where a backend is expected.
    private let others: [String: String]

    /// An index of the names of a list; of equal names the first is used.
    public init(of what: String, _ names: some Sequence<String>) {
        self.init(what: what, positions: names.enumerated().map { ($1, $0) }, others: [])
    }

    /// The frontends and listen sections, as positions in `proxies`.
    public static func frontends(_ proxies: [Draft]) -> NameIndex { NameIndex("frontend", proxies, not: .backend) }

    /// The backends and listen sections, as positions in `proxies`.
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

    /// The position of a name; nil if there is no such name.
    public subscript(name: String) -> Int? { positions[name] }

    /// The position of a reference.
    /// - Throws: a problem with a suggestion if there is no such name.
    public func position(of reference: Reference) throws(ConfigProblem) -> Int {
        if let position = positions[reference.name] { return position }
        throw ConfigProblem(
            "no \(what) named '\(reference.name)'", at: reference.range,
            expected: others[reference.name].map { "a \(what); '\(reference.name)' is a \($0)" },
            suggestion: nearest(reference.name, among: positions.keys))
    }
}
