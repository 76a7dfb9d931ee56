// Time-outs in milliseconds, as sections have them and as they are for this exchange (manual, section 7.3.3); 0 for none.

internal import Basics
internal import Configuration

enum TimeoutSample: SampleFamily {
    case ofFrontend(SiteNumber)
    /// Of the exchange's backend.
    case ofBackend(SiteNumber)
    /// What a set-timeout rule said, or else the section's own.
    case currentClient, currentServer, currentTunnel, currentConnect, currentQueue, currentTarpit

    static let rows: [SampleRow] = [
        frontend("fe_client_timeout", .clientTimeout, "timeout client of the frontend"),
        frontend("fe_tarpit_timeout", .tarpitTimeout, "timeout tarpit of the frontend"),
        backend("be_connect_timeout", .connectTimeout, "timeout connect of the backend"),
        backend("be_queue_timeout", .queueTimeout, "timeout queue of the backend"),
        backend("be_server_timeout", .serverTimeout, "timeout server of the backend"),
        backend("be_tarpit_timeout", .tarpitTimeout, "timeout tarpit of the backend"),
        backend("be_tunnel_timeout", .tunnelTimeout, "timeout tunnel of the backend"),
        row(
            "cur_connect_timeout", .currentConnect, .requestHead,
            "timeout connect for this exchange: set-timeout may change it"),
        row(
            "cur_queue_timeout", .currentQueue, .requestHead,
            "timeout queue for this exchange: set-timeout may change it"),
        row(
            "cur_tarpit_timeout", .currentTarpit, .requestHead,
            "timeout tarpit for this exchange: set-timeout may change it"),
        row(
            "cur_client_timeout", .currentClient, .connection,
            "timeout client for this exchange: set-timeout may change it"),
        row(
            "cur_server_timeout", .currentServer, .requestHead,
            "timeout server for this exchange: set-timeout may change it"),
        row(
            "cur_tunnel_timeout", .currentTunnel, .requestHead,
            "timeout tunnel for this exchange: set-timeout may change it"),
    ]

    private static func frontend(_ name: String, _ number: SiteNumber, _ what: String) -> SampleRow {
        row(name, .ofFrontend(number), .connection, what)
    }

    private static func backend(_ name: String, _ number: SiteNumber, _ what: String) -> SampleRow {
        row(name, .ofBackend(number), .requestHead, what)
    }

    private static func row(_ name: String, _ sample: TimeoutSample, _ availability: SampleAvailability, _ what: String)
        -> SampleRow
    {
        SampleRow(
            name, yields: .integer, from: availability, .timeout(sample),
            summary: "The \(what), in milliseconds; 0 for none."
        )
    }

    /// nil for a backend's where none is chosen yet.
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        guard let site = context.site else { return nil }
        switch self {
        case .ofFrontend(let number): return .integer(site.number(number, ofFrontend: context.frontendIndex))
        case .ofBackend(let number): return ofBackend(number, site, context)
        case .currentClient:
            return current(context.directives.clientTimeout)
                ?? .integer(
                    site.number(.clientTimeout, ofFrontend: context.frontendIndex))
        case .currentServer:
            return current(context.directives.serverTimeout) ?? ofBackend(.serverTimeout, site, context)
        case .currentTunnel:
            return current(context.directives.tunnelTimeout) ?? ofBackend(.tunnelTimeout, site, context)
        case .currentConnect:
            return current(context.directives.connectTimeout) ?? ofBackend(.connectTimeout, site, context)
        case .currentQueue: return current(context.directives.queueTimeout) ?? ofBackend(.queueTimeout, site, context)
        case .currentTarpit:
            return current(context.directives.tarpitTimeout) ?? ofBackend(.tarpitTimeout, site, context)
        }
    }

    private func ofBackend(_ number: SiteNumber, _ site: any RuntimeState, _ context: ExchangeContext) -> SampleValue? {
        context.backendIndex.map { .integer(site.number(number, ofBackend: $0)) }
    }

    private func current(_ span: TimeSpan?) -> SampleValue? {
        span.map { .integer($0 == .forever ? 0 : Int(clamping: $0.wholeMilliseconds)) }
    }
}
