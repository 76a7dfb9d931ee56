// Keeps servers where SRV records say that a service is (RFC 2782): the records of a name are looked up again and again, each server
// gets one, and the address of the record's host name is looked up as often. A server without a record is in maintenance.

internal import Balancing
internal import Basics
internal import Configuration
internal import Proxy
internal import Reactor
internal import Resolvers

/// Looks the SRV records of one name up, for all servers that have it.
final class ServiceUpdater: LoopTask, NameUpdater {
    struct Key: NameKey {
        let name: String
        let resolvers: String

        /// Nil for a server that follows no SRV records.
        init?(_ server: Server) {
            guard let name = server.serviceName, let resolvers = server.naming?.resolvers else { return nil }
            self.name = name
            self.resolvers = resolvers.text
        }
    }

    /// A server, and the record that it has.
    private final class Member {
        let server: Server
        let backend: BackendPlan
        var record: ServiceRecord?

        init(_ server: Server, _ backend: BackendPlan, _ record: ServiceRecord?) {
            self.server = server
            self.backend = backend
            self.record = record
        }

        var naming: ServerNaming { server.naming ?? ServerNaming() }
        var family: AddressFamily { naming.prefersIPv4 ? .v4 : .v6 }

        func has(_ other: ServiceRecord) -> Bool { record?.host == other.host && record?.port == other.port }
    }

    /// A host name of records.
    private struct Host: Hashable {
        let name: String
        let family: AddressFamily
    }

    private struct Lookup {
        /// When an answer last had an address; at first when the name came up.
        var lastValid: Instant
        var isUnderWay = false
    }

    private let key: Key
    private var resolver: Resolver
    private let log: HealthLog
    private var members: [[Member]] = []
    /// The records of the latest answer, then those of earlier answers that are still held (`hold obsolete`).
    private var known: [(record: ServiceRecord, seen: Instant)] = []
    private var lastValid: Instant
    private var lookups: [Host: Lookup] = [:]
    private var handle = SlotHandle(index: 0, generation: 0)
    private var isStopped = false

    static func start(
        _ key: Key, _ resolver: Resolver, _ log: HealthLog, at position: Int, of count: Int, in loop: TaskLoop
    ) -> ServiceUpdater {
        let updater = ServiceUpdater(key, resolver, log, since: loop.now)
        updater.handle = loop.add(updater)
        loop.setDeadline(loop.now, of: updater.handle)
        return updater
    }

    private init(_ key: Key, _ resolver: Resolver, _ log: HealthLog, since start: Instant) {
        self.key = key
        self.resolver = resolver
        self.log = log
        lastValid = start
    }

    /// A server that stays keeps its record. One that comes to the name later gets one as soon as the records are known.
    func follow(_ groups: [NamedServers], _ resolver: Resolver, in loop: TaskLoop) {
        let before = Dictionary(
            members.joined().map { ($0.server.number, $0.record) }, uniquingKeysWith: { first, _ in first })
        members = groups.map { group in
            group.servers.map { Member($0, group.backend, before[$0.number] ?? nil) }
        }
        self.resolver = resolver
        guard members.joined().contains(where: { before[$0.server.number] == nil }) else { return }
        loop.setDeadline(loop.now, of: handle)
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    func expired(in loop: TaskLoop) {
        resolver.lookForServices(of: key.name) { [weak self] result in self?.take(result, in: loop) }
    }

    func stop(in loop: TaskLoop) {
        guard !isStopped else { return }
        isStopped = true
        loop.remove(handle)
    }

    // MARK: Records

    private func take(_ result: Result<[ServiceRecord], ResolutionFault>, in loop: TaskLoop) {
        guard !isStopped else { return }
        switch result {
        case .success(let records): take(records, loop.now)
        case .failure(let fault):
            if loop.now >= lastValid + resolver.plan.holds[fault] {
                known = []
                for section in members {
                    for member in section { release(member, "SRV \(fault.rawValue) status", loop.now) }
                }
            }
        }
        lookForAddresses(in: loop)
        loop.setDeadline(loop.now + resolver.plan.refreshTime, of: handle)
    }

    private func take(_ records: [ServiceRecord], _ now: Instant) {
        lastValid = now
        let hold = resolver.plan.holds.obsolete
        let old = known.filter { entry in
            now < entry.seen + hold
                && !records.contains { $0.host == entry.record.host && $0.port == entry.record.port }
        }
        known = records.sorted { $0.priority < $1.priority }.map { ($0, now) } + old
        for section in members { assign(section, now) }
    }

    /// A server keeps its record. Others get one that none of the section's servers has.
    private func assign(_ section: [Member], _ now: Instant) {
        for member in section where member.record != nil {
            guard let same = known.first(where: { member.has($0.record) })?.record else {
                release(member, "entry removed from SRV record", now)
                continue
            }
            give(same, to: member, now)
        }
        var free = known.map(\.record).filter { record in !section.contains { $0.has(record) } }[...]
        for member in section where member.record == nil {
            guard let record = free.popFirst() else { return }
            // One record may be in an answer twice.
            free.removeAll { $0.host == record.host && $0.port == record.port }
            give(record, to: member, now)
        }
    }

    private func give(_ record: ServiceRecord, to member: Member, _ now: Instant) {
        guard member.record != record else { return }
        member.record = record
        var configuration = member.server.configuration
        let before = (configuration.hostName, configuration.port, configuration.weight)
        configuration.hostName = record.host
        configuration.port = record.port
        // As in HAProxy, whose weights end at 256: 0 stays 0.
        if !member.naming.ignoresWeight { configuration.weight = (Int(record.weight) + 255) / 256 }
        guard before != (configuration.hostName, configuration.port, configuration.weight) else { return }
        member.backend.backend.reconfigure(member.server, as: configuration, now: now)
    }

    private func release(_ member: Member, _ why: String, _ now: Instant) {
        guard member.record != nil else { return }
        member.record = nil
        let hadAddress = member.server.address != nil
        member.server.unresolved()
        var configuration = member.server.configuration
        configuration.hostName = nil
        configuration.port = 0
        member.backend.backend.reconfigure(member.server, as: configuration, now: now)
        if hadAddress { log.lost(member.server, of: member.backend, why) }
    }

    // MARK: Addresses

    private func lookForAddresses(in loop: TaskLoop) {
        var wanted: Set<Host> = []
        for member in members.joined() {
            if let record = member.record { wanted.insert(Host(name: record.host, family: member.family)) }
        }
        lookups = lookups.filter { wanted.contains($0.key) || $0.value.isUnderWay }
        for host in wanted where lookups[host]?.isUnderWay != true {
            lookups[host, default: Lookup(lastValid: loop.now)].isUnderWay = true
            resolver.look(for: host.name, host.family) { [weak self] result in self?.take(result, for: host, in: loop) }
        }
    }

    private func take(_ result: Result<[IPAddress], ResolutionFault>, for host: Host, in loop: TaskLoop) {
        guard !isStopped else { return }
        lookups[host]?.isUnderWay = false
        let concerned = members.joined().filter { $0.record?.host == host.name && $0.family == host.family }
        switch result {
        case .success(let addresses):
            lookups[host]?.lastValid = loop.now
            for member in concerned { settle(member, addresses, loop.now) }
        case .failure(let fault):
            guard let since = lookups[host]?.lastValid, loop.now >= since + resolver.plan.holds[fault] else { return }
            for member in concerned where member.server.address != nil {
                member.server.unresolved()
                member.backend.backend.serverChanged(now: loop.now)
                log.lost(member.server, of: member.backend, "DNS \(fault.rawValue) status")
            }
        }
    }

    private func settle(_ member: Member, _ addresses: [IPAddress], _ now: Instant) {
        guard let record = member.record else { return }
        let old = member.server.address
        // The one that it has, if that is still one of them.
        let ip = addresses.first { $0 == old?.ip } ?? member.naming.address(among: addresses)
        guard let ip, old != .ip(ip, port: record.port) else { return }
        member.server.resolved(to: .ip(ip, port: record.port), now: now)
        if old == nil || member.server.isPlacedByAddress { member.backend.backend.serverChanged(now: now) }
        if old?.ip != ip { log.moved(member.server, of: member.backend, from: old?.ip, to: ip, by: key.resolvers) }
    }
}
