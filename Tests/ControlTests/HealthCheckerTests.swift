// Health checks on a simulated kernel: each failure has its code and time, and the server recovers.

import Balancing
import BalancingTesting
import Basics
import KernelSimulation
import Reactor
import Testing

@testable import Control

@Suite struct HealthCheckerTests {
    private let address = SocketAddress.ip(.loopbackV4, port: 80)

    // MARK: Outcomes

    @Test func `a server that refuses is down at once, and its backend has nobody`() throws {
        let play = try Play("server s 127.0.0.1:80 check inter 2s")
        play.behaviour = .refuses
        #expect(play.run(1) == ["0 L4CON wentDown ECONNREFUSED returned by OS (Connection refused)"])
        #expect(play.backend.choices(1) == "-" && !play.backend.availability.isUp)
    }

    @Test func `an address where nobody is fails without a socket`() throws {
        let play = try Play("server s 127.0.0.1:80 check inter 2s")
        play.kernel.servers = [:]
        #expect(
            play.run(2) == [
                "0 L4CON wentDown ECONNREFUSED returned by OS (Connection refused)",
                "2000 L4CON ECONNREFUSED returned by OS (Connection refused)",
            ])
    }

    @Test func `accepting is enough for a check without httpchk`() throws {
        let play = try Play("server s 127.0.0.1:80 check inter 2s")
        play.behaviour = .silent
        #expect(play.run(2) == ["0 L4OK", "2000 L4OK"])
        #expect(play.requests == ["", ""])
    }

    @Test(arguments: [
        (Behaviour.answers("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), "0 L7OK 200"),
        (.answers("HTTP/1.1 500 Oh\r\n\r\n"), "0 L7STS 500 wentDown Oh"),
        (.answers("220 smtp.example.org\r\n"), "0 L7RSP wentDown the answer is not HTTP/1"),
        (.closes, "0 L7RSP wentDown the server closed without an answer"),
        (.resets, "0 SOCKERR wentDown Connection reset by peer"),
        (.refuses, "0 L4CON wentDown ECONNREFUSED returned by OS (Connection refused)"),
        (.unreachable, "0 L4CON wentDown General socket error (Network is unreachable)"),
        (.silent, "2000 L7TOUT wentDown "),
        (.neverAccepts, "2000 L4TOUT wentDown "),
    ])
    func `each misfortune has its code`(_ behaviour: Behaviour, _ expected: String) throws {
        let play = try Play("option httpchk", "server s 127.0.0.1:80 check inter 2s")
        play.behaviour = behaviour
        #expect(play.run(1) == [expected])
    }

    @Test(arguments: 1...20) func `torn writes and an answer byte by byte make no difference`(_ seed: UInt64) throws {
        let play = try Play(seed: seed, "option httpchk GET /health", "server s 127.0.0.1:80 check inter 2s")
        play.behaviour = .dribbles("HTTP/1.1 200 OK\r\n\r\n")
        #expect(play.run(1) == ["18 L7OK 200"], "seed \(seed)")
        #expect(
            play.requests == [
                "GET /health HTTP/1.1\r\nhost: 127.0.0.1:80\r\nuser-agent: portico-check\r\nconnection: close\r\n\r\n"
            ])
    }

    @Test(arguments: 1...10) func `a flood without end of head fails as malformed, and occupies no more than a buffer`(
        _ seed: UInt64
    ) throws {
        let play = try Play(seed: seed, "option httpchk", "server s 127.0.0.1:80 check inter 2s")
        play.behaviour = .answers("HTTP/1.1 200 OK\r\nx: " + String(repeating: "y", count: 200_000))
        #expect(play.run(1) == ["0 L7RSP wentDown head too large"], "seed \(seed)")
        #expect(play.kernel.openCount == 0 && play.pool.lent == 0)
    }

    @Test func `a head that never ends is waited for as long as timeout check says`() throws {
        let play = try Play(
            "option httpchk", "timeout check 300ms", "server s 127.0.0.1:80 check inter 2s fall 1")
        play.behaviour = .dribbles("HTTP/1.1 200 OK\r\n" + String(repeating: "x: y\r\n", count: 1_000))
        #expect(play.run(1) == ["300 L7TOUT wentDown "])
    }

    @Test func `a server that is reconfigured is checked by its new plan from the next check on`() throws {
        let play = try Play("server s 127.0.0.1:80 check inter 2s fall 3")
        #expect(play.run(2) == ["0 L4OK", "2000 L4OK"])
        var configuration = play.server.configuration
        configuration.check?.interval = .milliseconds(500)
        configuration.check?.thresholds.fall = 1
        configuration.check?.script = .asking(HTTPCheck())
        play.backend.reconfigure(play.server, as: configuration, now: play.loop.now)
        play.behaviour = .closes
        #expect(
            play.run(2) == [
                "4000 L7RSP wentDown the server closed without an answer",
                "4500 L7RSP the server closed without an answer",
            ])
    }

    // MARK: Agents

    @Test func `an agent is asked while its server is in maintenance, and takes it out of there`() throws {
        let play = try Play(
            "server s 127.0.0.1:80 send-proxy agent-check agent-port 8001 agent-inter 1s agent-send how?\\r\\n\\r\\n")
        play.behaviour = .answers("maint\n")
        #expect(play.run(1) == ["0 CHECKED "])
        #expect(play.requests == ["how?\r\n\r\n"], "without a header of the PROXY protocol")
        #expect(play.server.state.administrative == .maintenance)
        play.behaviour = .answers("ready down#why\n")
        #expect(play.run(1) == ["1000 L7STS wentDown via agent : down (why)"])
        #expect(play.server.state == ServerState(health: .down))
        play.behaviour = .refuses
        #expect(play.run(1) == ["2000 L4CON ECONNREFUSED returned by OS (Connection refused)"])
        play.behaviour = .silent
        #expect(play.run(1) == ["4000 L7TOUT "])
        #expect(play.server.state == ServerState(health: .down), "an agent that is not there says nothing")
        play.behaviour = .answers("up\n")
        // The next answer of the silent one was awaited already.
        #expect(play.run(2) == ["5000 L7TOUT ", "5000 L7OK wentUp via agent : up"])
        #expect(play.kernel.openCount == 0 && play.pool.lent == 0)
    }

    @Test func `a server has checks and an agent, each at its own pace`() throws {
        let play = try Play(
            "server s 127.0.0.1:80 check inter 3s agent-check agent-port 8001 agent-inter 1s agent-send \\r\\n\\r\\n")
        play.behaviour = .answers("up\n")
        play.pass(.milliseconds(3_500))
        #expect(play.observer.notes.count { $0.contains("L4OK") } == 2)
        #expect(play.observer.notes.count { $0.contains("L7OK") } == 4)
    }

    // MARK: The PROXY protocol

    @Test(arguments: [
        ("send-proxy", "PROXY TCP4 127.0.0.1 127.0.0.1 80 80\r\n"),
        ("send-proxy-v2", "\r\n\r\n\0\r\nQUIT\n \0\0\0"),
        ("check-send-proxy", "PROXY TCP4 127.0.0.1 127.0.0.1 80 80\r\n"), ("send-proxy port 80", ""),
        ("send-proxy-v2 port 80 check-send-proxy", "\r\n\r\n\0\r\nQUIT\n \0\0\0"),
    ])
    func `a check begins as connections do, and says that it is nobody's`(_ words: String, _ header: String) throws {
        let connect = try Play("server s 127.0.0.1:80 check inter 2s \(words)")
        #expect(connect.run(2) == ["0 L4OK", "2000 L4OK"])
        #expect(connect.requests == [header, header])

        let ask = try Play("option httpchk GET /x", "server s 127.0.0.1:80 check inter 2s \(words)")
        ask.behaviour = .ok
        #expect(ask.run(1) == ["0 L7OK 200"])
        #expect(ask.requests[0].hasPrefix(header + "GET /x HTTP/1.1\r\n"))
    }

    // MARK: HTTP/2

    @Test(arguments: 1...20) func `a check of HTTP 2 sends its preface, judges the answer and says goodbye`(
        _ seed: UInt64
    ) throws {
        for words in ["proto h2", "check-proto h2", "proto h2 send-proxy"] {
            let play = try Play(seed: seed, "option httpchk GET /x", "server s 127.0.0.1:80 check inter 2s \(words)")
            // SETTINGS, PING, and :status 503.
            play.behaviour = .frames([
                0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
                0, 0, 5, 1, 5, 0, 0, 0, 1, 8, 3, 0x35, 0x30, 0x33,
            ])
            #expect(play.run(1) == ["0 L7STS 503 wentDown Service Unavailable"], "seed \(seed)")
            let header = words.hasSuffix("send-proxy") ? "PROXY TCP4 127.0.0.1 127.0.0.1 80 80\r\n" : ""
            let request = try #require(play.requests.first)
            #expect(request.hasPrefix(header + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"), "seed \(seed)")
            #expect(request.hasSuffix("the check is over"), "seed \(seed)")
            #expect(play.kernel.openCount == 0 && play.pool.lent == 0)
        }
    }

    @Test(arguments: [
        (Behaviour.answers("HTTP/1.1 400 Bad Request\r\n\r\n"), "0 L7RSP wentDown the answer is not HTTP/2"),
        (.closes, "0 L7RSP wentDown the server closed without an answer"),
        (.resets, "0 SOCKERR wentDown Connection reset by peer"), (.silent, "500 L7TOUT wentDown "),
        (.frames([0, 0, 0, 4, 0, 0, 0, 0, 0]), "500 L7TOUT wentDown "),
    ])
    func `each misfortune of HTTP 2 has its code`(_ behaviour: Behaviour, _ expected: String) throws {
        let play = try Play("option httpchk", "timeout check 500ms", "server s 127.0.0.1:80 check inter 2s proto h2")
        play.behaviour = behaviour
        #expect(play.run(1) == [expected])
        #expect(play.kernel.openCount == 0 && play.pool.lent == 0)
    }

    @Test func `a server that takes no byte fails a check that has to send a header`() throws {
        let play = try Play("server s 127.0.0.1:80 check inter 2s send-proxy")
        play.behaviour = .neverAccepts
        #expect(play.run(1) == ["2000 L4TOUT wentDown "])
    }

    @Test func `nothing is left behind between checks`() throws {
        let play = try Play(
            connectTimeout: .seconds(1), "option httpchk", "timeout check 500ms", "server s 127.0.0.1:80 check inter 2s"
        )
        let behaviours: [Behaviour] = [
            .refuses, .silent, .closes, .resets, .neverAccepts, .unreachable, .answers("HTTP/1.1 200 OK\r\n\r\n"),
        ]
        for behaviour in behaviours {
            play.behaviour = behaviour
            play.run(2)
            #expect(play.kernel.openCount == 0 && play.pool.lent == 0, "\(behaviour)")
        }
    }

    // MARK: Down and up again

    @Test func `a server falls after fall failures, and rises after rise successes`() throws {
        let play = try Play(
            "option httpchk",
            "server s 127.0.0.1:80 check inter 2s fastinter 500 downinter 5s rise 2 fall 3")
        play.behaviour = .ok
        #expect(play.run(2) == ["0 L7OK 200", "2000 L7OK 200"])
        play.behaviour = .answers("HTTP/1.1 503 x\r\n\r\n")
        #expect(
            play.run(3) == [
                "4000 L7STS 503 x", "4500 L7STS 503 x",
                "5000 L7STS 503 wentDown x",
            ])
        #expect(play.server.state.health == .down && play.backend.choices(1) == "-")
        play.behaviour = .ok
        #expect(play.run(3) == ["10000 L7OK 200", "10500 L7OK 200 wentUp", "12500 L7OK 200"])
        #expect(play.server.state.health == .up && play.backend.choices(1) == "s")
        #expect(play.server.record.downtime == .milliseconds(5_500))
    }

    @Test func `without other words the interval is always the same`() throws {
        let play = try Play("server s 127.0.0.1:80 check inter 1s rise 3 fall 2")
        play.behaviour = .refuses
        play.run(2)
        play.behaviour = .ok
        #expect(play.run(3).map { $0.prefix { $0 != " " } } == ["2000", "3000", "4000"])
    }

    @Test func `workers keep choosing a server that is only on its way down`() throws {
        let play = try Play("server s 127.0.0.1:80 check inter 1s fall 3")
        play.behaviour = .ok
        play.run(1)
        play.behaviour = .refuses
        play.run(2)
        #expect(play.server.state.health == .goingDown && play.backend.choices(1) == "s")
        play.run(1)
        #expect(play.server.state.health == .down && play.backend.choices(1) == "-")
    }

    // MARK: Time-outs, as in the manual's section on `timeout check`

    @Test func `with timeout check the connect time-out bounds connecting, and it the answer`() throws {
        let play = try Play(
            connectTimeout: .milliseconds(100), "option httpchk", "timeout check 300ms",
            "server s 127.0.0.1:80 check inter 2s")
        play.behaviour = .neverAccepts
        #expect(play.run(1) == ["100 L4TOUT wentDown "])
        play.behaviour = .acceptsAfter(.milliseconds(50))
        #expect(play.run(1) == ["2350 L7TOUT "])
    }

    @Test func `a connect time-out longer than the interval does not slow checks down`() throws {
        let play = try Play(
            connectTimeout: .seconds(60), "timeout check 300ms", "server s 127.0.0.1:80 check inter 2s")
        play.behaviour = .neverAccepts
        #expect(play.run(2) == ["2000 L4TOUT wentDown ", "4000 L4TOUT "])
    }

    @Test func `without timeout check the interval bounds a check as a whole, and the connect time-out nothing`() throws
    {
        for line in ["", "timeout check 0"] {
            let play = try Play(
                connectTimeout: .milliseconds(100), "option httpchk", line, "server s 127.0.0.1:80 check inter 2s")
            play.behaviour = .acceptsAfter(.milliseconds(1_500))
            #expect(play.run(1) == ["2000 L7TOUT wentDown "])
        }
    }

    // MARK: Addresses

    @Test(arguments: [
        ("check", "127.0.0.1:80"), ("check port 81", "127.0.0.1:81"), ("check addr 127.0.0.9", "127.0.0.9:80"),
        ("check addr 127.0.0.9 port 81", "127.0.0.9:81"), ("check addr ::1", "[::1]:80"),
        ("check addr 127.0.0.9:82", "127.0.0.9:82"), ("check port 81 addr 127.0.0.9:82", "127.0.0.9:81"),
    ])
    func `a check goes where its server is, unless addr and port say otherwise`(_ words: String, _ place: String) throws
    {
        let server = try settings("server s 127.0.0.1:80 \(words)").backend().servers[0]
        #expect(server.check?.target(for: server.address)?.description == place)
    }

    @Test func `the Host field has the name of the file, or the address, and never a path`() throws {
        let table: [(String, SocketAddress, String)] = [
            ("127.0.0.1:80", address, "127.0.0.1:80"), ("[::1]:80", .ip(.v6(0, 1), port: 80), "[::1]:80"),
            ("app.local:80", address, "app.local:80"), ("/run/app.sock", .path("/run/app.sock"), "localhost"),
            ("abns@app", .abstract("app"), "localhost"),
        ]
        for (word, address, host) in table {
            let play = try Play(
                "option httpchk GET /", "server s \(word) check inter 2s", resolve: { _ in [.loopbackV4] })
            play.serve(at: address)
            play.behaviour = .ok
            play.run(1)
            #expect(play.requests.first?.split(separator: "\r\n").dropFirst().first == "host: \(host)")
        }
    }

    @Test func `a server in maintenance is not checked until an operator enables it, nor one that has no check`() throws
    {
        #expect(try Play("server s 127.0.0.1:80").loop.taskCount == 0)
        let play = try Play("server s 127.0.0.1:80 check disabled inter 2s")
        play.behaviour = .refuses
        play.pass(.seconds(7))
        #expect(play.observer.notes.isEmpty)
        play.backend.setAdministrativeState(.ready, of: play.server, now: play.loop.now)
        #expect(play.run(1) == ["8000 L4CON wentDown ECONNREFUSED returned by OS (Connection refused)"])
    }

    @Test func `a check that ends undoes disable`() throws {
        // It once would have: one byte stood for what the operator, the checks and the nameservers had said.
        let play = try Play("option httpchk", "server s 127.0.0.1:80 check inter 2s rise 1")
        play.behaviour = .silent
        #expect(play.run(1) == ["2000 L7TOUT wentDown "])
        play.behaviour = .dribbles("HTTP/1.1 200 OK\r\n\r\n")
        play.pass(.milliseconds(5))
        #expect(play.kernel.openCount > 0, "a check is under way")
        play.backend.setAdministrativeState(.maintenance, of: play.server, now: play.loop.now)
        play.pass(.seconds(5))
        #expect(play.observer.notes.count == 1 && play.kernel.openCount == 0)
        #expect(play.server.state == ServerState(.maintenance, health: .down) && play.backend.choices(1) == "-")
        // Nor does `enable server` declare it healthy.
        play.backend.setAdministrativeState(.ready, of: play.server, now: play.loop.now)
        #expect(play.server.state == ServerState(health: .down) && play.backend.choices(1) == "-")
        play.pass(.seconds(3))
        #expect(play.server.state == ServerState(health: .up) && play.backend.choices(1) == "s")
    }

    @Test func `a server without address waits for one without a verdict`() throws {
        let play = try Play("option httpchk", "server s app.local:80 check inter 2s")
        play.behaviour = .ok
        play.pass(.seconds(7))
        #expect(play.observer.notes.isEmpty && play.server.state.name == .unresolved)
        #expect(play.backend.choices(1) == "-")

        play.server.resolved(to: address, now: play.loop.now)
        play.backend.serverChanged(now: play.loop.now)
        #expect(play.backend.choices(1) == "s", "up until a check says otherwise")
        #expect(play.run(1) == ["8000 L7OK 200"])
    }

    @Test func `a check of another address does not bring a server without its own into service`() throws {
        let play = try Play("server s app.local:80 check inter 2s addr 127.0.0.1")
        play.behaviour = .ok
        #expect(play.run(1) == ["0 L4OK"])
        #expect(play.server.state.name == .unresolved && play.backend.choices(1) == "-")
    }
}

/// The behaviour of the server under check.
enum Behaviour: Sendable {
    case refuses, unreachable, neverAccepts, silent, closes, resets
    case acceptsAfter(TimeSpan)
    case answers(String)
    /// Answers a preface of HTTP/2.
    case frames([UInt8])
    /// Sends the response one byte per millisecond.
    case dribbles(String)

    static let ok = Behaviour.answers("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
}

/// One server and its checker on a simulated kernel.
private final class Play {
    let kernel: SimulatedKernel
    let loop: TaskLoop
    let backend: Backend
    let pool = BufferPool()
    let observer = Observer()
    var behaviour = Behaviour.silent
    private var visits: [Visit] = []
    var server: Server { backend.servers[0] }
    /// The bytes that each check has sent.
    var requests: [String] { visits.map { String(decoding: $0.request + $0.wire.outbound, as: UTF8.self) } }

    init(
        seed: UInt64 = 1, connectTimeout: TimeSpan = .seconds(5), _ lines: String...,
        resolve: (String) -> [IPAddress] = { _ in [] }, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        kernel = SimulatedKernel(seed: seed)
        loop = TaskLoop(kernel: kernel)
        let text = lines.joined(separator: "\n    ")
        backend = try settings(text, sourceLocation: sourceLocation).backend(
            connectTimeout: connectTimeout, now: kernel.now, resolve: resolve)
        observer.loop = loop
        serve(at: .ip(.loopbackV4, port: 80))
        // Where agents are.
        serve(at: .ip(.loopbackV4, port: 8_001))
        for subject in [CheckSubject.server, .agent] {
            HealthChecker.start(
                subject, backend.servers[0], of: backend, after: .zero,
                CheckSurroundings(pool: pool, observer: observer), in: loop)
        }
    }

    func serve(at address: SocketAddress) {
        kernel.servers[address] = { [unowned self] kernel, wire in visit(kernel, wire) }
    }

    /// Runs until `count` more checks have ended; returns their results.
    @discardableResult
    func run(_ count: Int) -> [String] {
        let before = observer.notes.count
        while observer.notes.count < before + count { loop.runOnce() }
        return Array(observer.notes[before...])
    }

    /// Advances the time.
    func pass(_ span: TimeSpan) {
        let end = loop.now + span
        while loop.now < end { loop.runOnce(until: end) }
    }

    private func visit(_ kernel: SimulatedKernel, _ wire: Wire) -> Bool {
        let visit = Visit(wire, behaviour)
        visits.append(visit)
        switch behaviour {
        case .refuses: kernel.refuse(wire)
        case .unreachable: return false
        case .neverAccepts: break
        case .acceptsAfter(let delay): kernel.schedule(visit, after: delay)
        default:
            kernel.accept(wire)
            kernel.schedule(visit, after: .zero)
        }
        return true
    }
}

/// One connection to the server, and its script.
final class Visit: SimulatedPeer {
    let wire: Wire
    let behaviour: Behaviour
    var request: [UInt8] = []
    private var unsent: ArraySlice<UInt8>

    init(_ wire: Wire, _ behaviour: Behaviour) {
        self.wire = wire
        self.behaviour = behaviour
        unsent = if case .dribbles(let text) = behaviour { Array(text.utf8)[...] } else { [] }
    }

    /// Whether a request has come, or all of a preface.
    private var isAsked: Bool {
        request.suffix(4) == Array("\r\n\r\n".utf8)[...]
            || String(decoding: request, as: UTF8.self).contains("\r\n\r\nSM\r\n\r\n")
    }

    func act(in kernel: SimulatedKernel) {
        guard !wire.weClosed else { return }
        request += kernel.peerTakes(.max, from: wire)
        guard isAsked else {
            // The check's task runs when this one returns.
            if case .acceptsAfter = behaviour { return kernel.accept(wire) }
            return kernel.schedule(self, after: TimeSpan(nanoseconds: 1))
        }
        switch behaviour {
        case .answers(let text): kernel.peerSends(text.utf8, on: wire)
        case .frames(let bytes): kernel.peerSends(bytes, on: wire)
        case .closes: kernel.peerFinishes(wire)
        case .resets: kernel.peerResets(wire)
        case .dribbles:
            kernel.peerSends(unsent.prefix(1), on: wire)
            unsent = unsent.dropFirst()
            if !unsent.isEmpty { kernel.schedule(self, after: .milliseconds(1)) }
        default: break
        }
    }
}

/// Records results as `<milliseconds since the start> <code> [<status>] [<transition>] [<info>]`.
private final class Observer: HealthObserver {
    var notes: [String] = []

    func checked(
        _ server: Server, of backend: Backend, by subject: CheckSubject, _ result: CheckResult,
        transition: HealthRecord.Transition?
    ) {
        // The state must have been updated before the result is reported.
        #expect((subject == .agent ? server.record.lastOfAgent : server.record.last) == result)
        var note = ["\(now().wholeMilliseconds)", result.code.rawValue]
        if let status = result.status { note.append("\(status)") }
        if let transition { note.append("\(transition)") }
        if result.outcome == .failed || subject == .agent { note.append(result.info) }
        notes.append(note.joined(separator: " "))
    }

    private func now() -> TimeSpan { loop?.now.since(Instant(nanoseconds: 1_000_000_000)) ?? .zero }
    weak var loop: TaskLoop?
}
