// Looks up again, through the system's resolver, the host names of servers that have no address yet. So an unknown name
// neither keeps the site from starting, nor keeps its server down once the name is known.

internal import Balancing
public import Basics
internal import Proxy
public import Reactor

/// Looks up host names somewhere else than on the control thread: the system's resolver blocks.
public protocol HostLookup: AnyObject {
    /// Begins to look up these names. Called again only after `takeAnswers` has returned answers.
    func begin(_ names: [String])
    /// The addresses of each name, in the names' order, none for a name without one. Returns nil while the look-up is under way, and
    /// when there is none.
    func takeAnswers() -> [[IPAddress]]?
}

/// Looks names up in a thread of its own, through the system's resolver.
public final class ThreadedHostLookup: HostLookup {
    private let wakeup: Wakeup
    private let found = Found()
    private var thread: Thread?

    private final class Found: Sendable {
        let answers = Lock<[[IPAddress]]?>(nil)
    }

    /// - Parameter wakeup: ends the control thread's wait when answers are there.
    public init(wakeup: Wakeup) { self.wakeup = wakeup }

    public func begin(_ names: [String]) {
        precondition(thread == nil, "a look-up of \(names.count) names begins while another is under way")
        let found = found
        let wakeup = wakeup
        // Outside, where the files are that tell how names are looked up.
        thread = Thread(name: "portico-names", isConfined: false) {
            let answers = names.map { HostResolver.resolve($0) }
            found.answers.withLock { $0 = answers }
            wakeup.wake()
        }
    }

    public func takeAnswers() -> [[IPAddress]]? {
        guard let thread, let answers = found.answers.withLock({ $0.take() }) else { return nil }
        thread.join()
        self.thread = nil
        return answers
    }
}

/// Retries the names of servers without an address every few seconds, all in one look-up at a time.
final class SystemResolver: LoopTask {
    private let inForce: PlanInForce
    private let lookup: any HostLookup
    private let announce: (String) -> Void
    private var handle: SlotHandle?
    /// The servers whose names are being looked up, with these; empty if none is.
    private var asked: [(server: Server, name: String)] = []
    private var isStopped = false

    /// Between attempts.
    static let pause = TimeSpan.seconds(5)

    /// - Parameter announce: called with a message for each server that has got its address.
    init(_ inForce: PlanInForce, lookup: any HostLookup, announce: @escaping (String) -> Void) {
        self.inForce = inForce
        self.lookup = lookup
        self.announce = announce
    }

    /// Makes an attempt after a pause, if a server of the plan in force needs one.
    func follow(in loop: TaskLoop) {
        guard !unresolved.isEmpty, asked.isEmpty, !isStopped else { return }
        let handle = handle ?? loop.add(self)
        self.handle = handle
        loop.setDeadline(loop.now + Self.pause, of: handle)
    }

    /// Makes no further attempt. The answers of one under way are still taken.
    func stop() { isStopped = true }

    func close(in loop: TaskLoop) {
        isStopped = true
        if let handle { loop.remove(handle) }
        handle = nil
    }

    private var unresolved: [Server] {
        inForce.plan.backends.flatMap(\.backend.servers).filter { $0.state.name == .unresolved && $0.naming == nil }
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    func expired(in loop: TaskLoop) {
        guard asked.isEmpty, !isStopped else { return }
        asked = unresolved.compactMap { server in server.hostName.map { (server, $0) } }
        if !asked.isEmpty { lookup.begin(asked.map(\.name)) }
    }

    /// Called after each turn of the loop: takes in what a look-up has found.
    func collect(in loop: TaskLoop) {
        guard !asked.isEmpty, let answers = lookup.takeAnswers() else { return }
        precondition(answers.count == asked.count, "\(answers.count) answers to \(asked.count) names")
        let backends = Dictionary(
            inForce.plan.backends.map { ($0.name, $0.backend) }, uniquingKeysWith: { first, _ in first })
        for ((server, name), addresses) in zip(asked, answers) {
            // A reload may have removed it, or given it another place.
            guard let ip = addresses.first, let backend = backends[server.backendName], server.hostName == name,
                !server.state.isRemoved, server.state.name == .unresolved
            else { continue }
            let address = SocketAddress.ip(ip, port: server.port)
            server.resolved(to: address, now: loop.now)
            backend.serverChanged(now: loop.now)
            announce("Server \(server.backendName)/\(server.name) has an address now: \(address).")
        }
        asked = []
        follow(in: loop)
    }
}
