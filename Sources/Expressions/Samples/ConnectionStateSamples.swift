// The state of both connections (manual, section 7.3.3): errors, and the number of current and earlier exchanges.

internal import Basics
internal import Configuration
internal import TLS

enum ConnectionStateSample: SampleFamily {
    enum End: Sendable { case client, server }

    /// What went wrong in a handshake: the client's, in the log of one that failed, or the server's.
    case errorNumber(End), errorName(End), errorText(End)
    /// The major version of HTTP on the wire.
    case majorVersion(End)
    /// Faults and oddities of the peer.
    case glitches(End)
    /// Exchanges now, and at a time at most.
    case streams(End), streamsMax(End)
    /// The exchange's stream of HTTP/2: its number, and with what it was cancelled.
    case streamID(End), wasReset(End), resetCode(End)
    case isReused
    case backendQueue, serverQueue
    case socketConnections
    case retries

    static let rows: [SampleRow] =
        family(.client, "fc", "the client's connection") + family(.server, "bc", "the connection to the server")
        + streamFamily(.client, "fs", "the client") + streamFamily(.server, "bs", "the server") + [
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
                "\(prefix)_glitches", .integer, .glitches(end), availability,
                "Faults and oddities of HTTP/2 on \(whose) so far; 0 with HTTP/1."),
            row(
                "\(prefix)_http_major", .integer, .majorVersion(end), availability,
                "The major version of HTTP that \(whose) speaks: 1 or 2."),
            row(
                "\(prefix)_nb_streams", .integer, .streams(end), availability,
                "The exchanges that \(whose) carries now: 1 with HTTP/1."),
            row(
                "\(prefix)_settings_streams_limit", .integer, .streamsMax(end), availability,
                "How many exchanges \(whose) may carry at a time: 1 with HTTP/1."),
        ]
    }

    private static func streamFamily(_ end: End, _ prefix: String, _ who: String) -> [SampleRow] {
        let availability: SampleAvailability = end == .client ? .connection : .responseBytes
        return [
            row(
                "\(prefix).aborted", .bool, .wasReset(end), availability,
                "Whether \(who) has cancelled this exchange's stream of HTTP/2."),
            row(
                "\(prefix).id", .integer, .streamID(end), availability,
                "The number of the stream of HTTP/2 on which \(who) has this exchange; 0 with HTTP/1."),
            row(
                "\(prefix).rst_code", .integer, .resetCode(end), availability,
                "The code with which \(who) has cancelled the stream (RST_STREAM); nothing if it has not."),
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
        case .majorVersion(let end): there(end, context) ? .integer(shared(end, context) == nil ? 1 : 2) : nil
        case .glitches(let end): there(end, context) ? .integer(shared(end, context)?.glitches ?? 0) : nil
        case .streams(let end): there(end, context) ? .integer(shared(end, context)?.streams ?? 1) : nil
        case .streamsMax(let end): there(end, context) ? .integer(shared(end, context)?.streamsMax ?? 1) : nil
        case .streamID(let end):
            there(end, context)
                ? .integer(Int(end == .client ? context.connection.streamID : context.destination.streamID)) : nil
        case .wasReset(let end): there(end, context) ? .bool(resetCode(end, context) != nil) : nil
        case .resetCode(let end): resetCode(end, context).map { .integer(Int($0)) }
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

    private func shared(_ end: End, _ context: ExchangeContext) -> SharedConnectionFacts? {
        end == .client ? context.connection.shared : context.destination.sharedConnection
    }

    private func resetCode(_ end: End, _ context: ExchangeContext) -> UInt32? {
        end == .client ? context.outcome.clientResetCode : context.outcome.serverResetCode
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
