// Forwarding lines over a stream: framing, lost connections, and servers that are down or slow.

import Basics
import Configuration
import Glibc
import Testing

@testable import Logging

@Suite struct RingForwardingTests {
    private func start(
        _ framing: RingServer.Framing = .lineFeed, port: UInt16, capacity: Int = 16_384,
        sendTimeout: TimeSpan = patience, also others: [LogDestination] = []
    ) throws -> (logger: Logger, ring: EventRing, targets: LogTargets) {
        let logger = Logger(rings: 1)
        var server = RingServer(address: .ip(.loopbackV4, port: port), framing: framing)
        server.sendTimeout = sendTimeout
        let ring = EventRing(name: "r", description: "r", capacity: capacity, servers: [server])
        logger.add(ring)
        let targets = logger.register([try destination(.ring("r"))] + others)
        logger.start()
        return (logger, ring, targets)
    }

    private func destination(_ target: LogTarget) throws -> LogDestination {
        LogDestination(target: target, format: .raw, facility: try #require(LogFacility(named: "local0")))
    }

    @Test func `each line ends with a line feed, or has its length before it`() throws {
        for (framing, expected) in [
            (RingServer.Framing.lineFeed, "hello\nto all\n"), (.octetCount, "5 hello6 to all"),
        ] {
            let server = StreamReceiver()
            let (logger, _, targets) = try start(framing, port: server.port)
            logger.channel(0).line(.info, to: targets, Array("hello".utf8))
            logger.channel(0).line(.info, to: targets, Array("to all".utf8))
            let connection = try server.accept()
            #expect(try connection.text(of: expected.utf8.count) == expected)
            logger.stop(within: patience)
            #expect(logger.written == 2 && logger.lost == 0)
        }
    }

    @Test func `a log line with tcp@ has a ring of its own`() throws {
        let server = StreamReceiver()
        let logger = Logger(rings: 1)
        let targets = logger.register([try destination(.stream(.host("127.0.0.1", port: server.port)))])
        #expect(logger.eventRings.map(\.name) == ["tcp@127.0.0.1:\(server.port)"])
        logger.start()
        defer { logger.stop(within: patience) }
        logger.channel(0).line(.info, to: targets, Array("hello".utf8))
        #expect(try server.accept().text(of: 6) == "hello\n")
    }

    @Test func `a server that closes is connected to again for the next line`() throws {
        let server = StreamReceiver()
        let (logger, _, targets) = try start(port: server.port)
        defer { logger.stop(within: patience) }
        logger.channel(0).line(.info, to: targets, Array("one".utf8))
        var connection: StreamReceiver.Connection? = try server.accept()
        #expect(try connection?.text(of: 4) == "one\n")
        connection = nil
        logger.channel(0).line(.info, to: targets, Array("two".utf8))
        #expect(try server.accept().text(of: 4) == "two\n")
    }

    @Test func `a server that is dead costs other targets nothing, and has its lines once it is back`() throws {
        let server = StreamReceiver(listens: false)
        let pipe = Pipe()
        let (logger, ring, targets) = try start(
            port: server.port, also: [try destination(.descriptor(pipe.writing))])
        defer { logger.stop(within: patience) }
        for i in 0..<10 { logger.channel(0).line(.info, to: targets, Array("\(i)".utf8)) }
        try eventually("the other target has them all") { logger.written == 20 }
        #expect(ring.countWaiting(for: 0) == 10)
        server.listen()
        #expect(try server.accept().text(of: 20) == (0..<10).map { "\($0)\n" }.joined())
    }

    @Test func `lines that find no room are counted, and the log says so once there is some`() throws {
        let server = StreamReceiver(listens: false)
        let (logger, ring, targets) = try start(port: server.port, capacity: 1_024)
        defer { logger.stop(within: patience) }
        for i in 0..<200 { logger.channel(0).line(.info, to: targets, Array("line \(i)".utf8)) }
        try eventually("all have been looked at") { logger.written + logger.lost == 200 }
        #expect(logger.lost > 0 && logger.lost == ring.dropped)
        let kept = Int(logger.written)
        let lost = logger.lost

        server.listen()
        let connection = try server.accept()
        let first = (0..<kept).map { "line \($0)\n" }.joined()
        #expect(try connection.text(of: first.utf8.count) == first)
        logger.channel(0).line(.info, to: targets, Array("after".utf8))
        let rest = "\(lost) events dropped\nafter\n"
        #expect(try connection.text(of: rest.utf8.count) == rest)
    }

    @Test func `a server that takes nothing has its connection made anew, and no line twice in part`() throws {
        let server = StreamReceiver(receiveBytes: 4_096)
        let (logger, _, targets) = try start(
            port: server.port, capacity: 1 << 24, sendTimeout: .milliseconds(200))
        defer { logger.stop(within: patience) }
        let line = Array(String(repeating: "x", count: 999).utf8)
        for i in 0..<12_000 {
            while logger.written + 500 < UInt64(i) { usleep(500) }
            logger.channel(0).line(.info, to: targets, line)
        }
        // The first connection is not read; the second must start with a complete line.
        let first = try server.accept()
        let second = try server.accept()
        #expect(try second.text(of: 1_000) == String(decoding: line, as: UTF8.self) + "\n")
        withExtendedLifetime(first) {}
    }

    @Test func `what a server has not had when Portico stops is counted as lost`() throws {
        let server = StreamReceiver(listens: false)
        let (logger, _, targets) = try start(port: server.port)
        for i in 0..<7 { logger.channel(0).line(.info, to: targets, Array("\(i)".utf8)) }
        try eventually("they are in the ring") { logger.written == 7 }
        logger.stop(within: .milliseconds(10))
        #expect(logger.lost == 7)
    }

    @Test func `a ring has its own format, whatever that of the log line`() throws {
        var draft = Draft(kind: "ring", name: "r", range: SourceRange(file: "test.cfg", line: 1))
        for (name, words) in [("format", ["priority"]), ("maxlen", ["12"])] {
            let keyword = try #require(
                LoggingKeywords.table.first { $0.name == name && $0.sections.contains("ring") })
            let place = SourceRange(file: "test.cfg", line: 1)
            var arguments = Arguments(
                words: words.map { Word($0, at: place) }, keyword: Word(name, at: place), isNegated: false)
            try keyword.parse(&arguments, &draft)
        }
        let settings = try section(.frontend, "log ring@recent format rfc5424 local0")
        let rings = ["recent": draft[RingSettings.self]]
        let destination = try #require(settings.destinations(global: settings, rings: rings).first)
        #expect(destination.format == .priority && destination.lengthMax == 12)
        var problems: [ConfigProblem] = []
        settings.check(rings: rings, profiles: [:], &problems)
        #expect(problems.isEmpty)
        settings.check(rings: ["recnet": draft[RingSettings.self]], profiles: [:], &problems)
        #expect(problems.map(\.message) == ["no ring section named 'recent'"] && problems[0].suggestion == "recnet")
    }
}

/// A syslog server on a free TCP port of 127.0.0.1.
final class StreamReceiver {
    let port: UInt16
    private let descriptor: Int32

    /// Without `listens`, the port is bound and refuses connections until `listen` is called.
    init(listens: Bool = true, receiveBytes: Int32? = nil) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        if var receiveBytes {
            unsafe setsockopt(
                descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBytes, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(unsafe bind(descriptor, $0, length) == 0)
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        if listens { listen() }
    }

    deinit { close(descriptor) }

    func listen() { precondition(Glibc.listen(descriptor, 8) == 0) }

    /// The next connection.
    func accept() throws -> Connection {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&request, 1, 60_000) == 1 else { throw Unexpected(what: "no connection came") }
        return Connection(descriptor: Glibc.accept(descriptor, nil, nil))
    }

    final class Connection {
        private let descriptor: Int32

        init(descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }

        /// The next `count` bytes.
        func text(of count: Int) throws -> String {
            var bytes: [UInt8] = []
            while bytes.count < count {
                var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard unsafe poll(&request, 1, 60_000) == 1 else { throw Unexpected(what: "nothing came") }
                var part = [UInt8](repeating: 0, count: count - bytes.count)
                let received = unsafe recv(descriptor, &part, part.count, 0)
                guard received > 0 else { throw Unexpected(what: "closed after \(bytes.count) bytes") }
                bytes += part[..<received]
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
