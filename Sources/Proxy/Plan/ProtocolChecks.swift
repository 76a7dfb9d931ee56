// Which protocols are spoken where: what `proto` may say in a section, and what that, and the section's mode, leave to ALPN.

internal import Balancing
internal import Basics
internal import Configuration
internal import TLS

extension PlanBuilder {
    /// Whether HTTP/2 is offered and spoken.
    static let speaksHTTP2 = true

    /// What Portico speaks above TLS with clients of a section, and offers them without a word; nil in TCP mode.
    /// - Parameter word: what `proto` says on the line.
    static func protocolsWithClients(_ draft: Draft, _ word: ProtocolWord?) -> SpokenProtocols? {
        guard draft[ProxySettings.self].mode == .http else { return nil }
        let spoken = spokenProtocols(word)
        // HTTP/1.0 is for lines that ask for it.
        return SpokenProtocols(
            standard: spoken.filter { $0 != SpokenProtocols.http10 }, others: [SpokenProtocols.http10])
    }

    /// What it speaks above TLS with servers of a section; nil in TCP mode. Without `alpn` only `proto h2` makes it offer something,
    /// as RFC 9113 section 3.2 wants it.
    static func protocolsWithServers(_ draft: Draft, _ word: ProtocolWord?) -> SpokenProtocols? {
        guard draft[ProxySettings.self].mode == .http else { return nil }
        let spoken = spokenProtocols(word)
        return word?.choice == .http2
            ? SpokenProtocols(standard: spoken) : SpokenProtocols(standard: [], others: spoken)
    }

    /// Best first.
    private static func spokenProtocols(_ word: ProtocolWord?) -> [[UInt8]] {
        let http1 = [SpokenProtocols.http11, SpokenProtocols.http10]
        guard speaksHTTP2 else { return http1 }
        return switch word?.choice ?? .negotiated {
        case .http1: http1
        case .http2: [SpokenProtocols.http2]
        case .negotiated: [SpokenProtocols.http2] + http1
        }
    }

    /// Judges `proto` and `check-proto` of all lines by the modes of their sections.
    mutating func checkProtocols() {
        for draft in drafts {
            let isHTTP = draft[ProxySettings.self].mode == .http
            let mode = "mode \(draft[ProxySettings.self].mode.rawValue)"
            var problems: [ConfigProblem?] = []
            if draft.kind != .backend {
                problems = draft[ProxySettings.self].binds.map {
                    $0.options.protocolWord?.problem(isHTTP: isHTTP, place: mode)
                }
            }
            let balancing = draft[BalancingSettings.self]
            if draft.kind != .frontend {
                for server in balancing.servers {
                    problems.append(server.protocolWord?.problem(isHTTP: isHTTP, place: mode))
                    guard server.isChecked else { continue }
                    let asks = balancing.hasHTTPCheck(server)
                    problems.append(
                        server.checkProtocolWord?.problem(
                            isHTTP: asks,
                            place: asks ? "'option httpchk'" : "a check without 'option httpchk'"))
                }
            }
            for case let problem? in problems { note(problem) }
        }
    }
}
