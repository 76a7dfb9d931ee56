// What the lines of a section are compiled into: flat arrays of plain values that refer to one another by place.
//
// Rules are shared by all workers. Were they a tree of arrays and strings, every step of a walk over it would count
// references up and down, on counters that all processors fight for. Here a walk reads plain memory: an expression,
// a format, a condition, an action is a few words, and its names, texts and lists are stretches of the arrays below.

internal import Basics
internal import Configuration

/// A stretch of one of a table's arrays.
struct Stretch: Hashable, Sendable {
    private let start: Int32
    private let size: Int32

    init(_ range: Range<Int>) {
        start = Int32(range.lowerBound)
        size = Int32(range.count)
    }

    var count: Int { Int(size) }
    var isEmpty: Bool { size == 0 }
    var range: Range<Int> { Int(start)..<Int(start) &+ Int(size) }
}

/// The arrays, as they grow while the file is read.
struct RuleTable: Sendable {
    /// Names and texts, one behind the other.
    private(set) var bytes: [UInt8] = []
    /// Those of the files that rules stand in.
    var fileNames: [String: Stretch] = [:]
    var converters: [Converter] = []
    var elements: [Format.Element] = []
    /// Those in formats; those in conditions are with their criteria.
    var expressions: [Expression] = []
    /// What criteria compare with.
    var integers: [ClosedRange<Int>] = []
    var networks4: [NetworkPatterns.V4] = []
    var networks6: [NetworkPatterns.V6] = []
    var strings: [Stretch] = []
    var regularExpressions: [RegularExpression] = []
    /// What keeps them alive.
    var regularExpressionOwners: [RegularExpressionOwner] = []
    var digests: [DigestAlgorithm] = []
    /// What keeps them alive.
    var digestOwners: [DigestAlgorithmOwner] = []
    var publicKeys: [NamedPublicKey] = []
    /// What keeps them alive.
    var publicKeyOwners: [PublicKeyOwner] = []
    var tokenVerifiers: [TokenVerifier] = []
    var ciphers: [CipherConverter] = []
    /// Of the paths into JSON.
    var jsonSteps: [JSONStep] = []
    /// Of the paths into protocol buffers' messages.
    var fieldNumbers: [UInt32] = []
    /// Where criteria and converters look values up; nil until files are read (`PatternSets.resolve`).
    var lookups: [PatternLookup?] = []
    /// What keeps them alive.
    var patternSets: [PatternSet] = []
    var patternUses: [PatternUse] = []
    var patternChanges: [PatternChange] = []
    var criteria: [Criterion] = []
    var lists: [AccessList] = []
    var terms: [Condition.Term] = []
    /// Lists that expressions name.
    var listUses: [NamedListUse] = []
    /// The named list whose line is being compiled.
    var compiledList: String?
    /// Whether some sample looks into bodies, or at what was captured: only then these are kept.
    var usesRequestBody = false
    var usesResponseBody = false
    var usesCaptures = false
    /// Whether some sample counts the connections to one address.
    var usesSocketConnections = false
    /// Whether some sample looks at a request's head: in TCP mode it is only then looked for.
    var usesRequestHead = false
    /// The samples that look at bytes which nobody has understood, and where they stand.
    var payloadSamples: [Reference] = []
    /// The userlists that samples name; they are known when the whole file is (`Draft.resolve`).
    var userLists: [NamedUserList] = []
    /// Variables of the environment that samples name, known likewise.
    var environment: [EnvironmentVariable] = []
    /// The resolvers sections that actions name, known likewise.
    var resolvers: [NamedResolvers] = []
    /// Names of other sections and of servers in rules.
    var references: [SiteReference] = []
    // Only looked at when a rule answers.
    var answers: [AnswerContent] = []
    var redirects: [Redirection] = []
    var variableActions: [VariableAction] = []
    /// Those of `auth`; nil for the section's name.
    var realms: [String?] = []

    /// Keeps a text.
    mutating func keep(_ text: some Collection<UInt8>) -> Stretch {
        let start = bytes.count
        bytes.append(contentsOf: text)
        return Stretch(start..<bytes.count)
    }

    /// Keeps the bytes of a text of the file.
    mutating func keep(_ text: String) -> Stretch { keep(text.verbatimBytes) }

    func text(_ stretch: Stretch) -> [UInt8] { Array(bytes[stretch.range]) }
}

/// The arrays when all lines have been read: what is run.
@safe
final class RuleProgram: @unchecked Sendable {
    let table: RuleTable
    /// The table's bytes once more, where a span of them can outlive the access to a property.
    private let bytes: UnsafeMutableRawBufferPointer

    init(_ table: RuleTable) {
        self.table = table
        unsafe bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: table.bytes.count, alignment: 1)
        unsafe bytes.copyBytes(from: table.bytes)
    }

    deinit { unsafe bytes.deallocate() }

    /// The bytes of a text.
    @inline(__always)
    @_lifetime(borrow self)
    func text(_ stretch: Stretch) -> RawSpan {
        // Safe: the bytes never change and live as long as this object does.
        let all = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes))
        return unsafe _overrideLifetime(all, borrowing: self).extracting(stretch.range)
    }
}
