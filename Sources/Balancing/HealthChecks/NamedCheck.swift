// `healthcheck` sections: checks that servers of any backend name, in place of what their backend's lines say.

internal import Basics
public import Configuration
public import LogFormat
internal import TLS

/// How servers are checked: what the lines of a backend say, or those of a `healthcheck` section.
public struct NamedCheck: Sendable {
    public let script: CheckScript
    /// What its formats and expressions are compiled into.
    public var formats: FormatTable

    init(_ settings: BalancingSettings) {
        script = settings.checkScript
        formats = settings.checkFormats
    }

    /// What runs its formats; nil if it has none.
    var program: FormatProgram? { script.needsContext ? FormatProgram(formats) : nil }
}

extension BalancingSettings {
    /// The `healthcheck` sections that servers name.
    public var checkReferences: [Reference] { servers.compactMap(\.checkSection) }

    /// The check of a `healthcheck` section; nil if its `type` is missing.
    public var namedCheck: NamedCheck? { hasCheckType ? NamedCheck(self) : nil }

    /// The check of a server.
    func check(of server: ServerDraft) -> NamedCheck {
        server.checkSection.flatMap { namedChecks[$0.name] } ?? NamedCheck(self)
    }

    /// Whether the server's checks send requests of HTTP.
    public func hasHTTPCheck(_ server: ServerDraft) -> Bool { check(of: server).script.isHTTP }
}

extension BalancingSettings {
    /// Where a connection of checks goes, and how.
    func route(
        _ connection: CheckConnection, of script: CheckScript, _ draft: ServerDraft, servicePort: UInt16,
        tls: TLSUpstream?
    ) -> CheckRoute {
        CheckRoute(
            address: draft.checkAddress.map { .ip($0, port: draft.checkPort ?? servicePort) }, port: draft.checkPort,
            proxy: draft.usesProxyInChecks ? draft.proxy : nil, proxyHeader: draft.checkProxyHeader,
            tls: draft.encryptsChecks ? tls.map { checkTLS(draft, of: script, $0) } : nil,
            protocolChoice: draft.checkProtocolChoice, lingers: connection.lingers)
    }

    /// The TLS of checks.
    private func checkTLS(_ draft: ServerDraft, of script: CheckScript, _ tls: TLSUpstream) -> HealthCheckTLS {
        let name = draft.tls.checkedName?.text.verbatimBytes ?? (draft.tls.checksAskForHost ? script.hostName : nil)
        return HealthCheckTLS(
            upstream: tls, name: name, isNameExplicit: draft.tls.checkedName != nil,
            protocols: script.isHTTP ? draft.protocolsOfHTTPChecks : draft.protocolsOfChecks)
    }
}

enum NamedCheckKeywords {
    /// The kind of section.
    static let section: SectionKind = "healthcheck"

    static let table: [Keyword] = [
        Keyword(
            "type", in: "healthcheck", usage: "type <check> [<argument>...]",
            summary:
                "How servers are checked that name this section: \(kinds.joined(separator: ", ")), each with the arguments of the option of "
                + "that name. The section's other lines are those of `tcp-check` or `http-check`."
        ) { (args, draft) throws(ConfigProblem) in
            let word = try args.next("a kind of check")
            guard let row = rows["option \(word.text)"] else {
                if word.text == "spop-check" {
                    throw args.problem(
                        "'spop-check' is for agents of SPOE, which Portico does not have yet", at: word,
                        expected: "tcp-check, which finds out whether the agent is there")
                }
                throw args.problem(
                    "unknown kind of check '\(word.text)'", at: word, expected: kinds.joined(separator: ", "),
                    suggestion: nearest(word.text, among: kinds))
            }
            try row.parse(&args, &draft)
            draft[BalancingSettings.self].hasCheckType = true
        }
    ]

    static let parameter = Parameter<ServerDraft>(
        "healthcheck", usage: "healthcheck <name>",
        summary: "Checks the server as the healthcheck section of this name says, not as the backend's lines do."
    ) { (args, server) throws(ConfigProblem) in
        server.checkSection = Reference(try args.next("the name of a healthcheck section"))
    }

    private static let rows = Dictionary(
        uniqueKeysWithValues: (CheckKeywords.table + ProtocolCheckKeywords.table).map { ($0.name, $0) }
            .filter { $0.0.hasPrefix("option ") && $0.0 != "option check-passive" })

    private static let kinds = rows.keys.map { String($0.dropFirst(7)) }.sorted()
}
