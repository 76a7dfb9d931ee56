// Everything that rules and logs may know of one exchange.
//
// The Proxy's exchange owns one, fills it in as the exchange proceeds, and clears it for the next exchange. Buffers keep
// their capacity, so that a warm request allocates nothing here. Rules read it and change the two heads; logs read it when
// the exchange has ended.

internal import Basics
public import HTTP
internal import Patterns

/// One request, its response and what happened between them.
public final class ExchangeContext {
    /// The connection; it stays when the exchange is cleared.
    public var connection: ConnectionContext {
        @inlinable _read { yield storedConnection }
        @inlinable _modify { yield &storedConnection }
    }

    /// Why the connection never came to carry anything; nil in every exchange.
    @safe @exclusivity(unchecked) public var handshakeFault: HandshakeFault?
    /// The step of `log-steps` whose line is being written; nil for the line that there is without.
    @safe @exclusivity(unchecked) public var logStep: LogStep?
    /// The worker's number.
    @safe @exclusivity(unchecked) public var threadIndex = 0
    /// The running site: what frontends, backends and servers are at. nil in tests of rules alone.
    @safe @exclusivity(unchecked) public var site: (any RuntimeState)?
    /// `proc` variables.
    @safe @exclusivity(unchecked) public var processVariables: ProcessVariables?
    /// Who has the `sess` variables: the client's session, which all its exchanges share. Nil while there is no client.
    public var session: (any SessionVariables)? {
        @inlinable _read { yield storedSession }
        @inlinable _modify { yield &storedSession }
    }

    // The messages, as they are after the rules that have run.

    public var request: RequestHead {
        @inlinable _read { yield storedRequest }
        @inlinable _modify { yield &storedRequest }
    }
    public var response: ResponseHead {
        @inlinable _read { yield storedResponse }
        @inlinable _modify { yield &storedResponse }
    }
    /// Where the lines of the request's head end that the client has sent: what rules write lies behind it
    /// (`HeaderFields.mark`).
    public var receivedFields: Int {
        @inlinable _read { yield storedReceivedFields }
        @inlinable _modify { yield &storedReceivedFields }
    }

    /// Where it went.
    public var destination: Destination {
        @inlinable _read { yield storedDestination }
        @inlinable _modify { yield &storedDestination }
    }

    // What of the messages is here beside their heads, for rules that look into them.

    /// The request's body without its framing, as far as it is here.
    @safe @exclusivity(unchecked) public var requestBody: [UInt8] = []
    /// The response's, likewise.
    @safe @exclusivity(unchecked) public var responseBody: [UInt8] = []
    /// What the client and the server have sent and no parser has read: for `tcp-request content` and `tcp-response content`.
    @safe @exclusivity(unchecked) public var requestPayload: [UInt8] = []
    @safe @exclusivity(unchecked) public var responsePayload: [UInt8] = []
    /// Whether more of what the rules look at may yet come: a sample that is not there is then not known to be missing.
    @safe @exclusivity(unchecked) public var mayGrow = false
    /// A sample was asked for something that may yet come; only while `mayGrow`.
    @safe @exclusivity(unchecked) public var isUndecided = false
    /// In TCP mode, the search for a request's head in `requestPayload`; nil in HTTP mode.
    @safe @exclusivity(unchecked) public var requestProbe: RequestProbe?

    // What rules have said about this exchange beside its messages.

    public var directives: ExchangeDirectives {
        @inlinable _read { yield storedDirectives }
        @inlinable _modify { yield &storedDirectives }
    }
    /// What rules want an address for: `do-resolve`.
    @safe @exclusivity(unchecked) public var wantedName = WantedName()
    /// `txn`, `req` and `res` variables.
    @safe @exclusivity(unchecked) var variables = ExchangeVariables()

    // What happened.

    public var timers: ExchangeTimers {
        @inlinable _read { yield storedTimers }
        @inlinable _modify { yield &storedTimers }
    }
    public var outcome: ExchangeOutcome {
        @inlinable _read { yield storedOutcome }
        @inlinable _modify { yield &storedOutcome }
    }

    // For the log.

    /// The request line as received, see `captureRequestLine`; empty if no valid one was.
    @safe @exclusivity(unchecked) public var requestLine: [UInt8] = []
    @safe @exclusivity(unchecked) public var requestCaptures = FieldCaptures()
    @safe @exclusivity(unchecked) public var responseCaptures = FieldCaptures()
    /// The captured cookies, `name=value`; empty if there was none.
    @safe @exclusivity(unchecked) public var requestCookie: [UInt8] = []
    @safe @exclusivity(unchecked) public var responseCookie: [UInt8] = []
    /// What `unique-id-format` made; empty if there is none.
    @safe @exclusivity(unchecked) public var uniqueID: [UInt8] = []
    /// The exchange's number in this process, and the line's number in this frontend's log.
    public var requestCounter: UInt64 {
        @inlinable _read { yield storedRequestCounter }
        @inlinable _modify { yield &storedRequestCounter }
    }
    @safe @exclusivity(unchecked) public var logCounter: UInt64 = 0

    /// Where the last rule stands that ended its list; the line is 0 if none has.
    @safe @exclusivity(unchecked) public var lastRuleFile: [UInt8] = []
    @safe @exclusivity(unchecked) public var lastRuleLine = 0

    /// Which message the rules now being run are about: `hdr` means its fields.
    @safe @exclusivity(unchecked) public var side = MessageSide.request
    /// `strict-mode`, on when a list of rules begins.
    @safe @exclusivity(unchecked) public var isStrict = true
    /// No head that a rule has changed may be longer: what Portico adds to it has to fit too.
    @safe @exclusivity(unchecked) public var headBytesMax = Int.max

    /// What samples and converters have made; emptied by those who asked for them.
    @safe @exclusivity(unchecked) public var scratch: [UInt8] = []
    /// What a converter is making, until it goes into the scratch. Use `convert`.
    @safe @exclusivity(unchecked) var conversion: [UInt8] = []
    /// What an action is about to use: a header value, a location, a name.
    public var rendered: [UInt8] {
        @inlinable _read { yield storedRendered }
        @inlinable _modify { yield &storedRendered }
    }

    /// Steps that matching one regular expression may take (`tune.regex.max-steps`).
    @safe @exclusivity(unchecked) public var regularStepsMax = ExchangeContext.defaultRegularStepsMax
    /// Matches of regular expressions that came to no result.
    @safe @exclusivity(unchecked) public var undecidedMatches = UndecidedMatches()
    /// What matching regular expressions needs; nil until one is matched. Use `regularMatcher`.
    @safe @exclusivity(unchecked) var keptMatcher: RegularMatcher?
    /// What making digests needs; nil until one is made. Use `digestMaker`.
    @safe @exclusivity(unchecked) var keptDigestMaker: DigestMaker?
    /// What encrypting needs, likewise.
    @safe @exclusivity(unchecked) var keptCipherMachine: CipherMachine?

    // What each request touches many times, from other rooms, where the mark of a stored property is not known. Its accesses are
    // short, and none calls back.

    @safe @exclusivity(unchecked) @usableFromInline internal var storedConnection = ConnectionContext()
    @safe @exclusivity(unchecked) @usableFromInline internal var storedSession: (any SessionVariables)?
    @safe @exclusivity(unchecked) @usableFromInline internal var storedDestination = Destination()
    @safe @exclusivity(unchecked) @usableFromInline internal var storedRequest = RequestHead()
    @safe @exclusivity(unchecked) @usableFromInline internal var storedResponse = ResponseHead()
    @safe @exclusivity(unchecked) @usableFromInline internal var storedOutcome = ExchangeOutcome()
    @safe @exclusivity(unchecked) @usableFromInline internal var storedReceivedFields = 0
    @safe @exclusivity(unchecked) @usableFromInline internal var storedRequestCounter: UInt64 = 0
    @safe @exclusivity(unchecked) @usableFromInline internal var storedRendered: [UInt8] = []
    @safe @exclusivity(unchecked) @usableFromInline internal var storedTimers = ExchangeTimers()
    @safe @exclusivity(unchecked) @usableFromInline internal var storedDirectives = ExchangeDirectives()

    public init() {}

    /// The server's name where no server was asked.
    public static let noServer = "<NOSRV>"
    /// Bytes kept of a request line, as HAProxy's `tune.http.logurilen` has it.
    public static let requestLineBytesMax = 1_023
    /// Ordinary patterns need some hundred steps for a header line; this many take a few milliseconds.
    public static let defaultRegularStepsMax: UInt32 = 100_000

    /// The context serves another connection from here on, or none: nothing of this one is kept alive.
    public func forgetConnection() {
        session = nil
        if connection.clientTLS != nil { connection.clientTLS = nil }
        if connection.shared != nil { connection.shared = nil }
    }

    /// Forgets the exchange, and keeps the connection's values and all memory of the usual size.
    public func clear() {
        request.clear()
        response.clear()
        destination = Destination()
        requestBody.empty()
        responseBody.empty()
        requestPayload.empty()
        responsePayload.empty()
        mayGrow = false
        requestProbe = nil
        directives.clear()
        variables.clear()
        timers = ExchangeTimers()
        outcome = ExchangeOutcome()
        lastRuleLine = 0
        requestLine.empty()
        requestCaptures.clear()
        responseCaptures.clear()
        requestCookie.empty()
        responseCookie.empty()
        uniqueID.empty()
        scratch.empty()
        rendered.empty()
        conversion.empty()
        keptMatcher?.shrink()
        undecidedMatches.clear()
    }

    /// The status sent to the client; in rules on responses, before it is sent, the response's. -1 if there is none.
    public var statusSoFar: Int {
        if outcome.status >= 0 { return outcome.status }
        // In TCP mode no head is looked for in what the server sends.
        return side == .response && requestProbe == nil ? response.status : -1
    }

    /// Keeps the request line, for the log and for rules that ask for it. Call when the head is complete, before any rule has run.
    public func captureRequestLine() {
        requestLine.removeAll(keepingCapacity: true)
        requestLine.append(request.methodName)
        requestLine.append(0x20)
        requestLine.append(request.target)
        requestLine.append(0x20)
        requestLine.append(request.versionName)
        if requestLine.count > Self.requestLineBytesMax {
            requestLine.removeLast(requestLine.count - Self.requestLineBytesMax)
        }
    }
}

/// What the log keeps of one message: the fields that `capture request header` or `capture response header` names
/// and what rules capture, in file order.
public struct FieldCaptures: Sendable {
    /// At least `count`; empty where the message had no such field.
    public var values: [[UInt8]] = []
    /// Bytes kept of each; none before the request's head was complete.
    private var lengths: [Int] = []
    /// How many there are.
    public var count: Int { lengths.count }

    public init() {}

    /// Forgets the values and keeps their memory.
    public mutating func clear() { if !lengths.isEmpty { lengths = [] } }

    /// Makes room for empty values that will be cut to `lengths`.
    public mutating func begin(_ lengths: [Int]) {
        self.lengths = lengths
        while values.count < count { values.append([]) }
        for i in 0..<count { values[i].removeAll(keepingCapacity: true) }
    }

    /// Keeps a value, cut to the slot's length; does nothing if there is no such slot.
    public mutating func set(_ slot: Int, _ value: RawSpan) {
        guard slot < count else { return }
        values[slot].removeAll(keepingCapacity: true)
        values[slot].append(value.extracting(first: min(lengths[slot], value.byteCount)))
    }
}
