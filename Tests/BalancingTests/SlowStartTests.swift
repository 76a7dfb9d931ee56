// `slowstart`: weights and limits rise after a server has come back, by a played clock.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

@Suite struct SlowStartTests {
    /// Servers a, which starts slowly, and b.
    private func farm(_ balance: String, time: String = "10s", _ words: String = "weight 10") throws -> Backend {
        try settings(
            balance, "server a 10.0.0.1:80 slowstart \(time) \(words)", "server b 10.0.0.2:80 \(words)"
        ).backend()
    }

    /// Server a goes down and comes back at second 100.
    private func comeBack(_ backend: Backend) {
        backend.set(.down, of: 0, at: 90 * 1_000_000_000)
        backend.set(.up, of: 0, at: 100 * 1_000_000_000)
    }

    private func pass(_ seconds: UInt64, _ backend: Backend) {
        backend.raiseWeights(now: Instant(nanoseconds: (100 + seconds) * 1_000_000_000))
    }

    @Test func `the weight rises once a second, in sixteenths, and reaches the whole when the time is over`() throws {
        let backend = try farm("balance roundrobin")
        #expect(backend.servers[0].throttle == nil, "not when Portico starts")
        #expect(backend.servers[0].currentWeight == 160)
        comeBack(backend)
        // 1 + 16 × seconds / 10, rounded down, of 16. HAProxy 2.6 shows the same.
        let parts = [1, 2, 4, 5, 7, 9, 10, 12, 13, 15, 16, 16]
        let shown = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]
        let throttles: [Int?] = [6, 12, 25, 31, 43, 56, 62, 75, 81, 93, nil, nil]
        for second in 0..<12 {
            pass(UInt64(second), backend)
            #expect(backend.servers[0].currentWeight == 10 * parts[second], "second \(second)")
            #expect(backend.servers[0].weightNow == shown[second], "second \(second)")
            #expect(backend.servers[0].throttle == throttles[second], "second \(second)")
            #expect(backend.eligibleWeight == 20)
            #expect(backend.eligibleWeightNow == (10 * (parts[second] + 16) + 15) / 16)
        }
    }

    @Test(arguments: ["balance roundrobin", "balance leastconn", "balance random"])
    func `what a server gets rises with its weight`(_ balance: String) throws {
        let backend = try farm(balance, time: "16s")
        comeBack(backend)
        for second: UInt64 in [0, 3, 7, 15, 16] {
            pass(second, backend)
            let parts = min(16, Double(second) + 1)
            let share = share(of: backend, held: balance.hasSuffix("leastconn"))
            // Draws by lot are near it.
            let tolerance = balance.hasSuffix("random") ? 0.06 : 0.01
            #expect(abs(share - parts / (parts + 16)) <= tolerance, "second \(second): \(share)")
        }
    }

    @Test(arguments: ["balance uri", "balance static-rr"])
    func `a layout that does not follow weights gives it its whole share at once`(_ balance: String) throws {
        let backend = try farm(balance, time: "16s")
        comeBack(backend)
        #expect(share(of: backend, held: false) == 0.5 && backend.servers[0].throttle == 100)
    }

    /// The share of 1,600 requests that server a gets, which stay or end at once.
    private func share(of backend: Backend, held: Bool) -> Double {
        var count = 0
        var taken: [Server] = []
        for _ in 0..<1_600 {
            guard case .server(let server) = backend.take() else { break }
            if backend.place(of: server) == 0 { count += 1 }
            if held { taken.append(server) } else { backend.release(server, by: 0) }
        }
        for server in taken { backend.release(server, by: 0) }
        return Double(count) / 1_600
    }

    @Test func `on a ring its points grow, and no others move`() throws {
        let backend = try settings(
            "balance uri", "hash-type consistent", "server a 10.0.0.1:80 slowstart 16s weight 10",
            "server b 10.0.0.2:80 weight 10"
        ).backend()
        func owners() throws -> [String] {
            try (0..<2_000).map { i in
                let choice = backend.take(for: try HashedRequest(i), by: 0, now: Instant(nanoseconds: 0))
                guard case .server(let server) = choice else { return "-" }
                backend.release(server, by: 0)
                return server.name
            }
        }
        let whole = try owners()
        comeBack(backend)
        var last = try owners()
        #expect(last.count { $0 == "a" } < 300)
        for second: UInt64 in [4, 8, 12, 16] {
            pass(second, backend)
            let next = try owners()
            #expect(zip(last, next).allSatisfy { $0 == $1 || $1 == "a" }, "second \(second)")
            last = next
        }
        #expect(last == whole)
    }

    @Test func `maxconn rises in percent, from one on, and slots that it brings go to waiting requests`() throws {
        let backend = try farm("balance roundrobin", "maxconn 20")
        backend.set(.down, of: 1)
        comeBack(backend)
        func taken() -> Int {
            var count = 0
            while case .server = backend.take() { count += 1 }
            return count
        }
        #expect(taken() == 1)
        let grants = Gauge()
        backend.setDelivery { _, _ in grants.increment() }
        for owner in 0..<30 { _ = backend.join(worker: 0, owner: UInt64(owner)) }
        for (second, limit) in [(1, 2), (2, 4), (5, 10), (9, 18), (10, 20)] {
            pass(UInt64(second), backend)
            #expect(backend.servers[0].active.current == limit, "second \(second)")
            #expect(grants.current == limit - 1)
        }
    }

    @Test func `also out of maintenance, but not out of drain, nor for one that goes down meanwhile`() throws {
        let backend = try farm("balance roundrobin")
        let a = backend.servers[0]
        func set(_ state: AdministrativeState, _ second: UInt64) {
            backend.setAdministrativeState(state, of: a, now: Instant(nanoseconds: second * 1_000_000_000))
        }
        set(.drain, 10)
        set(.ready, 20)
        #expect(a.throttle == nil)
        set(.maintenance, 30)
        #expect(a.throttle == nil)
        set(.ready, 40)
        #expect(a.throttle == 6 && backend.servers[1].throttle == nil)
        backend.set(.down, of: 0, at: 45 * 1_000_000_000)
        #expect(a.throttle == nil && a.weightNow == 10)
        comeBack(backend)
        #expect(a.throttle == 6)
    }

    @Test func `a time below a second counts as one, and 0 as none`() throws {
        let short = try farm("balance roundrobin", time: "10ms")
        comeBack(short)
        #expect(short.servers[0].throttle == 6)
        pass(1, short)
        #expect(short.servers[0].throttle == nil)
        let none = try farm("balance roundrobin", time: "0")
        comeBack(none)
        #expect(none.servers[0].throttle == nil)
    }
}
