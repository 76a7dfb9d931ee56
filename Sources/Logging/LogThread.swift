// What the logger thread does: take lines out of the threads' rings, write them for each of their destinations,
// hand them to the targets, and sleep when there is nothing left.

internal import Basics
internal import Reactor
internal import Synchronization

final class LogThread {
    /// How long the thread leaves the rings alone after it found lines there. While it naps nobody needs to wake it,
    /// and lines gather, so that many go into one write.
    private static let nap = TimeSpan.milliseconds(5)
    /// Lines taken from one ring before the next one has its turn.
    private static let linesInTurn = 512

    private let logger: Logger
    /// The thread waits here, for connections to log servers and for the bell.
    private let loop: TaskLoop
    /// For bytes on their way to log servers.
    private let pool = BufferPool()
    private var writer: LogLineWriter
    private var streams: [StreamOutput] = []
    private var datagrams: [DatagramOutput] = []
    private var rings: [RingOutput] = []
    private var outputs: [LogTarget: OutputIndex] = [:]
    /// By the id of a set of destinations.
    private var routes: [[Route]] = []
    private var tally = LogTally()
    private var text: [UInt8] = []
    private var line: [UInt8] = []

    private enum OutputIndex { case stream(Int), datagram(Int), ring(Int) }

    private struct Route {
        let destination: LogDestination
        let output: OutputIndex
        /// Lines offered, counted up to the sample's size.
        var position = 0
    }

    /// - Parameter kernel: the thread's own.
    init(_ logger: Logger, kernel: any Kernel) {
        self.logger = logger
        loop = TaskLoop(kernel: kernel)
        writer = LogLineWriter(programName: logger.programName)
    }

    /// Until the logger is told to stop.
    func run() {
        defer { for ring in rings { ring.close() } }
        while true {
            // Before the rings are looked at: what was logged before the stop is then found in them.
            let deadline = logger.deadline.load(ordering: .acquiring)
            let found = drain()
            for i in streams.indices { streams[i].flush(&tally) }
            var wake = Instant.never
            loop.kernel.refreshClock()
            for ring in rings { wake = min(wake, ring.step(at: loop.now)) }
            publish()
            let isBlocked = streams.contains { $0.isBlocked }
            if deadline != 0 {
                if found == .nothing && !isBlocked && !rings.contains(where: \.hasUnsent) { return }
                if Instant.now().nanoseconds >= deadline { return giveUp() }
            }
            if found == .more {
                // Without a pause, but connections have to hear that they can go on.
                loop.runOnce(until: loop.now)
            } else if found == .lines || isBlocked || deadline != 0 {
                loop.runOnce(until: loop.now + Self.nap)
            } else {
                logger.doorbell.sleep(
                    unless: {
                        logger.rings.contains { !$0.isEmpty } || logger.deadline.load(ordering: .acquiring) != 0
                    }, { loop.runOnce(until: wake) })
            }
        }
    }

    private enum Found {
        case nothing, lines
        /// Lines, and more than their ring had its turn for.
        case more
    }

    /// Gives each ring its turn.
    private func drain() -> Found {
        var found = Found.nothing
        for ring in logger.rings {
            var count = 0
            while count < Self.linesInTurn, let record = ring.pop(into: &text) {
                deliver(record)
                count += 1
            }
            if count == Self.linesInTurn { found = .more } else if count > 0, found == .nothing { found = .lines }
        }
        return found
    }

    private func deliver(_ record: LogRecord) {
        let set = Int(record.targets)
        if set >= routes.count { learnRoutes() }
        precondition(set < routes.count, "a line for destinations \(set) of \(routes.count)")
        for i in routes[set].indices {
            let destination = routes[set][i].destination
            guard record.level <= destination.maximumLevel, record.content.suits(destination.format) else { continue }
            if let sample = destination.sample {
                let position = routes[set][i].position
                routes[set][i].position = (position + 1) % sample.size
                guard sample.takes(position) else { continue }
            }
            line.removeAll(keepingCapacity: true)
            writer.append(text, record, for: destination, to: &line)
            switch routes[set][i].output {
            case .stream(let index): streams[index].append(line, &tally)
            case .datagram(let index): datagrams[index].send(line, &tally)
            case .ring(let index): append(record, for: destination, to: rings[index])
            }
        }
    }

    /// Appends `line` to a ring, and before it how many lines were dropped since it last had room.
    private func append(_ record: LogRecord, for destination: LogDestination, to ring: RingOutput) {
        if ring.droppedUntold > 0 {
            var notice = record
            notice.level = .notice
            notice.content = .event
            var announcement: [UInt8] = []
            let count = ring.droppedUntold
            writer.append(
                Array("\(count) \(count == 1 ? "event" : "events") dropped".utf8), notice, for: destination,
                to: &announcement)
            ring.announce(announcement.dropLast())
        }
        ring.append(line.dropLast(), &tally)
    }

    private func learnRoutes() {
        let sets = logger.sets.withLock { $0 }
        for set in sets[routes.count...] {
            routes.append(set.map { Route(destination: $0, output: output(for: $0.target)) })
        }
    }

    /// Destinations of the same target share its descriptor.
    private func output(for target: LogTarget) -> OutputIndex {
        if let known = outputs[target] { return known }
        let index: OutputIndex
        switch target {
        case .descriptor(let number):
            streams.append(StreamOutput(number))
            index = .stream(streams.count - 1)
        case .ring, .stream:
            guard let ring = logger.eventRing(of: target) else {
                preconditionFailure("\(target) was registered without its ring")
            }
            rings.append(RingOutput(ring, pool: pool, in: loop))
            index = .ring(rings.count - 1)
        case .network, .path, .abstract:
            datagrams.append(DatagramOutput(target))
            index = .datagram(datagrams.count - 1)
        }
        outputs[target] = index
        return index
    }

    private func giveUp() {
        for i in streams.indices { streams[i].discard(&tally) }
        for ring in rings { ring.giveUp(&tally) }
        for ring in logger.rings { while ring.pop(into: &text) != nil { tally.lost += 1 } }
        publish()
    }

    private func publish() {
        logger.handedOver.wrappingAdd(tally.written, ordering: .relaxed)
        logger.refused.wrappingAdd(tally.lost, ordering: .relaxed)
        tally = LogTally()
    }
}

extension LogContent {
    /// Whether a destination of this format takes such lines.
    fileprivate func suits(_ format: LogLineFormat) -> Bool {
        switch self {
        case .event: true
        case .text, .structured: format != .json
        case .json: format == .json
        }
    }
}
