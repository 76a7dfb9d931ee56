// The one list of balancing algorithms, and the `balance` line that selects one of them.

internal import Basics
public import Configuration

/// Every algorithm that `balance` knows.
public enum BalancingAlgorithms {
    /// In the order in which help and messages name them. The first one applies where no line says otherwise.
    public static let all: [any BalancingAlgorithm.Type] = [
        RoundRobin.self, StaticRoundRobin.self, LeastConnections.self, SourceHash.self, TargetHash.self,
        ParameterHash.self, FieldHash.self, RemoteDesktopHash.self, ExpressionHash.self, FirstServer.self,
        RandomServer.self, PeakLatency.self,
    ]

    /// What applies without a `balance` line.
    static let standard = BalanceLine(RoundRobin.self, ())

    /// The algorithms' words, arguments and summaries, for help and manual.
    static let summary = all.map { "\($0.words.joined(separator: " or "))\($0.arguments) (\($0.summary))" }
        .joined(separator: ", ")
}

/// What a `balance` line says: an algorithm and its options.
public struct BalanceLine: Sendable {
    /// The word in the configuration, which the stats page shows.
    public let name: String
    /// Where the word stands; nil for what applies without a line.
    public private(set) var range: SourceRange?
    /// What has to be known of requests.
    public let needs: BalancingNeeds
    /// Whether servers in slow start have their whole weight.
    let hasFixedWeights: @Sendable (HashSettings) -> Bool
    private let make: @Sendable ([Server], HashSettings) -> any BalancingAlgorithm

    /// - Parameter word: which of the algorithm's words the line has; nil for the first.
    public init<Algorithm: BalancingAlgorithm>(
        _ algorithm: Algorithm.Type, word: String? = nil, _ options: Algorithm.Options
    ) {
        name = word ?? algorithm.words[0]
        needs = Algorithm.needs(options)
        hasFixedWeights = { Algorithm.hasFixedWeights($0) }
        make = { servers, hashing in Algorithm(options, among: servers, hashing: hashing) }
    }

    /// Parses what stands behind `balance`.
    init(
        _ args: inout Arguments, of algorithms: [any BalancingAlgorithm.Type] = BalancingAlgorithms.all
    ) throws(ConfigProblem) {
        let names = algorithms.flatMap { $0.words }
        let expected = "one of \(names.joined(separator: ", "))"
        let word = try args.next(expected)
        let name = String(word.text.prefix { $0 != "(" })
        let found = algorithms.first { $0.words.contains($0.takesParentheses ? name : word.text) }
        guard let found else {
            throw HAProxyWords.refusal(of: word.text, as: .algorithm, at: word.range, expected: expected)
                ?? ConfigProblem(
                    "unknown algorithm '\(word.text)'", at: word.range, expected: expected,
                    suggestion: nearest(word.text, among: names))
        }
        if found.takesParentheses { try args.takeParentheses(word) }
        self = try Self.parse(found, name, &args)
        range = word.range
    }

    private static func parse<Algorithm: BalancingAlgorithm>(
        _ algorithm: Algorithm.Type, _ word: String, _ args: inout Arguments
    ) throws(ConfigProblem) -> BalanceLine {
        BalanceLine(algorithm, word: word, try algorithm.options(&args))
    }

    /// The algorithm, ready to choose among these servers.
    func algorithm(among servers: [Server], hashing: HashSettings) -> any BalancingAlgorithm { make(servers, hashing) }
}
