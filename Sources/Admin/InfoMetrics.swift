// The facts of the process that `show info` prints, under HAProxy's names. What HAProxy prints and Portico does not
// measure is left out; readers look these up by name.

internal import Basics

enum InfoMetrics {
    static let table: [Metric<ProcessStats>] = [
        Metric("Name", .product, "Product name") { .text($0.name) },
        Metric("Version", .product, "Product version") { .text($0.version) },
        Metric("Release_date", .product, "Date of this version") { .nonEmpty($0.releaseDate) },
        Metric("Nbthread", .setting, "Worker threads (nbthread)") { .u32($0.threads) },
        Metric("Nbproc", .setting, "Worker processes: always 1") { _ in .u32(1) },
        Metric("Process_num", .processKey, "Number of this worker process: always 1") { _ in .u32(1) },
        Metric("Pid", .status, "Process identifier") { .u32($0.pid) },
        Metric("Uptime", .duration, "Time since the start, in days, hours, minutes and seconds") {
            .text(TimeText.clock($0.uptime))
        },
        Metric("Uptime_sec", .duration, "Seconds since the start") { .seconds($0.uptime) },
        Metric("PoolAlloc_MB", .gauge, "Buffers kept, in MiB") { .u32(Int($0.bufferBytesAllocated >> 20)) },
        Metric("PoolUsed_MB", .gauge, "Buffers in use, in MiB") { .u32(Int($0.bufferBytesUsed >> 20)) },
        Metric("Ulimit-n", .limit, "Descriptors the process may have") { .u32($0.descriptorsLimit) },
        Metric("Maxsock", .limit, "Sockets the process may have") { .u32($0.descriptorsLimit) },
        Metric("Maxconn", .limit, "Client connections at once (maxconn)") { .u32($0.connectionsLimit) },
        Metric("Hard_maxconn", .limit, "Client connections at once that the start allowed") {
            .u32($0.connectionsLimit)
        },
        Metric("CurrConns", .gauge, "Client connections now") { .u32($0.connectionsCurrent) },
        Metric("CumConns", .counter, "Client connections since the start") { .u64($0.connectionsTotal) },
        Metric("CumReq", .counter, "Requests since the start") { .u64($0.requestsTotal) },
        Metric("MaxSslConns", .limit, "Encrypted connections at once (maxsslconn), 0 for any number") {
            .u32($0.tls.connectionsLimit)
        },
        Metric("CurrSslConns", .gauge, "Encrypted connections now, to clients and servers") {
            .u32($0.tls.connectionsCurrent)
        },
        Metric("CumSslConns", .counter, "Encrypted connections since the start") { .u64($0.tls.connectionsTotal) },
        Metric("ConnRate", .rate, "Client connections in the last second") { .u32($0.connectionRate) },
        Metric("ConnRateLimit", .limit, "Client connections a second at most (maxconnrate), 0 for any") {
            .u32($0.connectionRateLimit)
        },
        Metric("MaxConnRate", .maximum, "Most client connections in one second") { .u32($0.connectionRateMax) },
        Metric("SessRate", .rate, "Sessions in the last second") { .u32($0.sessionRate) },
        Metric("SessRateLimit", .limit, "Sessions a second at most (maxsessrate), 0 for any") {
            .u32($0.sessionRateLimit)
        },
        Metric("MaxSessRate", .maximum, "Most sessions in one second") { .u32($0.sessionRateMax) },
        Metric("ReqRate", .rate, "Requests in the last second") { .u32($0.requestRate) },
        Metric("MaxReqRate", .maximum, "Most requests in one second") { .u32($0.requestRateMax) },
        Metric("SslRate", .rate, "Encrypted client connections in the last second") { .u32($0.tls.rate) },
        Metric("SslRateLimit", .limit, "Encrypted client connections a second at most (maxsslrate), 0 for any") {
            .u32($0.tls.rateLimit)
        },
        Metric("MaxSslRate", .maximum, "Most encrypted client connections in one second") { .u32($0.tls.rateMax) },
        Metric("SslFrontendKeyRate", .rate, "Full TLS handshakes with clients in the last second") {
            .u32($0.tls.clientKeyRate)
        },
        Metric("SslFrontendMaxKeyRate", .maximum, "Most full TLS handshakes with clients in one second") {
            .u32($0.tls.clientKeyRateMax)
        },
        Metric("SslFrontendSessionReuse_pct", .average, "Percentage of the last second's clients that resumed") {
            .u32($0.tls.reusePercent)
        },
        Metric("SslBackendKeyRate", .rate, "Full TLS handshakes with servers in the last second") {
            .u32($0.tls.serverKeyRate)
        },
        Metric("SslBackendMaxKeyRate", .maximum, "Most full TLS handshakes with servers in one second") {
            .u32($0.tls.serverKeyRateMax)
        },
        Metric("Idle_pct", .average, "Percentage of the last second that the worker threads did not work") {
            .optional($0.idlePercent)
        },
        Metric("node", .settingText, "Name of the node (node)") { .text($0.node) },
        Metric("description", .settingText, "Description of the node (description)") { .nonEmpty($0.description) },
        Metric("Stopping", .gauge, "1 while the process ends softly, otherwise 0") { .u32($0.isStopping ? 1 : 0) },
        Metric("Jobs", .gauge, "Client connections and listeners now") { .u32($0.jobs) },
        Metric("Listeners", .gauge, "Listeners now") { .u32($0.listeners) },
        Metric("DroppedLogs", .counter, "Log lines that no target took") { .u64($0.logsDropped) },
        Metric("RegexUndecided", .counter, "Regular expressions that tune.regex.max-steps cut short") {
            .u64($0.undecidedMatches)
        },
        Metric("Plans", .gauge, "Configurations in use: that in force, and those before it that streams follow") {
            .u32($0.plans)
        },
        Metric("TotalBytesIn", .counter, "Bytes from clients since the start") { .u64($0.bytesInTotal) },
        Metric("TotalBytesOut", .counter, "Bytes sent since the start, to clients and to servers") {
            .u64($0.bytesOutTotal)
        },
        Metric("BytesOutRate", .rate, "Bytes sent in the last second") { .u64($0.bytesOutRate) },
        Metric("Resident_bytes", .gauge, "Resident memory in bytes") { .u64($0.residentBytes) },
        Metric("PoolAlloc_bytes", .gauge, "Buffers kept, in bytes") { .u64($0.bufferBytesAllocated) },
        Metric("PoolUsed_bytes", .gauge, "Buffers in use, in bytes") { .u64($0.bufferBytesUsed) },
        Metric("Start_time_sec", .duration, "Time of the start, in seconds since 1970") {
            .u32($0.startedAt.seconds)
        },
    ]
}
