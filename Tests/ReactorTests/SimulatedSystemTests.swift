// Several simulated threads: whose turn it is, what ends a wait, and what they share.

import Basics
import KernelSimulation
import Reactor
import Testing

/// A thread that notes when it had its turns and what they brought.
private final class Sleeper: SimulatedThread {
    let kernel: SimulatedKernel
    let name: Character
    let diary: Diary
    /// How long each of its waits may last.
    var patience = TimeSpan.forever
    private(set) var turns: [Instant] = []
    private(set) var events: [Event] = []
    var isFinished = false

    init(_ name: Character, on network: SimulatedNetwork, _ diary: Diary) {
        kernel = SimulatedKernel(on: network)
        self.name = name
        self.diary = diary
    }

    func turn() {
        var ready: [Event] = []
        kernel.wait(until: kernel.now + patience, into: &ready)
        turns.append(kernel.now)
        events += ready
        diary.text.append(name)
    }
}

private final class Diary {
    var text = ""
}

/// Does something once.
private final class Deed: SimulatedPeer {
    let body: (SimulatedKernel) -> Void
    init(_ body: @escaping (SimulatedKernel) -> Void) { self.body = body }
    func act(in kernel: SimulatedKernel) { body(kernel) }
}

@Suite struct SimulatedSystemTests {
    private let pool = BufferPool()

    private func later(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 1_000_000_000) + .seconds(seconds) }

    @Test func `a thread that waits has no turn until its wakeup is called`() {
        let network = SimulatedNetwork(seed: 1)
        let sleeper = Sleeper("a", on: network, Diary())
        let system = SimulatedSystem(network, [sleeper])
        for second in 1...9 as ClosedRange<UInt64> {
            sleeper.kernel.schedule(
                Deed { _ in if second == 5 { sleeper.kernel.wakeup.wake() } }, after: .seconds(second))
        }
        while network.peersLeft > 0 { system.step() }
        // The first turn finds that there is nothing; the wakeup ends that wait, and the next turn finds nothing again.
        #expect(sleeper.turns == [later(0), later(5), later(5)])
    }

    @Test func `a thread has a turn when its deadline has come, whatever the others do`() {
        let network = SimulatedNetwork(seed: 1)
        let diary = Diary()
        let threads = [Sleeper("a", on: network, diary), Sleeper("b", on: network, diary)]
        threads[0].patience = .seconds(3)
        let system = SimulatedSystem(network, threads)
        while network.now < later(7) { system.step(until: later(7)) }
        #expect(Set(threads[0].turns) == [later(0), later(3), later(6)])
        #expect(Set(threads[1].turns) == [later(0)])
    }

    @Test func `the same seed gives the same order of turns, another seed another`() {
        func order(_ seed: UInt64) -> String {
            let network = SimulatedNetwork(seed: seed)
            let diary = Diary()
            let threads = "abc".map { Sleeper($0, on: network, diary) }
            for thread in threads { thread.patience = .milliseconds(1) }
            let system = SimulatedSystem(network, threads)
            for _ in 0..<300 { system.step() }
            return diary.text
        }
        #expect(order(1) == order(1))
        #expect(order(1) != order(2))
        #expect(Set(order(1)) == ["a", "b", "c"])
    }

    @Test func `clients are shared out among the kernels that listen`() {
        let network = SimulatedNetwork(seed: 3)
        let kernels = (0..<3).map { _ in SimulatedKernel(on: network) }
        kernels[1].close(kernels[1].listener, reset: false)
        for _ in 0..<100 { _ = network.connectClient() }
        let accepted = kernels.map { kernel in
            var count = 0
            if kernel === kernels[1] { return 0 }
            while case .connection = kernel.accept(on: kernel.listener) { count += 1 }
            return count
        }
        #expect(accepted[0] + accepted[2] == 100)
        #expect(accepted[0] > 20 && accepted[2] > 20)
    }

    @Test func `a connection that goes to another thread is reported there, with what is already in it`() {
        let network = SimulatedNetwork(seed: 4)
        let threads = [Sleeper("a", on: network, Diary()), Sleeper("b", on: network, Diary())]
        let wire = threads[0].kernel.connectClient()
        guard case .connection(let socket, _) = threads[0].kernel.accept(on: threads[0].kernel.listener) else {
            Issue.record("nothing to accept")
            return
        }
        threads[0].kernel.watch(socket, for: .streaming, token: 1)
        threads[0].kernel.peerSends("early".utf8, on: wire)
        threads[0].kernel.unwatch(socket)
        threads[1].kernel.watch(socket, for: .streaming, token: 2)
        let system = SimulatedSystem(network, threads)
        system.step()
        while threads.contains(where: { $0.turns.isEmpty }) { system.step() }
        #expect(threads[0].events.isEmpty)
        #expect(threads[1].events.map(\.token) == [2])
        #expect(threads[1].events.first?.readiness.contains(.readable) == true)
        // What comes later is reported there too.
        threads[0].kernel.peerSends("late".utf8, on: wire)
        while threads[1].events.count < 2 { system.step() }
        #expect(threads[0].events.isEmpty)
    }

    @Test func `what is watched for reading is reported as long as there is something to read`() {
        let network = SimulatedNetwork(seed: 5)
        let thread = Sleeper("a", on: network, Diary())
        let wire = thread.kernel.connectClient()
        guard case .connection(let socket, _) = thread.kernel.accept(on: thread.kernel.listener) else {
            Issue.record("nothing to accept")
            return
        }
        thread.kernel.watch(socket, for: .reading, token: 7)
        thread.kernel.peerSends("three turns".utf8, on: wire)
        let system = SimulatedSystem(network, [thread])
        for _ in 0..<3 { system.step() }
        #expect(thread.events.count == 3)
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        #expect(thread.kernel.receive(socket, into: &buffer) == .bytes(11))
        buffer.release(to: pool)
        thread.kernel.schedule(Deed { _ in }, after: .seconds(1))
        while network.peersLeft > 0 { system.step() }
        #expect(thread.events.count == 3)
    }
}
