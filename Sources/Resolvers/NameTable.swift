// The names that rules ask for (`do-resolve`): what is known of them, who waits for which, and which are to be looked up.
//
// Workers ask here and never wait in here; the control thread looks up and settles. While a name is looked up, everybody who
// asks for it waits for the same answer. Everything here has a limit: what is beyond is not found.

public import Basics
internal import Reactor
internal import Synchronization

/// Who waits for an answer, as its worker will know it again.
public struct NameWaiter: Sendable, Equatable {
    public var worker: Int
    /// The packed handle of whoever waits.
    public var owner: UInt64
    /// Tells this wait from others of the same owner.
    public var ticket: UInt64

    public init(worker: Int, owner: UInt64, ticket: UInt64) {
        self.worker = worker
        self.owner = owner
        self.ticket = ticket
    }
}

/// What is known at once.
public enum NameReply: Sendable, Equatable {
    case known(IPAddress)
    case unknown
    /// An answer will come.
    case waits
}

/// The names of one `resolvers` section, shared by all threads.
public final class NameTable: Sendable {
    /// A name in the form of `HostName`, and the family asked for first.
    public struct Key: Hashable, Sendable {
        /// The name with the family's number behind it, in one array, so that asking allocates nothing.
        fileprivate(set) var bytes: [UInt8] = []

        public init() {}

        /// Makes it the key of a name; false if nobody could have that name. The memory stays.
        public mutating func set(_ name: some Collection<UInt8>, _ family: AddressFamily) -> Bool {
            bytes.removeAll(keepingCapacity: true)
            guard HostName.append(name, to: &bytes) else { return false }
            bytes.append(family.rawValue)
            return true
        }

        var name: String { String(decoding: bytes.dropLast(), as: UTF8.self) }
        var family: AddressFamily { bytes.last == AddressFamily.v4.rawValue ? .v4 : .v6 }
    }

    /// Answers kept: some hundred bytes each.
    static let answersMax = 10_000
    /// Names being looked up. With nameservers that are silent for three seconds, that many more than a thousand names in each.
    static let questionsMax = 4_096
    /// Who waits for them, in all: more than there are connections, unless clients come only to leave.
    static let waitersMax = 200_000

    fileprivate struct Answer {
        let address: IPAddress
        /// From when on it is to be asked for again.
        let end: Instant
    }

    fileprivate struct State {
        var answers: [Key: Answer] = [:]
        var waiting: [Key: [NameWaiter]] = [:]
        var waiterCount = 0
        /// Those of `waiting` that the control thread has not taken yet.
        var questions: [Key] = []
        /// Before this, sweeping out old answers again is not worth the trouble.
        var nextSweep = Instant(nanoseconds: 0)
        var waker: Waker?
        var isOpen = true
    }

    private let state = Lock(State())
    private let hasQuestions = Atomic(false)

    /// What is known of a name. If it has to be looked up, `waiter` is among those that `settle` gives back.
    public func ask(_ key: Key, for waiter: NameWaiter, now: Instant) -> NameReply {
        let (reply, waker) = state.withLock { $0.ask(key, for: waiter, now) }
        guard let waker else { return reply }
        hasQuestions.store(true, ordering: .releasing)
        waker?.wake()
        return reply
    }

    // MARK: For the control thread

    /// Whom to wake when there is something to look up.
    func setWaker(_ waker: Waker?) { state.withLock { $0.waker = waker } }

    /// Names to look up, each given out once. Each has to be settled.
    public func takeQuestions() -> [Key] {
        guard hasQuestions.load(ordering: .relaxed), hasQuestions.exchange(false, ordering: .acquiring) else {
            return []
        }
        return state.withLock { state in
            defer { state.questions.removeAll(keepingCapacity: true) }
            return state.questions
        }
    }

    /// Keeps an address for as long as `hold`, and gives back who has waited for it, or for the news that there is none.
    public func settle(_ key: Key, _ address: IPAddress?, hold: TimeSpan, now: Instant) -> [NameWaiter] {
        state.withLock { state in
            if let address, hold > .zero { state.keep(Answer(address: address, end: now + hold), of: key, now) }
            let waiters = state.waiting.removeValue(forKey: key) ?? []
            state.waiterCount -= waiters.count
            return waiters
        }
    }

    /// From now on nothing is looked up; gives back everybody who waits.
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

    /// Answers kept, and names being looked up.
    var counts: (answers: Int, questions: Int) { state.withLock { ($0.answers.count, $0.waiting.count) } }
}

extension NameTable.State {
    /// The reply, and whom to wake if this is a new question.
    fileprivate mutating func ask(
        _ key: NameTable.Key, for waiter: NameWaiter, _ now: Instant
    ) -> (NameReply, Waker??) {
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
        return (.waits, .some(waker))
    }

    /// With the table full of answers that are all still good, this one is not kept.
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
