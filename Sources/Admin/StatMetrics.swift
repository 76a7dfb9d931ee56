// The metrics of frontends, backends and servers, in the order of HAProxy's columns. CSV, JSON, the typed text and
// their descriptions are printed from this one table.
//
// A column that Portico does not measure is here too, with its meaning and no value, so that readers which count columns
// find each where they expect it.

internal import Basics

/// One row with what is needed to read it.
struct StatSubject {
    let process: ProcessStats
    let proxy: ProxyIdentity
    let row: StatsRow
    /// Whether addresses, cookies and algorithms may be shown: `stats show-legends`, and operators on the socket.
    let showsLegends: Bool
}

/// The kinds of rows a metric is shown for.
struct RowKinds: OptionSet, Sendable {
    let rawValue: Int
    static let frontend = RowKinds(rawValue: 1 << RowKind.frontend.rawValue)
    static let backend = RowKinds(rawValue: 1 << RowKind.backend.rawValue)
    static let server = RowKinds(rawValue: 1 << RowKind.server.rawValue)
    static let all: RowKinds = [.frontend, .backend, .server]

    func contains(_ kind: RowKind) -> Bool { rawValue & 1 << kind.rawValue != 0 }
}

enum StatMetrics {
    static let table = own + modules

    private static let own: [Metric<StatSubject>] = [
        Metric("pxname", .keyName, "Name of the proxy.", in: .all) { .text($0.proxy.name) },
        Metric("svname", .keyName, "FRONTEND, BACKEND or the name of the server.", in: .all) { .text($0.row.label) },
        Metric("qcur", .gauge, "Requests waiting in the queue now.", in: [.backend, .server]) {
            .u32($0.row.queueCurrent)
        },
        Metric("qmax", .maximum, "Most requests that waited in the queue at once.", in: [.backend, .server]) {
            .u32($0.row.queueMax)
        },
        Metric("scur", .gauge, "Sessions now.", in: .all) { .u32($0.row.sessionsCurrent) },
        Metric("smax", .maximum, "Most sessions at once.", in: .all) { .u32($0.row.sessionsMax) },
        Metric("slim", .limit, "Limit of sessions: maxconn, or a backend's fullconn.", in: .all) {
            .optional($0.row.sessionsLimit)
        },
        Metric("stot", .counter, "Sessions since the start.", in: .all) { .u64($0.row.sessionsTotal) },
        Metric("bin", .counter, "Bytes of requests.", in: .all) { .u64($0.row.bytesIn) },
        Metric("bout", .counter, "Bytes of responses.", in: .all) { .u64($0.row.bytesOut) },
        Metric("dreq", .counter, "Requests denied by rules.", in: [.frontend, .backend]) {
            .u64($0.row.requestsDenied)
        },
        Metric("dresp", .counter, "Responses denied by rules.", in: .all) { .u64($0.row.responsesDenied) },
        Metric("ereq", .counter, "Requests that were invalid, incomplete or too late.", in: .frontend) {
            .u64($0.row.requestErrors)
        },
        Metric("econ", .counter, "Connections to a server that failed.", in: [.backend, .server]) {
            .u64($0.row.connectErrors)
        },
        Metric("eresp", .counter, "Responses that were invalid or broken off.", in: [.backend, .server]) {
            .u64($0.row.responseErrors)
        },
        Metric("wretr", .counter, "Connections to a server that were tried again.", in: [.backend, .server]) {
            .u64($0.row.retries)
        },
        Metric("wredis", .counter, "Requests that were sent to another server.", in: [.backend, .server]) {
            .u64($0.row.redispatches)
        },
        Metric("status", .status, "OPEN, UP, DOWN, MAINT, no check and the like.", in: .all) {
            .text($0.row.state.text)
        },
        Metric(
            "weight", .average, "Weight of the server, or the sum over a backend's servers.", in: [.backend, .server]
        ) { .u32($0.row.weight) },
        Metric(
            "act", .gauge, "Active servers that are up; for a server 1 if it is an active one.",
            in: [.backend, .server]
        ) { .u32($0.row.activeServers) },
        Metric("bck", .gauge, "Backup servers that are up; for a server 1 if it is a backup.", in: [.backend, .server])
        {
            .u32($0.row.backupServers)
        },
        Metric("chkfail", .counter, "Health checks that failed while the server was up.", in: .server) {
            $0.row.check == nil ? .none : .u64($0.row.checksFailed)
        },
        Metric("chkdown", .counter, "Times the server or the whole backend went down.", in: [.backend, .server]) {
            $0.row.kind == .server && $0.row.check == nil ? .none : .u64($0.row.timesDown)
        },
        Metric("lastchg", .age, "Seconds since the status last changed.", in: [.backend, .server]) {
            .seconds($0.row.stateAge)
        },
        Metric("downtime", .counter, "Seconds spent down in all.", in: [.backend, .server]) {
            let isKnown = $0.row.kind == .server ? $0.row.check != nil : $0.row.hasServers
            return isKnown ? .seconds($0.row.downtime) : .none
        },
        Metric("qlimit", .limit, "The server's maxqueue.", in: .server) { .optional($0.row.queueLimit) },
        Metric("pid", .processKey, "Number of the process: always 1.", in: .all) { _ in .u32(1) },
        Metric("iid", .keyNumber, "Number of the proxy.", in: .all) { .u32($0.proxy.id) },
        Metric("sid", .keyNumber, "Number of the server in its backend, 0 for the proxy itself.", in: .all) {
            .u32($0.row.id)
        },
        Metric("throttle", .average, "Percentage of its weight that a server in slow start has.", in: .server) {
            .optional($0.row.throttle)
        },
        Metric("lbtot", .counter, "Times balancing chose the server.", in: [.backend, .server]) {
            .u64($0.row.chosenTotal)
        },
        Metric("tracked", .setting, "The server whose health this one follows.", in: .server) {
            .optional($0.row.tracked)
        },
        Metric("type", .setting, "0 frontend, 1 backend, 2 server.", in: .all) { .u32($0.row.kind.rawValue) },
        Metric("rate", .rate, "Sessions in the last second.", in: .all) { .u32($0.row.sessionRate) },
        Metric("rate_lim", .limit, "Limit of new sessions a second, 0 for none.", in: .frontend) {
            .u32($0.row.sessionRateLimit)
        },
        Metric("rate_max", .maximum, "Most sessions in one second.", in: .all) { .u32($0.row.sessionRateMax) },
        Metric("check_status", .output, "Outcome of the last health check: L4OK, L7STS and the like.", in: .server) {
            .optional($0.check?.code)
        },
        Metric("check_code", .output, "Status that the last health check got.", in: .server) {
            .optional($0.check?.status)
        },
        Metric("check_duration", .duration, "Milliseconds that the last health check took.", in: .server) {
            $0.check?.duration.map { .u64($0.wholeMilliseconds) } ?? .none
        },
        Metric("hrsp_1xx", .counter, "Responses with status 100 to 199.", in: .all, isHTTP: true) {
            .u64($0.row.responses.informational)
        },
        Metric("hrsp_2xx", .counter, "Responses with status 200 to 299.", in: .all, isHTTP: true) {
            .u64($0.row.responses.success)
        },
        Metric("hrsp_3xx", .counter, "Responses with status 300 to 399.", in: .all, isHTTP: true) {
            .u64($0.row.responses.redirect)
        },
        Metric("hrsp_4xx", .counter, "Responses with status 400 to 499.", in: .all, isHTTP: true) {
            .u64($0.row.responses.clientError)
        },
        Metric("hrsp_5xx", .counter, "Responses with status 500 to 599.", in: .all, isHTTP: true) {
            .u64($0.row.responses.serverError)
        },
        Metric("hrsp_other", .counter, "Responses with another status, or none.", in: .all, isHTTP: true) {
            .u64($0.row.responses.other)
        },
        Metric("hanafail", .counter, "Times that live traffic failed as often as error-limit says.", in: .server) {
            $0.row.observedFailures.map { .u64($0) } ?? .none
        },
        Metric("req_rate", .rate, "Requests in the last second.", in: .frontend) { .u32($0.row.requestRate) },
        Metric("req_rate_max", .maximum, "Most requests in one second.", in: .frontend) {
            .u32($0.row.requestRateMax)
        },
        Metric("req_tot", .counter, "Requests since the start.", in: .all, isHTTP: true) { .u64($0.row.requestsTotal) },
        Metric("cli_abrt", .counter, "Exchanges that the client broke off.", in: [.backend, .server]) {
            .u64($0.row.clientAborts)
        },
        Metric("srv_abrt", .counter, "Exchanges that the server broke off.", in: [.backend, .server]) {
            .u64($0.row.serverAborts)
        },
        Metric(absent: "comp_in", "Bytes given to the compressor."),
        Metric(absent: "comp_out", "Bytes the compressor gave."),
        Metric(absent: "comp_byp", "Bytes that bypassed the compressor."),
        Metric(absent: "comp_rsp", "Responses that were compressed."),
        Metric(
            "lastsess", .age, "Seconds since the last session began, -1 if there was none.", in: [.backend, .server]
        ) {
            $0.row.lastSessionAge.map { .s32(Int($0.nanoseconds / 1_000_000_000)) } ?? .s32(-1)
        },
        Metric("last_chk", .output, "What the last health check got.", in: .server) { .nonEmpty($0.check?.detail) },
        Metric("last_agt", .output, "What the last agent check got.", in: .server) { .nonEmpty($0.row.agent?.detail) },
        Metric(
            "qtime", .average, "Milliseconds in the queue, averaged over about the last 1,024 requests.",
            in: [.backend, .server]
        ) {
            .u32($0.row.timesAverage.queue)
        },
        Metric(
            "ctime", .average, "Milliseconds to connect, averaged over about the last 1,024 requests.",
            in: [.backend, .server]
        ) {
            .u32($0.row.timesAverage.connect)
        },
        Metric(
            "rtime", .average, "Milliseconds until the response, averaged over about the last 1,024 requests.",
            in: [.backend, .server]
        ) {
            .u32($0.row.timesAverage.response)
        },
        Metric(
            "ttime", .average, "Milliseconds in all, averaged over about the last 1,024 requests.",
            in: [.backend, .server]
        ) {
            .u32($0.row.timesAverage.total)
        },
        Metric("agent_status", .output, "Outcome of the last agent check: L7OK, L7STS and the like.", in: .server) {
            .optional($0.row.agent?.code)
        },
        Metric("agent_code", .output, "Number that the last agent check got.", in: .server) {
            .optional($0.row.agent?.status)
        },
        Metric("agent_duration", .duration, "Milliseconds that the last agent check took.", in: .server) {
            $0.row.agent?.duration.map { .u64($0.wholeMilliseconds) } ?? .none
        },
        Metric("check_desc", .output, "Meaning of check_status.", in: .server) { .nonEmpty($0.check?.meaning) },
        Metric("agent_desc", .output, "Meaning of agent_status.", in: .server) { .nonEmpty($0.row.agent?.meaning) },
        Metric("check_rise", .setting, "Good checks in a row that bring the server up.", in: .server) {
            $0.check == nil ? .none : .u32($0.row.checkRise)
        },
        Metric("check_fall", .setting, "Bad checks in a row that take the server down.", in: .server) {
            $0.check == nil ? .none : .u32($0.row.checkFall)
        },
        Metric("check_health", .setting, "Points between 0 and rise + fall - 1.", in: .server) {
            $0.check == nil ? .none : .u32($0.row.checkHealth)
        },
        Metric("agent_rise", .setting, "Good agent checks in a row that bring the server up.", in: .server) {
            $0.row.agent == nil ? .none : .u32($0.row.agentRise)
        },
        Metric("agent_fall", .setting, "Bad agent checks in a row that take the server down.", in: .server) {
            $0.row.agent == nil ? .none : .u32($0.row.agentFall)
        },
        Metric("agent_health", .setting, "Points of the agent check.", in: .server) {
            $0.row.agent == nil ? .none : .u32($0.row.agentHealth)
        },
        Metric("addr", .setting, "Address of the server.", in: .server) {
            $0.showsLegends ? .nonEmpty($0.row.address) : .none
        },
        Metric(
            "cookie", .settingName, "Cookie value of the server, or cookie name of the backend.",
            in: [.backend, .server]
        ) { $0.showsLegends ? .nonEmpty($0.row.cookie) : .none },
        Metric("mode", .setting, "http or tcp.", in: .all) { .text($0.proxy.mode) },
        Metric("algo", .setting, "How the backend is balanced.", in: .backend) {
            $0.showsLegends ? .nonEmpty($0.row.algorithm) : .none
        },
        Metric("conn_rate", .rate, "Connections in the last second.", in: .frontend) { .u32($0.row.connectionRate) },
        Metric("conn_rate_max", .maximum, "Most connections in one second.", in: .frontend) {
            .u32($0.row.connectionRateMax)
        },
        Metric("conn_tot", .counter, "Connections since the start.", in: .frontend) {
            .u64($0.row.connectionsTotal)
        },
        Metric("intercepted", .counter, "Requests that Portico answered itself.", in: .frontend, isHTTP: true) {
            .u64($0.row.interceptedTotal)
        },
        Metric("dcon", .counter, "Connections denied by rules.", in: .frontend) { .u64($0.row.connectionsDenied) },
        Metric("dses", .counter, "Sessions denied by rules.", in: .frontend) { .u64($0.row.sessionsDenied) },
        Metric("wrew", .counter, "Header rewrites that failed.", in: .all) { .u64($0.row.rewriteErrors) },
        Metric("connect", .counter, "Connections made to servers.", in: [.backend, .server]) {
            .u64($0.row.connectsTotal)
        },
        Metric("reuse", .counter, "Requests sent on a connection that was there.", in: [.backend, .server]) {
            .u64($0.row.reusesTotal)
        },
        Metric(absent: "cache_lookups", "Requests that were looked up in the cache."),
        Metric(absent: "cache_hits", "Requests that the cache answered."),
        Metric("srv_icur", .gauge, "Idle connections to the server.", in: .server) { .u32($0.row.idleConnections) },
        Metric("src_ilim", .limit, "Limit of idle connections to the server: pool-max-conn.", in: .server) {
            .optional($0.row.idleConnectionsLimit)
        },
        Metric("qtime_max", .maximum, "Most milliseconds in the queue.", in: [.backend, .server]) {
            .u32($0.row.timesMax.queue)
        },
        Metric("ctime_max", .maximum, "Most milliseconds to connect.", in: [.backend, .server]) {
            .u32($0.row.timesMax.connect)
        },
        Metric("rtime_max", .maximum, "Most milliseconds until the response.", in: [.backend, .server]) {
            .u32($0.row.timesMax.response)
        },
        Metric("ttime_max", .maximum, "Most milliseconds in all.", in: [.backend, .server]) {
            .u32($0.row.timesMax.total)
        },
        Metric("eint", .counter, "Requests that failed for reasons of Portico's own.", in: .all) {
            .u64($0.row.internalErrors)
        },
        Metric("idle_conn_cur", .gauge, "Idle connections that have carried one request.", in: .server) {
            .u32($0.row.idleConnections - $0.row.idleReusedConnections)
        },
        Metric("safe_conn_cur", .gauge, "Idle connections that have carried more than one request.", in: .server) {
            .u32($0.row.idleReusedConnections)
        },
        Metric("used_conn_cur", .gauge, "Connections to the server in use.", in: .server) {
            .u32($0.row.usedConnections)
        },
        Metric(absent: "need_conn_est", "Estimate of the connections needed."),
        Metric(
            "uweight", .average, "Weight as configured, or the sum over a backend's servers.", in: [.backend, .server]
        ) { .u32($0.row.weightConfigured) },
        Metric(absent: "agg_server_status", "Servers by status."),
        Metric(absent: "agg_server_check_status", "Servers by status of their checks."),
        Metric(absent: "agg_check_status", "Servers by outcome of their checks."),
    ]

    /// HAProxy's CSV has a column named `-` before this metric, and `-` in it for proxies that have modules.
    static let firstModuleMetric = "ssl_sess"
    static let firstModuleIndex = table.firstIndex { "\($0.name)" == firstModuleMetric }
}

extension StatSubject {
    /// The last check; a server in maintenance is not checked.
    fileprivate var check: CheckStats? { row.state.isInMaintenance ? nil : row.check }
}

extension Metric where Subject == StatSubject {
    init(
        _ name: StaticString, _ tags: MetricTags, _ help: StaticString, in kinds: RowKinds, isHTTP: Bool = false,
        _ value: @escaping @Sendable (StatSubject) -> MetricValue
    ) {
        self.init(name, tags, help) { subject in
            guard kinds.contains(subject.row.kind), !isHTTP || subject.proxy.mode == "http" else { return .none }
            return value(subject)
        }
    }

    init(absent name: StaticString, _ help: StaticString) {
        self.init(name, .gauge, help) { _ in .none }
    }
}

extension MetricValue {
    static func optional(_ number: Int?) -> MetricValue { number.map { .u32($0) } ?? .none }
    static func optional(_ text: String?) -> MetricValue { text.map { .text($0) } ?? .none }
    static func nonEmpty(_ text: String?) -> MetricValue { text.map { $0.isEmpty ? .none : .text($0) } ?? .none }
    static func seconds(_ span: TimeSpan?) -> MetricValue {
        span.map { .u32(Int($0.nanoseconds / 1_000_000_000)) } ?? .none
    }
}
