// A site of scripted peers with one real worker: clients and servers that behave correctly or misbehave in
// any way that a seed selects, at any byte.

import Balancing
import Basics
import Chance
import Configuration
import KernelSimulation
import Logging
import Reactor

@testable import Proxy

/// How one peer misbehaves, and after how many bytes.
enum Fault: Equatable {
    case none
    case resetAfter(Int)
    case finishAfter(Int)
    case silenceAfter(Int)

    static func draw(_ random: inout SeededRandom, faultOneIn n: Int, bytes: Int) -> Fault {
        guard random.oneIn(n) else { return .none }
        let at = random.number(0...max(0, bytes - 1))
        switch random.number(0...2) {
        case 0: return .resetAfter(at)
        case 1: return .finishAfter(at)
        default: return .silenceAfter(at)
        }
    }

    var limit: Int? {
        switch self {
        case .none: nil
        case .resetAfter(let n), .finishAfter(let n), .silenceAfter(let n): n
        }
    }
}

/// Sends its requests, a few bytes at a time, and reads the responses.
final class ScriptedClient: SimulatedPeer {
    let wire: Wire
    let requestCount: Int
    private let bytes: [UInt8]
    private var sent = 0
    private let fault: Fault
    private let readsSlowly: Bool
    private(set) var received: [UInt8] = []
    private(set) var isDone = false
    private var patience = 5_000
    let site: SimulatedSite

    init(_ site: SimulatedSite, requests: [String], fault: Fault, readsSlowly: Bool) {
        self.site = site
        bytes = Array((site.header + requests.joined()).utf8)
        requestCount = requests.count
        self.fault = fault
        self.readsSlowly = readsSlowly
        wire = site.kernel.connectClient()
    }

    func act(in kernel: SimulatedKernel) {
        let count = readsSlowly ? kernel.random.number(0...3) : kernel.random.number(0...20_000)
        received += kernel.peerTakes(count, from: wire)
        if wire.weClosed && wire.outbound.isEmpty || wire.weFinished && wire.outbound.isEmpty {
            kernel.peerFinishes(wire)
            isDone = true
            return
        }
        let end = min(bytes.count, fault.limit ?? .max)
        if sent < end {
            let count = min(end - sent, kernel.random.oneIn(3) ? 1 : kernel.random.number(1...400))
            kernel.peerSends(bytes[sent..<sent + count], on: wire)
            sent += count
        } else if fault != .none || patience == 0 {
            misbehave(kernel)
            return
        }
        if sent == bytes.count { patience -= 1 }
        let pause = kernel.random.oneIn(40) ? kernel.random.number(1...4_000) : kernel.random.number(0...3)
        kernel.schedule(self, after: .milliseconds(UInt64(pause)))
    }

    private func misbehave(_ kernel: SimulatedKernel) {
        switch fault {
        case .resetAfter: kernel.peerResets(wire)
        case .none, .finishAfter: kernel.peerFinishes(wire)
        case .silenceAfter: break
        }
        isDone = true
    }
}

/// Responds to each request on a connection, in pieces, until it misbehaves.
final class ScriptedServer: SimulatedPeer {
    private let wire: Wire
    private var request: [UInt8] = []
    private var response: [UInt8] = []
    private var sent = 0
    private let fault: Fault
    private var accepts: Bool
    private var isAccepted = false
    private var idleTurns = 0
    private let closesAfterResponse: Bool
    unowned let site: SimulatedSite

    init(_ site: SimulatedSite, _ wire: Wire, _ kernel: SimulatedKernel) {
        self.site = site
        self.wire = wire
        accepts = site.faultOneIn == .max || !kernel.random.oneIn(20)
        fault = Fault.draw(&kernel.random, faultOneIn: site.faultOneIn, bytes: 300)
        closesAfterResponse = kernel.random.oneIn(4)
        kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(0...5))))
    }

    func act(in kernel: SimulatedKernel) {
        guard !wire.weClosed else { return }
        if !isAccepted {
            guard accepts else {
                if kernel.random.oneIn(2) { kernel.refuse(wire) }
                return
            }
            isAccepted = true
            kernel.accept(wire)
        }
        let taken = kernel.peerTakes(kernel.random.number(1...30_000), from: wire)
        request += taken
        if !taken.isEmpty { idleTurns = 0 }
        if response.isEmpty, let (length, answer) = site.answer(to: request, closes: closesAfterResponse, kernel) {
            request.removeFirst(length)
            response = answer
            sent = 0
        }
        let end = min(response.count, fault.limit ?? .max)
        if sent < end {
            let count = min(end - sent, kernel.random.number(1...2_000))
            kernel.peerSends(response[sent..<sent + count], on: wire)
            sent += count
            idleTurns = 0
        } else if !response.isEmpty && sent < response.count {
            misbehave(kernel)
            return
        } else if !response.isEmpty {
            response = []
            if closesAfterResponse {
                kernel.peerFinishes(wire)
                return
            }
        }
        idleTurns += 1
        // A correct server keeps the connection even if a request arrives slowly.
        if wire.weFinished || idleTurns > 400 && (request.isEmpty || site.faultOneIn != .max) {
            kernel.peerFinishes(wire)
            return
        }
        let pause = kernel.random.oneIn(50) ? kernel.random.number(1...3_000) : kernel.random.number(0...4)
        kernel.schedule(self, after: .milliseconds(UInt64(pause)))
    }

    private func misbehave(_ kernel: SimulatedKernel) {
        switch fault {
        case .resetAfter: kernel.peerResets(wire)
        case .finishAfter: kernel.peerFinishes(wire)
        case .none, .silenceAfter: break
        }
    }
}

/// One worker with a frontend, a backend of three servers, and peers from a seed.
final class SimulatedSite {
    let kernel: SimulatedKernel
    let plan: Plan
    let worker: Worker
    let orders = WorkerMailbox(wakeup: nil)
    let logger = Logger(rings: 1)
    /// One of this many peers misbehaves; `.max` for none.
    let faultOneIn: Int
    private(set) var clients: [ScriptedClient] = []
    /// The first bytes of each client connection.
    var header = ""
    /// Requests that reached a server in chunks or with Expect: 100-continue.
    private(set) var chunkedRequests = 0
    private(set) var expectations = 0

    init(
        seed: UInt64, faultOneIn: Int, mode: ProxyMode = .http,
        configure: (inout ProxySettings) -> Void = { _ in },
        configureServers: (inout ServerDraft) -> Void = { _ in }
    ) {
        kernel = SimulatedKernel(seed: seed)
        self.faultOneIn = faultOneIn
        var draft = Draft(kind: .listen, name: "site", range: SourceRange(file: "simulated", line: 1))
        draft[ProxySettings.self].mode = mode
        draft[ProxySettings.self].binds = [
            BindPlace(
                address: .ip(.loopbackV4, port: 80),
                word: Word("127.0.0.1:80", at: SourceRange(file: "simulated", line: 2)))
        ]
        draft[ProxySettings.self].redispatch = .every(1)
        configure(&draft[ProxySettings.self])
        for number in 1...3 {
            var server = ServerDraft()
            server.name = Word("s\(number)", at: SourceRange(file: "simulated", line: 2 + number))
            server.address = .endpoint(.ip(.loopbackV4), ports: UInt16(9_000 + number)...UInt16(9_000 + number))
            configureServers(&server)
            draft[BalancingSettings.self].add(server)
        }
        var facts = ProcessFacts()
        facts.descriptorsLimit = 100_000
        var builder = PlanBuilder(
            global: Draft(kind: .global, name: "global", range: SourceRange(file: "simulated", line: 1)),
            proxies: [draft], logger: logger, workers: 1, facts: facts, now: kernel.now)
        guard let plan = builder.build() else { preconditionFailure("\(builder.problems)") }
        self.plan = plan
        plan.site.workers.set([orders])
        worker = Worker(
            index: 0, plan: plan, kernel: kernel, log: logger.channel(0), orders: orders,
            listeners: [(kernel.listener, plan.binds[0])])
        for number in 1...3 {
            kernel.servers[.ip(.loopbackV4, port: UInt16(9_000 + number))] = { [unowned self] kernel, wire in
                if faultOneIn != .max && kernel.random.oneIn(30) { return false }
                _ = ScriptedServer(self, wire, kernel)
                return true
            }
        }
    }

    /// A complete request at the start of `bytes` as (its length, the response); nil if more bytes are needed.
    func answer(to bytes: [UInt8], closes: Bool, _ kernel: SimulatedKernel) -> (Int, [UInt8])? {
        guard let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let text = String(decoding: bytes[..<head.lowerBound], as: UTF8.self)
        var length = head.upperBound
        if let field = text.lowercased().firstRange(of: "content-length: ") {
            length += Int(text[field.upperBound...].prefix { $0.isNumber }) ?? 0
        } else if text.lowercased().contains("transfer-encoding: chunked") {
            guard let end = bytes[length...].firstRange(of: Array("0\r\n\r\n".utf8)) else { return nil }
            length = end.upperBound
        }
        guard bytes.count >= length else { return nil }
        if text.lowercased().contains("transfer-encoding: chunked") { chunkedRequests += 1 }
        if text.lowercased().contains("expect: ") { expectations += 1 }
        let isHead = text.hasPrefix("HEAD ")
        let body = String(repeating: "x", count: kernel.random.oneIn(5) ? kernel.random.number(0...60_000) : 10)
        // A correct server announces that it closes the connection.
        let option = closes && (faultOneIn == .max || kernel.random.oneIn(2)) ? "Connection: close\r\n" : ""
        switch kernel.random.number(0...3) {
        case 0:
            let chunks = isHead ? "" : Self.chunked(body, &kernel.random)
            return (length, Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\(option)\r\n\(chunks)".utf8))
        case 1 where !isHead:
            return (length, Array("HTTP/1.1 204 No Content\r\n\(option)\r\n".utf8))
        default:
            return (
                length,
                Array(
                    "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(option)\r\n\(isHead ? "" : body)".utf8)
            )
        }
    }

    static func chunked(_ text: String, _ random: inout SeededRandom) -> String {
        var rest = text[...]
        var out = ""
        while !rest.isEmpty {
            let piece = rest.prefix(random.number(1...5_000))
            rest = rest.dropFirst(piece.count)
            out += String(piece.utf8.count, radix: 16) + "\r\n\(piece)\r\n"
        }
        return out + "0\r\n\r\n"
    }

    /// Starts `count` clients with at most `requestsEach` requests on each connection.
    func addClients(_ count: Int, requestsEach: Int) {
        for _ in 0..<count {
            let requests = (0..<kernel.random.number(1...requestsEach)).map { _ in request() }
            let length = requests.map(\.utf8.count).reduce(header.utf8.count, +)
            let client = ScriptedClient(
                self, requests: requests,
                fault: Fault.draw(&kernel.random, faultOneIn: faultOneIn, bytes: length),
                readsSlowly: faultOneIn != .max && kernel.random.oneIn(20))
            clients.append(client)
            kernel.schedule(client, after: .milliseconds(UInt64(kernel.random.number(0...50))))
        }
    }

    private func request() -> String {
        switch kernel.random.number(0...4) {
        case 0: return "HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n"
        case 1:
            let body = String(repeating: "b", count: kernel.random.number(0...40_000))
            let expect = kernel.random.oneIn(4) ? "Expect: 100-continue\r\n" : ""
            return "POST /p HTTP/1.1\r\nHost: a\r\n\(expect)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        case 2:
            let body = String(repeating: "c", count: kernel.random.number(0...9_000))
            return "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + Self.chunked(body, &kernel.random)
        case 3 where faultOneIn != .max && kernel.random.oneIn(10):
            return "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        default: return "GET /g HTTP/1.1\r\nHost: a\r\n\r\n"
        }
    }

    /// Runs until every peer has finished, then stops the worker and lets it end.
    func runToTheEnd() {
        while kernel.peersLeft > 0 { worker.turn(until: kernel.now + .seconds(1)) }
        orders.give(.stopSoftly)
        while !worker.isFinished { worker.turn(until: kernel.now + .seconds(100)) }
    }
}
