// Where log lines go without anybody waiting: each thread pushes into a ring of its own, one thread more
// takes the lines out and hands them to their targets.
//
// A thread that logs never blocks, and makes a system call only to wake the logger thread from sleep; a
// busy one makes none. Lines that a ring or a target does not take are counted as lost.

public import Basics
internal import Glibc
internal import Reactor
internal import Synchronization
public import SystemPackage

/// A registered set of destinations: a small value, copied freely.
public struct LogTargets: Hashable, Sendable {
    let id: UInt32
    // One bit for each level that some destination of the kind takes.
    private let textLevels: UInt8
    private let jsonLevels: UInt8

    /// No destination at all.
    public static let none = LogTargets(id: 0, destinations: [])

    init(id: UInt32, destinations: [LogDestination]) {
        self.id = id
        var levels: (text: UInt8, json: UInt8) = (0, 0)
        for destination in destinations {
            for level in LogLevel.allCases where level <= destination.maximumLevel {
                if destination.format == .json { levels.json |= level.bit } else { levels.text |= level.bit }
            }
        }
        textLevels = levels.text
        jsonLevels = levels.json
    }

    public var isEmpty: Bool { textLevels | jsonLevels == 0 }

    /// Whether some destination takes lines of text of this level: otherwise they need not be formatted.
    public func wantsText(_ level: LogLevel) -> Bool { textLevels & level.bit != 0 }
    /// Whether some destination takes JSON objects of this level.
    public func wantsJSON(_ level: LogLevel) -> Bool { jsonLevels & level.bit != 0 }
    public func isEnabled(_ level: LogLevel) -> Bool { (textLevels | jsonLevels) & level.bit != 0 }
}

/// The rings and the thread behind them.
public final class Logger: Sendable {
    let rings: [LogRing]
    let programName: String
    let doorbell = Doorbell()
    /// Destinations by the id of their set; 0 is the empty set.
    let sets = Lock<[[LogDestination]]>([[]])
    /// Nanoseconds of the instant at which a stopping logger gives up; 0 while it runs.
    let deadline = Atomic<UInt64>(0)
    /// Rings that lines go into, by the target that names them.
    private let eventRingsByTarget = Lock<[(target: LogTarget, ring: EventRing)]>([])
    let handedOver = Atomic<UInt64>(0)
    let refused = Atomic<UInt64>(0)
    /// The logger thread's kernel, made once.
    private let kernel = AtomicLazyReference<KernelBox>()
    private let thread = Lock<Thread?>(nil)
    private let hasEnded = Atomic<Bool>(false)

    /// One ring for each thread that logs, of `ringBytes` (a power of two) each: 1 MiB holds some 4,000 lines, five
    /// milliseconds of a worker that does nothing else.
    public init(rings: Int, ringBytes: Int = 1 << 20, programName: String = "portico") {
        precondition(rings > 0, "a logger of \(rings) rings")
        self.rings = (0..<rings).map { _ in LogRing(capacity: ringBytes) }
        self.programName = programName
    }

    /// The handle of these destinations; the same for the same list. Never from a worker: it takes a lock.
    public func register(_ destinations: [LogDestination]) -> LogTargets {
        guard !destinations.isEmpty else { return .none }
        for case .stream(let target) in destinations.map(\.target) { addRing(of: target) }
        return sets.withLock { sets in
            let id = sets.firstIndex(of: destinations) ?? sets.count
            if id == sets.count { sets.append(destinations) }
            return LogTargets(id: UInt32(id), destinations: destinations)
        }
    }

    /// Takes the ring that the target `.ring(ring.name)` stands for; before destinations with it are registered.
    public func add(_ ring: EventRing) {
        eventRingsByTarget.withLock { rings in
            precondition(!rings.contains { $0.target == .ring(ring.name) }, "two rings named \(ring.name)")
            rings.append((.ring(ring.name), ring))
        }
    }

    /// A stream's ring is made with the first destination that has it. A host name without an address is refused elsewhere.
    private func addRing(of target: StreamTarget) {
        guard eventRing(of: .stream(target)) == nil else { return }
        let ring = EventRing(
            name: target.description, description: "created from a log line", capacity: EventRing.sizeOfStream,
            servers: target.resolved().map { [RingServer(address: $0)] } ?? [])
        eventRingsByTarget.withLock { $0.append((.stream(target), ring)) }
    }

    /// All rings that lines go into, those of `ring` sections first.
    public var eventRings: [EventRing] { eventRingsByTarget.withLock { $0.map(\.ring) } }

    func eventRing(of target: LogTarget) -> EventRing? {
        eventRingsByTarget.withLock { rings in rings.first { $0.target == target }?.ring }
    }

    /// Standard error, for complete lines that get nothing in front of them.
    public func registerStandardError() -> LogTargets {
        guard let facility = LogFacility(named: "daemon") else { preconditionFailure("syslog has a facility daemon") }
        return register([LogDestination(target: .descriptor(2), format: .raw, facility: facility)])
    }

    /// The way in for one thread. Two threads must not use the same ring.
    public func channel(_ ring: Int) -> LogChannel {
        precondition(rings.indices.contains(ring), "ring \(ring) of \(rings.count)")
        return LogChannel(ring: rings[ring], doorbell: doorbell)
    }

    /// Carries a kernel to the one thread that uses it.
    private final class KernelBox: @unchecked Sendable {
        let kernel: LinuxKernel
        init(_ kernel: LinuxKernel) { self.kernel = kernel }
    }

    /// Opens what the logger thread needs; `start` does that too, and ends the process where it fails.
    ///
    /// - Throws: the errno when the system is out of descriptors or memory.
    public func prepare() throws(Errno) {
        guard kernel.load() == nil else { return }
        let made = KernelBox(try LinuxKernel())
        doorbell.connect(to: kernel.storeIfNil(made).kernel.waker)
    }

    /// Starts the logger thread; after becoming a daemon, for threads do not survive that. Lines wait until then.
    public func start() {
        do throws(Errno) { try prepare() } catch { preconditionFailure("the logger thread cannot start: \(error)") }
        guard let kernel = kernel.load() else { preconditionFailure("a logger without its kernel") }
        thread.withLock { thread in
            precondition(thread == nil, "the logger was started twice")
            hasEnded.store(false, ordering: .relaxed)
            thread = Thread(name: "portico-log") { [self] in
                LogThread(self, kernel: kernel.kernel).run()
                hasEnded.store(true, ordering: .releasing)
            }
        }
    }

    /// Writes what is queued, then ends the thread. What its targets do not take in time is lost and counted. A thread that is
    /// looking up the name of a log server at that time is not waited for: it ends by itself, or with the process.
    public func stop(within limit: TimeSpan = .seconds(1)) {
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let running else { return }
        deadline.store((Instant.now() + limit).nanoseconds, ordering: .releasing)
        doorbell.ring()
        let latest = Instant.now() + limit + Self.stopSlack
        while !hasEnded.load(ordering: .acquiring) {
            guard Instant.now() < latest else { return }
            poll(nil, 0, 1)
        }
        running.join()
        deadline.store(0, ordering: .releasing)
    }

    /// How much later than its deadline the thread may notice it: it looks between two batches of lines.
    private static let stopSlack = TimeSpan.milliseconds(500)

    /// Lines handed to a target; a line for two targets counts twice.
    public var written: UInt64 { handedOver.load(ordering: .relaxed) }

    /// Lines that a full ring (once) or a target (each) did not take.
    public var lost: UInt64 {
        rings.reduce(refused.load(ordering: .relaxed)) { $0 + $1.lost }
    }
}

/// The way in for one thread: two references, copied freely within it.
public struct LogChannel: Sendable {
    let ring: LogRing
    let doorbell: Doorbell

    /// Something that happened to Portico itself. Every destination that takes the level gets it.
    public func event(_ level: LogLevel, to targets: LogTargets, at time: WallTime = .now(), _ message: String) {
        guard targets.isEnabled(level) else { return }
        var message = message
        message.withUTF8 { bytes in
            // Safe: the span does not leave this closure.
            unsafe push(level, .event, targets, time, RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes)))
        }
    }

    /// An exchange as text, without header and line end, for the destinations that take text.
    public func line(_ level: LogLevel, to targets: LogTargets, at time: WallTime = .now(), _ text: [UInt8]) {
        guard targets.wantsText(level) else { return }
        unsafe push(level, .text, targets, time, text.span.bytes)
    }

    /// An exchange as text with structured data before it: two bytes, the more significant first, with the length of that;
    /// it; the text.
    public func structured(
        _ level: LogLevel, to targets: LogTargets, at time: WallTime = .now(), _ dataAndText: [UInt8]
    ) {
        guard targets.wantsText(level) else { return }
        unsafe push(level, .structured, targets, time, dataAndText.span.bytes)
    }

    /// An exchange as a JSON object, for the destinations that take JSON.
    public func json(_ level: LogLevel, to targets: LogTargets, at time: WallTime = .now(), _ object: [UInt8]) {
        guard targets.wantsJSON(level) else { return }
        unsafe push(level, .json, targets, time, object.span.bytes)
    }

    private func push(
        _ level: LogLevel, _ content: LogContent, _ targets: LogTargets, _ time: WallTime, _ line: RawSpan
    ) {
        let record = LogRecord(targets: targets.id, level: level, content: content, time: time)
        if ring.push(record, line) { doorbell.ring() }
    }
}
