// One transport over a simulated descriptor: readiness is remembered until the system says otherwise, ends and failures stay.

import Basics
import KernelSimulation
import Reactor
import SystemPackage
import Testing
import Transport

@Suite struct TransportTests {
    private static func text(_ buffer: borrowing ByteBuffer) -> String {
        var bytes: [UInt8] = []
        for i in 0..<buffer.count { bytes.append(buffer.readable[i]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A transport to a simulated server, watched under token 7, and the wire's other end.
    private final class Line {
        let kernel = SimulatedKernel(seed: 7)
        let pool = BufferPool(blockBytes: 4_096)
        var wire: Wire!
        var transport: Transport
        var input = ByteBuffer()
        var output = ByteBuffer()
        var sent: UInt64 = 0

        init() {
            let address = SocketAddress.ip(.loopbackV4, port: 81)
            var found: Wire?
            kernel.servers[address] = { _, wire in
                found = wire
                return true
            }
            guard case .started(let socket) = kernel.connect(to: address, from: nil) else {
                preconditionFailure("the simulated server takes every connection")
            }
            kernel.watch(socket, for: .streaming, token: 7)
            transport = Transport(socket)
            wire = found
        }

        deinit {
            input.release(to: pool)
            output.release(to: pool)
        }

        /// Delivers what the kernel has to report.
        func turn() {
            var events: [Event] = []
            kernel.wait(until: kernel.now + .milliseconds(1), into: &events)
            for event in events { transport.note(event.readiness) }
        }

        // The macro that checks copies what it looks at, which a transport forbids.
        var hasEnded: Bool { transport.hasEnded }
        var hasFailed: Bool { transport.hasFailed }
        var failedForShortage: Bool { transport.failedForShortage }
        var readFailure: Errno? { transport.readFailure }
        var mayHaveInput: Bool { transport.mayHaveInput }
        var isFinishedSending: Bool { transport.isFinishedSending }
        func connectOutcome() -> Errno?? { transport.connectOutcome(kernel) }

        func read() -> ReadResult { transport.read(into: &input, pool, kernel) }
        func write(_ text: StaticString, more: Bool = false) -> WriteResult {
            output.acquire(from: pool)
            _ = output.append(text)
            return transport.write(&output, more: more, sent: &sent, pool, kernel)
        }
    }

    @Test func connectingHasAnOutcomeOnceTheDescriptorIsWritable() {
        let line = Line()
        #expect(line.connectOutcome() == nil)
        line.kernel.accept(line.wire)
        line.turn()
        #expect(line.connectOutcome() == .some(nil))

        let refused = Line()
        refused.kernel.refuse(refused.wire)
        refused.turn()
        #expect(refused.connectOutcome() == .some(.connectionRefused))
    }

    @Test func aBlockedReadHoldsNoBuffer() {
        let line = Line()
        line.kernel.accept(line.wire)
        line.turn()
        #expect(!line.mayHaveInput)
        #expect(line.read() == .blocked)
        line.transport.expectInput()
        #expect(line.read() == .blocked)
        #expect(line.pool.lent == 0)
    }

    @Test func bytesThenTheEnd() {
        let line = Line()
        line.kernel.accept(line.wire)
        line.kernel.peerSends(Array("hello".utf8), on: line.wire)
        line.kernel.peerFinishes(line.wire)
        line.turn()
        while line.input.count < 5 { #expect(line.read() == .progressed) }
        #expect(Self.text(line.input) == "hello")
        #expect(!line.hasEnded)
        #expect(line.read() == .ended)
        #expect(line.hasEnded)
        #expect(line.read() == .ended)
    }

    @Test func aResetIsRememberedAsAFailureOfReading() {
        let line = Line()
        line.kernel.accept(line.wire)
        line.kernel.peerResets(line.wire)
        line.turn()
        #expect(line.read() == .failed)
        #expect(line.readFailure == .connectionReset)
        #expect(line.hasFailed && !line.failedForShortage)
        #expect(line.read() == .failed)
    }

    @Test func writingCountsAndGivesTheBlockBack() {
        let line = Line()
        #expect(line.write("early") == .blocked)
        line.kernel.accept(line.wire)
        line.turn()
        var result = line.write("")
        while result == .blocked {
            _ = line.kernel.peerTakes(.max, from: line.wire)
            line.turn()
            result = line.write("")
        }
        #expect(result == .all)
        #expect(line.sent == 5)
        #expect(line.pool.lent == 0)
    }

    @Test func whatWasAnnouncedToGoOnLeavesWhenNothingFollows() {
        let line = Line()
        line.kernel.accept(line.wire)
        line.turn()
        var result = line.write("first ", more: true)
        while result == .blocked {
            line.turn()
            result = line.write("", more: true)
        }
        #expect(result == .all)
        #expect(line.kernel.peerTakes(.max, from: line.wire).isEmpty)
        line.transport.push(line.kernel)
        #expect(line.kernel.peerTakes(.max, from: line.wire) == Array("first ".utf8))
    }

    @Test func finishingIsSaidOnce() {
        let line = Line()
        line.kernel.accept(line.wire)
        line.turn()
        #expect(!line.isFinishedSending)
        line.transport.finishSending(line.kernel)
        line.transport.finishSending(line.kernel)
        #expect(line.isFinishedSending && line.wire.weFinished)
        line.transport.close(.close, line.kernel)
        #expect(line.kernel.openCount == 0)
    }
}
