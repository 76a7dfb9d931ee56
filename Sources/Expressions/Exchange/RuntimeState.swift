// What samples read of the running site beyond one exchange: states, counts and rates (manual, section 7.3.2).
//
// The Proxy implements the protocol, for the rooms with this data are above this one. Rules name frontends, backends and
// servers by references; `PlanBuilder` refuses a file with a reference that leads nowhere.

public import Basics
public import Configuration
internal import Patterns

/// The site as it is now. Answers are current to within a moment.
public protocol RuntimeState: AnyObject {
    /// A number about a backend or frontend, by its index in the plan.
    func number(_ what: SiteNumber, ofFrontend index: Int) -> Int
    func number(_ what: SiteNumber, ofBackend index: Int) -> Int
    /// The same about a server, by its number in the process and its backend's index.
    func number(_ what: SiteNumber, ofServer number: Int, in backend: Int) -> Int
    /// The connections to the address that the client of this exchange came to.
    func connections(toSocketOf context: ExchangeContext) -> Int?
    /// A number about the process.
    func number(_ what: SiteNumber) -> Int
    /// The wall clock now.
    func wallTime() -> WallTime
    /// 64 random bits, for samples and identifiers; never for keys.
    func randomNumber() -> UInt64
    /// The index of the frontend's default backend; nil if it has none.
    func defaultBackend(ofFrontend index: Int) -> Int?
    /// What the system measures of a connection, by its socket's number; nil if it is not a TCP socket.
    func measure(_ what: TransportMeasure, ofSocket number: Int32) -> Int?
    func appendName(ofBackend index: Int, to out: inout [UInt8])
    /// Returns what a reference leads to; nil when nothing has that name.
    func place(of reference: SiteReference, for context: ExchangeContext) -> SitePlace?
    /// Regular expressions came to no result so many times, within their limit of steps; `rule` is the file and line of the
    /// rule that asked for them, nil if no rule did.
    func matchesWereUndecided(_ count: Int, in rule: String?, for context: ExchangeContext)
    /// The same for a name that was computed, which is not empty.
    func place(named name: [UInt8], _ kind: SiteReference.Kind, for context: ExchangeContext) -> SitePlace?
}

/// What can be counted. Not everything has every number: what makes no sense is 0.
public enum SiteNumber: Sendable {
    case id
    /// Exchanges or connections now.
    case connections
    /// How many more the limits allow; -1 without a limit.
    case connectionsFree
    /// Sessions, or requests, in the last second.
    case sessionRate, requestRate
    /// Waiting in queues; and for each usable server.
    case queue, averageQueue
    /// How many more servers and their queues take together; -1 without a limit.
    case connectionSlots
    /// Servers that can be used.
    case usableServers
    /// 1 if the server gets requests.
    case isUp
    /// Now, in the file, and as set by people.
    case weight, initialWeight, userWeight
    /// Time-outs of the section, in milliseconds; 0 for none.
    case clientTimeout, serverTimeout, connectTimeout, queueTimeout, tunnelTimeout, tarpitTimeout
    /// How often a server is tried again.
    case retries
    case processID, threads, isStopping
    /// Since the process started, in seconds.
    case uptime
}

/// A name in a rule that something in the file has to have.
public struct SiteReference: Sendable {
    public enum Kind: Sendable {
        case frontend, backend
        /// `backend/server`, or a server of the section's own backend.
        case server
    }
    public let kind: Kind
    /// As written; empty for the section the rule stands in.
    public let name: String
    /// A server's name has two parts, the first of which may be missing.
    public let backend: String?
    public let server: String
    public let range: SourceRange

    public init(_ kind: Kind, _ name: String, at range: SourceRange) {
        self.kind = kind
        self.name = name
        if kind == .server, let slash = name.firstIndex(of: "/") {
            backend = String(name[..<slash])
            server = String(name[name.index(after: slash)...])
        } else {
            backend = nil
            server = name
        }
        self.range = range
    }
}

/// What a reference leads to.
public struct SitePlace: Sendable {
    /// The frontend's or backend's index in the plan.
    public var index: Int
    /// The server's number in the process; -1 if the reference is to no server.
    public var server: Int

    public init(_ index: Int, server: Int = -1) {
        self.index = index
        self.server = server
    }
}

extension ExpressionTable {
    /// Keeps a reference; its number in `references`.
    public mutating func refer(to kind: SiteReference.Kind, _ name: String, at range: SourceRange) -> Int {
        references.append(SiteReference(kind, name, at: range))
        return references.count - 1
    }
}
