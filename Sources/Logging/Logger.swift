// Logging without blocking: each thread writes to its own ring, and a logger thread writes the lines to their targets.
//
// A thread that logs never blocks. It makes a system call only to wake the logger thread when that sleeps. Lines that a
// ring or a target does not accept are counted as lost.

public import Basics
internal import Glibc
internal import Reactor
internal import Synchronization
public import SystemPackage

/// A handle for a registered set of destinations; cheap to copy.
public struct LogTargets: Hashable, Sendable {
    let id: UInt32
    // One bit for each level that any destination with a text format, or with JSON, accepts.
    private let textLevels: UInt8
    private let jsonLevels: UInt8

    /// The empty set.
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

    /// Whether any destination accepts text lines of this level. If not, they need not be formatted.
    public func wantsText(_ level: LogLevel) -> Bool { textLevels & level.bit != 0 }
    /// Whether any destination accepts JSON objects of this level.
    public func wantsJSON(_ level: LogLevel) -> Bool { jsonLevels & level.bit != 0 }
    public func isEnabled(_ level: LogLevel) -> Bool { (textLevels | jsonLevels) & level.bit != 0 }
}

/// The threads' rings, the registered destinations, and the logger thread.
public final class Logger: Sendable {
    let rings: [LogRing]
    let programName: String
    let wakeup = LoggerWakeup()
    /// The registered sets of destinations, indexed by ID; 0 is the empty set.
    let sets = Lock<[[LogDestination]]>([[]])
    /// While stopping, when to discard the remaining lines, in nanoseconds of `Instant`; 0 while running.
    let deadline = Atomic<UInt64>(0)
    /// The event rings and the targets that refer to them.
    private let eventRingsByTarget = Lock<[(target: LogTarget, ring: EventRing)]>([])
    let handedOver = Atomic<UInt64>(0)
    let refused = Atomic<UInt64>(0)
    /// The logger thread's kernel, made once.
    private let kernel = AtomicLazyReference<KernelBox>()
    private let thread = Lock<Thread?>(nil)
    private let hasEnded = Atomic<Bool>(false)

    /// - Parameters:
    ///   - rings: the number of threads that log.
    ///   - ringBytes: the size of each ring, a power of two; 1 MiB holds about 4,000 lines, five milliseconds of a
    ///     fully loaded worker.
    public init(rings: Int, ringBytes: Int = 1 << 20, programName: String = "portico") {
        precondition(rings > 0, "a logger of \(rings) rings")
        self.rings = (0..<rings).map { _ in LogRing(capacity: ringBytes) }
        self.programName = programName
    }

    /// Registers a list of destinations; returns the same handle for the same list. Workers must not call it, because
    /// it takes a lock.
    public func register(_ destinations: [LogDestination]) -> LogTargets {
        guard !destinations.isEmpty else { return .none }
        for case .stream(let target) in destinations.map(\.target) { addRing(of: target) }
        return sets.withLock { sets in
            let id = sets.firstIndex(of: destinations) ?? sets.count
            if id == sets.count { sets.append(destinations) }
            return LogTargets(id: UInt32(id), destinations: destinations)
        }
    }

    /// Adds the ring for the target `.ring(ring.name)`. Call before registering destinations with this target.
    public func add(_ ring: EventRing) {
        eventRingsByTarget.withLock { rings in
            precondition(!rings.contains { $0.target == .ring(ring.name) }, "two rings named \(ring.name)")
            rings.append((.ring(ring.name), ring))
        }
    }

    /// Whether a target `.ring(name)` has its ring.
    public func hasRing(named name: String) -> Bool { eventRing(of: .ring(name)) != nil }

    /// Creates the ring of a stream target, unless it exists. A host name that does not resolve has been reported by
    /// `LoggingSettings.check`.
    private func addRing(of target: StreamTarget) {
        guard eventRing(of: .stream(target)) == nil else { return }
        let ring = EventRing(
            name: target.description, description: "created from a log line", capacity: EventRing.sizeOfStream,
            servers: target.resolved().map { [RingServer(address: $0)] } ?? [])
        eventRingsByTarget.withLock { $0.append((.stream(target), ring)) }
    }

    /// All event rings, those of `ring` sections first.
    public var eventRings: [EventRing] { eventRingsByTarget.withLock { $0.map(\.ring) } }

    func eventRing(of target: LogTarget) -> EventRing? {
        eventRingsByTarget.withLock { rings in rings.first { $0.target == target }?.ring }
    }

    /// Registers standard error, in format raw, for complete lines.
    public func registerStandardError() -> LogTargets {
        guard let facility = LogFacility(named: "daemon") else { preconditionFailure("syslog has a facility daemon") }
        return register([LogDestination(target: .descriptor(2), format: .raw, facility: facility)])
    }

    /// The channel through which one thread logs. Two threads must not use the same ring.
    /// - Parameter clock: the thread's wall clock, for lines that come without a time.
    public func channel(_ ring: Int, clock: @escaping @Sendable () -> WallTime = { WallTime.now() }) -> LogChannel {
        precondition(rings.indices.contains(ring), "ring \(ring) of \(rings.count)")
        return LogChannel(ring: rings[ring], wakeup: wakeup, clock: clock)
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
        wakeup.connect(to: kernel.storeIfNil(made).kernel.wakeup)
    }

    /// Starts the logger thread. Call after becoming a daemon, because threads do not survive a fork. Lines logged
    /// before stay in the rings.
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

    /// Writes the queued lines, then ends the thread. Lines that the targets do not accept within `limit` are lost and
    /// counted. If the thread is blocked in a name look-up, this function returns without waiting for its end.
    public func stop(within limit: TimeSpan = .seconds(1)) {
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let running else { return }
        deadline.store((Instant.now() + limit).nanoseconds, ordering: .releasing)
        wakeup.ring()
        let latest = Instant.now() + limit + Self.stopSlack
        while !hasEnded.load(ordering: .acquiring) {
            guard Instant.now() < latest else { return }
            poll(nil, 0, 1)
        }
        running.join()
        deadline.store(0, ordering: .releasing)
    }

    /// The thread checks its deadline between batches of lines, and may notice it this much later.
    private static let stopSlack = TimeSpan.milliseconds(500)

    /// Lines written to targets; a line for two targets counts twice.
    public var written: UInt64 { handedOver.load(ordering: .relaxed) }

    /// Lines lost: in a full ring (counted once) or at a target (counted once per target).
    public var lost: UInt64 {
        rings.reduce(refused.load(ordering: .relaxed)) { $0 + $1.lost }
    }
}

/// The channel through which one thread logs. Must not be shared with other threads.
public struct LogChannel: Sendable {
    let ring: LogRing
    let wakeup: LoggerWakeup
    let clock: @Sendable () -> WallTime

    /// Logs an event of Portico itself to every destination that accepts the level.
    public func event(_ level: LogLevel, to targets: LogTargets, at time: WallTime? = nil, _ message: String) {
        guard targets.isEnabled(level) else { return }
        var message = message
        message.withUTF8 { bytes in
            // Safe: the span does not leave this closure.
            unsafe push(level, .event, targets, time, RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes)))
        }
    }

    /// Logs an exchange as text, without header and line end, to the destinations with a text format.
    public func line(_ level: LogLevel, to targets: LogTargets, at time: WallTime? = nil, _ text: [UInt8]) {
        guard targets.wantsText(level) else { return }
        unsafe push(level, .text, targets, time, text.span.bytes)
    }

    /// Logs an exchange as text preceded by structured data: two bytes with its length, the more significant first, the
    /// data, the text.
    public func structured(
        _ level: LogLevel, to targets: LogTargets, at time: WallTime? = nil, _ dataAndText: [UInt8]
    ) {
        guard targets.wantsText(level) else { return }
        unsafe push(level, .structured, targets, time, dataAndText.span.bytes)
    }

    /// Logs an exchange as a JSON object to the destinations with the JSON format.
    public func json(_ level: LogLevel, to targets: LogTargets, at time: WallTime? = nil, _ object: [UInt8]) {
        guard targets.wantsJSON(level) else { return }
        unsafe push(level, .json, targets, time, object.span.bytes)
    }

    private func push(
        _ level: LogLevel, _ content: LogContent, _ targets: LogTargets, _ time: WallTime?, _ line: RawSpan
    ) {
        let record = LogRecord(targets: targets.id, level: level, content: content, time: time ?? clock())
        if ring.push(record, line) { wakeup.ring() }
    }
}

// MARK: - Waking the logger thread

/// A wake-up signal that any thread can send and one thread sleeps on. While that is awake, the cost for the others is
/// a memory fence.
final class LoggerWakeup: Sendable {
    private let wakeup = AtomicLazyReference<Wakeup>()
    private let isAsleep = Atomic<Bool>(false)

    /// Sets the wakeup of the sleeping thread. Call once, before the thread sleeps.
    func connect(to wakeup: Wakeup) { _ = self.wakeup.storeIfNil(wakeup) }

    /// Wakes the sleeping thread, if it sleeps. Call after publishing the work for it.
    func ring() {
        // Pairs with the fence in `sleep`: either the sleeper sees the work, or this thread sees that it sleeps.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if isAsleep.load(ordering: .relaxed), isAsleep.exchange(false, ordering: .acquiringAndReleasing) {
            wakeup.load()?.wake()
        }
    }

    /// Calls `wait`, which `ring` ends, unless `hasWork` returns true. A wait may also end spuriously: a `ring` during
    /// a wake-up ends the next wait.
    func sleep(unless hasWork: () -> Bool, _ wait: () -> Void) {
        isAsleep.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if !hasWork() { wait() }
        isAsleep.store(false, ordering: .relaxed)
    }
}
