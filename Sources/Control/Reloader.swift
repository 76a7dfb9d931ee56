// Reads the configuration again and puts it in force while the process runs.
//
// Up to a point nothing is changed: the plan is built beside the one in force, names are looked up in a thread of their own, and the sockets
// that are missing are opened. What can fail has happened by then. The rest is one turn of the control thread: backends get their servers,
// workers are told of the plan, and the control plane goes by it. The reload has ended when all workers have gone to the plan; no other one
// begins before that, so no worker ever passes over a plan.

internal import Admin
internal import Balancing
internal import Basics
internal import Logging
internal import Proxy
internal import Reactor
internal import Synchronization

/// One reload at a time, step by step, on the control thread.
final class Reloader: LoopTask {
    private enum Step {
        case idle
        /// The configuration is to be read.
        case asked
        /// Names are looked up that a reading asked for.
        case names([String])
        /// Workers go to the plan of this generation.
        case workers(UInt32)
    }

    private unowned let control: ControlPlane
    private let source: any ConfigurationSource
    private let lookup: (any HostLookup)?
    private let wakeup: Wakeup?
    private var step = Step.idle
    private var book = NameBook()
    private var problems = ""
    private var done: ((ReloadOutcome) -> Void)?
    /// The plan in force before, kept until no worker needs it, so that it is not a worker that frees it.
    private var before: Plan?
    private var handle: SlotHandle?

    private static let isStopping = "The process is stopping."
    /// How often it looks whether all workers have gone to the plan.
    private static let pause = TimeSpan.milliseconds(5)

    /// - Parameters:
    ///   - lookup: looks up the names that a reading asks for; nil: the reading does that itself.
    ///   - wakeup: ends the control plane's wait.
    init(_ control: ControlPlane, _ source: any ConfigurationSource, lookup: (any HostLookup)?, wakeup: Wakeup?) {
        self.control = control
        self.source = source
        self.lookup = lookup
        self.wakeup = wakeup
    }

    /// Begins a reload; `done` is called at its end. It does nothing in the present turn's middle: a command may have asked for it.
    func begin(done: @escaping (ReloadOutcome) -> Void) {
        guard !control.inForce.site.counters.isStopping else {
            return done(ReloadOutcome(isDone: false, problems: Self.isStopping))
        }
        self.done = done
        book = NameBook()
        step = .asked
        if handle == nil { handle = control.loop.add(self) }
        wakeup?.wake()
    }

    /// Called after each turn of the loop.
    func collect() {
        switch step {
        case .idle: break
        case .asked: read()
        case .names(let names):
            guard let answers = lookup?.takeAnswers() else { break }
            book.learn(names, answers)
            read()
        case .workers(let generation): awaitWorkers(generation)
        }
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}
    func expired(in loop: TaskLoop) {}

    func close(in loop: TaskLoop) {
        if let handle { loop.remove(handle) }
        handle = nil
        step = .idle
        done = nil
    }

    private func read() {
        let site = control.inForce.site
        guard !site.counters.isStopping else {
            // While names were looked up.
            problems = Self.isStopping
            return end(isDone: false)
        }
        let reading = lookup == nil ? source.read(for: site) : book.use { source.read(for: site) }
        let missing = book.missing
        if let lookup, !missing.isEmpty {
            step = .names(missing)
            return lookup.begin(missing)
        }
        for event in reading.events { control.pass(on: event.text, event.level) }
        problems = reading.problems
        guard let candidate = reading.candidate else { return fail() }
        do throws(ReloadFault) {
            commit(candidate, reading, try source.open(reading))
        } catch {
            for line in error.text.split(separator: "\n") { control.pass(on: String(line), .err) }
            problems += error.text
            fail()
        }
    }

    /// Nothing that can fail.
    private func commit(_ candidate: PlanCandidate, _ reading: ConfigurationReading, _ sockets: PreparedSockets) {
        let plan = candidate.plan
        let removed = candidate.activate(now: control.loop.now)
        for (mailbox, listeners) in zip(plan.site.workers.mailboxes, sockets.workers) {
            mailbox.switchTo(
                PlanSwitch(
                    plan: plan, listeners: listeners, removedServers: removed, keepsOpen: sockets.keepsOpen))
        }
        before = control.inForce.plan
        control.follow(
            plan, reading.settings, runtimeSockets: sockets.runtimeSockets, listeners: sockets.exposed)
        sockets.commit(control.isListening)
        step = .workers(plan.generation)
        awaitWorkers(plan.generation)
    }

    private func awaitWorkers(_ generation: UInt32) {
        let mailboxes = control.inForce.site.workers.mailboxes
        guard mailboxes.allSatisfy({ $0.acknowledged >= generation }) else {
            if let handle { control.loop.setDeadline(control.loop.now + Self.pause, of: handle) }
            return
        }
        let plan = control.inForce.plan
        before = nil
        func counted(_ number: Int, _ one: String) -> String { "\(number) \(one)\(number == 1 ? "" : "s")" }
        let servers = plan.backends.reduce(0) { $0 + $1.backend.servers.count }
        control.tell(
            .notice,
            "Reloaded the configuration: \(counted(plan.frontends.count, "frontend")), "
                + "\(counted(plan.backends.count, "backend")), \(counted(servers, "server")).")
        end(isDone: true)
    }

    private func fail() {
        control.tell(.err, "The configuration was not reloaded; that in force stays.")
        end(isDone: false)
    }

    private func end(isDone: Bool) {
        step = .idle
        if let handle { control.loop.setDeadline(.never, of: handle) }
        let done = done
        self.done = nil
        done?(ReloadOutcome(isDone: isDone, problems: problems))
    }
}
