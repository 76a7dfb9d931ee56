// `balance first`: servers fill one after the other, by their numbers.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

@Suite struct FirstServerTests {
    private let line = BalanceLine(FirstServer.self, ())

    @Test func `each server is filled before the next one gets anything`() {
        let backend = backend(line, weights: [1, 9, 1], limit: 2)
        #expect((0..<7).map { _ in backend.take().text } == ["a", "a", "b", "b", "c", "c", "full "])
        backend.release(backend.servers[0], by: 0)
        #expect(backend.choices(2) == "aa")
    }

    @Test func `the order is that of the ids`() {
        let backend = backend(line, weights: [1, 1, 1], ids: [30, 4, 17], limit: 1)
        #expect((0..<3).map { _ in backend.take().text } == ["b", "c", "a"])
    }

    @Test func `without a limit the first one gets everything, until it is gone or has failed`() {
        let backend = backend(line, weights: [1, 1])
        for _ in 0..<100 { _ = backend.take() }
        #expect(backend.servers.map(\.active.current) == [100, 0])
        #expect(backend.choices(2, avoiding: backend.servers[0]) == "bb")
        backend.set(.down, of: 0)
        #expect(backend.choices(2) == "bb")
    }
}
