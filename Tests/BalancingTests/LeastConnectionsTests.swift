// `balance leastconn`: the server with the fewest connections relative to its weight.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

@Suite struct LeastConnectionsTests {
    /// Chooses `count` times without releasing the chosen servers.
    private func load(_ backend: Backend, _ count: Int) -> [Int] {
        for _ in 0..<count { _ = backend.take() }
        return backend.servers.map(\.active.current)
    }

    @Test func `equals take turns`() {
        #expect(backend(.leastConnections, weights: [1, 1, 1]).choices(6) == "abcabc")
        #expect(backend(.leastConnections, weights: [5, 5]).choices(4) == "abab")
    }

    @Test func `the busier one is spared`() {
        let backend = backend(.leastConnections, weights: [1, 1, 1])
        backend.servers[0].active.increment()
        backend.servers[0].active.increment()
        backend.servers[2].active.increment()
        #expect(backend.choices(3) == "bbb")
        #expect(load(backend, 3) == [2, 2, 2])
        backend.servers[2].active.decrement()
        #expect(backend.choices(2) == "cc")
    }

    @Test(arguments: [
        ([1, 1], 10, [5, 5]), ([3, 2, 1], 6, [3, 2, 1]), ([3, 2, 1], 60, [30, 20, 10]), ([256, 1], 257, [256, 1]),
    ])
    func `requests under way are shared by weight`(_ weights: [Int], _ count: Int, _ shares: [Int]) {
        #expect(load(backend(.leastConnections, weights: weights), count) == shares)
    }

    @Test func `of idle servers the heavier one is first`() {
        #expect(backend(.leastConnections, weights: [1, 2, 1]).choices(4) == "bbbb")
    }

    @Test func `a server to avoid is passed over while there is another`() {
        let backend = backend(.leastConnections, weights: [1, 1])
        for _ in 0..<5 { backend.servers[1].active.increment() }
        #expect(backend.choices(2, avoiding: backend.servers[0]) == "bb", "however busy the other is")
        backend.set(.down, of: 1)
        #expect(backend.choices(2, avoiding: backend.servers[0]) == "aa", "it is the last one")
    }
}
