// The statistics as plain values: what counters, gauges and health records say at the moment a row is read.

public import Admin
internal import Balancing
public import Basics
internal import Configuration
internal import Logging
internal import Reactor
internal import Synchronization
public import TLS

/// The statistics of a running plan, row by row.
public final class PlanStatistics: StatsSource, Sendable {
    private let plan: Plan
    /// A proxy's sides, as indices in the plan: a frontend, a backend, or both for a `listen` section.
    private struct Sides {
        let id: Int
        var frontend: Int?
        var backend: Int?
    }
    /// In the order of their numbers.
    private let proxies: [Sides]

    public init(_ plan: Plan) {
        self.plan = plan
        var proxies = plan.frontends.indices.map { index in
            let frontend = plan.frontends[index]
            let own = plan.backends.firstIndex { $0.isListen && $0.name == frontend.name }
            return Sides(id: frontend.id, frontend: index, backend: own)
        }
        for index in plan.backends.indices where !plan.backends[index].isListen {
            proxies.append(Sides(id: plan.backends[index].id, frontend: nil, backend: index))
        }
        self.proxies = proxies.sorted { $0.id < $1.id }
    }

    public func process(at now: Instant) -> ProcessStats { plan.processStats(now: now) }

    public var certificateEnds: [CertificateEnd] { plan.encryption.ends }

    public var proxyCount: Int { proxies.count }

    public func identity(ofProxy proxy: Int) -> ProxyIdentity {
        let id = proxies[proxy].id
        if let frontend = frontend(proxy) {
            var identity = ProxyIdentity(name: frontend.name, id: id)
            identity.mode = frontend.mode.rawValue
            identity.description = frontend.description
            return identity
        }
        guard let backend = backend(proxy) else { preconditionFailure("proxy \(id) has neither side") }
        var identity = ProxyIdentity(name: backend.name, id: id)
        identity.hasOwnID = backend.hasOwnID
        identity.mode = backend.mode.rawValue
        identity.description = backend.description
        return identity
    }

    public func frontend(ofProxy proxy: Int, at now: Instant) -> StatsRow? {
        frontend(proxy)?.statistics(now: now, isStopping: plan.site.counters.isStopping)
    }

    public func serverCount(ofProxy proxy: Int) -> Int { backend(proxy)?.servers.count ?? 0 }

    public func server(_ server: Int, ofProxy proxy: Int, at now: Instant) -> StatsRow {
        self.server(server, proxy).statistics(now: now)
    }

    public func stateOfServer(_ server: Int, ofProxy proxy: Int) -> (name: String, state: RowState) {
        let server = self.server(server, proxy)
        return (server.name, server.shownState(server.state, server.record))
    }

    public func backend(ofProxy proxy: Int, at now: Instant) -> StatsRow? { backend(proxy)?.statistics(now: now) }

    private func frontend(_ proxy: Int) -> FrontendPlan? { proxies[proxy].frontend.map { plan.frontends[$0] } }
    private func backend(_ proxy: Int) -> BackendPlan? { proxies[proxy].backend.map { plan.backends[$0] } }

    private func server(_ server: Int, _ proxy: Int) -> Server {
        guard let backend = backend(proxy) else { preconditionFailure("proxy \(proxy) has no server \(server)") }
        return backend.servers[server]
    }
}

extension Plan {
    /// All statistics at one moment.
    public func snapshot(now: Instant) -> StatsSnapshot { StatsSnapshot(of: PlanStatistics(self), at: now) }

    fileprivate func processStats(now: Instant) -> ProcessStats {
        var stats = ProcessStats()
        let process = site.process
        let counters = site.counters
        stats.version = process.version
        stats.logsDropped = site.logger.lost
        stats.undecidedMatches = site.undecidedMatches.total
        stats.plans = site.livingPlans
        stats.releaseDate = process.releaseDate
        stats.pid = SystemProcess.id
        stats.threads = process.threads
        stats.uptime = now.since(process.startedAt)
        stats.startedAt = process.startDate
        stats.node = process.node
        stats.description = process.description
        stats.connectionsLimit = scope.limits.connections
        stats.descriptorsLimit = process.descriptorsLimit
        stats.connectionsCurrent = site.admission.connections.current
        for frontend in frontends {
            stats.connectionsTotal += frontend.traffic.total(.connections)
            stats.requestsTotal += frontend.traffic.total(.requests)
            stats.bytesInTotal += frontend.traffic.total(.bytesIn)
        }
        stats.connectionRate = counters.connections.rate(at: now)
        stats.connectionRateLimit = scope.limits.connectionRate ?? 0
        stats.sessionRateLimit = scope.limits.sessionRate ?? 0
        stats.connectionRateMax = counters.connections.maximum(at: now)
        stats.sessionRate = counters.sessions.rate(at: now)
        stats.sessionRateMax = counters.sessions.maximum(at: now)
        stats.requestRate = counters.requests.rate(at: now)
        stats.requestRateMax = counters.requests.maximum(at: now)
        stats.tls = counters.tls.stats(now: now)
        stats.bytesOutTotal = counters.bytesSent
        stats.bytesOutRate = UInt64(counters.bytesSentRate(at: now))
        stats.bufferBytesAllocated = counters.bufferBytesAllocated
        stats.bufferBytesUsed = counters.bufferBytesUsed
        stats.idlePercent = counters.idlePercent
        stats.isStopping = counters.isStopping
        stats.residentBytes = process.residentBytes()
        stats.listeners = counters.isStopping ? 0 : binds.count
        stats.jobs = stats.connectionsCurrent + stats.listeners
        return stats
    }

    /// Keeps the highest rates of the last seconds. Called once a second by the control thread.
    public func keepHighestRates(at now: Instant) {
        site.counters.keepMaxima(at: now)
        for frontend in frontends { frontend.live.keepMaxima(at: now) }
        for backend in backends { backend.live.keepMaxima(at: now) }
    }
}

extension FrontendPlan {
    fileprivate func statistics(now: Instant, isStopping: Bool) -> StatsRow {
        var row = StatsRow(kind: .frontend)
        row.state =
            isStopping
            ? .stopped
            : live.isPaused.load(ordering: .relaxed) ? .paused : sessions.current >= maxConnections ? .full : .open
        row.fill(from: traffic)
        row.http2 = http2.stats
        row.sessionsCurrent = sessions.current
        row.sessionsMax = sessions.maximum
        row.sessionsLimit = maxConnections
        row.sessionRate = sessionRate.rate(at: now)
        row.sessionRateMax = sessionRate.maximum(at: now)
        row.sessionRateLimit = sessionRateMax ?? 0
        row.connectionRate = connectionRate.rate(at: now)
        row.connectionRateMax = connectionRate.maximum(at: now)
        row.requestRate = requestRate.rate(at: now)
        row.requestRateMax = requestRate.maximum(at: now)
        row.address = addresses.map(\.text).joined(separator: ", ")
        return row
    }
}

extension BackendPlan {
    fileprivate func statistics(now: Instant) -> StatsRow {
        var row = StatsRow(kind: .backend)
        row.fill(from: backend.traffic)
        row.http2 = http2.stats
        row.fill(backend.averageTimes, backend.traffic, now: now)
        row.hasServers = !backend.servers.isEmpty
        let availability = backend.availability
        // A backend without servers that answers by itself (files, rules) is not down.
        row.state = availability.isUp || backend.servers.isEmpty ? .up : .down
        row.stateAge = now.since(availability.since)
        row.timesDown = availability.falls
        row.downtime = availability.downtime
        if row.state == .down { row.downtime.nanoseconds += now.since(availability.since).nanoseconds }
        row.algorithm = backend.algorithm.name
        row.sessionsCurrent = backend.active.current
        row.sessionsMax = backend.active.maximum
        row.sessionsLimit = backend.loadAtFull
        row.queueCurrent = backend.queued.current
        row.queueMax = backend.queued.maximum
        row.sessionRate = backend.rate.rate(at: now)
        row.sessionRateMax = backend.rate.maximum(at: now)
        let usable = backend.usableCounts
        row.activeServers = usable.active
        row.backupServers = usable.backup
        row.weight = backend.eligibleWeightNow
        row.weightConfigured = backend.eligibleWeight
        return row
    }
}

extension Server {
    /// The one of its states that is shown: maintenance before a missing address, and that before what checks say.
    fileprivate func shownState(_ state: ServerState, _ record: HealthRecord) -> RowState {
        if state.administrative == .maintenance { return .maintenance }
        if state.name == .unresolved { return .unresolved }
        if state.inherited == .maintenance, let (tracked, backend) = tracked {
            return .maintenanceOf("\(backend)/\(tracked.name)")
        }
        if state.decided == .drain, state.health.isUp { return .drain }
        if record.isDownByAgent { return .downByAgent }
        return switch state.health {
        case .unchecked: .noCheck
        case .up: .up
        case .draining: .stopping
        case .goingDown: .goingDown(record.health - record.thresholds.rise + 1, of: record.thresholds.fall)
        case .down: .down
        case .goingUp: .goingUp(record.health, of: record.thresholds.rise)
        }
    }

    fileprivate func statistics(now: Instant) -> StatsRow {
        var row = StatsRow(kind: .server, name: name, id: id)
        row.fill(from: traffic)
        row.fill(averageTimes, traffic, now: now)
        let checkedServer = checkedServer
        let record = checkedServer.record
        row.serverState = state
        // Of servers that track one, the steps between up and down are with that one.
        row.serverState.health = checkedServer.state.health
        row.tracked = tracked.map { "\($0.backendName)/\($0.server.name)" }
        row.startedInMaintenance = startedInMaintenance
        row.state = shownState(row.serverState, record)
        row.stateAge = now.since(record.since)
        row.endpoint = address
        row.hostName = hostName
        row.serviceName = serviceName
        row.servicePort = Int(port)
        row.hasOwnID = configuration.hasOwnID
        row.isEncrypted = tls != nil
        row.checkAddress = check?.routes[0].address?.ip
        row.checkPort = Int(check?.routes[0].port ?? 0)
        row.address = address?.description ?? (hostName ?? serviceName).map { "\($0) (no address yet)" } ?? ""
        row.sessionsCurrent = active.current
        row.sessionsMax = active.maximum
        row.sessionsLimit = limits.maxConnections
        row.queueCurrent = queued.current
        row.queueMax = queued.maximum
        row.queueLimit = limits.queueMax
        row.sessionRate = rate.rate(at: now)
        row.sessionRateMax = rate.maximum(at: now)
        row.weight = weightNow
        row.weightConfigured = weight
        row.weightOfLine = ownWeight
        row.throttle = throttle
        row.activeServers = isBackup ? 0 : 1
        row.backupServers = isBackup ? 1 : 0
        row.idleConnections = idle.current
        row.idleReusedConnections = min(idleReused.current, row.idleConnections)
        row.idleConnectionsLimit = poolConnectionsMax
        row.usedConnections = active.current
        row.describeAgent(agentCheck, record)
        guard check != nil || agentCheck != nil else { return row }
        row.checksFailed = record.failures
        row.observedFailures = isObserved ? observedFailuresTotal : nil
        row.timesDown = record.falls
        row.downtime = record.downtime
        if !record.isUp { row.downtime.nanoseconds += now.since(record.since).nanoseconds }
        guard check != nil else { return row }
        row.checkRise = record.thresholds.rise
        row.checkFall = record.thresholds.fall
        row.checkHealth = record.health
        row.check = record.last.map(CheckStats.init)
        return row
    }
}

extension CheckStats {
    fileprivate init(_ result: CheckResult) {
        self.init(code: result.code.rawValue)
        meaning = result.code.phrase
        detail = result.info
        status = result.status
        duration = result.duration
    }
}

extension StatsRow {
    fileprivate mutating func describeAgent(_ plan: HealthCheckPlan?, _ record: HealthRecord) {
        guard let plan else { return }
        agentRise = plan.thresholds.rise
        agentFall = plan.thresholds.fall
        agentHealth = record.isDownByAgent ? 0 : 1
        agentAddress = plan.routes[0].address?.ip
        agentPort = Int(plan.routes[0].port ?? 0)
        agent = record.lastOfAgent.map(CheckStats.init)
    }

    fileprivate mutating func fill(from traffic: Traffic) {
        sessionsTotal = traffic.total(.sessions)
        chosenTotal = traffic.total(.selections)
        connectionsTotal = traffic.total(.connections)
        requestsTotal = traffic.total(.requests)
        interceptedTotal = traffic.total(.intercepted)
        bytesIn = traffic.total(.bytesIn)
        bytesOut = traffic.total(.bytesOut)
        requestsDenied = traffic.total(.deniedRequests)
        connectionsDenied = traffic.total(.deniedConnections)
        sessionsDenied = traffic.total(.deniedSessions)
        responsesDenied = traffic.total(.deniedResponses)
        rewriteErrors = traffic.total(.failedRewrites)
        requestErrors = traffic.total(.badRequests)
        tlsSessionsTotal = traffic.total(.tlsSessions)
        tlsResumedTotal = traffic.total(.resumedTLSSessions)
        tlsFailuresTotal = traffic.total(.failedHandshakes)
        connectErrors = traffic.total(.connectionErrors)
        responseErrors = traffic.total(.badResponses)
        retries = traffic.total(.retries)
        redispatches = traffic.total(.redispatches)
        clientAborts = traffic.total(.clientAborts)
        serverAborts = traffic.total(.serverAborts)
        responses.informational = traffic.total(.responses1xx)
        responses.success = traffic.total(.responses2xx)
        responses.redirect = traffic.total(.responses3xx)
        responses.clientError = traffic.total(.responses4xx)
        responses.serverError = traffic.total(.responses5xx)
        responses.other = traffic.total(.responsesOther)
        connectsTotal = traffic.total(.connections)
        reusesTotal = traffic.total(.reuses)
        internalErrors = traffic.total(.internalErrors)
    }

    /// What a backend and a server have and a frontend has not.
    fileprivate mutating func fill(_ average: AverageTimes, _ traffic: Traffic, now: Instant) {
        lastSessionAge = traffic.lastSessionAge(at: now)
        timesAverage.queue = average.queue
        timesAverage.connect = average.connect
        timesAverage.response = average.response
        timesAverage.total = average.total
        timesMax.queue = Int(clamping: traffic.most(.queueMax))
        timesMax.connect = Int(clamping: traffic.most(.connectMax))
        timesMax.response = Int(clamping: traffic.most(.responseMax))
        timesMax.total = Int(clamping: traffic.most(.totalMax))
    }
}

/// How much memory the process holds.
enum ResidentMemory {
    static var bytes: UInt64 {
        guard let pages = Self.statm?.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) }) else { return 0 }
        return pages * 4_096
    }

    /// `/proc/self/statm`: sizes in pages.
    private static var statm: String? { SystemFile.read("/proc/self/statm") }
}
