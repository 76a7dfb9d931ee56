// The lines of a section that say how its servers are checked, and the script that is made of them.

internal import Configuration

/// Which `option` line for checks counts: the last one.
enum CheckMethod: Sendable {
    /// None, or one that was taken back.
    case connecting
    /// `option httpchk`
    case http
    /// `option tcp-check`
    case steps
    /// The check of another protocol.
    case fixed(CheckScript)
    /// A program finds out: `option external-check`.
    case external(SourceRange)
}

/// The steps as `tcp-check` or `http-check` lines have them so far.
struct CheckLines: Sendable {
    let keyword: String
    private(set) var steps: [CheckStep] = []
    /// The lines so far.
    private var count = 0
    /// A `comment` line's text, which belongs to the next step.
    private var comment: String?
    /// The section whose lines these are.
    var section: SourceRange?

    init(keyword: String) { self.keyword = keyword }

    /// Adds a line that is a step.
    mutating func add(_ action: CheckStep.Action, comment own: String? = nil) {
        count += 1
        switch action {
        case .set, .unset: steps.append(CheckStep(action, number: count))
        case .connect, .send, .ask, .expect:
            steps.append(CheckStep(action, comment: own ?? comment, number: count))
            comment = nil
        }
    }

    mutating func add(comment text: String) {
        count += 1
        comment = text
    }

    /// Whether there is a step other than those about variables.
    var hasBegun: Bool { steps.contains { !$0.isAboutVariables } }

    /// Whether the last connection carries a request already.
    var hasAsked: Bool {
        for step in steps.reversed() {
            if case .ask = step.action { return true }
            if case .connect = step.action { return false }
        }
        return false
    }

    /// The steps, with a connection before the first one that needs it.
    fileprivate var connected: [CheckStep] {
        if steps.contains(where: { if case .connect = $0.action { true } else { false } }) { return steps }
        return [CheckStep(.connect(.implied))] + steps
    }

    /// The script of `option tcp-check`.
    var script: CheckScript {
        // The mere option is the default spelled out.
        steps.isEmpty ? .connecting : CheckScript(connected, keyword: keyword)
    }
}

extension CheckStep {
    fileprivate var isAboutVariables: Bool {
        switch action {
        case .set, .unset: true
        case .connect, .send, .ask, .expect: false
        }
    }
}

/// What `option httpchk` and the `http-check` lines say.
public struct HTTPCheckLines: Sendable {
    /// The request of `option httpchk`.
    var request = HTTPCheck()
    var lines = CheckLines(keyword: "http-check")
    var sendsState = false
    var drainsOnNotFound = false
    var section: SourceRange?

    public init() {}

    var script: CheckScript {
        var steps = lines.connected
        if let first = steps.firstIndex(where: { $0.request != nil }), let own = steps[first].request {
            steps[first].action = .ask(request.adding(own))
            // `option httpchk` says nothing of the others, so theirs is what the manual says of `ver`.
            for i in steps.indices.dropFirst(first + 1) {
                guard var later = steps[i].request else { continue }
                later.version = later.version ?? "HTTP/1.0"
                steps[i].action = .ask(later)
            }
        } else {
            let place = steps.firstIndex { if case .expect = $0.action { true } else { false } } ?? steps.count
            steps.insert(CheckStep(.ask(request)), at: place)
        }
        if steps.lastIndex(where: { $0.request != nil }) ?? 0 > steps.lastIndex(where: { $0.expectation != nil }) ?? -1
        {
            steps.append(CheckStep(.expect(CheckExpectation(.statuses(CheckExpectation.usualStatuses)))))
        }
        Self.markAwaited(&steps)
        var script = CheckScript(steps, keyword: lines.steps.isEmpty ? nil : lines.keyword)
        script.sendsState = sendsState
        script.drainsOnNotFound = drainsOnNotFound
        return script
    }

    /// Lets each request know which statuses are expected of it.
    private static func markAwaited(_ steps: inout [CheckStep]) {
        var awaited: [ClosedRange<Int>] = []
        for i in steps.indices.reversed() {
            if let expectation = steps[i].expectation {
                if case .statuses(let statuses) = expectation.pattern, !expectation.isNegated { awaited += statuses }
            } else if var request = steps[i].request {
                request.awaitedStatuses = awaited
                steps[i].action = .ask(request)
                awaited = []
            }
        }
    }
}

extension CheckStep {
    fileprivate var request: HTTPCheck? { if case .ask(let check) = action { check } else { nil } }
    fileprivate var expectation: CheckExpectation? {
        if case .expect(let expectation) = action { expectation } else { nil }
    }
}

extension HTTPCheck {
    /// The request with what another line says of it.
    fileprivate func adding(_ line: HTTPCheck) -> HTTPCheck {
        var sum = self
        var formats = formats ?? HTTPCheckFormats()
        if let method = line.method { sum.method = method }
        if let version = line.version { sum.version = version }
        if line.saysTarget {
            sum.target = line.target
            formats.target = line.formats?.target
        }
        formats.headers += (line.formats?.headers ?? []).map { (sum.headers.count + $0.index, $0.value) }
        sum.headers += line.headers
        if !line.body.isEmpty { sum.body = line.body }
        if let body = line.formats?.body { formats.body = body }
        sum.formats = formats.isEmpty ? nil : formats
        return sum
    }
}

extension BalancingSettings {
    /// The check of the section's servers.
    public var checkScript: CheckScript {
        switch checkMethod {
        case .connecting, .external: .connecting
        case .http: httpCheck.script
        case .steps: tcpCheck.script
        case .fixed(let script): script
        }
    }

    /// Whether checks send requests of HTTP.
    public var checksWithHTTP: Bool { if case .http = checkMethod { true } else { false } }
}
