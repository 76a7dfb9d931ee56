// `balance random`: shares by lot, tested with a seed, and what drawing twice is good for.

import BalancingTesting
import Basics
import Chance
import Dispatch
import Testing

@testable import Balancing

@Suite struct RandomServerTests {
    private func line(draws: Int, seed: UInt64 = 1) -> BalanceLine {
        BalanceLine(RandomServer.self, RandomServer.Options(draws: draws, seed: seed))
    }

    /// How often each server is chosen while none has anything to do.
    private func counts(_ backend: Backend, of choices: Int) -> [Int] {
        var counts = backend.servers.map { _ in 0 }
        for _ in 0..<choices { if let server = backend.choose() { counts[backend.place(of: server)] += 1 } }
        return counts
    }

    @Test(
        arguments: [1, 2, 4], [[1, 1, 1, 1, 1, 1, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8], [256, 1, 1, 64, 32, 9, 80, 7]])
    func `idle servers are drawn as often as their weights say`(_ draws: Int, _ weights: [Int]) {
        let total = 10_000
        let counts = counts(backend(line(draws: draws), weights: weights), of: total)
        // Chi-square with 7 degrees of freedom: 24.3 is passed by chance once in a thousand; the seed makes it no chance here.
        let chiSquare = zip(counts, weights).reduce(0.0) { sum, pair in
            let expected = Double(total * pair.1) / Double(weights.reduce(0, +))
            return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
        }
        #expect(chiSquare < 24.3, "\(counts)")
    }

    @Test func `successive choices are independent of one another`() {
        let backend = backend(line(draws: 1), weights: [1, 1, 1])
        let choices = (0..<9_001).compactMap { _ in backend.choose().map(backend.place) }
        var pairs = Array(repeating: 0, count: 9)
        for (a, b) in zip(choices, choices.dropFirst()) { pairs[a * 3 + b] += 1 }
        let chiSquare = pairs.reduce(0.0) { $0 + (Double($1) - 1_000) * (Double($1) - 1_000) / 1_000 }
        #expect(chiSquare < 26.1, "\(pairs)")
    }

    @Test func `another seed is another sequence, and the same one is the same`() {
        func choices(_ seed: UInt64) -> String { backend(line(draws: 2, seed: seed), weights: [1, 1, 1]).choices(60) }
        #expect(choices(1) == choices(1) && choices(1) != choices(2))
    }

    @Test func `of two servers the one with fewer requests for its weight is taken`() {
        let backend = backendOfTwo(weights: [1, 1])
        for _ in 0..<3 { backend.servers[0].active.increment() }
        #expect(backend.choices(20) == String(repeating: "b", count: 20))
        let uneven = backendOfTwo(weights: [4, 1])
        for _ in 0..<7 { uneven.servers[0].active.increment() }
        for _ in 0..<2 { uneven.servers[1].active.increment() }
        #expect(uneven.choices(20) == String(repeating: "a", count: 20), "7 of 4 are fewer than 2 of 1")
    }

    /// One whose servers are both drawn, but for a chance of 1 in 2^49 or of 1 in 80,000.
    private func backendOfTwo(weights: [Int]) -> Backend { backend(line(draws: 50), weights: weights) }

    /// The most requests that one of 50 servers has when 1,000 are placed and none ends.
    private func fullest(draws: Int) -> Int {
        let backend = backend(line(draws: draws), weights: Array(repeating: 1, count: 50))
        for _ in 0..<1_000 { _ = backend.take() }
        return backend.servers.map(\.active.current).max() ?? 0
    }

    @Test func `two draws keep the fullest server near the average, which one draw does not`() {
        #expect(fullest(draws: 1) > 28)
        #expect(fullest(draws: 2) < 25)
    }

    @Test func `a full server and one to avoid are passed over, however they are drawn`() {
        let backend = backend(line(draws: 1), weights: [200, 1, 1], limit: 1)
        _ = backend.take(backend.servers[0])
        #expect(Set(backend.choices(20)) == ["b", "c"])
        #expect(Set(backend.choices(20, avoiding: backend.servers[1])) == ["c"])
        _ = backend.take(backend.servers[1])
        _ = backend.take(backend.servers[2])
        #expect(backend.take().text == "full ")
    }

    @Test func `workers draw from one sequence`() {
        let backend = backend(line(draws: 1), weights: [1, 1, 1], workers: 4)
        let sameFarm = BalancingTests.backend(line(draws: 1), weights: [1, 1, 1])
        let counts = (0..<3).map { _ in Gauge() }
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            for _ in 0..<3_000 {
                if let server = backend.choose(by: worker) { counts[backend.place(of: server)].increment() }
            }
        }
        // The same draws as one worker's, in whatever order they were taken.
        let alone = self.counts(sameFarm, of: 12_000)
        #expect(counts.map(\.current) == alone)
    }

    @Test func `with a balance factor no server has more than its share while another has room`() throws {
        let backend = try settings(
            "balance random(1)", "hash-balance-factor 150", "server a 10.0.0.1:80", "server b 10.0.0.2:80",
            "server c 10.0.0.3:80"
        ).backend()
        for count in 1...300 {
            _ = backend.take()
            #expect(backend.servers.map(\.active.current).max() ?? 0 <= count / 2 + 2)
        }
    }
}
