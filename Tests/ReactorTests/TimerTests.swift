// The timer queue, and the loop that runs tasks.

import Basics
import Chance
import KernelSimulation
import Reactor
import Testing

@Suite struct TimerQueueTests {
    private func at(_ nanoseconds: UInt64) -> Instant { Instant(nanoseconds: nanoseconds) }
    private func handle(_ index: UInt32) -> SlotHandle { SlotHandle(index: index, generation: 1) }

    @Test func `an empty queue waits for nothing`() {
        var queue = TimerQueue()
        #expect(queue.next == .never && queue.count == 0)
        #expect(queue.popDue(by: at(.max - 1)) == nil)
    }

    @Test func `entries come up in the order of their times, not of their coming`() {
        var queue = TimerQueue()
        var random = SeededRandom(seed: 1)
        let times = (0..<500).map { _ in UInt64(random.number(1...10_000)) }
        for (index, time) in times.enumerated() { queue.schedule(handle(UInt32(index)), at: at(time)) }
        #expect(queue.count == 500 && queue.next == at(times.min() ?? 0))

        var order: [UInt64] = []
        while let (handle, due) = queue.popDue(by: at(10_000)) {
            #expect(times[Int(handle.index)] == due.nanoseconds)
            order.append(due.nanoseconds)
        }
        #expect(order == times.sorted())
    }

    @Test func `what is not due stays`() {
        var queue = TimerQueue()
        queue.schedule(handle(1), at: at(10))
        queue.schedule(handle(2), at: at(20))
        #expect(queue.popDue(by: at(9)) == nil)
        #expect(queue.popDue(by: at(10))?.handle == handle(1), "due at its very time")
        #expect(queue.popDue(by: at(19)) == nil)
        #expect(queue.next == at(20))
    }

    @Test func `one owner may have several entries`() {
        var queue = TimerQueue()
        for time in [30, 10, 20] { queue.schedule(handle(7), at: at(UInt64(time))) }
        var order: [UInt64] = []
        while let (_, due) = queue.popDue(by: at(100)) { order.append(due.nanoseconds) }
        #expect(order == [10, 20, 30])
    }
}

@Suite struct TaskLoopTests {
    private let kernel = SimulatedKernel(seed: 1)
    private let loop: TaskLoop
    private var start: Instant { Instant(nanoseconds: 1_000_000_000) }

    init() { loop = TaskLoop(kernel: kernel) }

    /// Records its calls and performs a given action.
    private final class Note: LoopTask {
        var expirations: [UInt64] = []
        var readiness: [Readiness] = []
        var onExpiry: (TaskLoop) -> Void = { _ in }
        var onReady: (TaskLoop) -> Void = { _ in }

        func expired(in loop: TaskLoop) {
            expirations.append(loop.now.nanoseconds - 1_000_000_000)
            onExpiry(loop)
        }

        func ready(_ readiness: Readiness, in loop: TaskLoop) {
            self.readiness.append(readiness)
            onReady(loop)
        }
    }

    private func run(until nanoseconds: UInt64) {
        let end = start + TimeSpan(nanoseconds: nanoseconds)
        repeat { loop.runOnce(until: end) } while loop.now < end
    }

    private func after(_ nanoseconds: UInt64) -> Instant { start + TimeSpan(nanoseconds: nanoseconds) }

    @Test func `a deadline comes once, at its time`() {
        let note = Note()
        loop.setDeadline(after(50), of: loop.add(note))
        run(until: 49)
        #expect(note.expirations.isEmpty)
        run(until: 1_000)
        #expect(note.expirations == [50])
        #expect(loop.taskCount == 1, "the task itself stays")
    }

    @Test func `a deadline that was moved comes at its new time only`() {
        let (later, earlier, cleared) = (Note(), Note(), Note())
        let laterHandle = loop.add(later)
        let earlierHandle = loop.add(earlier)
        let clearedHandle = loop.add(cleared)
        for handle in [laterHandle, earlierHandle, clearedHandle] { loop.setDeadline(after(50), of: handle) }
        loop.setDeadline(after(80), of: laterHandle)
        loop.setDeadline(after(20), of: earlierHandle)
        loop.setDeadline(.never, of: clearedHandle)
        run(until: 1_000)
        #expect(later.expirations == [80] && earlier.expirations == [20] && cleared.expirations == [])
    }

    @Test func `a task sets its next deadline as it likes`() {
        let note = Note()
        let handle = loop.add(note)
        note.onExpiry = { loop in loop.setDeadline(loop.now + TimeSpan(nanoseconds: 10), of: handle) }
        loop.setDeadline(after(10), of: handle)
        run(until: 45)
        #expect(note.expirations == [10, 20, 30, 40])
    }

    @Test func `a removed task hears no more, though its slot has a new tenant`() {
        let (old, new) = (Note(), Note())
        let handle = loop.add(old)
        loop.setDeadline(after(10), of: handle)
        loop.remove(handle)
        _ = loop.add(new)
        run(until: 100)
        #expect(old.expirations.isEmpty && new.expirations.isEmpty)
    }

    @Test func `readiness reaches the task that watches`() {
        let note = Note()
        let wire = kernel.connectClient()
        guard case .connection(let socket, _) = kernel.accept(on: kernel.listener) else {
            Issue.record("nobody to accept")
            return
        }
        loop.watch(socket, for: .streaming, as: loop.add(note))
        kernel.peerSends([1, 2, 3], on: wire)
        loop.runOnce(until: loop.now)
        #expect(note.readiness == [[.readable, .writable]])
        loop.runOnce(until: loop.now)
        #expect(note.readiness.count == 1, "once each time it begins")
    }

    @Test func `a task removed by another one's turn is not called in the same batch`() {
        let (first, second) = (Note(), Note())
        let handles = [loop.add(first), loop.add(second)]
        first.onReady = { loop in loop.remove(handles[1]) }
        for handle in handles {
            _ = kernel.connectClient()
            guard case .connection(let socket, _) = kernel.accept(on: kernel.listener) else { return }
            loop.watch(socket, for: .streaming, as: handle)
        }
        loop.runOnce(until: loop.now)
        #expect(first.readiness.count == 1 && second.readiness.isEmpty)
    }

    @Test func `on the real kernel, time really passes`() throws {
        let loop = TaskLoop(kernel: try LinuxKernel())
        let note = Note()
        let due = loop.now + .milliseconds(5)
        loop.setDeadline(due, of: loop.add(note))
        while note.expirations.isEmpty { loop.runOnce() }
        #expect(Instant.now() >= due)
    }

    @Test func `a deadline for a task that is gone is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            let loop = TaskLoop(kernel: SimulatedKernel(seed: 1))
            let handle = loop.add(Note())
            loop.remove(handle)
            loop.setDeadline(.never, of: handle)
        }
    }
}
