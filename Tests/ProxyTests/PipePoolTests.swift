// The pipes of a worker: how many are lent, which come back, and which are closed.

import KernelSimulation
import Reactor
import Testing

@testable import Proxy

@Suite struct PipePoolTests {
    private let kernel = SimulatedKernel(seed: 1)

    @Test func `no more pipes are lent at a time than the limit says`() throws {
        var pool = PipePool(lentMost: 2)
        // The macro would need the pool twice at a time.
        let (one, two, three) = (pool.lend(kernel), pool.lend(kernel), pool.lend(kernel))
        let first = try #require(one)
        #expect(two != nil && three == nil)
        pool.giveBack(first)
        let again = pool.lend(kernel)
        #expect(again === first)
        var none = PipePool(lentMost: 0)
        let nothing = none.lend(kernel)
        #expect(nothing == nil)
    }

    @Test func `pipes that were not needed since the last look are closed, all of them when room is short`() throws {
        var pool = PipePool(lentMost: 10)
        let pipes = (0..<3).compactMap { _ in pool.lend(kernel) }
        for pipe in pipes { pool.giveBack(pipe) }
        // All three were in use since the last look.
        pool.trimUnused()
        let lent = pool.lend(kernel)
        pool.giveBack(try #require(lent))
        // Two have rested.
        pool.trimUnused()
        let (closed, more) = (pool.trim(), pool.trim())
        #expect(closed == 1 && more == 0)
    }
}
