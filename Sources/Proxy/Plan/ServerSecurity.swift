// The TLS of servers, when the plan is made: what is asked for in the name of each request, and the contexts.

internal import Balancing
internal import Basics
internal import Configuration
internal import Rules
internal import TLS

extension PlanBuilder {
    /// What `sni-auto` stands for.
    private static let hostExpression = "req.hdr(host),host_only"

    /// Compiles the names that servers are asked for, and those of connections. Before patterns and names in expressions are resolved.
    mutating func compileRequestedNames() {
        for i in drafts.indices where drafts[i].kind != .frontend {
            let isHTTP = drafts[i][ProxySettings.self].mode == .http
            for (index, server) in drafts[i][BalancingSettings.self].servers.enumerated() {
                let automatic = isHTTP && server.tls.asksForHost
                let requested =
                    server.tls.requestedName ?? (automatic ? Word(Self.hostExpression, at: server.name.range) : nil)
                do throws(ConfigProblem) {
                    if server.tls.isOn, let requested {
                        try drafts[i][RulesSettings.self].addRequestedName(requested, server: index)
                    }
                    if let name = server.poolName {
                        try drafts[i][RulesSettings.self].addPoolName(name, server: index)
                    }
                    try compileValues(for: server, at: index, in: i)
                } catch { note(error) }
            }
        }
    }

    /// Compiles what connections to a server are given of the request.
    private mutating func compileValues(
        for server: ServerDraft, at index: Int, in section: Int
    ) throws(ConfigProblem) {
        let source = server.source ?? drafts[section][BalancingSettings.self].source
        if case .expression(let word)? = source?.presented {
            try drafts[section][RulesSettings.self].addSource(word, server: index)
        }
        for value in server.headerValues {
            try drafts[section][RulesSettings.self].addHeaderValue(value.format, type: value.type, server: index)
        }
    }

    /// Makes the TLS of a server; nil, and a problem, if its line or files are wrong.
    mutating func makeTLS(of server: ServerDraft, in draft: Draft) -> TLSUpstream? {
        do throws(ConfigProblem) {
            return try TLSUpstream.make(
                server.tls, for: .server(backend: draft.name, name: server.name.text), certificates: certificates,
                workers: workers,
                spoken: Self.protocolsWithServers(draft, server.protocolWord), at: server.name.range)
        } catch {
            note(error)
            return nil
        }
    }
}
