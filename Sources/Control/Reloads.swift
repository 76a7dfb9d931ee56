// Reloads as operators see them: who asks is told the outcome, and so is the service manager. What reads the configuration is the
// program's.

public import Admin
internal import Basics
internal import Reactor

/// Takes requests to read the configuration again, one at a time, from commands and signals.
public final class Reloads {
    /// Reads the configuration and makes it count. Calls its argument once, when that has ended.
    public typealias Perform = (@escaping (ReloadOutcome) -> Void) -> Void

    /// Set by what can do it, before the first request.
    public var perform: Perform?
    private(set) var record: ReloadRecord
    private let clock: any Kernel
    private let announce: (ServiceManager.State) -> Void
    private var isUnderWay = false

    /// - Parameters:
    ///   - startMessages: what was told at the start.
    ///   - announce: tells the service manager.
    init(startMessages: String, clock: any Kernel, announce: @escaping (ServiceManager.State) -> Void) {
        record = ReloadRecord(startMessages: startMessages)
        self.clock = clock
        self.announce = announce
    }

    /// Has the configuration read again. `done` is called once, when that has ended or is refused; possibly before this function
    /// returns.
    public func request(done: @escaping (ReloadOutcome) -> Void = { _ in }) {
        guard let perform else { return refuse("The configuration is not read again here.", done) }
        guard !isUnderWay else { return refuse("Another reload is still in progress.", done) }
        isUnderWay = true
        announce(.reloading(since: clock.now))
        perform { [self] outcome in
            precondition(isUnderWay, "a reload has ended twice")
            isUnderWay = false
            record.note(outcome, at: clock.now)
            announce(.reloaded(isDone: outcome.isDone))
            done(outcome)
        }
    }

    private func refuse(_ why: String, _ done: (ReloadOutcome) -> Void) {
        done(ReloadOutcome(isDone: false, problems: why))
    }
}
