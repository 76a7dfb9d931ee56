// The settings of one backend as its lines have them, before names are looked up, and the backend that is made of them.

public import Basics
public import Configuration
public import HTTP
public import LogFormat
public import ProxyProtocol
public import Reactor
public import TLS

/// Balancing and checking as one section's lines have it.
public struct BalancingSettings: SectionSettings {
    public var algorithm = BalancingAlgorithms.standard
    /// `hash-type`, `hash-balance-factor`, `hash-preserve-affinity`
    public var hashing = HashSettings()
    public private(set) var servers: [ServerDraft] = []
    /// Where each server's name was first given.
    private(set) var names: [String: SourceRange] = [:]
    /// Where each `id` was first given.
    private(set) var ids: [Int: SourceRange] = [:]
    /// The parameters of the `default-server` lines so far, which each `server` line starts from.
    public var defaultServer = ServerDraft()
    public var usesAllBackups = false
    /// What the `option` line for checks says that counts.
    var checkMethod = CheckMethod.connecting
    /// The lines of `option httpchk` and `http-check`, and those of `tcp-check`. The first such line of another section starts from nothing.
    public var httpCheck = HTTPCheckLines()
    var tcpCheck = CheckLines(keyword: "tcp-check")
    /// What formats and expressions of checks are compiled into.
    public var checkFormats = FormatTable()
    /// Whether a `healthcheck` section has its `type`.
    var hasCheckType = false
    /// The checks of the `healthcheck` sections that servers name.
    public var namedChecks: [String: NamedCheck] = [:]
    /// `external-check command` and `external-check path`
    var externalProgram: String?
    var externalPath = ""
    /// `option check-passive`
    public var checksArePassive = false
    /// `timeout check`: for the answer to a check, once connected; without it, the check's interval bounds it all.
    public var checkTimeout: TimeSpan?
    /// `fullconn`
    public var loadAtFull: Int?
    /// `source`
    public var source: ConnectionSource?

    public init() {}

    public func hasServer(named name: String) -> Bool { names[name] != nil }

    /// Claims a name for a server. Returns where it was claimed before; nil if this is the first time.
    mutating func claim(_ name: Word) -> SourceRange? {
        if let first = names[name.text] { return first }
        names[name.text] = name.range
        return nil
    }

    /// Adds a server, whose name no other one has.
    public mutating func add(_ server: ServerDraft) {
        servers.append(server)
        names[server.name.text] = server.name.range
        if let id = server.id { ids[id] = server.name.range }
    }
}

/// One `server` line.
public struct ServerDraft: Sendable {
    public var name = Word("", at: SourceRange(file: "", line: 0))
    public var addressWord = Word("", at: SourceRange(file: "", line: 0))
    public var address = AddressText.endpoint(.any, ports: nil)
    /// What is added to the port that the client connected to; nil if the address has a port of its own.
    public var portOffset: Int?
    public var weight = 1
    public var reactions = ServerReactions()
    /// `observe`, `error-limit`, `on-error`
    public var observedLayer: Observation.Layer?
    public var observedFailuresMax = 10
    public var reactionToFailures = Observation.Reaction.failedCheck
    /// `init-state`; nil for `none`.
    public var initialState: InitialState?
    /// `track`: the backend's name, if the line has one, and the server's.
    public var tracked: Word?
    public var isBackup = false
    public var isDisabled = false
    public var id: Int?
    /// `guid`
    public var globalID: Word?
    /// `hash-key`
    public var hashKeyKind = HashKeyKind.id
    public var isChecked = false
    public var thresholds = HealthThresholds()
    public var interval = TimeSpan.seconds(2)
    public var fastInterval: TimeSpan?
    public var downInterval: TimeSpan?
    /// `port`, and the port of `addr`.
    public var statedCheckPort: UInt16?
    public var checkAddressPort: UInt16?
    /// The port that checks go to, if not the server's own.
    public var checkPort: UInt16? {
        get { statedCheckPort ?? checkAddressPort }
        set { statedCheckPort = newValue }
    }
    public var checkAddress: IPAddress?
    public var pool = PoolLimits()
    /// What names the server in a persistence cookie (`cookie`); nil for nothing.
    public var cookie: Word?
    /// `pool-conn-name`
    public var poolName: Word?
    public var limits = ServerLimits()
    /// `strict-maxconn`
    public var countsIdleConnections = false
    /// `send-proxy` and `send-proxy-v2`: of both, the second counts.
    public var sendsProxyLine = false
    public var sendsProxyBlock = false
    /// `proxy-v2-options`
    public var proxyOptions: ProxyHeaderOptions = []
    /// `check-send-proxy`
    public var sendsProxyHeaderInChecks = false
    /// `check-via-socks4`
    var usesProxyInChecks = false
    /// `proto`
    public var protocolWord: ProtocolWord?
    /// `check-proto`
    public var checkProtocolWord: ProtocolWord?
    /// Its checks have a protocol of their own above HTTP/2.
    var checksOverHTTP2 = false
    /// `ws`
    public var webSocketProtocol = WebSocketProtocol.automatic
    public var naming = ServerNaming()
    public var agent = AgentDraft()
    /// The `healthcheck` section that says how it is checked; nil where the backend's lines do.
    public var checkSection: Reference?
    public var source: ConnectionSource?
    /// `socks4`
    var proxy: SocketAddress?
    /// `idle-ping`
    var idlePing: TimeSpan?
    /// `tfo`
    var usesFastOpen = false
    /// `tcp-ut`
    var userTimeout: TimeSpan?
    /// `cc`
    var congestionControl: String?
    /// `tcp-md5sig`
    var signingKey: [UInt8]?
    /// `namespace`
    public var namespace: NetworkNamespace?
    /// `set-proxy-v2-tlv-fmt`: types and formats.
    public var headerValues: [(type: UInt8, format: Word)] = []
    public var tls = TLSUpstreamOptions()

    public init() {}
}

extension ServerDraft {
    /// The PROXY protocol header that connections begin with; nil for none.
    var proxyHeader: ProxyHeaderVersion? { sendsProxyBlock ? .two : sendsProxyLine ? .one : nil }

    /// That of checks: the same, unless they go elsewhere.
    var checkProxyHeader: ProxyHeaderVersion? {
        if sendsProxyHeaderInChecks { return proxyHeader ?? .one }
        return checksGoElsewhere ? nil : proxyHeader
    }

    private var checksGoElsewhere: Bool { checkPort != nil || checkAddress != nil }

    /// Whether checks are encrypted.
    var encryptsChecks: Bool { tls.encryptsChecks ?? (tls.isOn && !checksGoElsewhere) }

    /// What checks speak that send a request.
    var checkProtocolChoice: ProtocolChoice {
        checksOverHTTP2 ? .http2 : (checkProtocolWord ?? protocolWord)?.choice ?? .negotiated
    }

    /// What checks offer above TLS: those that send a request, only what they speak, and HTTP/2 not without saying so
    /// (RFC 9113 section 3.2).
    var protocolsOfChecks: [[UInt8]] { tls.checkProtocols ?? tls.protocol.applicationProtocols ?? [] }
    var protocolsOfHTTPChecks: [[UInt8]] {
        switch checkProtocolChoice {
        case .negotiated: return protocolsOfChecks
        case .http1: return protocolsOfChecks.filter { $0 != SpokenProtocols.http2 }
        case .http2:
            let others = protocolsOfChecks.filter { $0 != SpokenProtocols.http11 && $0 != SpokenProtocols.http10 }
            return others.isEmpty ? [SpokenProtocols.http2] : others
        }
    }

    /// Whether there has to be a `TLSUpstream` for its connections or its checks.
    public var needsTLS: Bool { tls.isOn || (isChecked && encryptsChecks) }
}

extension BalancingSettings {
    /// What these settings say of each server.
    ///
    /// Host names are looked up with `resolve`; a name that has no address leaves its server down, to be tried again.
    /// - Parameters:
    ///   - connectTimeout: the backend's `timeout connect`, which bounds the connecting of a check too.
    ///   - cookieKey: what cookies are made with that name servers by their addresses; nil for none. A server whose line has a
    ///     `cookie` has no other.
    ///   - headLimits: what the head of a response may be, for the answers to checks.
    ///   - uniqueID: what names each check.
    ///   - externalCheckPlace: what programs that check its servers are told; nil if none may be started.
    ///   - secure: makes the TLS of a server that needs it (`ServerDraft.needsTLS`).
    ///   - hasNamedConnections: whether requests tell the connections to the server with this index apart by name.
    public func filedServers(
        connectTimeout: TimeSpan, cookieKey: [UInt8]? = nil, headLimits: HeadLimits = HeadLimits(),
        uniqueID: UniqueID? = nil, externalCheckPlace: ExternalCheckPlace? = nil,
        secure: (ServerDraft) -> TLSUpstream? = { _ in nil },
        hasNamedConnections: (Int) -> Bool = { _ in false }, resolve: (String) -> [IPAddress]
    ) -> [FiledServer] {
        let ids = numbers()
        var programs: [String: FormatProgram?] = [:]
        return servers.enumerated().map { index, draft in
            let place = draft.place(resolve: resolve)
            var configuration = draft.configuration(id: ids[index], at: place)
            configuration.way = ServerWay(draft, orElse: source)
            let check = check(of: draft)
            let script = check.script
            let checked = script.connections.map { ($0, $0.apply(to: draft)) }
            let tls = draft.needsTLS || checked.contains { $0.1.needsTLS } ? secure(draft) : nil
            if draft.tls.isOn { configuration.tls = tls }
            configuration.hasNamedConnections = hasNamedConnections(index)
            if draft.cookie == nil { configuration.cookieKey = cookieKey }
            if draft.isChecked {
                let key = draft.checkSection?.name ?? ""
                let program = programs[key] ?? check.program
                programs[key] = .some(program)
                // Without `timeout check` the interval bounds a check as a whole, and `timeout connect` has no part in it (the manual's
                // section on `timeout check`).
                let routes = checked.map { route($0, of: script, $1, servicePort: place.port, tls: tls) }
                configuration.check = HealthCheckPlan(
                    script: script, routes: routes, program: program, thresholds: draft.thresholds,
                    interval: draft.interval, fastInterval: draft.fastInterval, downInterval: draft.downInterval,
                    connectTimeout: checkTimeout == nil ? draft.interval : min(connectTimeout, draft.interval),
                    responseTimeout: checkTimeout, headLimits: headLimits, uniqueID: uniqueID)
                configuration.check?.isPassive = checksArePassive
                configuration.check?.command = command(for: draft, in: externalCheckPlace)
            }
            configuration.agentCheck = draft.agentPlan(
                connectTimeout: connectTimeout, responseTimeout: checkTimeout, resolve: resolve)
            return FiledServer(
                name: draft.name.text, configuration: configuration, address: place.address,
                isDisabled: draft.isDisabled)
        }
    }

    /// What these settings say of a backend, without any effect on it: `Backend.apply` has that.
    /// - Parameters:
    ///   - filed: of each server (`filedServers`).
    ///   - backend: the running backend, whose servers are matched by name; nil for one that is to be made.
    ///   - name: the backend's.
    ///   - loadAtFull: `fullconn` if no line sets it.
    public func revision(
        _ filed: [FiledServer], of backend: Backend?, named name: String, loadAtFull: Int = 1, workers: Int,
        now: Instant
    ) -> BackendRevision {
        let known = Dictionary((backend?.servers ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let servers = filed.map { filed in
            known[filed.name] ?? Server(filed, backendName: name, workers: workers, now: now)
        }
        let roster = Roster(
            servers: servers, algorithm: algorithm, hashing: hashing, usesAllBackups: usesAllBackups,
            loadAtFull: self.loadAtFull ?? loadAtFull)
        return BackendRevision(roster: roster, filed: filed)
    }

    /// Makes the backend that these settings describe. The parameters are those of `filedServers` and `revision`.
    public func makeBackend(
        name: String, connectTimeout: TimeSpan, loadAtFull: Int = 1, cookieKey: [UInt8]? = nil,
        headLimits: HeadLimits = HeadLimits(), uniqueID: UniqueID? = nil,
        externalCheckPlace: ExternalCheckPlace? = nil, workers: Int, now: Instant,
        secure: (ServerDraft) -> TLSUpstream? = { _ in nil },
        hasNamedConnections: (Int) -> Bool = { _ in false }, resolve: (String) -> [IPAddress]
    ) -> Backend {
        let filed = filedServers(
            connectTimeout: connectTimeout, cookieKey: cookieKey, headLimits: headLimits, uniqueID: uniqueID,
            externalCheckPlace: externalCheckPlace, secure: secure, hasNamedConnections: hasNamedConnections,
            resolve: resolve)
        let revision = revision(filed, of: nil, named: name, loadAtFull: loadAtFull, workers: workers, now: now)
        return Backend(name: name, roster: revision.roster, workers: workers, now: now)
    }

    /// The servers' numbers: those of `id`, and for the other servers the next free ones.
    private func numbers() -> [Int] {
        let taken = Set(servers.compactMap(\.id))
        var next = 1
        return servers.map { draft in
            defer { next += 1 }
            if let id = draft.id { return id }
            while taken.contains(next) { next += 1 }
            return next
        }
    }
}

extension ServerDraft {
    fileprivate typealias Place = (address: SocketAddress?, hostName: String?, port: UInt16)

    /// The server's configuration, without its checks.
    fileprivate func configuration(id: Int, at place: Place) -> ServerConfiguration {
        var configuration = ServerConfiguration(id: id)
        configuration.hasOwnID = self.id != nil
        configuration.weight = weight
        configuration.reactions = reactions
        configuration.observation = observation
        configuration.initialState = isChecked ? initialState : nil
        configuration.isBackup = isBackup
        configuration.hashKey = hashKey
        configuration.hostName = place.hostName
        configuration.serviceName = serviceName
        configuration.port = place.port
        configuration.portOffset = portOffset
        configuration.takesClientAddress = place.hostName == nil && place.address?.ip?.isAny == true
        configuration.naming =
            naming.resolvers == nil || place.hostName == nil && serviceName == nil ? nil : naming
        configuration.pool = pool
        configuration.idlePing = idlePing
        configuration.limits = limits.normal
        configuration.countsIdleConnections = countsIdleConnections
        configuration.proxyHeader = proxyHeader
        configuration.proxyOptions = proxyOptions
        configuration.protocolChoice = protocolWord?.choice ?? .negotiated
        configuration.webSocketProtocol = webSocketProtocol
        return configuration
    }

    fileprivate func place(resolve: (String) -> [IPAddress]) -> Place {
        switch address {
        case .path(let path): return (.path(path), nil, 0)
        case .abstract(let name): return (.abstract(name), nil, 0)
        case .abstractExact(let name): return (.abstractExact(name), nil, 0)
        case .pair(let number): return (.pair(number), nil, 0)
        case .endpoint(let host, let ports):
            let port = ports?.lowerBound ?? 0
            switch host {
            case .any: return (.ip(.anyV4, port: port), nil, port)
            case .ip(let ip): return (.ip(ip, port: port), nil, port)
            case .name where serviceName != nil: return (nil, nil, 0)
            case .name(let name):
                let ip = naming.firstAddress(of: name, resolve: resolve)
                return (ip.map { .ip($0, port: port) }, name, port)
            }
        case .descriptor(let number):
            preconditionFailure("a server cannot be descriptor \(number): refused while reading")
        }
    }
}
