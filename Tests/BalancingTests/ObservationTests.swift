// `observe`: which signs of live traffic count at which layer, after how many something follows, and what.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

@Suite struct ObservationTests {
    private func farm(_ words: String) throws -> Backend {
        try settings("server s 10.0.0.1:80 check rise 2 fall 4 \(words)").backend()
    }

    /// What is reported of these signs.
    private func reports(_ backend: Backend, _ signs: [TrafficSign]) -> [String] {
        let reports = Lock<[String]>([])
        backend.setFailureReporter { _, words in reports.withLock { $0.append(words) } }
        for sign in signs { backend.observe(sign, of: backend.servers[0]) }
        return reports.withLock { $0 }
    }

    @Test func `connections count at both layers, responses at the upper one`() throws {
        let failures: [TrafficSign] = [.notConnected, .badStatus, .malformed, .closed, .timedOut]
        for sign in failures {
            let isConnection = sign == .notConnected
            #expect(reports(try farm("observe layer4 error-limit 1"), [sign]).count == (isConnection ? 1 : 0))
            #expect(reports(try farm("observe layer7 error-limit 1"), [sign]).count == 1)
            #expect(reports(try farm(""), [sign]).isEmpty)
        }
        for status in [100, 200, 404, 499, 501, 505] { #expect(TrafficSign(status: status) == .goodStatus) }
        for status in [500, 502, 503, 504, 506, 599, 600] { #expect(TrafficSign(status: status) == .badStatus) }
    }

    @Test func `only failures in a row count, ten by default`() throws {
        let nine = Array(repeating: TrafficSign.badStatus, count: 9)
        let layer7 = try farm("observe layer7")
        #expect(reports(layer7, nine + [.goodStatus] + nine).isEmpty)
        let words = "Detected 10 consecutive errors, last one was: L4 unsuccessful connection"
        #expect(reports(layer7, [.connected, .notConnected]) == [words])
        #expect(reports(layer7, nine).isEmpty, "it begins anew")
        let layer4 = try farm("observe layer4 error-limit 2")
        #expect(reports(layer4, [.notConnected, .connected, .notConnected, .badStatus]).isEmpty)
        #expect(reports(layer4, [.notConnected]).count == 1)
    }

    @Test(
        arguments: [
            ("fastinter", 5, nil, false), ("fail-check", 4, "goingDown", true), ("sudden-death", 2, "goingDown", true),
            ("mark-down", 0, "down", true),
        ] as [(String, Int, String?, Bool)])
    func `a reaction leaves as much credit as its name says`(
        _ reaction: String, _ health: Int, _ state: String?, _ isChecked: Bool
    ) throws {
        let backend = try farm("observe layer7 on-error \(reaction)")
        let server = backend.servers[0]
        let now = Instant(nanoseconds: 2_000_000_000)
        _ = backend.record(CheckResult(.passed, .layer4OK), of: server, at: now)
        let failure = backend.recordFailures("words", of: server, at: now)
        #expect(server.record.health == health)
        #expect("\(server.state.health)" == state ?? "up")
        #expect((failure.result?.info == "words") == isChecked)
        #expect((failure.transition == .wentDown) == (health == 0))
        #expect(server.observedFailuresTotal == 1)
    }

    @Test(arguments: [
        ("fully-up", true, 4), ("up", true, 1), ("down", false, 1), ("fully-down", false, 2), ("none", true, 1),
    ])
    func `init-state is what a server is taken for, and how many checks it takes to change that`(
        _ state: String, _ isUp: Bool, _ checks: Int
    ) throws {
        let backend = try farm("init-state \(state)")
        let server = backend.servers[0]
        let now = Instant(nanoseconds: 2_000_000_000)
        #expect(server.state.isUsable == isUp)
        let result = isUp ? CheckResult(.failed, .layer4Connection) : CheckResult(.passed, .layer4OK)
        for check in 1...checks {
            let transition = backend.record(result, of: server, at: now)
            #expect((transition != nil) == (check == checks), "check \(check)")
        }
        backend.setAdministrativeState(.maintenance, of: server, now: now)
        backend.setAdministrativeState(.ready, of: server, now: now)
        #expect(server.state.isUsable == (state == "none" ? !isUp : isUp))
    }
}
