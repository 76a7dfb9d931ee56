// The name cache of `do-resolve`: cached addresses, names being resolved, and the exchanges that wait for them.
//
// Workers query the table without blocking; the control thread resolves the names and stores the results. While a name
// is being resolved, all exchanges that ask for it wait for the same answer. Everything has a limit; beyond it, a name
// counts as not found.

public import Basics
internal import Reactor
internal import Synchronization

/// Identifies a waiting exchange to its worker.
public struct NameWaiter: Sendable, Equatable {
    public var worker: Int
    /// The packed handle of the owner.
    public var owner: UInt64
    /// Distinguishes this wait from earlier ones of the same owner.
    public var ticket: UInt64

    public init(worker: Int, owner: UInt64, ticket: UInt64) {
        self.worker = worker
        self.owner = owner
        self.ticket = ticket
    }
}

/// The immediate result of a query to the table.
public enum NameReply: Sendable, Equatable {
    /// The cached address.
    case known(IPAddress)
    /// The name cannot be resolved now: the table is closed or full.
    case unknown
    /// The name is being resolved; the waiter will be notified.
    case waits
}

/// The names of one `resolvers` section, shared by all threads.
public final class NameTable: Sendable {
    /// A name in the form of `HostName`, and the preferred address family.
    public struct Key: Hashable, Sendable {
        /// The name followed by the family's raw value, in one array, so that a query does not allocate.
        fileprivate(set) var bytes: [UInt8] = []

        public init() {}

        /// Sets the key, reusing its memory. Returns false if the name is not valid.
        public mutating func set(_ name: some Collection<UInt8>, _ family: AddressFamily) -> Bool {
            bytes.removeAll(keepingCapacity: true)
            guard HostName.append(name, to: &bytes) else { return false }
            bytes.append(family.rawValue)
            return true
        }

        var name: String { String(decoding: bytes.dropLast(), as: UTF8.self) }
        var family: AddressFamily { bytes.last == AddressFamily.v4.rawValue ? .v4 : .v6 }
    }

    /// Limit for cached addresses, of some hundred bytes each.
    static let answersMax = 10_000
    /// Limit for names being resolved. If nameservers time out after three seconds, this allows over a thousand names a
    /// second.
    static let questionsMax = 4_096
    /// Limit for waiters. Larger than the number of connections; more are possible only if clients leave while they
    /// wait.
    static let waitersMax = 200_000

    fileprivate struct Answer {
        let address: IPAddress
        /// When the entry expires.
        let end: Instant
    }

    fileprivate struct State {
        var answers: [Key: Answer] = [:]
        var waiting: [Key: [NameWaiter]] = [:]
        var waiterCount = 0
        /// The keys in `waiting` that the control thread has not fetched yet.
        var questions: [Key] = []
        /// The earliest time for the next removal of expired entries.
        var nextSweep = Instant(nanoseconds: 0)
        var wakeup: Wakeup?
        var isOpen = true
    }

    public init() {}

    private let state = Lock(State())
    private let hasQuestions = Atomic(false)

    /// Looks up a name. If it has to be resolved, `waiter` is registered and a later `settle` returns it.
    public func ask(_ key: Key, for waiter: NameWaiter, now: Instant) -> NameReply {
        let (reply, wakeup) = state.withLock { $0.ask(key, for: waiter, now) }
        guard let wakeup else { return reply }
        hasQuestions.store(true, ordering: .releasing)
        wakeup?.wake()
        return reply
    }

    // MARK: For the control thread

    /// Sets the wakeup that is signalled when a name has to be resolved.
    func setWaker(_ wakeup: Wakeup?) { state.withLock { $0.wakeup = wakeup } }

    /// Returns the names to resolve, each only once. The caller must `settle` every one.
    public func takeQuestions() -> [Key] {
        guard hasQuestions.load(ordering: .relaxed), hasQuestions.exchange(false, ordering: .acquiring) else {
            return []
        }
        return state.withLock { state in
            defer { state.questions.removeAll(keepingCapacity: true) }
            return state.questions
        }
    }

    /// Stores the result of a resolution; nil if there is no address. Caches the address for `hold`, and returns the
    /// waiters.
    public func settle(_ key: Key, _ address: IPAddress?, hold: TimeSpan, now: Instant) -> [NameWaiter] {
        state.withLock { state in
            if let address, hold > .zero { state.keep(Answer(address: address, end: now + hold), of: key, now) }
            let waiters = state.waiting.removeValue(forKey: key) ?? []
            state.waiterCount -= waiters.count
            return waiters
        }
    }

    /// Closes the table: later queries return `unknown`. Returns all waiters.
    func close() -> [NameWaiter] {
        state.withLock { state in
            state.isOpen = false
            state.questions = []
            defer {
                state.waiting = [:]
                state.waiterCount = 0
            }
            return state.waiting.values.flatMap { $0 }
        }
    }

    /// The numbers of cached addresses and of names being resolved.
    var counts: (answers: Int, questions: Int) { state.withLock { ($0.answers.count, $0.waiting.count) } }
}

extension NameTable.State {
    /// The reply, and the wakeup to signal if the name has to be resolved. The outer optional is nil if it has not.
    fileprivate mutating func ask(
        _ key: NameTable.Key, for waiter: NameWaiter, _ now: Instant
    ) -> (NameReply, Wakeup??) {
        if let answer = answers[key], now < answer.end { return (.known(answer.address), nil) }
        guard isOpen, waiterCount < NameTable.waitersMax else { return (.unknown, nil) }
        if waiting[key] != nil {
            waiterCount += 1
            waiting[key]?.append(waiter)
            return (.waits, nil)
        }
        guard waiting.count < NameTable.questionsMax else { return (.unknown, nil) }
        waiterCount += 1
        waiting[key] = [waiter]
        questions.append(key)
        return (.waits, .some(wakeup))
    }

    /// Caches an answer, unless the table is full of entries that have not expired.
    fileprivate mutating func keep(_ answer: NameTable.Answer, of key: NameTable.Key, _ now: Instant) {
        if answers.count >= NameTable.answersMax, answers[key] == nil {
            guard now >= nextSweep else { return }
            nextSweep = now + .seconds(1)
            answers = answers.filter { now < $0.value.end }
            guard answers.count < NameTable.answersMax else { return }
        }
        answers[key] = answer
    }
}

// MARK: - Host names

/// The normal form of host names in queries and in the name table. A Host field may contain anything.
public enum HostName {
    /// The maximum length of a name in bytes, without a trailing dot (RFC 1035 section 2.3.4).
    public static let bytesMax = 253
    private static let labelBytesMax = 63

    /// Appends the name to `out` in lower case, without a trailing dot. Returns false, possibly after appending a part
    /// of it, if the name is not valid: a label has 1 to 63 letters, digits, '-' and '_'.
    public static func append(_ name: some Collection<UInt8>, to out: inout [UInt8]) -> Bool {
        // One more for a trailing dot.
        guard name.count <= bytesMax + 1 else { return false }
        var labelCount = 0
        let start = out.count
        for byte in name {
            switch byte {
            case 0x41...0x5A: out.append(byte | 0x20)
            case 0x61...0x7A, 0x30...0x39, 0x2D, 0x5F: out.append(byte)
            case 0x2E:
                guard labelCount > 0 else { return false }
                out.append(byte)
                labelCount = 0
                continue
            default: return false
            }
            labelCount += 1
            guard labelCount <= labelBytesMax else { return false }
        }
        if labelCount == 0 && out.count > start { out.removeLast() }
        return out.count > start && out.count - start <= bytesMax
    }
}
