// The TLS of servers, when the plan is made: what is asked for in the name of each request, and the contexts.

internal import Balancing
internal import Basics
internal import Configuration
internal import Rules
internal import TLS

extension PlanBuilder {
    /// What `sni-auto` stands for.
    private static let hostExpression = "req.hdr(host),host_only"

    /// Compiles the names that servers are asked for. Before patterns and names in expressions are resolved.
    mutating func compileRequestedNames() {
        for i in drafts.indices where drafts[i].kind != .frontend {
            let isHTTP = drafts[i][ProxySettings.self].mode == .http
            for (index, server) in drafts[i][BalancingSettings.self].servers.enumerated() where server.tls.isOn {
                let automatic = isHTTP && server.tls.asksForHost
                guard
                    let expression = server.tls.requestedName
                        ?? (automatic ? Word(Self.hostExpression, at: server.name.range) : nil)
                else { continue }
                do throws(ConfigProblem) {
                    try drafts[i][RulesSettings.self].addRequestedName(expression, server: index)
                } catch { note(error) }
            }
        }
    }

    /// Makes the TLS of a server; nil, and a problem, if its line or files are wrong.
    mutating func makeTLS(of server: ServerDraft) -> TLSUpstream? {
        do throws(ConfigProblem) {
            return try TLSUpstream(
                server.tls, certificates: certificates, workers: workers, at: server.name.range)
        } catch {
            note(error)
            return nil
        }
    }
}
