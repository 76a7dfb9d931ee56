// What this room's keywords say of one proxy, and of the process, before anything is resolved.

internal import Balancing
public import Basics
public import Configuration
internal import Expressions
internal import HTTP
public import Reactor
public import TLS

/// What a frontend, backend, listen or defaults section says of connections and exchanges.
public struct ProxySettings: SectionSettings {
    // HAProxy's default is tcp.
    var mode = ProxyMode.tcp
    var binds: [BindPlace] = []
    /// There is a `bind` line, right or wrong.
    var hasBindLine = false
    var maxConnections: Int?
    var description = ""
    /// `guid`
    var globalID: Word?
    /// `id`: a number.
    var number: Word?
    var isDisabled = false
    var forwarding = Forwarding()
    var retries = 3
    var redispatch = Redispatch.never
    var retryOn = RetryConditions.connectionFailure
    var retriesSafely = false
    /// `option http-buffer-request`
    var buffersRequests = false
    var requestBuffer: BodyBuffering?
    var responseBuffer: BodyBuffering?
    /// `option splice-request`, `splice-response`, `splice-auto`
    var requestSplicing = Splicing.automatic
    var responseSplicing = Splicing.automatic
    var reuse = ReusePolicy.safe
    var keepAlive = KeepAliveMode.keepAlive
    /// `option clitcpka`, `srvtcpka`, or both as `tcpka`.
    var probesClients = false
    var probesServers = false
    var ignoresProbes = false
    var logsHealthChecks = false
    /// `option accept-unsafe-violations-in-http-request`, `-response`
    var acceptsInvalidRequests = false
    var acceptsInvalidResponses = false
    /// `option http-restrict-req-hdr-names`
    var unusualNames = UnusualNames.preserve
    /// `http-send-name-header`, in lower case.
    var serverNameField: [UInt8]?
    /// `option h1-case-adjust-bogus-client`, `-server`
    var adjustsCaseForClients = false
    var adjustsCaseForServers = false
    /// Unless `option disable-h2-upgrade` is on.
    var takesPriorKnowledge = true
    var dropsRequestTrailers = false
    var dropsResponseTrailers = false
    var backlog: Int?
    /// `rate-limit sessions`
    var sessionRateMax: Int?
    /// `option abortonclose`; nil where the section does not say.
    var abortsOnClose: Bool?
    var client: TimeSpan?
    var httpRequest: TimeSpan?
    var httpKeepAlive: TimeSpan?
    var connect: TimeSpan?
    var server: TimeSpan?
    var tunnel: TimeSpan?
    var clientFin: TimeSpan?
    var clientHandshake: TimeSpan?
    var serverFin: TimeSpan?
    var queue: TimeSpan?
    var tarpit: TimeSpan?

    public init() {}
}

/// What becomes of requests with fields whose names have other characters than letters, digits and hyphens.
enum UnusualNames: Sendable {
    case preserve, delete
    /// 403
    case reject
}

/// What `global` says of the process.
public struct ProcessSettings: SectionSettings {
    /// Worker threads; nil: one a processor.
    public var threads: Int?
    var maxConnections: Int?
    /// `maxconnrate`, `maxsessrate`
    var connectionRateMax: Int?
    var sessionRateMax: Int?
    /// Encrypted connections at a time, and those that clients begin in a second.
    var tlsConnectionsMax: Int?
    var tlsRateMax: Int?
    /// How long a soft stop may take.
    public var hardStopAfter: TimeSpan?
    /// `tune.bufsize`
    public internal(set) var bufferBytes = 16_384
    /// Unless `nosplice` is written.
    var splices = true
    /// `h1-case-adjust`; the file's lines are apart, since a later file replaces them.
    var caseAdjustments = CaseAdjustments()
    var caseAdjustmentsOfFile = CaseAdjustments()
    var rewriteBytes = 1_024
    var fieldsMax = 101
    /// Steps that matching one regular expression may take.
    var regularStepsMax = Int(ExchangeContext.defaultRegularStepsMax)

    public init() {}
}

/// One address of a `bind` line.
public struct BindPlace: Sendable {
    /// Where to listen; nil for a descriptor this process was started with.
    public var address: SocketAddress?
    public var descriptor: Int32?
    public var word: Word
    var name: String?
    public var options = BindOptions()
    /// Its place among the addresses of its line, from 1.
    var position = 1
}

/// The parameters of a `bind` line.
public struct BindOptions: Sendable {
    public var name: String?
    /// `guid-prefix`
    var globalIDPrefix: Word?
    public var backlog: Int?
    public var mode: UInt32?
    public var user: UInt32?
    public var group: UInt32?
    public var interface: String?
    /// An IPv6 wildcard takes IPv4 connections as well (`v4v6`), or not (`v6only`); nil: as the system has it.
    public var takesBothVersions: Bool?
    public var defersAccept = false
    public var usesFastOpen = false
    public var isTransparent = false
    /// `id`
    var id: Word?
    /// Client connections at a time at each address; nil for as many as the frontend takes.
    var maxConnections: Int?
    /// `mss`: the segment size that is announced, or, negative, how much smaller sent segments are than the client allows.
    public var segmentBytes: Int?
    /// `tcp-ut`: how long sent data may wait for its acknowledgement.
    public var userTimeout: TimeSpan?
    /// `cc`
    public var congestionControl: String?
    /// `tcp-md5sig`
    public var signingKey: [UInt8]?
    /// `idle-ping`
    var idlePing: TimeSpan?
    /// `namespace`
    public var namespace: NetworkNamespace?
    /// `shards`: sockets that each address has; nil for one a thread.
    public var sockets: Int?
    /// The number that begins a NetScaler Client IP header, with which connections begin; nil for none.
    var clientAddressMagic: UInt32?
    /// Connections begin with a PROXY protocol header.
    var acceptsProxyHeader = false
    /// `proto`
    var protocolWord: ProtocolWord?
    public var tls = TLSListenerOptions()

    public init() {}
}

/// The time-outs that apply where a file sets none: safe, and printed at start-up.
enum DefaultTimeouts {
    static let client = TimeSpan.seconds(60)
    static let server = TimeSpan.seconds(60)
    static let connect = TimeSpan.seconds(5)
    /// Without a bound on the head, a few slow clients hold every connection.
    static let httpRequest = TimeSpan.seconds(10)
}

/// A section's settings of this room, with what else its plan needs.
struct ProxyDraft {
    let name: String
    let settings: ProxySettings
    let maxConnections: Int
    /// `option persist`
    let insistsOnServers: Bool

    init(_ draft: Draft, processMaxConnections: Int) {
        insistsOnServers = draft[PersistenceSettings.self].insists
        name = draft.name
        settings = draft[ProxySettings.self]
        // Without a limit of its own a frontend may take what the process may take.
        maxConnections = settings.maxConnections ?? processMaxConnections
    }

    var clientTimeouts: ClientTimeouts {
        let client = settings.client ?? DefaultTimeouts.client
        return ClientTimeouts(
            client: client, httpRequest: settings.httpRequest ?? min(client, DefaultTimeouts.httpRequest),
            httpKeepAlive: settings.httpKeepAlive ?? settings.httpRequest ?? client,
            boundsIdleTime: settings.httpKeepAlive != nil || settings.httpRequest != nil,
            clientHandshake: settings.clientHandshake, clientFin: settings.clientFin, tarpit: tarpit)
    }

    /// As HAProxy's manual has it, who says `timeout connect` only means this wait too.
    private var tarpit: TimeSpan { settings.tarpit ?? settings.connect ?? DefaultTimeouts.connect }

    var serverTimeouts: ServerTimeouts {
        let connect = settings.connect ?? DefaultTimeouts.connect
        return ServerTimeouts(
            connect: connect, server: settings.server ?? DefaultTimeouts.server, tunnel: settings.tunnel,
            serverFin: settings.serverFin, queue: settings.queue ?? connect, tarpit: tarpit)
    }
}
