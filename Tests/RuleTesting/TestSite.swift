// A site that answers with numbers which tell what was asked.

public import Basics
public import Expressions

/// A site of one frontend `www`, two backends `shop` and `api`, and the server `shop/s1`, whose numbers tell what was asked.
public final class TestSite: RuntimeState {
    /// What it was told of undecided matches.
    public var undecided: [String] = []

    public init() {}

    public func number(_ what: SiteNumber, ofFrontend index: Int) -> Int { 1_000 + code(what) }
    public func number(_ what: SiteNumber, ofBackend index: Int) -> Int { 2_000 + 100 * index + code(what) }
    public func number(_ what: SiteNumber, ofServer index: Int, in backend: Int) -> Int {
        what == .isUp ? 1 : 3_000 + 100 * backend + code(what)
    }
    /// What the clock shows, and the next random number; nil for the system's.
    public var time: WallTime?
    public var bits: UInt64?
    public func wallTime() -> WallTime { time ?? .now() }
    public func randomNumber() -> UInt64 { bits ?? .random(in: 0 ... .max) }
    public func number(_ what: SiteNumber) -> Int { what == .isStopping ? 0 : code(what) }
    public func defaultBackend(ofFrontend index: Int) -> Int? { 1 }
    public func matchesWereUndecided(_ count: Int, in rule: String?, for context: ExchangeContext) {
        undecided.append("\(count) in \(rule ?? "no rule")")
    }
    public func appendName(ofBackend index: Int, to out: inout [UInt8]) { out.append(["shop", "api"][index]) }

    public func place(of reference: SiteReference, for context: ExchangeContext) -> SitePlace? {
        switch (reference.kind, reference.name) {
        case (.frontend, ""), (.frontend, "www"): SitePlace(0)
        case (.backend, ""): context.backendIndex.map { SitePlace($0) }
        case (.backend, "shop"): SitePlace(0)
        case (.backend, "api"): SitePlace(1)
        case (.server, "s1"), (.server, "shop/s1"): SitePlace(0, server: 0)
        default: nil
        }
    }

    public func place(named name: [UInt8], _ kind: SiteReference.Kind, for context: ExchangeContext) -> SitePlace? {
        nil
    }
    public func connections(toSocketOf context: ExchangeContext) -> Int? { 7 }
    /// 9 is a socket of TCP.
    public func measure(_ what: TransportMeasure, ofSocket number: Int32) -> Int? {
        guard number == 9 else { return nil }
        return switch what {
        case .roundTrip: 12_499
        case .roundTripVariation: 500
        case .unacknowledged: 1
        case .acknowledgedApart: 2
        case .acknowledgedAhead: 3
        case .lost: 4
        case .sentAgain: 5
        case .reordering: 6
        }
    }

    private func code(_ what: SiteNumber) -> Int {
        switch what {
        case .id: 1
        case .connections: 2
        case .connectionsFree: 3
        case .sessionRate: 4
        case .requestRate: 5
        case .queue: 6
        case .averageQueue: 7
        case .connectionSlots: 8
        case .usableServers: 9
        case .isUp: 10
        case .weight: 11
        case .initialWeight: 12
        case .userWeight: 13
        case .clientTimeout: 14
        case .serverTimeout: 15
        case .connectTimeout: 16
        case .queueTimeout: 17
        case .tunnelTimeout: 18
        case .tarpitTimeout: 19
        case .processID: 20
        case .threads: 21
        case .isStopping: 22
        case .retries: 23
        case .uptime: 24
        }
    }
}
