// What the process's keywords say of HTTP/2, and the limits that come of it.

internal import Configuration
internal import HTTP

/// What connections of HTTP/2 allow their peers, and what becomes of those that misbehave.
struct HTTP2Plan: Sendable, Equatable {
    /// Of connections with clients, and with servers.
    var frontend = HTTP2Limits()
    var backend = HTTP2Limits()
    /// Clients are told that they may open WebSockets (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441).
    var announcesWebSockets = true
    var loggedErrors = HTTP2LoggedErrors.stream
    /// A connection with too many glitches is closed only while its worker is this busy, in percent; 0: always.
    var glitchesBusyPercent = 0
}

/// Which errors of peers are logged (`tune.h2.log-errors`).
enum HTTP2LoggedErrors: Sendable {
    case none
    /// Those that end their connection.
    case connection
    /// Those of single streams too.
    case stream
}

/// What `global` says of HTTP/2.
struct HTTP2Settings: SectionSettings {
    /// What may be said for both sides, and for one alone; nil where no line says it.
    struct Side {
        var initialWindow: Int?
        var maxConcurrentStreams: Int?
        var receiveBytesMax: Int?
        var glitchesMax: Int?
        var totalStreamsMax: Int?
        var resetsAtOnceMax: Int?
        var framesAtOnceMax: Int?
    }

    var both = Side()
    var frontend = Side()
    var backend = Side()
    var headerTableSize: Int?
    var maxFrameSize: Int?
    var announcesWebSockets = true
    var loggedErrors = HTTP2LoggedErrors.stream
    var glitchesBusyPercent = 0

    /// - Parameter bufferBytes: `tune.bufsize`.
    func plan(bufferBytes: Int) -> HTTP2Plan {
        HTTP2Plan(
            frontend: limits(frontend, bufferBytes), backend: limits(backend, bufferBytes),
            announcesWebSockets: announcesWebSockets, loggedErrors: loggedErrors,
            glitchesBusyPercent: glitchesBusyPercent)
    }

    private func limits(_ side: Side, _ bufferBytes: Int) -> HTTP2Limits {
        var limits = HTTP2Limits()
        if let headerTableSize { limits.headerTableSize = headerTableSize }
        // A frame that is longer than a buffer would be taken apart for nothing.
        let longest = min(HTTP2Limits.greatestMaxFrameSize, max(HTTP2Limits.smallestMaxFrameSize, bufferBytes))
        limits.maxFrameSize = min(maxFrameSize ?? longest, longest)
        if let window = side.initialWindow ?? both.initialWindow { limits.initialWindow = window }
        if let streams = side.maxConcurrentStreams ?? both.maxConcurrentStreams {
            limits.maxConcurrentStreams = streams == 0 ? HTTP2Limits.unlimitedStreams : streams
        }
        limits.receiveBytesMax = receiveBytes(side, limits, bufferBytes)
        limits.glitchesMax = side.glitchesMax ?? 0
        limits.totalStreamsMax = side.totalStreamsMax ?? 0
        limits.resetsAtOnceMax = side.resetsAtOnceMax ?? 0
        limits.framesAtOnceMax = side.framesAtOnceMax ?? 0
        return limits
    }

    /// Whole buffers, one for each stream at least.
    private func receiveBytes(_ side: Side, _ limits: HTTP2Limits, _ bufferBytes: Int) -> Int {
        let wanted = side.receiveBytesMax ?? limits.receiveBytesMax
        let streams = limits.maxConcurrentStreams == HTTP2Limits.unlimitedStreams ? 1 : limits.maxConcurrentStreams
        let (least, isTooMuch) = streams.multipliedReportingOverflow(by: bufferBytes)
        let bytes = max(wanted, isTooMuch ? 0 : least)
        return bytes / bufferBytes * bufferBytes + (bytes % bufferBytes == 0 ? 0 : bufferBytes)
    }
}
