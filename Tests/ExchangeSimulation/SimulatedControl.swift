// The control thread of a simulated Portico: Portico's control plane on a simulated kernel, with names that a seed knows.

import Balancing
import Basics
import Chance
import Control
import KernelSimulation
import Logging
import Proxy
import Reactor
import Resolvers

final class SimulatedControl: SimulatedThread {
    let kernel: SimulatedKernel
    private let plan: Plan
    private let mailboxes: [WorkerMailbox]
    private let names: SimulatedNames
    /// Nil where there is one worker and no control thread.
    private let plane: ControlPlane?
    private(set) var wasStopped = false
    /// Its turns go on for as long as this says.
    var isNeeded: () -> Bool = { true }

    /// - Parameter isThread: whether it has turns of its own; if not, it looks names up when it is told to.
    init(
        on kernel: SimulatedKernel, _ plan: Plan, _ mailboxes: [WorkerMailbox], log: LogChannel, isThread: Bool
    ) {
        self.kernel = kernel
        self.plan = plan
        self.mailboxes = mailboxes
        let names = SimulatedNames(kernel)
        self.names = names
        guard isThread else {
            plan.site.workers.set(mailboxes)
            plane = nil
            return
        }
        var services = ProcessServices()
        services.wakeup = kernel.wakeup
        services.nameSource = names
        plane = ControlPlane(plan: plan, kernel: kernel, mailboxes: mailboxes, log: log, services: services)
    }

    func start() { plane?.start() }

    var isFinished: Bool { !isNeeded() }

    func turn() {
        plane?.turn(until: nextName)
        names.settle()
    }

    // MARK: Orders

    func stop(_ order: WorkerMailbox.Order) {
        wasStopped = true
        guard let plane else { return mailboxes.forEach { $0.give(order) } }
        if order == .stopNow { plane.stopNow() } else { plane.stopSoftly() }
    }

    func trim() { plane?.trimMemory() }
    func setListening(_ listens: Bool) { plane?.setListening(listens) }
    func reportStatus() { plane?.reportStatus() }

    /// Once the workers have ended.
    func close() { plane?.close() }

    // MARK: Names

    /// When the next name is known.
    var nextName: Instant { names.next }

    /// In the control plane's place.
    func lookNamesUp() {
        guard let section = plan.resolvers.first else { return }
        for key in section.names.takeQuestions() {
            names.look { [unowned self] address in
                for waiter in section.names.settle(key, address, hold: section.holds.valid, now: kernel.now) {
                    mailboxes[waiter.worker].deliver(NameAnswer(for: waiter, address))
                }
            }
        }
        names.settle()
    }
}

/// In the place of nameservers: some names are known soon, some late, some not at all.
private final class SimulatedNames: NameSource {
    private let kernel: SimulatedKernel
    private var asked: [(doneAt: Instant, tell: (IPAddress?) -> Void)] = []

    init(_ kernel: SimulatedKernel) { self.kernel = kernel }

    func look(
        for name: String, _ family: AddressFamily, done: @escaping (Result<[IPAddress], ResolutionFault>) -> Void
    ) {
        look { done($0.map { .success([$0]) } ?? .failure(.noSuchName)) }
    }

    func look(_ tell: @escaping (IPAddress?) -> Void) {
        asked.append((kernel.now + .milliseconds(UInt64(kernel.random.number(0...1_500))), tell))
    }

    var next: Instant { asked.map(\.doneAt).min() ?? .never }

    /// Tells what is known by now.
    func settle() {
        while let at = asked.firstIndex(where: { $0.doneAt <= kernel.now }) {
            asked.remove(at: at).tell(kernel.random.oneIn(3) ? nil : .v4(0x0A00_0001))
        }
    }
}
