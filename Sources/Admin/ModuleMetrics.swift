// The last of HAProxy's columns, which its modules add there: TLS, HTTP/2 and HTTP/1.

internal import Basics

extension StatMetrics {
    static let modules: [Metric<StatSubject>] = [
        Metric("ssl_sess", .counter, "TLS sessions established.", in: [.frontend, .server]) {
            .u64($0.row.tlsSessionsTotal)
        },
        Metric("ssl_reused_sess", .counter, "TLS sessions resumed.", in: [.frontend, .server]) {
            .u64($0.row.tlsResumedTotal)
        },
        Metric("ssl_failed_handshake", .counter, "TLS handshakes that failed.", in: [.frontend, .server]) {
            .u64($0.row.tlsFailuresTotal)
        },
        Metric(http2: "h2_headers_rcvd", .counter, "HTTP/2 HEADERS frames received.") { .u64($0.headersReceived) },
        Metric(http2: "h2_data_rcvd", .counter, "HTTP/2 DATA frames received.") { .u64($0.dataReceived) },
        Metric(http2: "h2_settings_rcvd", .counter, "HTTP/2 SETTINGS frames received.") { .u64($0.settingsReceived) },
        Metric(http2: "h2_rst_stream_rcvd", .counter, "HTTP/2 RST_STREAM frames received.") { .u64($0.resetsReceived) },
        Metric(http2: "h2_goaway_rcvd", .counter, "HTTP/2 GOAWAY frames received.") { .u64($0.goAwaysReceived) },
        Metric(http2: "h2_detected_conn_protocol_errors", .counter, "Errors of peers that ended an HTTP/2 connection.")
        { .u64($0.connectionErrors) },
        Metric(http2: "h2_detected_strm_protocol_errors", .counter, "Errors of peers that ended an HTTP/2 stream.") {
            .u64($0.streamErrors)
        },
        Metric(http2: "h2_rst_stream_resp", .counter, "HTTP/2 RST_STREAM frames that told of such an error.") {
            .u64($0.resetsSent)
        },
        Metric(http2: "h2_goaway_resp", .counter, "HTTP/2 GOAWAY frames that told of such an error.") {
            .u64($0.goAwaysSent)
        },
        Metric(http2: "h2_open_connections", .gauge, "HTTP/2 connections now.") { .u64(UInt64($0.connectionsCurrent)) },
        Metric(http2: "h2_backend_open_streams", .gauge, "HTTP/2 streams now.") { .u64(UInt64($0.streamsCurrent)) },
        Metric(http2: "h2_total_connections", .counter, "HTTP/2 connections since the start.") {
            .u64($0.connectionsTotal)
        },
        Metric(http2: "h2_backend_total_streams", .counter, "HTTP/2 streams since the start.") {
            .u64($0.streamsTotal)
        },
        Metric(absent: "h1_open_connections", "HTTP/1 connections now."),
        Metric(absent: "h1_open_streams", "HTTP/1 exchanges now."),
        Metric(absent: "h1_total_connections", "HTTP/1 connections since the start."),
        Metric(absent: "h1_total_streams", "HTTP/1 exchanges since the start."),
        Metric(absent: "h1_bytes_in", "Bytes received over HTTP/1."),
        Metric(absent: "h1_bytes_out", "Bytes sent over HTTP/1."),
        Metric(absent: "h1_spliced_bytes_in", "Bytes received over HTTP/1 without copying."),
        Metric(absent: "h1_spliced_bytes_out", "Bytes sent over HTTP/1 without copying."),
    ]
}

extension Metric where Subject == StatSubject {
    /// One of HTTP/2, which frontends and backends have.
    fileprivate init(
        http2 name: StaticString, _ tags: MetricTags, _ help: StaticString,
        _ value: @escaping @Sendable (HTTP2Stats) -> MetricValue
    ) {
        self.init(name, tags, help, in: [.frontend, .backend], isHTTP: true) { value($0.row.http2) }
    }
}
