// A health check as steps that one or more connections play: `CheckRun` plays them. Without lines of its own a check is a script of one
// step, `connect`; `option httpchk` is one of three: connect, ask, expect a status.

internal import Basics
internal import Configuration
internal import Expressions
internal import LogFormat

/// The steps of a check, the same for all servers of a backend.
public struct CheckScript: Sendable {
    var steps: [CheckStep]
    /// What the lines of its steps begin with (`tcp-check`), for messages; nil where no line spells the steps out.
    var keyword: String?
    /// `http-check send-state`
    var sendsState = false
    /// `http-check disable-on-404`
    var drainsOnNotFound = false

    init(_ steps: [CheckStep], keyword: String? = nil) {
        self.steps = steps
        self.keyword = keyword
    }

    /// The check that an established connection passes.
    public static let connecting = CheckScript([CheckStep(.connect(.implied))])

    /// The check that one request and the status of its response make: from 200 to 399, or as said.
    public static func asking(_ check: HTTPCheck, statuses: [ClosedRange<Int>]? = nil) -> CheckScript {
        var check = check
        check.awaitedStatuses = statuses ?? []
        return CheckScript([
            CheckStep(.connect(.implied)), CheckStep(.ask(check)),
            CheckStep(.expect(CheckExpectation(.statuses(statuses ?? CheckExpectation.usualStatuses)))),
        ])
    }

    /// Asks an agent, perhaps with words of its own.
    static func askingAgent(_ question: [UInt8]?) -> CheckScript {
        var steps = [CheckStep(.connect(.implied))]
        if let question { steps.append(CheckStep(.send(.fixed(question)))) }
        return CheckScript(steps + [CheckStep(.expect(CheckExpectation(.reply(.agentLine))))])
    }

    /// Whether its requests are HTTP's.
    public var isHTTP: Bool {
        steps.contains { if case .ask = $0.action { true } else { false } }
    }

    /// Whether it needs a context, for what formats, variables and regular expressions leave.
    public var needsContext: Bool { steps.contains(where: \.needsContext) }

    /// Whether something of the answer is judged.
    public var expects: Bool {
        steps.contains { if case .expect = $0.action { true } else { false } }
    }

    /// Its connections, in order.
    var connections: [CheckConnection] {
        steps.compactMap { if case .connect(let connection) = $0.action { connection } else { nil } }
    }

    /// The host that the Host field of its first request names.
    var hostName: [UInt8]? {
        for case .ask(let check) in steps.map(\.action) { return check.hostName }
        return nil
    }
}

/// One step.
struct CheckStep: Sendable {
    enum Action: Sendable {
        /// Closes the connection that there is, and opens this one.
        case connect(CheckConnection)
        case send(CheckText)
        case ask(HTTPCheck)
        case expect(CheckExpectation)
        case set(VariableName, SetConditions, CheckVariableSource)
        case unset(VariableName)
    }

    var action: Action
    /// What an operator wants to read if it fails.
    var comment: String?
    /// Its place among the lines, from 1; 0 if no line says it.
    var number = 0

    init(_ action: Action, comment: String? = nil, number: Int = 0) {
        self.action = action
        self.comment = comment
        self.number = number
    }

    fileprivate var needsContext: Bool {
        switch action {
        case .connect(let connection): connection.portExpression != nil
        case .send(.fixed): false
        case .send, .set, .unset: true
        case .ask(let check): check.formats != nil
        case .expect(let expectation): expectation.needsContext
        }
    }

    /// What it does, in the words of its line.
    var words: String {
        switch action {
        case .connect(let connection): connection.port.map { "connect port \($0)" } ?? "connect"
        case .send, .ask: "send"
        case .expect(let expectation): "expect \(expectation.words)"
        case .set: "set-var"
        case .unset: "unset-var"
        }
    }
}

/// What `set-var` takes the value from.
enum CheckVariableSource: Sendable {
    case expression(Expression)
    case format(Format)
}

/// Bytes that a check sends.
enum CheckText: Sendable {
    case fixed([UInt8])
    case format(Format)
    /// A format that makes hexadecimal digits, two for each byte.
    case hexFormat(Format)
}
