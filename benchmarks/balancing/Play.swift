// One algorithm with the farm: events in the order of their time.

import Balancing
import Basics
import Configuration
import HTTP
import HeapModule

/// A mistake of this program: a line that Portico refuses.
struct Refused: Error { let lines: [String] }

final class Play {
    private enum Happening {
        case arrival(Int)
        case end(of: Int, on: Int)
        /// A server that stalled goes on.
        case revival(Int)
    }

    private struct Event: Comparable {
        let at: Double
        let number: Int
        let what: Happening
        static func < (a: Event, b: Event) -> Bool { (a.at, a.number) < (b.at, b.number) }
        static func == (a: Event, b: Event) -> Bool { a.number == b.number }
    }

    let requests: [Request]
    /// By request, in seconds.
    private(set) var latencies: [Double]
    /// Requests that waited in one server at once, at the most.
    private(set) var longestBacklog = 0
    /// Requests that the server got while it stalled.
    private(set) var sentWhileStalled = 0

    private let backend: Backend
    private var events = Heap<Event>()
    private var eventsMade = 0
    /// By server: requests that it works at, and those that wait in it.
    private var busy: [Int]
    private var backlog: [[Int]]
    private var head: [Int]

    init(_ lines: [String], _ load: Load) throws {
        requests = load.requests
        latencies = Array(repeating: 0, count: requests.count)
        busy = Farm.servers.map { _ in 0 }
        backlog = Farm.servers.map { _ in [] }
        head = Farm.servers.map { _ in 0 }
        let isWeighted = lines.contains("weights")
        var text = "backend app\n"
        for line in lines where line != "weights" { text += " \(line)\n" }
        for (index, server) in Farm.servers.enumerated() {
            let weight = isWeighted ? Int(960 / server.milliseconds) : 1
            text += " server s\(index) 10.0.0.\(index + 1):80 weight \(weight)\n"
        }
        let language = Language(
            keywords: BalancingKeywords.table,
            parameterGroups: [ParameterGroup(of: "server", BalancingKeywords.serverParameters)])
        let loaded = language.load(text: text, named: "balancing.cfg")
        guard loaded.problems.isEmpty, let draft = loaded.proxies.first else { throw Refused(lines: lines) }
        backend = draft[BalancingSettings.self].makeBackend(
            name: "app", connectTimeout: .seconds(5), workers: 1, now: Self.instant(0), resolve: { _ in [] })
    }

    private static func instant(_ seconds: Double) -> Instant {
        Instant(nanoseconds: 1_000_000_000 + UInt64(seconds * 1e9))
    }

    func run() {
        for (index, request) in requests.enumerated() { add(.arrival(index), at: request.at) }
        add(.revival(0), at: Farm.stall.upperBound)
        while let event = events.popMin() {
            switch event.what {
            case .arrival(let request): arrive(request, at: event.at)
            case .end(let request, let server): end(request, on: server, at: event.at)
            case .revival(let server): work(server, at: event.at)
            }
        }
    }

    private func add(_ what: Happening, at: Double) {
        events.insert(Event(at: at, number: eventsMade, what: what))
        eventsMade += 1
    }

    private func arrive(_ index: Int, at now: Double) {
        let request = PlayedRequest(requests[index])
        guard case .server(let server) = backend.take(for: request, by: 0, now: Self.instant(now)),
            let place = backend.servers.firstIndex(where: { $0 === server })
        else { preconditionFailure("servers without a limit are never full") }
        if place == 0, Farm.stall.contains(now) { sentWhileStalled += 1 }
        backlog[place].append(index)
        work(place, at: now)
        longestBacklog = max(longestBacklog, backlog[place].count - head[place])
    }

    /// Begins what waits in the server, as far as it has hands.
    private func work(_ server: Int, at now: Double) {
        if server == 0, Farm.stall.contains(now), now < Farm.stall.upperBound { return }
        while busy[server] < Farm.servers[server].hands, head[server] < backlog[server].count {
            let index = backlog[server][head[server]]
            head[server] += 1
            busy[server] += 1
            var end = now + requests[index].effort * Farm.servers[server].milliseconds / 1_000
            // What is under way when the server stalls goes on afterwards.
            if server == 0, now < Farm.stall.lowerBound, end > Farm.stall.lowerBound {
                end += Farm.stall.upperBound - Farm.stall.lowerBound
            }
            add(.end(of: index, on: server), at: end)
        }
    }

    private func end(_ index: Int, on place: Int, at now: Double) {
        latencies[index] = now - requests[index].at
        busy[place] -= 1
        let server = backend.servers[place]
        let latency = TimeSpan(nanoseconds: UInt64(latencies[index] * 1e9))
        backend.learn(latency, of: server, isWhole: true, at: Self.instant(now))
        backend.release(server, by: 0, now: Self.instant(now))
        work(place, at: now)
    }
}

/// A request as balancing sees it.
private struct PlayedRequest: BalancingRequest, ~Copyable {
    private var head = RequestHead()
    let client = SocketAddress.ip(.loopbackV4, port: 1_024)

    init(_ request: Request) { unsafe head.setTarget(Array("/item/\(request.target)".utf8).span.bytes) }

    func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result { body(head) }
}
