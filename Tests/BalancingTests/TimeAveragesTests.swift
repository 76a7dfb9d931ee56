// Average times of recent requests.

import Balancing
import Basics
import Testing

@Suite struct TimeAveragesTests {
    private func backend(workers: Int = 1) -> Backend {
        Backend(
            name: "app", roster: Roster(servers: [], algorithm: .roundRobin, usesAllBackups: false), workers: workers,
            now: Instant(nanoseconds: 0))
    }

    private func times(_ total: UInt64) -> ExchangeTimes {
        var times = ExchangeTimes()
        times.queue = total / 10
        times.connect = total / 5
        times.response = total / 2
        times.total = total
        return times
    }

    @Test func `before there were requests there is no average`() {
        #expect(backend().averageTimes == AverageTimes())
    }

    @Test func `the first requests are averaged alike`() {
        let backend = backend()
        for total in [10, 20, 30] as [UInt64] { backend.count(times(total), worker: 0) }
        var expected = AverageTimes()
        (expected.queue, expected.connect, expected.response, expected.total) = (2, 4, 10, 20)
        #expect(backend.averageTimes == expected)
        // As in HAProxy, a fraction of a millisecond is rounded up.
        backend.count(times(21), worker: 0)
        #expect(backend.averageTimes.total == 21)
    }

    @Test func `slow requests of an hour ago are forgotten`() {
        let backend = backend()
        for _ in 0..<5_000 { backend.count(times(1_000), worker: 0) }
        #expect(backend.averageTimes.total == 1_000)
        for _ in 0..<512 { backend.count(times(10), worker: 0) }
        #expect((200...500).contains(backend.averageTimes.total))
        for _ in 0..<5_000 { backend.count(times(10), worker: 0) }
        #expect((10...11).contains(backend.averageTimes.total))
    }

    @Test func `a worker that has been idle for long does not hold the average back`() {
        let backend = backend(workers: 2)
        for _ in 0..<2_000 { backend.count(times(1_000), worker: 1) }
        for _ in 0..<5_000 { backend.count(times(10), worker: 0) }
        #expect((10...11).contains(backend.averageTimes.total))
    }

    @Test func `the longest is kept, over all workers`() {
        let backend = backend(workers: 2)
        backend.count(times(100), worker: 0)
        backend.count(times(900), worker: 1)
        for _ in 0..<3_000 { backend.count(times(10), worker: 0) }
        #expect(backend.traffic.most(.totalMax) == 900)
        #expect(backend.traffic.most(.queueMax) == 90)
    }

    @Test func `the last session is the last of any worker`() {
        let backend = backend(workers: 2)
        func moment(_ second: UInt64) -> Instant { Instant(nanoseconds: second * 1_000_000_000) }
        #expect(backend.traffic.lastSessionAge(at: moment(50)) == nil)
        backend.traffic.row(0).noteSession(at: moment(0))
        #expect(backend.traffic.lastSessionAge(at: moment(7)) == .seconds(7))
        backend.traffic.row(1).noteSession(at: moment(40))
        backend.traffic.row(0).noteSession(at: moment(30))
        #expect(backend.traffic.lastSessionAge(at: moment(50)) == .seconds(10))
    }
}
