// How frontends, backends and servers are (manual, sections 7.3.2 and 7.3.3): those that a line names, or those of the
// exchange.

internal import Basics
internal import Configuration
internal import Patterns

struct SiteSample: SampleFamily {
    /// Whose number it is.
    private enum Subject: Sendable {
        /// A reference's index in the table.
        case named(Int)
        case frontend, backend, server
    }
    private enum Question: Sendable {
        case number(SiteNumber)
        case isTrue(SiteNumber)
        case defaultBackend
    }
    private let subject: Subject
    private let question: Question

    static let rows: [SampleRow] = backends + frontends + servers + own

    private static let backends: [SampleRow] = [
        backend("nbsrv", .usableServers, "The servers of the backend that can be used; its backups if no others can."),
        backend("be_conn", .connections, "The exchanges that the backend now has."),
        backend("be_conn_free", .connectionsFree, "How many more the servers' maxconn allows; -1 if one has none."),
        backend("be_sess_rate", .sessionRate, "The exchanges that came to the backend in the last second."),
        backend("queue", .queue, "The requests that wait in the queues of the backend and its servers."),
        backend("avg_queue", .averageQueue, "The same for each server that can be used; twice that if there is none."),
        backend("connslots", .connectionSlots, "How many more the servers and their queues take; -1 without limits."),
    ]

    private static let frontends: [SampleRow] = [
        frontend("fe_conn", .connections, "The client connections that the frontend now has."),
        frontend("fe_req_rate", .requestRate, "The requests that came to the frontend in the last second."),
        frontend("fe_sess_rate", .sessionRate, "The connections that came to the frontend in the last second."),
    ]

    private static let servers: [SampleRow] = [
        server("srv_conn", .connections, "The exchanges that the server now has."),
        server("srv_conn_free", .connectionsFree, "How many more its maxconn allows; -1 if it has none."),
        server("srv_queue", .queue, "The requests that wait for this server."),
        server("srv_sess_rate", .sessionRate, "The exchanges that came to the server in the last second."),
        server("srv_weight", .weight, "The server's weight now."),
        server("srv_iweight", .initialWeight, "The server's weight in the file."),
        server("srv_uweight", .userWeight, "The server's weight as people set it: slow starts do not lessen it."),
        row(
            "srv_is_up", "([<backend>/]<server>)", .bool, .server, .isTrue(.isUp), isOptional: false,
            "Whether the server can be used."),
    ]

    private static let own: [SampleRow] = [
        plain("be_id", .integer, .backend, .number(.id), from: .requestHead, "The number of the backend in the file."),
        plain(
            "be_max_retries", .integer, .backend, .number(.retries), from: .requestHead,
            "How often the backend tries a server again."),
        plain("fe_id", .integer, .frontend, .number(.id), from: .connection, "The number of the frontend in the file."),
        plain(
            "fe_defbe", .string, .frontend, .defaultBackend, from: .connection,
            "The name of the frontend's default backend."),
        plain(
            "srv_id", .integer, .server, .number(.id), from: .responseBytes, "The number of the server that was asked."),
    ]

    private static func backend(_ name: String, _ number: SiteNumber, _ summary: String) -> SampleRow {
        row(name, "([<backend>])", .integer, .backend, .number(number), isOptional: true, summary)
    }

    private static func frontend(_ name: String, _ number: SiteNumber, _ summary: String) -> SampleRow {
        row(name, "([<frontend>])", .integer, .frontend, .number(number), isOptional: true, summary)
    }

    private static func server(_ name: String, _ number: SiteNumber, _ summary: String) -> SampleRow {
        row(name, "([<backend>/]<server>)", .integer, .server, .number(number), isOptional: false, summary)
    }

    private static func row(
        _ name: String, _ arguments: String, _ type: SampleType, _ kind: SiteReference.Kind, _ question: Question,
        isOptional: Bool, _ summary: String
    ) -> SampleRow {
        SampleRow(name, arguments, yields: type, from: .start, summary: summary) {
            (arguments, table) throws(ConfigProblem) in
            let reference = try arguments.siteReference("a \(kind)'s name", isOptional: isOptional)
            let place = table.refer(to: kind, reference.name, at: reference.range)
            return .site(SiteSample(subject: .named(place), question: question))
        }
    }

    private static func plain(
        _ name: String, _ type: SampleType, _ subject: Subject, _ question: Question,
        from availability: SampleAvailability,
        _ summary: String
    ) -> SampleRow {
        SampleRow(
            name, yields: type, from: availability, .site(SiteSample(subject: subject, question: question)),
            summary: summary)
    }

    /// Returns nil when the name no longer exists, or the exchange has no backend or server yet.
    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        guard let site = context.site else { return nil }
        switch question {
        case .number(let what): return number(what, site, context, program).map { .integer($0) }
        case .isTrue(let what): return number(what, site, context, program).map { .bool($0 != 0) }
        case .defaultBackend:
            guard let index = site.defaultBackend(ofFrontend: context.frontendIndex) else { return nil }
            return .string(context.make { site.appendName(ofBackend: index, to: &$0) })
        }
    }

    private func number(
        _ what: SiteNumber, _ site: any RuntimeState, _ context: ExchangeContext, _ program: ExpressionProgram
    ) -> Int? {
        switch subject {
        case .named(let reference):
            guard let place = site.place(of: program.expressions.references[reference], for: context) else {
                return nil
            }
            switch program.expressions.references[reference].kind {
            case .frontend: return site.number(what, ofFrontend: place.index)
            case .backend: return site.number(what, ofBackend: place.index)
            case .server: return site.number(what, ofServer: place.server, in: place.index)
            }
        case .frontend: return site.number(what, ofFrontend: context.frontendIndex)
        case .backend:
            // Until a backend is chosen the frontend stands for it, as with be_name.
            guard let backend = context.backendIndex else {
                return site.number(what, ofFrontend: context.frontendIndex)
            }
            return site.number(what, ofBackend: backend)
        case .server:
            guard let backend = context.backendIndex, let server = context.serverNumber else { return nil }
            return site.number(what, ofServer: server, in: backend)
        }
    }
}

extension ExpressionArguments {
    /// Takes the name of a section or server, or none where that is possible, with its location in the file.
    fileprivate mutating func siteReference(_ what: String, isOptional: Bool) throws(ConfigProblem) -> Reference {
        if isOptional, isAtEnd { return Reference(name: "", range: text.range(ownerRange)) }
        return try reference(what)
    }
}
