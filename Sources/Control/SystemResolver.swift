// Looks up again, through the system's resolver, the host names of servers that have no address yet, so that one unknown name never keeps
// the whole site from starting, nor a server down once its name is known.

internal import Balancing
internal import Basics
public import Proxy
public import Reactor

/// Retries unresolved names, one look-up thread at a time, and gives the servers their addresses.
public final class SystemResolver: LoopTask {
    private let plan: Plan
    private let waker: Waker
    private var handle = SlotHandle(index: 0, generation: 0)
    private let found = Found()
    /// The look-up under way.
    private var lookup: Thread?
    private let announce: (String) -> Void
    private var isStopped = false

    /// Between attempts.
    private static let pause = TimeSpan.seconds(5)

    /// What the look-up thread leaves behind.
    private final class Found: Sendable {
        let answers = Lock<[(server: Server, address: SocketAddress)]?>(nil)
    }

    /// - Parameters:
    ///   - waker: ends the loop's wait when answers are there.
    ///   - announce: told about each server that got its address.
    public static func start(
        plan: Plan, waker: Waker, announce: @escaping (String) -> Void, in loop: TaskLoop
    ) -> SystemResolver? {
        let task = SystemResolver(plan, waker, announce)
        guard !task.unresolved.isEmpty else { return nil }
        task.handle = loop.add(task)
        loop.setDeadline(loop.now + pause, of: task.handle)
        return task
    }

    private init(_ plan: Plan, _ waker: Waker, _ announce: @escaping (String) -> Void) {
        self.plan = plan
        self.waker = waker
        self.announce = announce
    }

    private var unresolved: [Server] {
        plan.backends.flatMap(\.backend.servers).filter { $0.state == .unresolved && $0.naming == nil }
    }

    public func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    /// Time for another attempt. The system's resolver blocks, so it gets a thread.
    public func expired(in loop: TaskLoop) {
        let servers = unresolved
        guard !servers.isEmpty, lookup == nil, !isStopped else { return }
        let found = found
        let waker = waker
        lookup = Thread(name: "portico-names") {
            let answers = servers.compactMap { server in
                server.hostName.flatMap { HostResolver.resolve($0).first }
                    .map { (server: server, address: SocketAddress.ip($0, port: server.port)) }
            }
            found.answers.withLock { $0 = answers }
            waker.wake()
        }
    }

    /// No name is looked up any more; the answer of a look-up that is under way is still taken.
    public func stop() { isStopped = true }

    /// Called after each turn of the loop: takes in what a look-up has found.
    public func collect(in loop: TaskLoop) {
        guard let lookup, let answers = found.answers.withLock({ $0.take() }) else { return }
        lookup.join()
        self.lookup = nil
        for (server, address) in answers {
            guard let backend = plan.backends.first(where: { $0.name == server.backendName }) else { continue }
            server.resolved(to: address, now: loop.now)
            backend.backend.serverChanged(now: loop.now)
            announce("Server \(server.backendName)/\(server.name) has an address now: \(address).")
        }
        if !unresolved.isEmpty, !isStopped { loop.setDeadline(loop.now + Self.pause, of: handle) }
    }
}
