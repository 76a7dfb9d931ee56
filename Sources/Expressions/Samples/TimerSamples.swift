// How long the stages of an exchange took, when it began, and how much went through: what the log's %Ta, %Tr and so on
// say (manual of HAProxy 3.0, section 8.2.6).

internal import Basics
internal import Configuration

enum TimerSample: SampleFamily {
    case handshake, idle, requestComplete, request, queue, connect, response, data, active, total, user
    /// Units of so many to a second since 1970.
    case acceptDate(Int), requestDate(Int)
    case bytesFromClient, bytesToClient

    static let rows: [SampleRow] =
        [
            row("fc.timer.handshake", .connection, .handshake, "TLS and the PROXY protocol took (%Th)"),
            row("fc.timer.total", .end, .total, "passed from accepting to the last byte (%Tt)"),
            row("req.timer.idle", .requestHead, .idle, "passed before the request's first byte (%Ti)"),
            row("req.timer.tq", .requestHead, .requestComplete, "passed before the request was complete (%Tq)"),
            row("req.timer.hdr", .requestHead, .request, "passed between the request's first byte and its end (%TR)"),
            row("req.timer.queue", .responseHead, .queue, "the request was in queues (%Tw)"),
            row("bc.timer.connect", .responseHead, .connect, "connecting to the server took (%Tc)"),
            row("res.timer.hdr", .responseHead, .response, "the server took for the response's head (%Tr)"),
            row("res.timer.data", .end, .data, "sending the body took (%Td)"),
            row("txn.timer.total", .end, .active, "passed from the request's first byte to the end (%Ta)"),
            row("txn.timer.user", .end, .user, "the client saw it take (%Tu)"),
            date("accept_date", .connection, "When the connection was accepted") { .acceptDate($0) },
            date("request_date", .requestHead, "When the request's first byte came") { .requestDate($0) },
            SampleRow(
                "bytes_in", yields: .integer, from: .requestHead, .timer(.bytesFromClient),
                summary: "The bytes that came from the client so far."),
            SampleRow(
                "bytes_out", yields: .integer, from: .requestHead, .timer(.bytesToClient),
                summary: "The bytes that went to the client so far."),
            SampleRow(
                "req.bytes_in", yields: .integer, from: .requestHead, .timer(.bytesFromClient),
                summary: "The same as bytes_in."),
            SampleRow(
                "res.bytes_out", yields: .integer, from: .requestHead, .timer(.bytesToClient),
                summary: "The same as bytes_out."),
        ]

    private static func row(_ name: String, _ availability: SampleAvailability, _ sample: TimerSample, _ what: String)
        -> SampleRow
    {
        SampleRow(
            name, yields: .integer, from: availability, .timer(sample),
            summary: "The milliseconds that \(what); -1 if it did not come to that.")
    }

    private static func date(
        _ name: String, _ availability: SampleAvailability, _ what: String,
        _ make: @escaping @Sendable (Int) -> TimerSample
    ) -> SampleRow {
        SampleRow(
            name, "([<unit>])", yields: .integer, from: availability,
            summary: "\(what), since 1970 in s, or else in ms or us."
        ) { (arguments, _) throws(ConfigProblem) in
            let unit = arguments.optionalString() ?? "s"
            guard let perSecond = ["s": 1, "ms": 1_000, "us": 1_000_000][unit] else {
                throw arguments.problem("'\(unit)' is no unit of time here", expected: "s, ms or us")
            }
            return .timer(make(perSecond))
        }
    }
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        let timers = context.timers
        return switch self {
        case .handshake: .integer(timers.handshakeTime)
        case .idle: .integer(timers.idleTime)
        case .requestComplete: .integer(timers.requestCompleteTime)
        case .request: .integer(timers.requestTime)
        case .queue: .integer(timers.queueTime)
        case .connect: .integer(timers.connectTime)
        case .response: .integer(timers.responseTime)
        case .data: .integer(timers.dataTime)
        case .active: .integer(timers.activeTime)
        case .total: .integer(timers.totalTime)
        case .user: .integer(timers.userTime)
        case .acceptDate(let perSecond): date(timers.acceptDate, perSecond)
        case .requestDate(let perSecond): date(timers.requestDate, perSecond)
        case .bytesFromClient: .integer(Int(clamping: context.outcome.bytesFromClient))
        case .bytesToClient: .integer(Int(clamping: context.outcome.bytesToClient))
        }
    }

    private func date(_ time: WallTime, _ perSecond: Int) -> SampleValue {
        .integer(time.seconds * perSecond + time.microseconds / (1_000_000 / perSecond))
    }
}
