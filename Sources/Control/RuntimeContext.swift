// What the commands of the runtime sockets reach: statistics, certificates, rings, nameservers, and the listening sockets that are
// handed out. One for all sockets of a control plane.

internal import Admin
internal import Basics
internal import Logging
internal import Proxy
internal import Reactor
internal import TLS

/// What commands may read and change. A command that needs more than statistics casts its call's context to this type.
final class RuntimeContext: CommandContext {
    private let inForce: PlanInForce
    private let clock: any Kernel
    private let resolvers: ResolverSet
    private let updater: ResponseUpdater
    private let desk: Reloads
    /// What is handed to another process; a reload may open others.
    var listeners = ExposedListeners()
    private let channel: LogChannel

    init(
        _ inForce: PlanInForce, clock: any Kernel, resolvers: ResolverSet, updater: ResponseUpdater,
        reloads: Reloads, log channel: LogChannel
    ) {
        self.inForce = inForce
        self.clock = clock
        self.resolvers = resolvers
        self.updater = updater
        desk = reloads
        self.channel = channel
    }

    private var plan: Plan { inForce.plan }
    var statistics: any StatsSource { inForce.statistics }
    var encryption: EncryptionState { plan.encryption }
    var now: Instant { clock.now }
    var wallTime: WallTime { clock.wallTime() }

    /// None once the workers may have closed theirs.
    var listenersToHandOver: ExposedListeners { plan.site.counters.isStopping ? ExposedListeners() : listeners }

    var reloads: ReloadRecord { desk.record }
    func reload(done: @escaping (ReloadOutcome) -> Void) { desk.request(done: done) }

    func log(_ text: String) { channel.event(.info, to: plan.logTargets, text) }

    /// Tells the operator what was done with the listening sockets.
    func report(_ text: String) { channel.event(.notice, to: plan.logTargets, text) }

    func capturedErrors() -> CapturedErrors { plan.capturedErrors() }

    func resolversReports() -> [ResolversReport] { resolvers.reports }

    func responseUpdates() -> [ResponseUpdateReport] { updater.reports }

    func fetchResponse(
        of certificate: String, done: @escaping (Result<OCSPResponse, ResponseUpdateFault>) -> Void
    ) -> String? { updater.fetch(certificate, done: done) }

    func eventSinks() -> [EventSink] {
        plan.site.logger.eventRings.map { EventSink(name: $0.name, description: $0.description, dropped: $0.dropped) }
    }

    func endOfEvents(of name: String) -> UInt64 { ring(name)?.end ?? 0 }

    func readEvents(
        of name: String, from position: inout UInt64, into out: inout [UInt8], delimiter: UInt8, bytesMax: Int
    ) {
        ring(name)?.read(from: &position, into: &out, delimiter: delimiter, bytesMax: bytesMax)
    }

    private func ring(_ name: String) -> EventRing? { plan.site.logger.eventRings.first { $0.name == name } }
}
