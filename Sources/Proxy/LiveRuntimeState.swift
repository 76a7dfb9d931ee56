// What rules may ask of the running site (`nbsrv`, `be_conn`, `srv_is_up` …): answered from the plan and what hangs off it.

internal import Balancing
internal import Basics
public import Expressions
public import Logging
public import Reactor
internal import Rules
internal import Synchronization

final class LiveRuntimeState: RuntimeState {
    private let scope: PlanScope
    private let kernel: any Kernel
    private let frontends: [String: Int]
    private let backends: [String: Int]
    /// Numbers by name, of each backend.
    private let servers: [[String: Int]]
    /// The same by the names' bytes.
    private let computed: ComputedNames
    private let log: LogChannel
    private let stopping = Atomic<Bool>(false)

    /// Whether the worker accepts no more connections.
    var isStopping: Bool {
        get { stopping.load(ordering: .relaxed) }
        set { stopping.store(newValue, ordering: .relaxed) }
    }

    init(_ scope: PlanScope, _ kernel: any Kernel, _ log: LogChannel) {
        self.scope = scope
        self.kernel = kernel
        self.log = log
        frontends = Self.places(scope.frontends.map(\.name))
        backends = Self.places(scope.backends.map(\.name))
        servers = scope.backends.map { backend in
            Dictionary(backend.servers.map { ($0.name, $0.number) }, uniquingKeysWith: { first, _ in first })
        }
        computed = ComputedNames(frontends: frontends, backends: backends, servers: servers)
    }

    private static func places(_ names: [String]) -> [String: Int] {
        Dictionary(names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }

    func place(of reference: SiteReference, for context: ExchangeContext) -> SitePlace? {
        switch reference.kind {
        case .frontend:
            (reference.name.isEmpty ? context.frontendIndex : frontends[reference.name]).map { SitePlace($0) }
        case .backend: (reference.name.isEmpty ? context.backendIndex : backends[reference.name]).map { SitePlace($0) }
        case .server: server(reference, context)
        }
    }

    func place(named name: [UInt8], _ kind: SiteReference.Kind, for context: ExchangeContext) -> SitePlace? {
        switch kind {
        case .frontend: computed.frontends[name].map { SitePlace($0) }
        case .backend: computed.backends[name].map { SitePlace($0) }
        case .server: computed.place(ofServer: name, orIn: context.backendIndex)
        }
    }

    func matchesWereUndecided(_ count: Int, in rule: String?, for context: ExchangeContext) {
        let line = scope.site.undecidedMatches.line(
            about: rule, count, stepsMax: scope.settings.regularStepsMax, now: kernel.now)
        guard let line else { return }
        let targets = scope.frontends[context.frontendIndex].logTargets
        log.event(.warning, to: targets.isEmpty ? scope.logTargets : targets, line)
    }

    func defaultBackend(ofFrontend index: Int) -> Int? { scope.frontends[index].routing.fallback }

    func measure(_ what: TransportMeasure, ofSocket number: Int32) -> Int? {
        guard let measures = kernel.measure(Socket(number)) else { return nil }
        return switch what {
        case .roundTrip: measures.roundTripMicroseconds
        case .roundTripVariation: measures.variationMicroseconds
        case .unacknowledged: measures.unacknowledged
        case .acknowledgedApart: measures.acknowledgedApart
        case .acknowledgedAhead: measures.acknowledgedAhead
        case .lost: measures.lost
        case .sentAgain: measures.sentAgain
        case .reordering: measures.reordering
        }
    }

    func appendName(ofBackend index: Int, to out: inout [UInt8]) { out.append(scope.backends[index].name) }

    private func server(_ reference: SiteReference, _ context: ExchangeContext) -> SitePlace? {
        let backend = if let name = reference.backend { backends[name] } else { context.backendIndex }
        guard let backend, let index = servers[backend][reference.server] else { return nil }
        return SitePlace(backend, server: index)
    }

    func wallTime() -> WallTime { kernel.wallTime() }
    func randomNumber() -> UInt64 { kernel.randomNumber() }

    func number(_ what: SiteNumber) -> Int {
        switch what {
        case .connections: scope.site.admission.connections.current
        case .connectionsFree: scope.limits.connections - scope.site.admission.connections.current
        case .processID: Int(SystemProcess.id)
        case .threads: scope.site.process.threads
        case .isStopping: isStopping ? 1 : 0
        case .uptime: Int(kernel.now.since(scope.site.process.startedAt).wholeMilliseconds / 1_000)
        default: 0
        }
    }

    func connections(toSocketOf context: ExchangeContext) -> Int? {
        let addresses = scope.frontends[context.frontendIndex].addresses
        return addresses.first { $0.number == context.socketID }?.live.connections.current
    }

    func number(_ what: SiteNumber, ofFrontend index: Int) -> Int {
        let frontend = scope.frontends[index]
        return switch what {
        case .id: frontend.id
        case .connections: frontend.sessions.current
        case .connectionsFree: frontend.maxConnections - frontend.sessions.current
        case .sessionRate: frontend.sessionRate.rate(at: kernel.now)
        case .requestRate: frontend.requestRate.rate(at: kernel.now)
        case .clientTimeout: milliseconds(frontend.timeouts.client)
        case .tarpitTimeout: milliseconds(frontend.timeouts.tarpit)
        default: 0
        }
    }

    func number(_ what: SiteNumber, ofBackend index: Int) -> Int {
        let backend = scope.backends[index]
        return switch what {
        case .id: backend.id
        case .connections: backend.backend.active.current
        case .sessionRate: backend.backend.rate.rate(at: kernel.now)
        case .usableServers: usableServers(of: backend.backend)
        case .serverTimeout: milliseconds(backend.timeouts.server)
        case .connectTimeout: milliseconds(backend.timeouts.connect)
        case .tunnelTimeout: milliseconds(backend.timeouts.tunnel ?? .forever)
        case .queueTimeout: milliseconds(backend.timeouts.queue)
        case .tarpitTimeout: milliseconds(backend.timeouts.tarpit)
        case .retries: backend.retries
        case .queue: waiting(for: backend.backend)
        // The next server to come back is nearer than a queue that no server empties.
        case .averageQueue:
            usableServers(of: backend.backend) > 0
                ? (waiting(for: backend.backend) + usableServers(of: backend.backend) - 1)
                    / usableServers(of: backend.backend)
                : 2 * waiting(for: backend.backend)
        case .connectionsFree: room(on: backend.backend) { $0.placesFree }
        case .connectionSlots:
            room(on: backend.backend) { server in
                guard let places = server.placesFree, let most = server.limits.queueMax else { return nil }
                return places + max(0, most - server.queued.current)
            }
        default: 0
        }
    }

    func number(_ what: SiteNumber, ofServer number: Int, in backend: Int) -> Int {
        let backend = scope.backends[backend]
        // A server that the plan does not know has come to the backend since.
        let known = backend.servers.place(of: number).map { backend.servers[$0] }
        guard let server = known ?? backend.backend.servers.first(where: { $0.number == number }) else { return 0 }
        return switch what {
        case .id: server.id
        case .connections: server.active.current
        case .connectionsFree: server.placesFree ?? -1
        case .queue: server.queued.current
        case .sessionRate: server.rate.rate(at: kernel.now)
        case .isUp: server.state.isUsable ? 1 : 0
        case .weight: server.weightNow
        case .initialWeight, .userWeight: server.weight
        default: 0
        }
    }

    private func waiting(for backend: Backend) -> Int {
        backend.queued.current + backend.servers.reduce(0) { $0 + $1.queued.current }
    }

    /// As `nbsrv` counts: backups only when no other server is left.
    private func usableServers(of backend: Backend) -> Int {
        let counts = backend.usableCounts
        return counts.active > 0 ? counts.active : counts.backup
    }

    /// What the servers that would be used have together; -1 if one of them has no limit.
    private func room(on backend: Backend, _ count: (Server) -> Int?) -> Int {
        let isLastResort = backend.usableCounts.active == 0
        var sum = 0
        for server in backend.servers where server.state.isUsable && (isLastResort || !server.isBackup) {
            guard let room = count(server) else { return -1 }
            sum += room
        }
        return sum
    }

    private func milliseconds(_ span: TimeSpan) -> Int { span == .forever ? 0 : Int(span.wholeMilliseconds) }
}

/// Names that rules compute, by their bytes, so that looking one up makes no string.
private struct ComputedNames {
    let frontends: [[UInt8]: Int]
    let backends: [[UInt8]: Int]
    /// By backend and by name.
    private let servers: [[[UInt8]: Int]]
    /// By `backend/server`.
    private let serversInFull: [[UInt8]: SitePlace]

    init(frontends: [String: Int], backends: [String: Int], servers: [[String: Int]]) {
        self.frontends = Self.byBytes(frontends)
        self.backends = Self.byBytes(backends)
        self.servers = servers.map(Self.byBytes)
        var full: [[UInt8]: SitePlace] = [:]
        for (backend, index) in backends {
            for (server, place) in servers[index] {
                full[Array("\(backend)/\(server)".utf8)] = SitePlace(index, server: place)
            }
        }
        serversInFull = full
    }

    private static func byBytes(_ names: [String: Int]) -> [[UInt8]: Int] {
        Dictionary(uniqueKeysWithValues: names.map { (Array($0.key.utf8), $0.value) })
    }

    func place(ofServer name: [UInt8], orIn backend: Int?) -> SitePlace? {
        if let place = serversInFull[name] { return place }
        guard let backend, let index = servers[backend][name] else { return nil }
        return SitePlace(backend, server: index)
    }
}

extension Server {
    /// How many requests more it may have with its full `maxconn`; nil without one.
    fileprivate var placesFree: Int? { limits.maxConnections.map { max(0, $0 - active.current) } }
}

extension Plan {
    /// What expressions ask of the site that stand outside the workers, in the steps of health checks.
    public func makeRuntimeState(_ kernel: any Kernel, _ log: LogChannel) -> any RuntimeState {
        LiveRuntimeState(scope, kernel, log)
    }
}
