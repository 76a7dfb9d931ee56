// The whole path of a line: rings, thread, targets.

import Basics
import Foundation
import Glibc
import Testing

@testable import Logging

@Suite struct LoggerTests {
    private func destination(
        _ target: LogTarget, _ format: LogLineFormat = .raw, _ change: (inout LogDestination) -> Void = { _ in }
    ) throws -> LogDestination {
        var destination = LogDestination(
            target: target, format: format, facility: try #require(LogFacility(named: "local0")))
        change(&destination)
        return destination
    }

    @Test func `A pipe gets every line of every thread, each thread's in order`() throws {
        let pipe = Pipe()
        let logger = Logger(rings: 4)
        let targets = logger.register([try destination(.descriptor(pipe.writing))])
        logger.start()
        let output = Box("")
        let reader = Thread { output.value = pipe.readToEndOnceClosed() }
        reader.start()
        let finished = DispatchSemaphore(value: 0)
        for ring in 0..<4 {
            let channel = logger.channel(ring)
            let worker = Thread {
                for i in 0..<2_000 { channel.line(.info, to: targets, Array("\(ring):\(i)".utf8)) }
                finished.signal()
            }
            worker.start()
        }
        for _ in 0..<4 { finished.wait() }
        logger.stop(within: patience)
        pipe.finish()
        try eventually("the reader sees the end") { !output.value.isEmpty }
        let lines = output.value.split(separator: "\n")
        #expect(lines.count == 8_000)
        for ring in 0..<4 {
            #expect(lines.filter { $0.hasPrefix("\(ring):") } == (0..<2_000).map { "\(ring):\($0)" })
        }
        #expect(logger.written == 8_000)
        #expect(logger.lost == 0)
    }

    @Test func `A syslog server gets a datagram for each line`() throws {
        let server = Receiver()
        let logger = Logger(rings: 1)
        let targets = logger.register([try destination(.network(host: "127.0.0.1", port: server.port), .priority)])
        logger.start()
        logger.channel(0).line(.info, to: targets, Array("hello".utf8))
        logger.channel(0).event(.alert, to: targets, "server s1 is down")
        #expect(server.next() == "<134>hello\n")
        #expect(server.next() == "<129>server s1 is down\n")
        logger.stop(within: patience)
        #expect(logger.written == 2)
    }

    @Test func `A host name is as good as an address`() throws {
        let server = Receiver()
        let logger = Logger(rings: 1)
        let targets = logger.register([try destination(.network(host: "localhost", port: server.port))])
        logger.start()
        defer { logger.stop(within: patience) }
        logger.channel(0).line(.info, to: targets, Array("hello".utf8))
        #expect(server.next() == "hello\n")
    }

    @Test func `A syslog daemon that was restarted gets lines again`() throws {
        let path = temporaryPath()
        var server: Receiver? = Receiver(path: path)
        let logger = Logger(rings: 1)
        let targets = logger.register([try destination(.path(path))])
        logger.start()
        defer { logger.stop(within: patience) }
        let channel = logger.channel(0)
        channel.line(.info, to: targets, Array("one".utf8))
        #expect(server?.next() == "one\n")
        server = nil
        channel.line(.info, to: targets, Array("two".utf8))
        try eventually("the line without a server is counted as lost") { logger.lost == 1 }
        let restarted = Receiver(path: path)
        var arrived: String?
        try eventually("a line arrives at the restarted server") {
            channel.line(.info, to: targets, Array("three".utf8))
            arrived = restarted.next(within: 0.05)
            return arrived != nil
        }
        #expect(arrived == "three\n")
    }

    @Test func `A reader that is stuck costs losses, no waiting, and nobody else anything`() throws {
        let stuck = Pipe()
        let server = Receiver()
        let logger = Logger(rings: 1)
        let targets = logger.register([
            try destination(.descriptor(stuck.writing)),
            try destination(.network(host: "127.0.0.1", port: server.port)) {
                $0.sample = LogSample(ranges: [1...1], size: 1_000)
            },
        ])
        logger.start()
        let channel = logger.channel(0)
        let line = [UInt8](repeating: 0x78, count: 1_000)
        var slowest = TimeSpan.zero
        var sent: UInt64 = 0
        try eventually("the pipe, its buffer and more are full") {
            for _ in 0..<100 {
                let before = Instant.now()
                channel.line(.info, to: targets, line)
                slowest = max(slowest, Instant.now().since(before))
                sent += 1
            }
            return logger.lost > 1_000
        }
        #expect(server.next()?.utf8.count == 1_001)
        // A loaded machine may delay the thread for a while; a blocked write would never return.
        #expect(slowest < patience)
        let before = Instant.now()
        logger.stop(within: .milliseconds(200))
        #expect(Instant.now().since(before) < patience)
        let datagrams = (sent + 999) / 1_000
        #expect(logger.written + logger.lost >= sent)
        #expect(logger.written + logger.lost <= sent + datagrams)
    }

    @Test func `A destination gets only the levels and the kind it takes`() throws {
        let server = Receiver()
        let logger = Logger(rings: 1)
        let grave = try destination(.network(host: "127.0.0.1", port: server.port), .short) {
            $0.maximumLevel = .warning
        }
        let json = try destination(.network(host: "127.0.0.1", port: server.port), .json) { $0.maximumLevel = .info }
        let targets = logger.register([grave, json])
        #expect(!targets.wantsText(.info))
        #expect(targets.wantsText(.warning))
        #expect(targets.wantsJSON(.info))
        #expect(!targets.isEnabled(.debug))
        logger.start()
        let channel = logger.channel(0)
        channel.line(.info, to: targets, Array("not wanted".utf8))
        channel.line(.err, to: targets, Array("text".utf8))
        channel.json(.info, to: targets, Array("{}".utf8))
        #expect(server.next() == "<3>text\n")
        #expect(server.next() == "{}\n")
        logger.stop(within: patience)
        #expect(server.next(within: 0) == nil)
    }

    @Test func `A sample takes its share of the lines`() throws {
        let server = Receiver()
        let logger = Logger(rings: 1)
        let targets = logger.register([
            try destination(.network(host: "127.0.0.1", port: server.port)) {
                $0.sample = LogSample(ranges: [2...3], size: 4)
            }
        ])
        let channel = logger.channel(0)
        for i in 1...8 { channel.line(.info, to: targets, Array("\(i)".utf8)) }
        logger.start()
        logger.stop(within: patience)
        #expect((0..<4).map { _ in server.next() } == ["2\n", "3\n", "6\n", "7\n"])
        #expect(server.next(within: 0) == nil)
    }

    @Test func `Without destinations there is nothing to do`() {
        let logger = Logger(rings: 1)
        let targets = logger.register([])
        #expect(targets == .none)
        #expect(targets.isEmpty)
        #expect(!targets.isEnabled(.emerg))
        logger.channel(0).event(.emerg, to: targets, "nobody hears")
        logger.start()
        logger.stop(within: patience)
        #expect(logger.written == 0)
        #expect(logger.lost == 0)
    }

    @Test func `The same destinations have the same handle, and new ones may come while lines flow`() throws {
        let pipe = Pipe()
        let logger = Logger(rings: 1)
        let first = [try destination(.descriptor(pipe.writing))]
        let targets = logger.register(first)
        #expect(logger.register(first) == targets)
        logger.start()
        let channel = logger.channel(0)
        channel.line(.info, to: targets, Array("before".utf8))
        let others = logger.register([try destination(.descriptor(pipe.writing), .short)])
        #expect(others != targets)
        channel.line(.info, to: others, Array("after".utf8))
        logger.stop(within: patience)
        #expect(pipe.readToEnd() == "before\n<6>after\n")
    }

    @Test func `Lines logged before the start are written, and a logger may start again`() throws {
        let pipe = Pipe()
        let logger = Logger(rings: 1)
        let targets = logger.register([try destination(.descriptor(pipe.writing))])
        let channel = logger.channel(0)
        channel.line(.info, to: targets, Array("early".utf8))
        logger.start()
        logger.stop(within: patience)
        channel.line(.info, to: targets, Array("later".utf8))
        logger.start()
        logger.stop(within: patience)
        #expect(pipe.readToEnd() == "early\nlater\n")
        #expect(logger.written == 2)
    }

    @Test func `A line logged right before the stop is written`() throws {
        // Regression: the thread found a ring empty, missed a line and the stop while it examined the other rings, and ended.
        let pipe = Pipe()
        let logger = Logger(rings: 4_000, ringBytes: 4_096)
        let targets = logger.register([try destination(.descriptor(pipe.writing))])
        let channel = logger.channel(0)
        let rounds = 300
        for round in 1...rounds {
            logger.start()
            let moment = Instant.now() + TimeSpan(nanoseconds: UInt64(round % 50 * 4_000))
            while Instant.now() < moment {}
            channel.line(.info, to: targets, Array("x".utf8))
            logger.stop(within: patience)
            #expect(logger.written == UInt64(round))
        }
        #expect(pipe.readToEnd().utf8.count == 2 * rounds)
    }

    @Test func `A descriptor that is none loses its lines and harms nobody`() throws {
        let logger = Logger(rings: 1)
        let targets = logger.register([try destination(.descriptor(.max))])
        logger.channel(0).line(.info, to: targets, Array("x".utf8))
        logger.start()
        logger.stop(within: patience)
        #expect(logger.lost == 1)
    }

    @Test func `A reader that has gone loses lines and ends nothing`() throws {
        var pipe: [Int32] = [0, 0]
        try #require(unsafe Glibc.pipe(&pipe) == 0)
        close(pipe[0])
        let logger = Logger(rings: 1)
        let targets = logger.register([try destination(.descriptor(pipe[1]))])
        logger.channel(0).line(.info, to: targets, Array("x".utf8))
        logger.start()
        logger.stop(within: patience)
        close(pipe[1])
        #expect(logger.lost == 1)
    }

    @Test func `A sleeping logger thread is woken by the first line`() throws {
        let server = Receiver()
        let logger = Logger(rings: 1)
        let targets = logger.register([try destination(.network(host: "127.0.0.1", port: server.port))])
        logger.start()
        let channel = logger.channel(0)
        for i in 0..<50 {
            channel.line(.info, to: targets, Array("\(i)".utf8))
            #expect(server.next() == "\(i)\n")
            // Long enough for the thread to pause, find nothing and sleep, in most rounds.
            usleep(7_000)
        }
        logger.stop(within: patience)
    }
}

/// A value passed from one thread to another.
final class Box<T: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: T
    init(_ value: T) { stored = value }

    var value: T {
        get { lock.withLock { stored } }
        set { lock.withLock { stored = newValue } }
    }
}
