// A ring's lines on their way to a server on the simulated kernel: each fault at its time, and no line in part.

import Basics
import KernelSimulation
import Reactor
import SystemPackage
import Testing

@testable import Logging

@Suite struct RingForwarderTests {
    @Test func `a server that refuses is tried again a second later, and has every line`() {
        let play = Play()
        play.reaction = .refuse
        play.append("one")
        play.run(for: 2_500)
        #expect(play.attempts == [0, 1_000, 2_000] && play.heard == [])
        play.reaction = .take
        play.append("two")
        play.run(for: 1_000)
        #expect(play.attempts == [0, 1_000, 2_000, 3_000] && play.heard == ["one\ntwo\n"])
        play.end()
    }

    @Test func `a server that never accepts is given up after its connect time-out`() {
        let play = Play()
        play.reaction = .ignore
        play.append("one")
        play.run(for: 4_500)
        #expect(play.attempts == [0, 2_000, 4_000], "one second to connect, one of pause")
        #expect(play.forwarder.discardUnsent() == 1)
        play.end()
    }

    @Test(arguments: 1...20) func `a line that a lost connection has not taken whole is sent again from its start`(
        _ seed: UInt64
    ) throws {
        let play = Play(seed: seed)
        play.reaction = .accept
        let lines = (100..<160).map { "\($0)" + String(repeating: "x", count: 996) + "\n" }
        for line in lines { play.append(String(line.dropLast())) }
        play.run(for: 100)
        let wire = try #require(play.wires.first)
        // Lines that the system has taken whole are done with, although the server has not read them.
        let taken = wire.outbound.count / 1_000
        #expect(taken < 60, "seed \(seed)")
        play.reaction = .take
        play.kernel.peerResets(wire)
        play.run(for: 3_000)
        #expect(play.heard == [lines[taken...].joined()], "seed \(seed)")
        play.end()
    }

    @Test func `a server that takes nothing is left after its send time-out`() {
        let play = Play(seed: 3)
        play.reaction = .accept
        let line = String(repeating: "x", count: 999)
        for _ in 0..<60 { play.append(line) }
        play.run(for: 4_900)
        #expect(play.attempts == [0])
        play.run(for: 1_200)
        #expect(play.attempts == [0, 6_000], "five seconds, and one of pause")
        play.end()
    }

    @Test func `what a server says is dropped, and its end is noticed without a line`() {
        let play = Play()
        play.reaction = .take
        play.append("one")
        play.run(for: 10)
        play.say(String(repeating: "thank you ", count: 10_000))
        play.run(for: 10)
        #expect(play.kernel.openCount == 1)
        play.finishAll()
        play.run(for: 10)
        #expect(play.kernel.openCount == 0 && play.attempts == [0])
        play.append("two")
        play.run(for: 1_100)
        #expect(play.heard == ["one\n", "two\n"])
        play.end()
    }

    @Test(arguments: 1...20) func `no seed loses a line or sends one twice while connections stand`(_ seed: UInt64) {
        let play = Play(seed: seed)
        play.kernel.moods.falseAlarm = 50
        play.kernel.moods.shortOfMemory = 100
        play.kernel.moods.shortOfWatches = 300
        play.reaction = .take
        for number in 0..<300 {
            play.append("line \(number)")
            if number.isMultiple(of: 10) { play.run(for: 3) }
        }
        play.run(for: 30_000)
        #expect(play.heard.joined() == (0..<300).map { "line \($0)\n" }.joined(), "seed \(seed)")
        play.end()
    }
}

/// A ring, its forwarder, and a server.
private final class Play {
    enum Reaction { case refuse, ignore, accept, take }

    let kernel: SimulatedKernel
    let loop: TaskLoop
    let pool = BufferPool()
    let ring: EventRing
    let forwarder: RingForwarder
    var reaction = Reaction.take
    /// When connections were begun, in milliseconds.
    private(set) var attempts: [UInt64] = []
    /// All connections, and what reads from those that are read.
    private(set) var wires: [Wire] = []
    private var readers: [Reader] = []
    private let start: Instant

    init(seed: UInt64 = 1) {
        kernel = SimulatedKernel(seed: seed)
        start = kernel.now
        loop = TaskLoop(kernel: kernel)
        let address = SocketAddress.ip(.loopbackV4, port: 514)
        ring = EventRing(name: "r", description: "r", capacity: 1 << 17, servers: [RingServer(address: address)])
        forwarder = RingForwarder(ring, server: 0, pool: pool, in: loop)
        kernel.servers[address] = { [unowned self] kernel, wire in
            attempts.append(kernel.now.since(start).wholeMilliseconds)
            wires.append(wire)
            switch reaction {
            case .refuse: kernel.refuse(wire)
            case .ignore: break
            case .accept: kernel.accept(wire)
            case .take:
                kernel.accept(wire)
                let reader = Reader(wire)
                readers.append(reader)
                kernel.schedule(reader, after: .zero)
            }
            return true
        }
    }

    /// What each connection has brought.
    var heard: [String] { readers.map { String(decoding: $0.heard, as: UTF8.self) } }

    func append(_ line: String) {
        let fits = ring.append(Array(line.utf8)[...])
        precondition(fits)
    }

    func say(_ text: String) { for reader in readers { kernel.peerSends(text.utf8, on: reader.wire) } }
    func finishAll() { for reader in readers { kernel.peerFinishes(reader.wire) } }

    /// Lets time pass as the logger thread does.
    func run(for milliseconds: UInt64) {
        let end = kernel.now + .milliseconds(milliseconds)
        while kernel.now < end {
            let wake = forwarder.step(at: loop.now)
            loop.runOnce(until: min(wake, end))
        }
        _ = forwarder.step(at: loop.now)
    }

    func end() {
        forwarder.disconnect()
        #expect(loop.taskCount == 0 && kernel.openCount == 0 && pool.lent == 0)
    }

    private final class Reader: SimulatedPeer {
        let wire: Wire
        private(set) var heard: [UInt8] = []

        init(_ wire: Wire) { self.wire = wire }

        func act(in kernel: SimulatedKernel) {
            heard += kernel.peerTakes(.max, from: wire)
            if wire.weClosed && wire.outbound.isEmpty { return }
            kernel.schedule(self, after: .milliseconds(1))
        }
    }
}
