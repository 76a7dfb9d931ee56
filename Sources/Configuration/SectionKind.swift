// The kinds of sections, and sets of them.
//
// The language itself knows `global`, `defaults` and the proxies. What else there is (`resolvers`, `ring`, …) is declared by the
// rooms above and given to `Language`; a keyword names such a kind by its word: `in: "resolvers"`.

/// A kind of section. Two kinds with the same word are the same.
public struct SectionKind: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The word that begins such a section.
    public let name: String

    public init(_ name: String) { self.name = name }

    public init(stringLiteral name: String) { self.name = name }

    public var description: String { name }

    public static let global: SectionKind = "global"
    public static let defaults: SectionKind = "defaults"
    public static let frontend: SectionKind = "frontend"
    public static let backend: SectionKind = "backend"
    /// A frontend and a backend in one.
    public static let listen: SectionKind = "listen"

    /// The kinds that the language itself knows, in the order of the manual.
    static let builtIn: [SectionKind] = [.global, .defaults, .frontend, .backend, .listen]

    /// Whether sections of this kind become proxies.
    var isProxy: Bool { self == .frontend || self == .backend || self == .listen }

    /// Whether the section starts from defaults.
    public var hasDefaults: Bool { Self.builtIn.contains(self) }

    /// Whether the section must have a name of its own.
    public var isNamed: Bool { self != .global && self != .defaults }

    /// Whether a name of its own may be missing: the certificates of a store without one are named by path alone.
    var mayLackName: Bool { name == "crt-store" }

    /// `a`, or `an`.
    var article: String { name.first.map { "aeio".contains($0) } == true || name.hasPrefix("http") ? "an" : "a" }

    /// `a frontend`, `the global section`: what a sentence calls the section.
    var withArticle: String {
        if self == .global { return "the global section" }
        // These words are nouns by themselves.
        if self == .frontend || self == .backend || name.hasSuffix("list") { return "\(article) \(name)" }
        return "\(article) \(name) section"
    }
}

/// The sections a keyword may stand in.
public struct Sections: Sendable, Equatable, ExpressibleByArrayLiteral, ExpressibleByStringLiteral {
    /// Each once; nil for every kind.
    private var kinds: [SectionKind]?

    private init(kinds: [SectionKind]?) { self.kinds = kinds }

    public init() { kinds = [] }

    public init(_ kind: SectionKind) { kinds = [kind] }

    public init(stringLiteral name: String) { kinds = [SectionKind(name)] }

    public init(arrayLiteral elements: Sections...) { self = elements.reduce(into: Sections()) { $0.formUnion($1) } }

    public static let global = Sections(.global)
    public static let defaults = Sections(.defaults)
    public static let frontend = Sections(.frontend)
    public static let backend = Sections(.backend)
    public static let listen = Sections(.listen)

    /// The sections that make proxies.
    public static let proxies: Sections = [.defaults, .frontend, .backend, .listen]
    public static let frontends: Sections = [.defaults, .frontend, .listen]
    public static let backends: Sections = [.defaults, .backend, .listen]
    /// Sections of every kind.
    static let all = Sections(kinds: nil)

    var isEmpty: Bool { kinds?.isEmpty == true }

    private func has(_ kind: SectionKind) -> Bool { kinds?.contains(kind) ?? true }

    public mutating func formUnion(_ other: Sections) {
        guard let own = kinds, let others = other.kinds else {
            kinds = nil
            return
        }
        kinds = own + others.filter { !own.contains($0) }
    }

    public func union(_ other: Sections) -> Sections { [self, other] }

    func intersection(_ other: Sections) -> Sections {
        Sections(kinds: kinds.map { $0.filter(other.has) } ?? other.kinds)
    }

    /// Whether all sections of `other` are among these.
    func isSuperset(of other: Sections) -> Bool { other.kinds?.allSatisfy(has) ?? (kinds == nil) }

    public func contains(_ other: Sections) -> Bool { isSuperset(of: other) }

    func isDisjoint(with other: Sections) -> Bool { intersection(other).isEmpty }

    /// The kinds of which one is meant; those that the language itself knows where every kind is.
    var members: [SectionKind] { kinds ?? SectionKind.builtIn }

    /// The names, those of the language itself first, in the order of the manual.
    public var names: [String] {
        (SectionKind.builtIn.filter(has) + members.filter { !SectionKind.builtIn.contains($0) }).map(\.name)
    }
}
