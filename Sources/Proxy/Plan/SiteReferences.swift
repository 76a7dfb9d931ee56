// Names of sections and servers in rules and log formats: looked up when the plan is built, so that an unknown name is reported
// with its line.

internal import Balancing
internal import Basics
internal import Configuration
internal import Expressions
internal import Reactor
internal import Rules

/// Everything in a file that a rule may name.
struct SiteNames {
    private let frontends: Set<String>
    private let backends: [String: Draft]

    init(_ drafts: [Draft]) {
        frontends = Set(drafts.filter { $0.kind != .backend }.map(\.name))
        backends = Dictionary(
            drafts.filter { $0.kind != .frontend }.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The problem with a reference in the section `draft`; nil if what it names exists.
    func problem(with reference: SiteReference, in draft: Draft) -> ConfigProblem? {
        switch reference.kind {
        case .frontend where reference.name.isEmpty && draft.kind == .backend:
            return ConfigProblem(
                "a frontend has to be named here: a backend is none", at: reference.range,
                expected: "a frontend's name in parentheses")
        case .backend where reference.name.isEmpty && draft.kind == .frontend:
            return ConfigProblem(
                "a backend has to be named here: a frontend is none", at: reference.range,
                expected: "a backend's name in parentheses")
        case .frontend:
            let isKnown = reference.name.isEmpty || frontends.contains(reference.name)
            return isKnown ? nil : Self.unknown("frontend", reference, among: frontends)
        case .backend:
            let isKnown = reference.name.isEmpty || backends[reference.name] != nil
            return isKnown ? nil : Self.unknown("backend", reference, among: backends.keys)
        case .server: return serverProblem(reference, draft)
        }
    }

    private func serverProblem(_ reference: SiteReference, _ draft: Draft) -> ConfigProblem? {
        guard let backend = backends[reference.backend ?? draft.name] else {
            return reference.backend == nil
                ? ConfigProblem(
                    "'\(reference.name)' names no backend, and this section has no servers", at: reference.range,
                    expected: "<backend>/<server>")
                : Self.unknown("backend", reference, among: backends.keys)
        }
        let settings = backend[BalancingSettings.self]
        if settings.hasServer(named: reference.server) { return nil }
        return Self.unknown("server", reference, among: settings.servers.lazy.map(\.name.text))
    }

    private static func unknown(
        _ what: String, _ reference: SiteReference, among names: some Sequence<String>
    ) -> ConfigProblem {
        ConfigProblem(
            "no \(what) named '\(reference.name)'", at: reference.range,
            suggestion: nearest(reference.name, among: names))
    }
}

extension [Draft] {
    /// The sections to build, and the names of disabled backends. Disabled sections are left out, except backends if a
    /// `force-be-switch` line lets some exchanges reach them.
    var withoutDisabled: (kept: [Draft], disabledBackends: Set<String>) {
        func isDisabled(_ draft: Draft) -> Bool { draft[ProxySettings.self].isDisabled }
        let isReached = contains { !isDisabled($0) && $0[RulesSettings.self].reachesDisabledBackends }
        return (
            filter { !isDisabled($0) || isReached && $0.kind == .backend },
            Set(filter { isDisabled($0) && $0.kind != .frontend }.map(\.name))
        )
    }
}

/// A section and HAProxy's `iid` of it: its number in the file, from 2, or what `id` says.
struct NumberedDraft {
    let id: Int
    let draft: Draft
}

/// What the plan of a frontend needs to know about all other sections.
struct Surroundings {
    /// The backends' indices by name.
    let backendIndices: [String: Int]
    let backendModes: [ProxyMode]
    /// A backend's rules may ask for what the frontend captured.
    let looksAtCaptures: Bool

    init(_ backends: [Draft], of all: [Draft]) {
        backendIndices = Dictionary(
            backends.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        backendModes = backends.map { $0[ProxySettings.self].mode }
        looksAtCaptures = all.contains(where: \.looksAtCaptures)
    }
}

/// Host names that were looked up while a section was read: servers of a template have the same.
final class KnownNames {
    private var found: [String: [IPAddress]] = [:]

    func resolve(_ name: String) -> [IPAddress] {
        if let known = found[name] { return known }
        let addresses = HostResolver.resolve(name)
        found[name] = addresses
        return addresses
    }
}

extension PlanBuilder {
    /// Warns of servers that have a host name and no address for it.
    mutating func reportMissingAddresses(_ filed: [FiledServer], _ draft: Draft) {
        var reported: Set<SourceRange> = []
        for (server, line) in zip(filed, draft[BalancingSettings.self].servers)
        where server.address == nil && !line.naming.startsNowhere && line.serviceName == nil {
            // Once for all servers of a template.
            guard reported.insert(line.addressWord.range).inserted else { continue }
            report(
                "no address for the host name '\(server.configuration.hostName ?? server.name)' yet: server '\(draft.name)/\(server.name)' "
                    + "is down until it has one", at: line.addressWord.range, severity: .warning)
        }
    }
}
