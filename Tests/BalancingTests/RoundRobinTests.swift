// `balance roundrobin`: the exact order of servers.

import BalancingTesting
import Basics
import Chance
import Dispatch
import Foundation
import KernelSimulation
import Synchronization
import Testing

@testable import Balancing

@Suite struct RoundRobinTests {
    @Test func `equal servers take turns in the order of the file`() {
        #expect(backend(.roundRobin, weights: [1, 1, 1]).choices(7) == "abcabca")
        #expect(backend(.roundRobin, weights: [256, 256]).choices(5) == "ababa")
        #expect(backend(.roundRobin, weights: [1]).choices(3) == "aaa")
    }

    @Test(arguments: [
        ([3, 2, 1], "abacab"), ([6, 4, 2], "abacab"), ([2, 1], "aab"), ([1, 2], "bba"), ([1, 1, 2], "cacb"),
        ([100, 200, 100], "babc"),
    ])
    func `weights are shares, spread over the round`(_ weights: [Int], _ round: String) {
        let backend = backend(.roundRobin, weights: weights)
        #expect(backend.choices(2 * round.count) == round + round)
    }

    @Test(arguments: 1...40) func `in any round each has its share, and nobody waits long`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let weights = (0..<random.number(1...12)).map { _ in 16 * random.number(1...256) }
        let turns = SmoothTurns.turns(weights: weights)
        let (total, sum) = (Double(turns.count), Double(weights.reduce(0, +)))
        for (server, weight) in weights.enumerated() {
            let places = turns.indices.filter { turns[$0] == UInt32(server) }
            let share = total * Double(weight) / sum
            #expect(abs(Double(places.count) - share) <= 1, "seed \(seed), server \(server)")
            let gaps = zip(places, places.dropFirst() + [places[0] + turns.count]).map { $1 - $0 }
            let longest = total / share + Double(2 * weights.count)
            #expect(Double(gaps.max() ?? 0) <= longest, "seed \(seed), server \(server)")
        }
    }

    @Test func `large farms have rounds of a bounded length, with nearly the same shares`() {
        let weights = (0..<10_000).map { 16 * ($0 % 256 + 1) }
        let turns = SmoothTurns.turns(weights: weights)
        #expect(turns.count <= SmoothTurns.turnsMax + weights.count)
        let heavy = turns.count { $0 == 255 }, light = turns.count { $0 == 0 }
        #expect(light == 1 && (80...90).contains(heavy), "\(heavy)")
        #expect(SmoothTurns.turns(weights: weights.map { _ in 16 }).count == 10_000)
    }

    @Test func `nobody and nothing have no turns`() {
        #expect(SmoothTurns.turns(weights: []).isEmpty)
    }

    @Test func `several workers together keep the exact shares`() {
        let backend = backend(.roundRobin, weights: [3, 2, 1], workers: 4)
        let counts = (0..<3).map { _ in Gauge() }
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            for _ in 0..<3_000 {
                guard let server = backend.choose(by: worker) else { return }
                counts[backend.place(of: server)].increment()
            }
        }
        #expect(counts.map(\.current) == [6_000, 4_000, 2_000])
    }

    @Test func `a server to avoid is passed over while there is another`() {
        let three = backend(.roundRobin, weights: [1, 1, 1])
        #expect(three.choices(4, avoiding: three.servers[1]) == "acac")
        let uneven = backend(.roundRobin, weights: [256, 1])
        #expect(uneven.choices(3, avoiding: uneven.servers[0]) == "bbb")
        #expect(uneven.choices(3, avoiding: uneven.servers[1]) == "aaa")

        let two = backend(.roundRobin, weights: [1, 1])
        two.set(.down, of: 1)
        #expect(two.choices(2, avoiding: two.servers[0]) == "aa", "it is the last one")
        #expect(two.choices(2, avoiding: two.servers[1]) == "aa")
    }

    @Test func `the server to avoid is not chosen because other workers took all the other's turns`() {
        let backend = backend(.roundRobin, weights: [60, 1], workers: 4)
        let mistakes = Gauge()
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            for _ in 0..<5_000 {
                let avoided = worker < 3 ? backend.servers[0] : nil
                let server = backend.choose(avoiding: avoided, by: worker)
                if server == nil || server === avoided { mistakes.increment() }
            }
        }
        #expect(mistakes.current == 0)
    }

    @Test func `the counter may begin anywhere`() {
        let backend = backend(.roundRobin, weights: [1, 1, 1])
        backend.position.store(.max, ordering: .relaxed)
        #expect(backend.choices(4) == "aabc")
    }

    @Test(arguments: TurnCase.all)
    fileprivate func `the order is HAProxy's`(_ line: TurnCase) throws {
        let backend = backend(line.algorithm, weights: line.weights)
        #expect(backend.choices(line.turns.count) == line.turns)
    }

    @Test func `the table of orders is from a version of HAProxy`() {
        #expect(TurnCase.lines.first?.hasPrefix("HAProxy version 2.6") == true)
        #expect(TurnCase.all.count == 40)
    }
}

/// One line of `Corpus/turns.txt`: an algorithm, weights, and the server of each request.
private struct TurnCase: Sendable, CustomTestStringConvertible {
    let algorithm: BalanceLine
    let weights: [Int]
    let turns: String
    var testDescription: String { "\(algorithm.name) \(weights)" }

    static let lines = corpusLines("turns.txt")
    static let all = lines.dropFirst().map { line in
        let parts = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        return TurnCase(
            algorithm: parts[0] == "balance static-rr" ? BalanceLine(StaticRoundRobin.self, ()) : .roundRobin,
            weights: parts[1].split(separator: " ").compactMap { Int($0) }, turns: parts[2])
    }
}
