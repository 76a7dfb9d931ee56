// When checks take a server down and bring it back up: the counting, without clock or socket.

public import Basics

/// `rise` and `fall`: how many results in a row change a server's state.
public struct HealthThresholds: Sendable, Equatable {
    public var rise = 2
    public var fall = 3
    public init() {}
}

/// `init-state`: what a server is taken for before a check has ended, and how many checks then have to agree that it is not.
public enum InitialState: Sendable {
    case fullyUp, up, down, fullyDown
}

extension HealthThresholds {
    /// The credit of a server that begins so; nil as for `up`.
    func health(of state: InitialState?) -> Int {
        switch state {
        case .fullyUp: rise + fall - 1
        case .up, nil: rise
        case .down: rise - 1
        case .fullyDown: 0
        }
    }
}

/// What one check found.
public struct CheckResult: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
        case passed
        /// The server is to finish what it has, and gets no other requests.
        case conditionallyPassed
        case failed
        /// It says nothing of the server's health.
        case unchanged
    }
    /// The short code of HAProxy's stats: L4OK, L4TOUT, L4CON, L6OK (of TLS), L7OK, L7STS and so on.
    public enum Code: String, Sendable {
        case layer4OK = "L4OK", layer4Timeout = "L4TOUT", layer4Connection = "L4CON"
        case layer6OK = "L6OK", layer6Timeout = "L6TOUT", layer6Response = "L6RSP"
        case layer7OK = "L7OK", layer7Conditional = "L7OKC", layer7Status = "L7STS", layer7Timeout = "L7TOUT",
            layer7Response = "L7RSP"
        case socketError = "SOCKERR"
        /// Not of a check: what live traffic shows (`observe`).
        case observed = "HANA"
        case programOK = "PROCOK", programError = "PROCERR", programTimeout = "PROCTOUT"
        /// An agent has said nothing of its server's health.
        case noStatusChange = "CHECKED"

        /// Whether the server was given up on.
        var isTimeout: Bool {
            switch self {
            case .layer4Timeout, .layer6Timeout, .layer7Timeout, .programTimeout: true
            default: false
            }
        }

        /// The phrase in log lines.
        public var phrase: String {
            switch self {
            case .layer4OK: "Layer4 check passed"
            case .layer4Timeout: "Layer4 timeout"
            case .layer4Connection: "Layer4 connection problem"
            case .layer6OK: "Layer6 check passed"
            case .layer6Timeout: "Layer6 timeout"
            case .layer6Response: "Layer6 invalid response"
            case .layer7OK: "Layer7 check passed"
            case .layer7Conditional: "Layer7 check conditionally passed"
            case .layer7Status: "Layer7 wrong status"
            case .layer7Timeout: "Layer7 timeout"
            case .layer7Response: "Layer7 invalid response"
            case .socketError: "Socket error"
            case .observed: "Health analyze"
            case .programOK: "External check passed"
            case .programError: "External check error"
            case .programTimeout: "External check timeout"
            case .noStatusChange: "No status change"
            }
        }
    }
    public var outcome: Outcome
    public var code: Code
    /// The HTTP status seen, if any.
    public var status: Int?
    /// What went wrong, in words: `Connection refused`.
    public var info: String
    public var duration: TimeSpan

    public init(_ outcome: Outcome, _ code: Code, status: Int? = nil, info: String = "", duration: TimeSpan = .zero) {
        self.outcome = outcome
        self.code = code
        self.status = status
        self.info = info
        self.duration = duration
    }
}

/// The history of one server's health.
public struct HealthRecord: Sendable {
    public private(set) var thresholds: HealthThresholds
    /// 0 … rise + fall - 1; up from `rise` on. Starts at `rise`: the server is up until its first check fails.
    public private(set) var health: Int
    public private(set) var last: CheckResult?
    /// The result of the agent's last answer.
    public private(set) var lastOfAgent: CheckResult?
    /// Its agent has said so, and has not taken it back.
    public private(set) var isDownByAgent = false
    /// The last check that counted has failed, or has asked for no more requests.
    private var isFailing = false, isDraining = false
    /// When the state last changed between up and down.
    public private(set) var since: Instant
    /// Checks that failed while it was up or coming up (HAProxy's `chkfail`).
    public private(set) var failures: UInt64 = 0
    /// Times it went down.
    public private(set) var falls: UInt64 = 0
    /// Time spent down before `since`.
    public private(set) var downtime: TimeSpan = .zero

    init(thresholds: HealthThresholds, since: Instant, initialState: InitialState? = nil) {
        self.thresholds = thresholds
        self.since = since
        health = thresholds.health(of: initialState)
    }

    public enum Transition: Sendable { case wentUp, wentDown }

    private var top: Int { thresholds.rise + thresholds.fall - 1 }
    /// Whether its checks have found it up.
    public var passesChecks: Bool { health >= thresholds.rise }
    public var isUp: Bool { passesChecks && !isDownByAgent }

    /// The state that follows from the results so far.
    public var state: HealthState {
        if isDownByAgent { return .down }
        if passesChecks { return isDraining ? .draining : health == top || !isFailing ? .up : .goingDown }
        return health == 0 ? .down : .goingUp
    }

    /// Takes other thresholds over: the server stays up or down, and as far from the other side as they allow.
    mutating func adopt(_ thresholds: HealthThresholds) {
        health =
            passesChecks
            ? thresholds.rise + min(health - self.thresholds.rise, thresholds.fall - 1)
            : min(health, thresholds.rise - 1)
        self.thresholds = thresholds
    }

    /// The server has moved: it is what `state` says, or else up until a check fails. What its agent says stays.
    mutating func beginAnew(as state: InitialState?, at now: Instant) {
        let wasUp = isUp
        health = thresholds.health(of: state)
        last = nil
        isFailing = false
        isDraining = false
        _ = note(wasUp, at: now)
    }

    /// What the agent has said does not count any more.
    mutating func forgetAgent(at now: Instant) {
        let wasUp = isUp
        isDownByAgent = false
        lastOfAgent = nil
        _ = note(wasUp, at: now)
    }

    /// Takes over what another process has known, as far as the thresholds allow.
    mutating func restore(health known: Int, isUp: Bool, since: Instant) {
        health = isUp ? min(max(known, thresholds.rise), top) : min(known, thresholds.rise - 1)
        self.since = since
    }

    /// Leaves this much credit, if there is more.
    mutating func lowerHealth(to most: Int) { health = min(health, most) }

    /// Counts one more result. Returns the change between up and down that it completes; nil if it completes none.
    mutating func add(_ result: CheckResult, at now: Instant) -> Transition? {
        let wasUp = isUp
        last = result
        switch result.outcome {
        case .passed, .conditionallyPassed:
            isFailing = false
            isDraining = result.outcome == .conditionallyPassed
            if health < top { health += 1 }
            // Once up, a server has its whole credit again.
            if passesChecks { health = top }
        case .failed:
            isFailing = true
            isDraining = false
            // A server that is down cannot fail any further.
            if health > 0 { failures += 1 }
            health = health > thresholds.rise ? health - 1 : 0
        case .unchanged: break
        }
        return note(wasUp, at: now)
    }

    /// The same for what an agent says. That it cannot be reached or understood says nothing of the server.
    mutating func add(agentResult result: CheckResult, at now: Instant) -> Transition? {
        let wasUp = isUp
        lastOfAgent = result
        switch result.outcome {
        case .passed: isDownByAgent = false
        case .failed where result.code == .layer7Status:
            if !isDownByAgent { failures += 1 }
            isDownByAgent = true
        case .failed, .conditionallyPassed, .unchanged: break
        }
        return note(wasUp, at: now)
    }

    /// Notes the change between up and down, if there is one.
    private mutating func note(_ wasUp: Bool, at now: Instant) -> Transition? {
        guard isUp != wasUp else { return nil }
        if isUp {
            downtime.nanoseconds += now.since(since).nanoseconds
        } else {
            falls += 1
        }
        since = now
        return isUp ? .wentUp : .wentDown
    }
}
