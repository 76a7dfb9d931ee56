// The Linux kernel on real sockets: every outcome that the data path distinguishes.

import Basics
import Foundation
import Glibc
import Reactor
import SystemPackage
import Testing

@Suite struct LinuxKernelTests {
    private let watched: Watched

    init() throws { watched = try Watched() }
    private var kernel: LinuxKernel { watched.kernel }

    // MARK: Connecting

    @Test func `a client is accepted under the address it has itself`() throws {
        let (listener, address) = try watched.listen()
        guard case .wouldBlock = kernel.accept(on: listener) else { throw Surprise("somebody was there already") }
        let client = try watched.connect(to: address)
        let (server, from) = try watched.accept(on: listener)
        #expect(from == kernel.localAddress(client))
        #expect(kernel.localAddress(server) == address)
        #expect(kernel.connectError(client) == nil)
        guard case .wouldBlock = kernel.accept(on: listener) else { throw Surprise("a second one came") }
    }

    @Test func `a waiting connection is reported until it is accepted`() throws {
        let (listener, address) = try watched.listen()
        kernel.watch(listener, for: .accepting, token: 7)
        #expect(watched.seesNow(on: 7) == [])
        _ = try watched.connect(to: address)
        #expect(watched.sees(.readable, on: 7))
        #expect(watched.seesNow(on: 7) == .readable, "still waiting")
        guard case .connection(let server, _) = kernel.accept(on: listener) else { throw Surprise("gone") }
        _ = watched.own(server)
        #expect(watched.seesNow(on: 7) == [])

        kernel.unwatch(listener)
        _ = try watched.connect(to: address)
        #expect(watched.seesNow(on: 7) == [], "nobody watches any more")
    }

    @Test func `a connection carries its marks from the first packet on`() throws {
        let (listener, address) = try watched.listen()
        guard
            case .started(let client) = kernel.connect(
                to: address, from: nil, marks: SocketMarks(typeOfService: 0x10), options: nil)
        else { throw Surprise("not started") }
        _ = watched.own(client)
        _ = try watched.accept(on: listener)
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        #expect(unsafe getsockopt(client.number, Int32(IPPROTO_IP), IP_TOS, &value, &length) == 0)
        #expect(value == 0x10)
    }

    @Test func `what the system measures of a connection is that of TCP, or nothing`() throws {
        let (listener, address) = try watched.listen()
        let client = try watched.connect(to: address)
        _ = try watched.accept(on: listener)
        let measures = try #require(kernel.measure(client))
        #expect(measures.roundTripMicroseconds > 0 && measures.reordering > 0)
        let folder = try Folder()
        let (_, path) = try watched.listen(.path(folder.path + "/socket"))
        #expect(kernel.measure(try watched.connect(to: path)) == nil)
    }

    @Test func `a refused connection says so, at once or later`() throws {
        let (listener, address) = try watched.listen()
        watched.close(listener)
        switch kernel.connect(to: address, from: nil) {
        case .failed(let reason): #expect(reason == .connectionRefused)
        case .started(let socket):
            _ = watched.own(socket)
            kernel.watch(socket, for: .streaming, token: 3)
            #expect(watched.sees(.broken, on: 3))
            #expect(kernel.connectError(socket) == .connectionRefused)
        }
    }

    @Test func `a socket file that is not there fails at once`() throws {
        let folder = try Folder()
        guard case .failed(let reason) = kernel.connect(to: .path(folder.path + "/none"), from: nil) else {
            throw Surprise("connected to nothing")
        }
        #expect(reason == .noSuchFileOrDirectory)
    }

    @Test func `a connection comes from the source it was given, or not at all`() throws {
        let (listener, address) = try watched.listen()
        let source = SocketAddress.ip(.v4(0x7F00_0005), port: 0)
        _ = try watched.connect(to: address, from: source)
        #expect(try watched.accept(on: listener).from.ip == .v4(0x7F00_0005))

        // An address of a network reserved for documentation, which no machine has.
        guard case .failed(let reason) = kernel.connect(to: address, from: .ip(.v4(0xC000_0201), port: 0)) else {
            throw Surprise("came from elsewhere")
        }
        #expect(reason == .addressNotAvailable)
    }

    @Test func `without descriptors accepting says that they are exhausted`() async {
        // In a process of its own, because the limit applies to the whole process.
        await #expect(processExitsWith: .success) {
            let watched = try Watched()
            let (listener, address) = try watched.listen()
            _ = try watched.connect(to: address)
            watched.kernel.watch(listener, for: .accepting, token: 1)
            #expect(watched.sees(.readable, on: 1))
            var limit = rlimit(rlim_cur: 0, rlim_max: 4_096)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            guard case .exhausted(let reason) = watched.kernel.accept(on: listener) else { exit(1) }
            exit(reason == .tooManyOpenFiles ? 0 : 1)
        }
    }

    // MARK: Data

    @Test func `bytes arrive, then there is nothing, then the end`() throws {
        let (client, server) = try watched.pair()
        #expect(watched.receive(server).0 == .wouldBlock)
        #expect(watched.send("hello", on: client) == .bytes(5))
        #expect(watched.sees(.readable, on: 2))
        #expect(watched.receive(server) == (.bytes(5), "hello"))
        #expect(watched.receive(server).0 == .wouldBlock)

        watched.close(client)
        #expect(watched.sees([.readable, .peerFinished], on: 2))
        #expect(watched.receive(server).0 == .endOfStream)
        #expect(watched.receive(server).0 == .endOfStream, "and it stays the end")
    }

    @Test func `a buffer takes no more than its room, the rest waits`() throws {
        let (client, server) = try watched.pair()
        _ = watched.send(String(repeating: "x", count: 100), on: client)
        #expect(watched.sees(.readable, on: 2))
        let pool = BufferPool(blockBytes: 64)
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        let first = kernel.receive(server, into: &buffer)
        buffer.consume(64)
        let second = kernel.receive(server, into: &buffer)
        #expect(first == .bytes(64) && second == .bytes(36))
        buffer.release(to: pool)
    }

    @Test func `one side may finish and still listen`() throws {
        let (client, server) = try watched.pair()
        _ = watched.send("question", on: client)
        kernel.finishSending(client)
        #expect(watched.sees([.readable, .peerFinished], on: 2))
        #expect(watched.receive(server) == (.bytes(8), "question"))
        #expect(watched.receive(server).0 == .endOfStream)
        #expect(watched.send("answer", on: server) == .bytes(6))
        #expect(watched.sees(.readable, on: 1))
        #expect(watched.receive(client) == (.bytes(6), "answer"))
    }

    @Test func `a reset is a failure for both reading and writing, and no signal`() throws {
        let (client, server) = try watched.pair()
        watched.close(client, reset: true)
        #expect(watched.sees(.broken, on: 2))
        #expect(watched.receive(server).0 == .failed(.connectionReset))
        #expect(watched.send("x", on: server) == .failed(.brokenPipe))
        kernel.finishSending(server)
    }

    @Test func `readiness is reported once each time it begins`() throws {
        let (client, server) = try watched.pair()
        _ = watched.send("a", on: client)
        #expect(watched.sees(.readable, on: 2))
        #expect(watched.seesNow(on: 2) == [], "unread, but known")
        _ = watched.send("b", on: client)
        #expect(watched.sees(.readable, on: 2), "something new")
        #expect(watched.receive(server) == (.bytes(2), "ab"))
    }

    @Test func `a full connection takes no more until the peer has read`() throws {
        let (client, server) = try watched.pair()
        let block = String(repeating: "x", count: 65_536)
        var sent = 0
        var last = Sent.bytes(0)
        while case .bytes(let n) = last {
            sent += n
            last = watched.send(block, on: client)
        }
        #expect(last == .wouldBlock && sent > 0)

        var received = 0
        while received < sent {
            guard case (.bytes(let n), _) = watched.receive(server) else {
                #expect(watched.sees(.readable, on: 2))
                continue
            }
            received += n
        }
        #expect(received == sent)
        #expect(watched.sees(.writable, on: 1))
        #expect(watched.send("more", on: client) == .bytes(4))
    }

    @Test func `sending nothing sends nothing`() throws {
        let (client, server) = try watched.pair()
        #expect(watched.send("", on: client) == .bytes(0))
        #expect(watched.receive(server).0 == .wouldBlock)
    }

    @Test func `a file goes out from any offset, and its end is no bytes`() throws {
        let (client, server) = try watched.pair()
        let folder = try Folder()
        try Data("0123456789".utf8).write(to: URL(filePath: folder.path + "/f"))
        let file = unsafe open(folder.path + "/f", O_RDONLY)
        defer { close(file) }

        #expect(kernel.sendFile(client, file: file, offset: 2, count: 3) == .bytes(3))
        #expect(kernel.sendFile(client, file: file, offset: 8, count: 100) == .bytes(2))
        #expect(kernel.sendFile(client, file: file, offset: 10, count: 100) == .bytes(0))
        var text = ""
        while text.count < 5, watched.sees(.readable, on: 2) { text += watched.receive(server).1 }
        #expect(text == "23489")
    }

    @Test func `a file for somebody who has gone is a failure`() throws {
        SystemProcess.ignoreBrokenPipes()
        let (client, server) = try watched.pair()
        let folder = try Folder()
        try Data("0123456789".utf8).write(to: URL(filePath: folder.path + "/f"))
        let file = unsafe open(folder.path + "/f", O_RDONLY)
        defer { close(file) }
        watched.close(server, reset: true)
        #expect(watched.sees(.broken, on: 1))
        // The reset itself first, then the pipe it broke.
        #expect(kernel.connectError(client) == .connectionReset)
        #expect(kernel.sendFile(client, file: file, offset: 0, count: 10) == .failed(.brokenPipe))
    }

    // MARK: Waiting

    @Test func `a wait lasts until its deadline and not longer than needed`() {
        var events = [Event(token: 1, readiness: .readable)]
        kernel.refreshClock()
        let deadline = kernel.now + .milliseconds(20)
        kernel.wait(until: deadline, into: &events)
        #expect(events.isEmpty, "what was in the list before is gone")
        #expect(Instant.now() >= deadline && kernel.now >= deadline)

        let before = Instant.now()
        kernel.wait(until: before, into: &events)
        kernel.wait(until: Instant(nanoseconds: 0), into: &events)
        #expect(Instant.now().since(before) < .seconds(60), "a deadline that has passed is not waited for")
    }

    @Test func `another thread ends a wait that would last for ever`() {
        let wakeup = kernel.wakeup
        let thread = Thread(name: "wakeup") { wakeup.wake() }
        var events: [Event] = []
        kernel.wait(until: .never, into: &events)
        #expect(events.isEmpty, "a wake-up is no event")
        thread.join()
    }

    @Test func `a wake-up before the wait is not lost, and many are one`() {
        for _ in 0..<3 { kernel.wakeup.wake() }
        var events: [Event] = []
        kernel.wait(until: .never, into: &events)
        kernel.refreshClock()
        let deadline = kernel.now + .milliseconds(5)
        kernel.wait(until: deadline, into: &events)
        #expect(kernel.now >= deadline, "the second wait had nothing to wake it")
    }

    // MARK: From one thread to another

    @Test func `an adopted socket reports to its new thread only, first what it is ready for already`() throws {
        let (before, after) = (try Watched(), try Watched())
        let (client, server) = try before.pair()

        #expect(after.kernel.adopt(server, from: before.kernel.watchSet, token: 7) == nil)
        #expect(after.sees(.writable, on: 7))
        #expect(before.send("hello", on: client) == .bytes(5))
        #expect(after.sees(.readable, on: 7))
        #expect(before.seesNow(on: 2).isEmpty)
    }

    @Test func `a watch set outlives the kernel that watched with it`() throws {
        let (sockets, after) = (try Watched(), try Watched())
        let (client, server) = try sockets.pair()
        var gone: LinuxKernel? = try LinuxKernel()
        gone?.watch(server, for: .streaming, token: 6)
        let set = try #require(gone?.watchSet)
        gone = nil

        #expect(after.kernel.adopt(server, from: set, token: 7) == nil)
        #expect(sockets.send("hello", on: client) == .bytes(5))
        #expect(after.sees(.readable, on: 7))
    }

    @Test func `a connection is quiet until there is a byte, an end or a failure to read, and looking takes nothing`()
        throws
    {
        for ending in ["byte", "end", "reset"] {
            let watched = try Watched()
            let (client, server) = try watched.pair()
            #expect(watched.kernel.isQuiet(server))
            switch ending {
            case "byte": #expect(watched.send("x", on: client) == .bytes(1))
            case "end": watched.kernel.finishSending(client)
            default: watched.close(client, reset: true)
            }
            #expect(watched.sees(.readable, on: 2))
            #expect(!watched.kernel.isQuiet(server), "\(ending)")
            if ending == "byte" { #expect(watched.receive(server) == (.bytes(1), "x")) }
        }
    }

    // MARK: Bugs that trap

    @Test func `closing twice is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            let watched = try Watched()
            let (listener, _) = try watched.listen()
            watched.kernel.close(listener, reset: false)
            watched.kernel.close(listener, reset: false)
        }
    }

    @Test func `reading without room is our own mistake, not the end of the stream`() async {
        await #expect(processExitsWith: .failure) {
            let watched = try Watched()
            let (client, _) = try watched.pair()
            var buffer = ByteBuffer()
            _ = watched.kernel.receive(client, into: &buffer)
        }
    }

    @Test func `accepting on what does not listen is our own mistake`() async {
        await #expect(processExitsWith: .failure) { _ = try LinuxKernel().accept(on: Socket(0)) }
    }
}
