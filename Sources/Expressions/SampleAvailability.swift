// When samples are known, and where expressions stand: a rule that asks too early is a mistake in the file, found when the file
// is read.

public import Configuration

/// The stages of an exchange, in order; what is known at one stays known at the later ones.
public enum SampleAvailability: Int, Comparable, Sendable {
    /// Nothing has to have happened: known when the file is read.
    case start
    case connection
    /// The client's first bytes, not understood.
    case requestBytes
    case requestHead, requestBody
    case responseBytes, responseHead, end

    public static func < (a: SampleAvailability, b: SampleAvailability) -> Bool { a.rawValue < b.rawValue }

    /// What is there from this stage on, for messages.
    var subject: String {
        switch self {
        case .start: "nothing"
        case .connection: "the connection"
        case .requestBytes: "what the client sends"
        case .requestHead: "the request's head"
        case .requestBody: "the request's body"
        case .responseBytes: "what the server sends"
        case .responseHead: "the response's head"
        case .end: "the end of the exchange"
        }
    }
}

/// A list of rules, or a format, in which expressions stand.
public enum RuleHook: CaseIterable, Sendable {
    case global, connectionRules, sessionRules, requestContentRules, requestRules, routing
    case responseContentRules, responseRules, afterResponseRules, logLine
    /// The steps of health checks, which know no client.
    case checks

    /// The latest stage that is sure to be reached when an expression here is evaluated.
    public var availability: SampleAvailability {
        switch self {
        case .global: .start
        case .connectionRules, .sessionRules: .connection
        // In HTTP mode the head is read before these rules run.
        case .requestContentRules: .requestHead
        case .requestRules, .routing: .requestBody
        // Likewise.
        case .responseContentRules: .responseHead
        case .responseRules, .afterResponseRules, .checks: .responseHead
        case .logLine: .end
        }
    }

    public var name: String {
        switch self {
        case .global: "the global section"
        case .connectionRules: "tcp-request connection rules"
        case .sessionRules: "tcp-request session rules"
        case .requestContentRules: "tcp-request content rules"
        case .requestRules: "http-request rules"
        case .routing: "use_backend rules"
        case .responseContentRules: "tcp-response content rules"
        case .responseRules: "http-response rules"
        case .afterResponseRules: "http-after-response rules"
        case .logLine: "log formats"
        case .checks: "lines about health checks"
        }
    }

    /// Throws if what needs `availability` is not known here.
    public func require(_ availability: SampleAvailability, of what: String, at range: SourceRange)
        throws(ConfigProblem)
    {
        guard availability > self.availability else { return }
        let hooks = RuleHook.allCases.filter { $0 != .checks && $0.availability >= availability }.map(\.name)
        throw ConfigProblem(
            "'\(what)' needs \(availability.subject), which is not there yet in \(name)", at: range,
            expected: "it can be used in \(hooks.joined(separator: ", "))")
    }
}
