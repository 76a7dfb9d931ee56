// The state of both connections (manual, section 7.3.3): errors, and the number of current and earlier exchanges.

internal import Basics
internal import Configuration
internal import TLS

enum ConnectionStateSample: SampleFamily {
    enum End: Sendable { case client, server }

    /// What went wrong in a handshake: the client's, in the log of one that failed, or the server's.
    case errorNumber(End), errorName(End), errorText(End)
    /// Exchanges at a time.
    case streams(End)
    case isReused
    case backendQueue, serverQueue
    case socketConnections
    case retries

    static let rows: [SampleRow] =
        family(.client, "fc", "the client's connection") + family(.server, "bc", "the connection to the server") + [
            row(
                "bc_reused", .bool, .isReused, .responseBytes, "Whether the server's connection carried other requests."
            ),
            row(
                "bc_be_queue", .integer, .backendQueue, .responseBytes,
                "The requests that were before this one in the backend's queue (%bq)."),
            row(
                "bc_srv_queue", .integer, .serverQueue, .responseBytes,
                "The requests that were before this one in the server's queue (%sq)."),
            SampleRow(
                "dst_conn", yields: .integer, from: .connection,
                summary: "The connections to the address that this client came to, its own included."
            ) { (_, table) throws(ConfigProblem) in
                table.usesSocketConnections = true
                return .connectionState(.socketConnections)
            },
            row(
                "cur_max_retries", .integer, .retries, .requestHead,
                "How often a server is tried again for this exchange: set-retries may change it."),
        ]

    private static func family(_ end: End, _ prefix: String, _ whose: String) -> [SampleRow] {
        let availability: SampleAvailability = end == .client ? .connection : .responseBytes
        return [
            row(
                "\(prefix)_err", .integer, .errorNumber(end), availability,
                "HAProxy's number of the error of \(whose); 0 if there is none."),
            row("\(prefix)_err_name", .string, .errorName(end), availability, "Its name; empty if there is none."),
            row("\(prefix)_err_str", .string, .errorText(end), availability, "Its text; Success if there is none."),
            row(
                "\(prefix)_nb_streams", .integer, .streams(end), availability,
                "The exchanges that \(whose) carries now: 1."),
            row(
                "\(prefix)_settings_streams_limit", .integer, .streams(end), availability,
                "How many exchanges \(whose) may carry at a time: 1, as HTTP/1 has it."),
        ]
    }

    private static func row(
        _ name: String, _ type: SampleType, _ sample: ConnectionStateSample, _ availability: SampleAvailability,
        _ summary: String
    ) -> SampleRow {
        SampleRow(name, yields: type, from: availability, .connectionState(sample), summary: summary)
    }

    /// nil about a server where none was reached.
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .errorNumber(let end): there(end, context) ? .integer(fault(end, context)?.rawValue ?? 0) : nil
        case .errorName(let end):
            there(end, context) ? .string(context.make { $0.append(fault(end, context)?.name ?? "") }) : nil
        case .errorText(let end):
            there(end, context) ? .string(context.make { $0.append(fault(end, context)?.text ?? "Success") }) : nil
        case .streams(let end): there(end, context) ? .integer(1) : nil
        case .isReused: there(.server, context) ? .bool(context.serverConnectionWasUsed) : nil
        case .backendQueue: .integer(context.outcome.counts.backendQueue)
        case .serverQueue: .integer(context.outcome.counts.serverQueue)
        case .socketConnections: context.site?.connections(toSocketOf: context).map { .integer($0) }
        case .retries: retries(context)
        }
    }

    private func there(_ end: End, _ context: ExchangeContext) -> Bool {
        end == .client || context.serverAddress != nil
    }

    private func fault(_ end: End, _ context: ExchangeContext) -> HandshakeFault? {
        if end == .client { return context.handshakeFault }
        guard let engine = context.destination.serverTLS else { return nil }
        return engine.fault.map { HandshakeFault($0, ofServer: engine) }
    }

    private func retries(_ context: ExchangeContext) -> SampleValue? {
        if let retries = context.directives.retries { return .integer(retries) }
        guard let site = context.site, let backend = context.backendIndex else { return nil }
        return .integer(site.number(.retries, ofBackend: backend))
    }
}
