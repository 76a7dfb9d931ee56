// The simulated kernel keeps the guarantees that the program relies on, and is reproducible.

import Basics
import Chance
import KernelSimulation
import Reactor
import SystemPackage
import Testing

@Suite struct SimulatedKernelTests {
    private let pool = BufferPool()
    private let address = SocketAddress.ip(.loopbackV4, port: 8_000)

    /// Sends its bytes, a few at a time.
    private final class Talker: SimulatedPeer {
        let wire: Wire
        var left: [UInt8]
        init(_ wire: Wire, _ bytes: [UInt8]) {
            self.wire = wire
            left = bytes
        }

        func act(in kernel: SimulatedKernel) {
            let count = min(left.count, kernel.random.number(1...5))
            kernel.peerSends(left.prefix(count), on: wire)
            left.removeFirst(count)
            if left.isEmpty {
                kernel.peerFinishes(wire)
            } else {
                kernel.schedule(self, after: TimeSpan(nanoseconds: UInt64(kernel.random.number(1...1_000))))
            }
        }
    }

    /// Echoes what a talker sends; returns the bytes received and the fingerprint of the run.
    private func echo(seed: UInt64) -> (received: [UInt8], echoed: [UInt8], trace: UInt64) {
        let kernel = SimulatedKernel(seed: seed)
        let wire = kernel.connectClient()
        kernel.schedule(Talker(wire, Array("the same seed gives the same run".utf8)), after: .zero)
        guard case .connection(let socket, _) = kernel.accept(on: kernel.listener) else { return ([], [], 0) }
        kernel.watch(socket, for: .streaming, token: 1)

        var events: [Event] = []
        var received: [UInt8] = []
        var isOpen = true
        while isOpen {
            kernel.wait(until: .never, into: &events)
            reading: while true {
                var buffer = ByteBuffer()
                buffer.acquire(from: pool)
                let outcome = kernel.receive(socket, into: &buffer)
                received.append(buffer.readable)
                buffer.release(to: pool)
                switch outcome {
                case .bytes: continue
                case .wouldBlock: break reading
                case .endOfStream, .failed:
                    isOpen = false
                    break reading
                }
            }
        }
        var unsent = received[...]
        while !unsent.isEmpty {
            guard case .bytes(let n) = unsafe kernel.send(socket, Array(unsent).span.bytes, more: false) else { break }
            unsent.removeFirst(n)
        }
        kernel.close(socket, reset: false)
        return (received, wire.outbound, kernel.trace)
    }

    @Test func `the same seed gives the same run, another seed another one with the same bytes`() {
        let first = echo(seed: 7)
        let again = echo(seed: 7)
        let other = echo(seed: 8)
        #expect(first == again)
        #expect(first.trace != other.trace)
        for run in [first, other] { #expect(run.received == Array("the same seed gives the same run".utf8)) }
        #expect(first.received.starts(with: first.echoed))
    }

    @Test func `chance repeats itself`() {
        var (a, b, c) = (SeededRandom(seed: 1), SeededRandom(seed: 1), SeededRandom(seed: 2))
        let (first, second, third) = (
            (0..<50).map { _ in a.next() }, (0..<50).map { _ in b.next() }, (0..<50).map { _ in c.next() }
        )
        #expect(first == second && first != third)
    }

    @Test func `time stands still while anything can happen`() {
        let kernel = SimulatedKernel(seed: 1)
        let start = kernel.now
        var events: [Event] = []
        let wire = kernel.connectClient()
        kernel.watch(kernel.listener, for: .accepting, token: 1)
        kernel.wait(until: .never, into: &events)
        #expect(kernel.now == start && events.map(\.token) == [1], "a client waits")
        kernel.wait(until: .never, into: &events)
        #expect(events.map(\.token) == [1], "and is reported until it is accepted")
        _ = kernel.accept(on: kernel.listener)
        _ = wire

        kernel.wait(until: start + .seconds(3), into: &events)
        #expect(events.isEmpty && kernel.now == start + .seconds(3), "nobody is left: time jumps to the deadline")
    }

    @Test func `connecting ends in acceptance, refusal or an error at once`() {
        let kernel = SimulatedKernel(seed: 1)
        guard case .failed(.connectionRefused) = kernel.connect(to: address, from: nil) else {
            Issue.record("nobody listens there")
            return
        }
        kernel.servers[address] = { kernel, wire in
            kernel.refuse(wire)
            return true
        }
        guard case .started(let refused) = kernel.connect(to: address, from: nil) else { return }
        kernel.watch(refused, for: .streaming, token: 1)
        var events: [Event] = []
        kernel.wait(until: .never, into: &events)
        #expect(events.first?.readiness.contains(.broken) == true)
        #expect(kernel.connectError(refused) == .connectionRefused)
        kernel.close(refused, reset: true)

        kernel.servers[address] = { _, _ in false }
        guard case .failed(.networkUnreachable) = kernel.connect(to: address, from: nil) else {
            Issue.record("the server did not want it")
            return
        }
        #expect(kernel.openCount == 0, "what is closed or failed is not open")
    }

    @Test func `a reset comes after what was sent before it, an end likewise`() {
        let kernel = SimulatedKernel(seed: 1)
        for isReset in [true, false] {
            let wire = kernel.connectClient()
            guard case .connection(let socket, _) = kernel.accept(on: kernel.listener) else { return }
            kernel.peerSends([1, 2], on: wire)
            if isReset { kernel.peerResets(wire) } else { kernel.peerFinishes(wire) }
            kernel.peerSends([3], on: wire)
            var buffer = ByteBuffer()
            buffer.acquire(from: pool)
            let first = kernel.receive(socket, into: &buffer)
            let second = kernel.receive(socket, into: &buffer)
            buffer.release(to: pool)
            #expect(first == .bytes(2), "who has ended can say nothing more")
            #expect(second == (isReset ? .failed(.connectionReset) : .endOfStream))
            kernel.close(socket, reset: false)
        }
    }

    @Test func `a wire that another kernel adopts reports there, and not where it was`() {
        let network = SimulatedNetwork(seed: 1)
        let (before, after) = (SimulatedKernel(on: network), SimulatedKernel(on: network, listens: false))
        let wire = before.connectClient()
        guard case .connection(let socket, _) = before.accept(on: before.listener) else { return }
        before.watch(socket, for: .streaming, token: 1)
        #expect(before.isQuiet(socket))
        #expect(after.adopt(socket, from: before.watchSet, token: 2) == nil)
        before.peerSends([1], on: wire)

        var events: [Event] = []
        before.wait(until: before.now, into: &events)
        #expect(events.isEmpty)
        after.wait(until: after.now, into: &events)
        #expect(events.map(\.token) == [2] && events[0].readiness.contains(.readable))
        #expect(!after.isQuiet(socket))
        after.close(socket, reset: false)
        #expect(wire.weClosed && after.openCount == 0)
    }
}
