// One check under way: plays the steps of a script. Bytes in, bytes out, a verdict; what connects and waits is the owner's.

public import Basics
internal import Configuration
public import Expressions
internal import HTTP
internal import LogFormat
internal import Patterns

/// One check of one server. Its owner asks it what to do (`advance`), and does that until there is a result.
public struct CheckRun: ~Copyable {
    public enum Demand: Sendable {
        /// Close the connection that there is, open this one, and say `connected`.
        case connect(CheckRoute)
        /// Send what `write` has, then read, then ask again.
        case converse
        case finished(CheckResult)
    }

    /// What is known of the bytes behind those that have come.
    public enum InputEnd: Sendable {
        case open
        /// There is no room for more.
        case full
        /// There will be none.
        case ended
    }

    let plan: HealthCheckPlan
    let server: Server
    let backend: Backend
    let context: ExchangeContext?
    private var position = 0
    /// Connections so far.
    private var connections = 0
    private var isConnected = false
    private(set) var isEncrypted = false
    /// What the step under way sends, and how much of it is gone; nil while it has not begun.
    private var output: [UInt8]?
    private var outputSent = 0
    /// The answer to the request under way, and what reads it.
    var answer = CheckAnswer()
    private var reader: HTTPCheckAnswer?
    private var http2: HTTP2Check?
    private var speaksHTTP2 = false
    /// What the last expectation has found.
    var status: Int?
    var info = ""
    /// What an agent has said.
    public internal(set) var report: AgentReport?

    /// - Parameter context: what formats and variables of its steps live in; needed where the script says so (`needsContext`). Only
    ///   this run uses it, until it ends.
    public init(_ plan: HealthCheckPlan, of server: Server, in backend: Backend, context: ExchangeContext? = nil) {
        precondition(context != nil || !plan.script.needsContext, "a script with formats, without a context")
        self.plan = plan
        self.server = server
        self.backend = backend
        self.context = context
        guard let context else { return }
        context.clear()
        context.destination.backendName = backend.name
        context.destination.backendIndex = (context.session as? CheckSession)?.backendIndex
        context.destination.serverName = server.name
        context.destination.serverNumber = server.number
        context.destination.serverAddress = server.address
        plan.uniqueID?.name(context)
        context.side = .response
    }

    /// A context for the checks of one server, one at a time. `variables` are those of the process, `site` is what expressions ask of
    /// other servers, to which the server's backend has this index.
    public static func makeContext(
        _ variables: ProcessVariables?, site: (any RuntimeState)? = nil, backendIndex: Int? = nil
    ) -> ExchangeContext {
        let context = ExchangeContext()
        context.processVariables = variables
        context.site = site
        context.session = CheckSession(backendIndex: backendIndex)
        return context
    }

    private var steps: [CheckStep] { plan.script.steps }
    var step: CheckStep { steps[min(position, steps.count - 1)] }

    /// Plays on with what has come, as far as it can without more. What it uses up it takes out of `input`.
    public mutating func advance(_ input: inout ByteBuffer, _ end: InputEnd, at now: Instant) -> Demand {
        while position < steps.count {
            switch steps[position].action {
            case .connect:
                guard isConnected else { return .connect(route()) }
            // What it has to send first is the owner's.
            case .send(let text):
                if let demand = send(text, &input) { return demand }
            case .ask(let check):
                if let demand = ask(check, &input) { return demand }
            case .expect(let expectation):
                switch judge(expectation, &input, end, at: now) {
                case .passes: break
                case .needsMore:
                    position = firstOfExpectations
                    return .converse
                case .ends(let result): return .finished(result)
                }
            case .set(let name, let conditions, let source): set(name, conditions, source)
            case .unset(let name): context?.unset(name)
            }
            goOn()
        }
        return .finished(passed)
    }

    private mutating func goOn() {
        position += 1
        output = nil
        if position < steps.count, case .connect = steps[position].action { isConnected = false }
    }

    // MARK: Connections

    private mutating func route() -> CheckRoute {
        var route = plan.routes[min(connections, plan.routes.count - 1)]
        if case .connect(let connection) = steps[position].action, let port = port(connection) { route.port = port }
        return route
    }

    private mutating func port(_ connection: CheckConnection) -> UInt16? {
        guard let expression = connection.portExpression, let context, let program = plan.program else { return nil }
        let number = context.withScratch { expression.evaluate(context, program)?.integer(context) }
        return number.flatMap { UInt16(exactly: $0) }
    }

    /// The connection that was asked for stands, and carries bytes.
    /// - Parameters:
    ///   - isEncrypted: whether TLS carries them.
    ///   - speaksHTTP2: whether requests are HTTP/2's.
    public mutating func connected(isEncrypted: Bool, speaksHTTP2: Bool) {
        isConnected = true
        connections += 1
        self.isEncrypted = isEncrypted
        self.speaksHTTP2 = speaksHTTP2
        reader = nil
        http2 = nil
        answer.clear()
    }

    /// Takes leave of a server of HTTP/2: what `write` then has is sent as far as the system takes it. False if nothing is to be said.
    public mutating func leave() -> Bool {
        guard http2 != nil else { return false }
        http2?.end()
        return true
    }

    // MARK: Output

    /// Appends what is to be sent, as far as there is room.
    public mutating func write(to output: inout ByteBuffer) {
        http2?.write(to: &output)
        guard let bytes = self.output, outputSent < bytes.count else { return }
        let count = min(output.room, bytes.count - outputSent)
        guard count > 0 else { return }
        let fits = unsafe output.append(bytes.span.bytes.extracting(outputSent..<outputSent + count))
        precondition(fits, "\(count) bytes do not fit where there was room for them")
        outputSent += count
    }

    private mutating func begin(_ bytes: [UInt8], _ input: inout ByteBuffer) {
        // What came before is not the answer to this.
        input.consume(input.count)
        output = bytes
        outputSent = 0
    }

    /// Nil when all of it is gone.
    private mutating func send(_ text: CheckText, _ input: inout ByteBuffer) -> Demand? {
        if let output { return outputSent < output.count ? .converse : nil }
        guard let bytes = bytes(of: text) else {
            return .finished(failed(.layer7Response, "the format makes no hexadecimal digits, two for each byte"))
        }
        begin(bytes, &input)
        return bytes.isEmpty ? nil : .converse
    }

    /// Nil when all of it is gone, or goes while the answer is read.
    private mutating func ask(_ check: HTTPCheck, _ input: inout ByteBuffer) -> Demand? {
        if let output { return outputSent < output.count ? .converse : nil }
        var check = rendered(check)
        if plan.script.sendsState {
            check.headers.append("x-haproxy-server-state: \(server.stateForChecks(in: backend))")
        }
        answer.clear()
        if speaksHTTP2 {
            http2 = HTTP2Check(check, to: server.checkedHost, isSecure: isEncrypted, limits: plan.headLimits)
            return nil
        }
        reader = HTTPCheckAnswer(to: check, limits: plan.headLimits)
        begin(check.request(to: server.checkedHost), &input)
        return .converse
    }

    // MARK: Answers

    /// Reads on in the head of the answer, or in its content once the head is there. Returns the verdict on an answer that is wrong.
    mutating func readAnswer(_ input: inout ByteBuffer, _ end: InputEnd, at now: Instant) -> CheckResult? {
        let hadHead = answer.hasHead
        if http2 != nil {
            if let result = http2?.read(&input, into: &answer, at: now) ?? nil { return result }
        } else {
            var consumed = 0
            let result = reader?.read(input.readable, into: &answer, consumed: &consumed) ?? nil
            input.consume(consumed)
            if let result { return result }
        }
        if answer.isComplete || answer.hasHead != hadHead { return nil }
        switch end {
        case .open: return nil
        case .full: return hadHead ? nil : HTTPCheckAnswer.tooLarge
        case .ended: return http2 == nil ? reader?.stop(&answer) ?? nil : http2?.stop(&answer) ?? nil
        }
    }

    /// The first of the expectations that follow one another here: when more has come, all of them are judged anew.
    private var firstOfExpectations: Int {
        var first = position
        while first > 0, case .expect = steps[first - 1].action { first -= 1 }
        return first
    }
}

/// Who has the `sess` variables of a server's checks.
private final class CheckSession: SessionVariables {
    var sessionVariables: VariableStore?
    let backendIndex: Int?

    init(backendIndex: Int?) { self.backendIndex = backendIndex }
}
