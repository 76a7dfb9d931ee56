// Facts about frontends, backends and servers whose names are computed (manual, section 7.3.1); the samples of the same
// names have them written in the file.

internal import Basics
internal import Configuration

struct SiteConverter: Sendable {
    private let kind: SiteReference.Kind
    private let question: Question

    private enum Question {
        case number(SiteNumber)
        case isTrue(SiteNumber)
        case exists
    }

    static let rows: [ConverterRow] = [
        row("nbsrv", .backend, .number(.usableServers), "The servers that can be used in the backend of this name"),
        row("srv_queue", .server, .number(.queue), "The requests that wait for the server, named as `backend/server`"),
        row("srv_is_up", .server, .isTrue(.isUp), "Whether the server, named as `backend/server`, can be used"),
        ConverterRow(
            "fe_exists", takes: .string, yields: .bool,
            summary: "Whether the configuration has a frontend of this name."
        ) { (_, _) throws(ConfigProblem) in .site(SiteConverter(kind: .frontend, question: .exists)) },
    ]

    private static func row(
        _ name: String, _ kind: SiteReference.Kind, _ question: Question, _ summary: String
    ) -> ConverterRow {
        let type: SampleType = if case .isTrue = question { .bool } else { .integer }
        return ConverterRow(name, takes: .string, yields: type, summary: "\(summary); nothing if there is none.") {
            (_, _) throws(ConfigProblem) in .site(SiteConverter(kind: kind, question: question))
        }
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        guard let site = context.site else { return nil }
        let place = place(value.bytes(context), site, context)
        switch question {
        case .exists: return .bool(place != nil)
        case .number(let what): return place.map { .integer(number(what, site, $0)) }
        case .isTrue(let what): return place.map { .bool(number(what, site, $0) != 0) }
        }
    }

    private func place(_ bytes: SampleBytes, _ site: any RuntimeState, _ context: ExchangeContext) -> SitePlace? {
        // The array that conversions are made in, so that none is made for this.
        var name: [UInt8] = []
        swap(&name, &context.conversion)
        defer { swap(&name, &context.conversion) }
        name.removeAll(keepingCapacity: true)
        context.withBytes(bytes) { name.append($0) }
        return name.isEmpty ? nil : site.place(named: name, kind, for: context)
    }

    private func number(_ what: SiteNumber, _ site: any RuntimeState, _ place: SitePlace) -> Int {
        switch kind {
        case .frontend: site.number(what, ofFrontend: place.index)
        case .backend: site.number(what, ofBackend: place.index)
        case .server: site.number(what, ofServer: place.server, in: place.index)
        }
    }
}
