// Fetches the OCSP responses of certificates from their responders, one at a time: at once where there is none, before one ends, and at
// an operator's command. What was fetched is checked before clients get it; a failure is tried again after a while, and logged.

internal import Admin
internal import Basics
internal import HTTP
internal import Logging
internal import Proxy
internal import Reactor
internal import TLS

/// When a response is fetched again. In seconds since 1970.
struct ResponseSchedule {
    /// How long before its end a response is renewed.
    private static let margin: Int64 = 60
    /// The pause after the first failure in a row; it doubles with each further one.
    private static let firstRetry: Int64 = 60

    let least: Int64
    let most: Int64

    init(_ settings: ResponseUpdateSettings) {
        least = Int64(settings.leastSeconds)
        most = Int64(settings.mostSeconds)
    }

    /// - Parameter end: until when the response is valid; nil if it does not say.
    func next(after end: Int64?, at now: Int64) -> Int64 {
        max(now + least, min(now + most, (end ?? now) - Self.margin))
    }

    /// - Parameter failures: in a row, from 1.
    func retry(afterFailures failures: Int, at now: Int64) -> Int64 {
        now + min(most, Self.firstRetry << Int64(min(max(failures, 1) - 1, 20)))
    }
}

/// Keeps the OCSP responses of a configuration's certificates up to date.
final class ResponseUpdater: LoopTask {
    typealias Outcome = Result<OCSPResponse, ResponseUpdateFault>

    /// While a response is due later, the wall clock is looked at this often: it may be set.
    private static let clockPause: Int64 = 60

    /// What is known of one identity.
    fileprivate struct Record {
        var report: ResponseUpdateReport
        var failuresInARow = 0
        /// Whether the last response said that the certificate is revoked.
        var isRevoked = false
        /// Whether it is fetched again and again, rather than at commands only.
        var isScheduled: Bool
    }

    /// A response that is to be fetched, or is being fetched.
    private struct Job {
        let identity: [UInt8]
        let name: String
        var waiters: [(Outcome) -> Void]
    }

    private let inForce: PlanInForce
    private let log: LogChannel
    private let warn: (String) -> Void
    private let names: ResponderNames
    private let pool: BufferPool
    private let loop: TaskLoop
    private var handle: SlotHandle?
    private var records: [[UInt8]: Record] = [:]
    /// The scheduled identities, in the order of the configuration.
    private var order: [[UInt8]] = []
    /// What operators have asked for: one for each of their connections at most.
    private var orders: [Job] = []
    private var current: Job?
    private var exchange: ResponderExchange?
    private var version = -1

    /// - Parameter warn: called with what an operator should know of a certificate.
    init(
        _ inForce: PlanInForce, names: ResponderNames, pool: BufferPool, log: LogChannel, in loop: TaskLoop,
        warn: @escaping (String) -> Void
    ) {
        self.inForce = inForce
        self.names = names
        self.pool = pool
        self.log = log
        self.loop = loop
        self.warn = warn
    }

    private var state: EncryptionState { inForce.plan.encryption }
    private var settings: ResponseUpdateSettings { state.certificates.defaults.responseUpdates }
    private var schedule: ResponseSchedule { ResponseSchedule(settings) }

    func start() {
        handle = loop.add(self)
        collect()
    }

    /// Another plan is in force, whose certificates count from now on. What is known of their responders is kept.
    func follow() {
        version = -1
        collect()
    }

    /// Ends what is under way and begins nothing more.
    func stop() {
        guard let handle else { return }
        self.handle = nil
        loop.remove(handle)
        exchange?.cancel(in: loop)
        exchange = nil
        let waiters = orders.flatMap(\.waiters) + (current?.waiters ?? [])
        (orders, current) = ([], nil)
        for waiter in waiters { waiter(.failure(Self.stopping)) }
    }

    private static let stopping = ResponseUpdateFault(.unknown, "Portico is stopping")

    private var now: Int64 { Int64(loop.kernel.wallTime().seconds) }

    /// Called after each turn of the loop: takes in what has changed, and what the system's resolver has found.
    func collect() {
        names.collect()
        guard let handle, state.certificates.version != version else { return }
        version = state.certificates.version
        takeCertificates()
        loop.setDeadline(loop.now, of: handle)
    }

    private func takeCertificates() {
        let certificates = state.updatedCertificates
        guard !certificates.isEmpty || !records.isEmpty else { return order = [] }
        order = certificates.compactMap(\.identity)
        let (scheduled, all) = (Set(order), state.certificates.identities)
        records = records.filter { all.contains($0.key) }
        for identity in records.keys { records[identity]?.isScheduled = scheduled.contains(identity) }
        for certificate in certificates {
            guard let identity = certificate.identity else { continue }
            let isNew = records[identity]?.report.nextUpdate ?? 0 == 0
            note(identity, certificate.name)
            records[identity]?.isScheduled = true
            if isNew, let response = certificate.ocsp, response.validUntil ?? .max > now {
                records[identity]?.report.nextUpdate = schedule.next(after: response.validUntil, at: now)
            }
        }
    }

    private func note(_ identity: [UInt8], _ name: String) {
        if records[identity] == nil {
            records[identity] = Record(report: ResponseUpdateReport(identity: identity, name: name), isScheduled: false)
        }
        records[identity]?.report.name = name
    }

    /// How fetching has gone, the next one first.
    var reports: [ResponseUpdateReport] {
        order.compactMap { records[$0]?.report }.enumerated()
            .sorted { ($0.element.nextUpdate, $0.offset) < ($1.element.nextUpdate, $1.offset) }.map(\.element)
    }

    /// Fetches a certificate's response next. Returns why that cannot be done; nil if it is being done.
    func fetch(_ name: String, done: @escaping (Outcome) -> Void) -> String? {
        guard let handle else { return "\(Self.stopping.reason)." }
        guard let certificate = state.certificates.certificate(called: name) else {
            return "Unknown certificate! 'update ssl ocsp-response' expects an already known certificate file name."
        }
        guard let identity = certificate.identity else {
            return "The certificate that signed it is in neither its file nor an .issuer file."
        }
        guard certificate.responder != nil else { return "It names no OCSP responder that speaks plain HTTP." }
        if current?.identity == identity {
            current?.waiters.append(done)
        } else {
            orders.append(Job(identity: identity, name: certificate.name, waiters: [done]))
            loop.setDeadline(loop.now, of: handle)
        }
        return nil
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    /// Begins what is due, or waits until something is.
    func expired(in loop: TaskLoop) {
        guard current == nil, let handle else { return }
        if !orders.isEmpty { return begin(orders.removeFirst()) }
        // Of several the first of the configuration.
        guard let next = order.compactMap({ records[$0]?.report }).min(by: { $0.nextUpdate < $1.nextUpdate }) else {
            return
        }
        let wait = next.nextUpdate - now
        guard wait > 0 else { return begin(Job(identity: next.identity, name: next.name, waiters: [])) }
        loop.setDeadline(loop.now + .seconds(UInt64(min(wait, Self.clockPause))), of: handle)
    }
}

// MARK: - One response

extension ResponseUpdater {
    private func begin(_ job: Job) {
        current = job
        note(job.identity, job.name)
        guard let certificate = state.certificates.certificate(of: job.name), certificate.identity == job.identity,
            let request = OCSPRequest(about: certificate)
        else { return finish(.failure(ResponseUpdateFault(.notTaken, "the certificate is not there any more"))) }
        let (host, port) =
            settings.proxy.map { ($0.host, $0.port) } ?? (request.responder.host, request.responder.port)
        let message = request.message(isProxied: settings.proxy != nil)
        names.look(for: host) { [weak self] result in
            switch result {
            case .success(let address): self?.talk(to: .ip(address, port: port), message)
            case .failure(let fault): self?.finish(.failure(fault))
            }
        }
    }

    private func talk(to address: SocketAddress, _ message: [UInt8]) {
        guard let identity = current?.identity else { return }
        exchange = ResponderExchange.start(
            message, to: address, limits: HeadLimits(), contentBytesMax: inForce.site.bufferBytes, pool: pool, in: loop
        ) { [unowned self] outcome in finish(outcome.flatMap { take($0, identity) }) }
    }

    /// Gives a response to its certificates, if it is right.
    private func take(_ bytes: [UInt8], _ identity: [UInt8]) -> Outcome {
        do throws(TransactionProblem) {
            guard let response = try state.certificates.staple(fetched: bytes, identity: identity, at: now) else {
                return .failure(ResponseUpdateFault(.notTaken, "the certificate is not there any more"))
            }
            return .success(response)
        } catch {
            return .failure(ResponseUpdateFault(.invalid, error.text))
        }
    }

    private func finish(_ outcome: Outcome) {
        // What the resolver answers after the end is ignored.
        guard let job = current, let handle else { return }
        current = nil
        exchange = nil
        if var record = records[job.identity] {
            let wasRevoked = record.isRevoked
            record.take(outcome, schedule, at: now)
            records[job.identity] = record
            let report = record.report
            log.event(
                .notice, to: inForce.logTargets,
                "<OCSP-UPDATE> \(job.name) \(report.outcome.rawValue) \"\(report.outcomeText)\" \(report.failures) \(report.successes)"
            )
            if record.isRevoked, !wasRevoked {
                warn("Certificate '\(job.name)' is revoked, its OCSP responder says.")
            }
        }
        for waiter in job.waiters { waiter(outcome) }
        loop.setDeadline(loop.now, of: handle)
    }
}

extension ResponseUpdater.Record {
    fileprivate mutating func take(_ outcome: ResponseUpdater.Outcome, _ schedule: ResponseSchedule, at now: Int64) {
        switch outcome {
        case .success(let response):
            failuresInARow = 0
            isRevoked = response.isRevoked
            report.successes += 1
            report.outcome = .successful
            report.reason = nil
            report.lastUpdate = now
            report.nextUpdate = schedule.next(after: response.validUntil, at: now)
        case .failure(let fault):
            failuresInARow += 1
            report.failures += 1
            report.outcome = fault.outcome
            report.reason = fault.reason
            report.nextUpdate = schedule.retry(afterFailures: failuresInARow, at: now)
        }
    }
}
