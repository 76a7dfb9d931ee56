// The logger thread: takes lines out of the threads' rings, formats them for each of their destinations, passes them to
// the outputs, and sleeps when there are none left.

internal import Basics
internal import Reactor
internal import Synchronization

final class LogThread {
    /// How long the thread pauses after it has found lines. During the pause no thread needs to wake it, and lines
    /// accumulate, so that many are written at once.
    private static let nap = TimeSpan.milliseconds(5)
    /// Limit for the lines taken from one ring before the next ring is served.
    private static let linesInTurn = 512

    private let logger: Logger
    /// The loop in which the thread waits: for connections to log servers and for the wakeup.
    private let loop: TaskLoop
    /// The pool for bytes sent to log servers.
    private let pool = BufferPool()
    private var writer: LogLineWriter
    private var streams: [StreamOutput] = []
    private var datagrams: [DatagramOutput] = []
    private var rings: [RingOutput] = []
    private var outputs: [LogTarget: OutputIndex] = [:]
    /// Indexed by the ID of a set of destinations.
    private var routes: [[Route]] = []
    private var tally = LogTally()
    private var text: [UInt8] = []
    private var line: [UInt8] = []

    private enum OutputIndex { case stream(Int), datagram(Int), ring(Int) }

    private struct Route {
        let destination: LogDestination
        let output: OutputIndex
        /// The number of lines so far, modulo the sample's size.
        var position = 0
    }

    /// - Parameter kernel: the kernel of the thread.
    init(_ logger: Logger, kernel: any Kernel) {
        self.logger = logger
        loop = TaskLoop(kernel: kernel)
        writer = LogLineWriter(programName: logger.programName)
    }

    /// Runs until the logger is stopped.
    func run() {
        defer { for ring in rings { ring.close() } }
        while true {
            // Load before draining the rings, so that lines logged before the stop are not missed.
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
                if Instant.now().nanoseconds >= deadline { return discardAll() }
            }
            if found == .more {
                // Do not wait, but process the readiness of connections.
                loop.runOnce(until: loop.now)
            } else if found == .lines || isBlocked || deadline != 0 {
                loop.runOnce(until: loop.now + Self.nap)
            } else {
                logger.wakeup.sleep(
                    unless: {
                        logger.rings.contains { !$0.isEmpty } || logger.deadline.load(ordering: .acquiring) != 0
                    }, { loop.runOnce(until: wake) })
            }
        }
    }

    private enum Found {
        case nothing, lines
        /// Lines, and a ring has more than `linesInTurn`.
        case more
    }

    /// Takes up to `linesInTurn` lines from each ring.
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
        if set >= routes.count { updateRoutes() }
        precondition(set < routes.count, "a line for destinations \(set) of \(routes.count)")
        for i in routes[set].indices {
            let destination = routes[set][i].destination
            guard record.level <= destination.maximumLevel, record.content.suits(destination.format) else { continue }
            if let sample = destination.sample {
                let position = routes[set][i].position
                routes[set][i].position = (position + 1) % sample.size
                guard sample.selects(position) else { continue }
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

    /// Appends `line` to a ring, preceded by a line with the number of lines dropped before it, if any were.
    private func append(_ record: LogRecord, for destination: LogDestination, to ring: RingOutput) {
        if ring.unannouncedDrops > 0 {
            var notice = record
            notice.level = .notice
            notice.content = .event
            var announcement: [UInt8] = []
            let count = ring.unannouncedDrops
            writer.append(
                Array("\(count) \(count == 1 ? "event" : "events") dropped".utf8), notice, for: destination,
                to: &announcement)
            ring.announce(announcement.dropLast())
        }
        ring.append(line.dropLast(), &tally)
    }

    private func updateRoutes() {
        let sets = logger.sets.withLock { $0 }
        for set in sets[routes.count...] {
            routes.append(set.map { Route(destination: $0, output: output(for: $0.target)) })
        }
    }

    /// The output of a target, shared by all destinations with this target.
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

    private func discardAll() {
        for i in streams.indices { streams[i].discard(&tally) }
        for ring in rings { ring.discardUnsent(&tally) }
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
    /// Whether lines of this kind are sent to destinations of `format`.
    fileprivate func suits(_ format: LogLineFormat) -> Bool {
        switch self {
        case .event: true
        case .text, .structured: format != .json
        case .json: format == .json
        }
    }
}
