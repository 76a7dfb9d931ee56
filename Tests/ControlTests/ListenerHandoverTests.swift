// Listening sockets on their way to another process: whole, acknowledged, and to a peer that does not keep to the protocol.

import Admin
import Basics
import Foundation
import Glibc
import Synchronization
import Testing
import Transport

@testable import Control
@testable import Reactor

@Suite struct ListenerHandoverTests {
    /// Drives one handover over one end of a socket pair, as a runtime connection does.
    private final class Driver: LoopTask {
        var handover: ListenerHandover
        var stream: ByteStream?
        private(set) var progress = ListenerHandover.Progress.waiting

        init(_ listeners: ExposedListeners) { handover = ListenerHandover(listeners) }

        func ready(_ readiness: Readiness, in loop: TaskLoop) {
            stream?.note(readiness)
            go(in: loop)
        }

        func go(in loop: TaskLoop) {
            if progress == .waiting { progress = handover.advance(&stream, loop.kernel) }
        }

        func expired(in loop: TaskLoop) {}
    }

    private let loop: TaskLoop
    private let shared = SharedSockets()
    private let listener: Socket
    private let other: Socket
    private let own: Socket

    init() throws {
        loop = TaskLoop(kernel: try LinuxKernel())
        var options = ListenOptions()
        options.sharesPort = false
        listener = try ListeningSocket.open(.ip(.loopbackV4, port: 0), options)
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let isPaired = unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0
        own = Socket(ends[0])
        other = Socket(ends[1])
        try #require(isPaired)
    }

    private func begin(_ sockets: [HandedSocket]) throws -> Driver {
        let driver = Driver(ExposedListeners(sockets, shared: shared))
        driver.stream = try ByteStream(own, pool: BufferPool(), as: loop.add(driver), in: loop)
        driver.go(in: loop)
        return driver
    }

    private func run(_ driver: Driver, until isOver: () -> Bool = { false }) {
        let deadline = Instant.now() + .seconds(60)
        while driver.progress == .waiting, !isOver(), Instant.now() < deadline {
            loop.runOnce(until: .now() + .milliseconds(10))
        }
    }

    private func end(_ driver: Driver) {
        driver.stream?.close(.close, loop.kernel)
        driver.stream = nil
        ListeningSocket.close(listener)
    }

    @Test(arguments: [0, 1, 252, 253, 504])
    func `all sockets reach a process that asks, whatever their number, and are shared`(_ count: Int) throws {
        var sockets: [HandedSocket] = []
        for number in 0..<count { sockets.append(HandedSocket(listener, namespace: "n\(number)", interface: "lo")) }
        let other = other
        let got = Mutex<Result<[HandedSocket], HandoverFault>?>(nil)
        let asking = DispatchQueue(label: "asking")
        asking.async {
            let result: Result<[HandedSocket], HandoverFault>
            do throws(HandoverFault) {
                result = .success(try ListenerRequest.sockets(over: other, patience: .seconds(60)))
            } catch {
                result = .failure(error)
            }
            got.withLock { $0 = result }
        }
        try takeLine()
        let driver = try begin(sockets)
        run(driver)
        #expect(driver.progress == .done(count: count))
        asking.sync {}
        let received = try #require(got.withLock { $0 }).get()
        #expect(received.map(\.namespace) == sockets.map(\.namespace))
        let address = loop.kernel.localAddress(listener)
        #expect(received.allSatisfy { loop.kernel.localAddress($0.socket) == address })
        #expect(shared.contains(listener) == (count > 0))
        for handed in received { ListeningSocket.close(handed.socket) }
        end(driver)
    }

    /// Reads what the other side says first, byte by byte.
    private func takeLine() throws {
        let deadline = Instant.now() + .seconds(60)
        var said: [UInt8] = []
        while said.last != 0x0A {
            try #require(Instant.now() < deadline)
            said += DescriptorPassing.receive(atMost: 1, descriptors: 0, over: own).bytes
        }
        #expect(said == Array("_getsocks\n".utf8))
    }

    @Test func `the next message waits until the one before is acknowledged, in four bytes however they come`() throws {
        let driver = try begin([HandedSocket](repeating: HandedSocket(listener), count: 253))
        /// How many bytes and sockets have come.
        func receive() -> [Int] {
            let next = DescriptorPassing.receive(atMost: 10_000, descriptors: 252, over: other)
            for socket in next.sockets { ListeningSocket.close(socket) }
            return [next.bytes.count, next.sockets.count]
        }
        #expect(DescriptorPassing.receive(atMost: 4, descriptors: 0, over: other).bytes == ListenerMessages.word(253))
        #expect(receive() == [252 * 6, 252])
        for byte: UInt8 in 1...3 {
            _ = DescriptorPassing.send([byte], [], over: other)
            loop.runOnce(until: .now() + .milliseconds(10))
            #expect(receive() == [0, 0])
        }
        _ = DescriptorPassing.send([4], [], over: other)
        var last = [0, 0]
        run(driver) {
            last = receive()
            return last != [0, 0]
        }
        #expect(last == [6, 1] && driver.progress == .waiting)
        _ = DescriptorPassing.send([0, 0, 0, 0], [], over: other)
        run(driver)
        #expect(driver.progress == .done(count: 253))
        ListeningSocket.close(other)
        end(driver)
    }

    @Test func `a process that goes away in between ends it`() throws {
        let driver = try begin([HandedSocket(listener)])
        ListeningSocket.close(other)
        run(driver)
        guard case .failed = driver.progress else {
            Issue.record("\(driver.progress)")
            return
        }
        end(driver)
    }

    @Test func `a name too long for its length is left out`() {
        let long = HandedSocket(listener, namespace: String(repeating: "x", count: 300))
        #expect(ExposedListeners([long, HandedSocket(listener)]).sockets.count == 1)
    }
}
