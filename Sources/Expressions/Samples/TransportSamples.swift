// What the system measures of the TCP connections on both sides (manual, section 7.3.3). Each use asks the system.

internal import Basics
internal import Configuration

/// What can be measured.
public enum TransportMeasure: Sendable {
    /// In microseconds.
    case roundTrip, roundTripVariation
    /// Segments.
    case unacknowledged, acknowledgedApart, acknowledgedAhead, lost, sentAgain
    /// Places.
    case reordering
}

struct TransportSample: SampleFamily {
    private enum End: Sendable { case client, server }
    private let end: End
    private let measure: TransportMeasure
    /// The measure is given in so many.
    private var unit = 1

    static let rows: [SampleRow] =
        [
            time("fc_rtt", .client, .roundTrip, "How long a segment to the client and its answer take (TCP)"),
            time("fc_rttvar", .client, .roundTripVariation, "By how much fc_rtt varies"),
            time("bc_rtt", .server, .roundTrip, "How long a segment to the server and its answer take (TCP)"),
            time("bc_rttvar", .server, .roundTripVariation, "By how much bc_rtt varies"),
        ]
        + [
            ("fc_unacked", .unacknowledged, "Segments under way to the client (TCP)."),
            ("fc_sacked", .acknowledgedApart, "Those of them that the client has, while some before them are missing."),
            ("fc_fackets", .acknowledgedAhead, "Segments up to the last that the client has; newer systems say 0."),
            ("fc_lost", .lost, "Segments to the client that are taken for lost."),
            ("fc_retrans", .sentAgain, "Segments to the client that were sent again and are still under way."),
            ("fc_reordering", .reordering, "By how many places the way to the client is taken to change the order."),
        ].map { (name: String, measure: TransportMeasure, summary: String) in
            SampleRow(
                name, yields: .integer, from: .connection,
                .transport(TransportSample(end: .client, measure: measure)), summary: summary)
        }

    private static func time(_ name: String, _ end: End, _ measure: TransportMeasure, _ summary: String) -> SampleRow {
        SampleRow(
            name, "([<unit>])", yields: .integer, from: end == .client ? .connection : .responseBytes,
            summary: "\(summary), in ms, or in us."
        ) { (arguments, _) throws(ConfigProblem) in
            switch arguments.optionalString() {
            case nil, "ms": return .transport(TransportSample(end: end, measure: measure, unit: 1_000))
            case "us": return .transport(TransportSample(end: end, measure: measure))
            case let other?: throw arguments.problem("'\(other)' is no unit of time here", expected: "ms or us")
            }
        }
    }

    /// nil where there is no connection, or none of TCP.
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        guard let socket = end == .client ? context.clientSocket : context.serverSocket else { return nil }
        return context.site?.measure(measure, ofSocket: socket).map { .integer(($0 + unit / 2) / unit) }
    }
}
