// What expressions are compiled into; `PatternTable` says why it is arrays.

internal import Basics
public import Configuration
public import Patterns

/// The arrays of expressions, as they grow while the file is read.
public struct ExpressionTable: Sendable {
    /// What the room below compiles: texts and patterns.
    public var patterns = PatternTable()
    /// Those of the files that rules stand in.
    public var fileNames: [String: TableSlice] = [:]
    var converters: [Converter] = []
    /// Those in formats; those in conditions are with their criteria.
    public var expressions: [Expression] = []
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
    var criteria: [Criterion] = []
    public var lists: [AccessList] = []
    /// Lists that expressions name.
    public var listUses: [NamedListUse] = []
    /// The named list whose line is being compiled.
    public var compiledList: String?
    /// Whether some sample looks into bodies, or at what was captured: only then these are kept.
    public var usesRequestBody = false
    public var usesResponseBody = false
    public var usesCaptures = false
    /// Whether some sample counts the connections to one address.
    public var usesSocketConnections = false
    /// Whether some sample asks for the fingerprint of TLS clients: only then it is computed.
    public var usesFingerprint = false
    /// Whether some sample looks at TLS on the server's connection, which has to wait for the log's line then.
    public var usesServerTLS = false
    /// Whether some sample looks at a request's head: in TCP mode it is only then looked for.
    public var usesRequestHead = false
    /// The samples that read raw bytes, with their location in the file.
    public var payloadSamples: [Reference] = []
    /// The userlists that samples name; they are known when the whole file is (`Draft.resolve`).
    var userLists: [NamedUserList] = []
    /// Variables of the environment that samples name, known likewise.
    var environment: [EnvironmentVariable] = []
    /// Names of other sections and of servers in rules.
    public var references: [SiteReference] = []

    public init() {}

    /// Keeps a text.
    public mutating func keep(_ text: some Collection<UInt8>) -> TableSlice { patterns.keep(text) }

    /// Keeps the bytes of a text of the file.
    public mutating func keep(_ text: String) -> TableSlice { patterns.keep(text) }

    public func text(_ stretch: TableSlice) -> [UInt8] { patterns.text(stretch) }
}

/// The arrays of expressions when all lines have been read.
open class ExpressionProgram: PatternProgram, @unchecked Sendable {
    public final let expressions: ExpressionTable

    public init(_ table: ExpressionTable) {
        expressions = table
        super.init(table.patterns)
    }
}

/// Where a rule stands.
public struct RuleOrigin: Sendable {
    public let file: TableSlice
    public let line: Int32
}

extension ExpressionTable {
    public mutating func origin(of line: SourceRange) -> RuleOrigin {
        let file = fileNames[line.file] ?? keep(line.file)
        fileNames[line.file] = file
        return RuleOrigin(file: file, line: Int32(clamping: line.line))
    }
}
