// Servers that are Portico itself: a request that comes back to the frontend which has sent it goes round until no connection is left.
//
// A server at an own listener is a step from one frontend to another. Where the steps lead back to where they began, and no rule
// on the way may send a request elsewhere, the file is refused; where a condition may, there is a warning. Frontends that
// lead to other frontends are nothing unusual.

internal import Balancing
internal import Basics
internal import Configuration
internal import Reactor
internal import Rules

/// The listeners of a configuration, found by the address that a connection goes to.
struct OwnListeners {
    private var exact: [SocketAddress: Int] = [:]
    /// Wildcards by port: the frontend, and the family for which it listens; nil for both.
    private var wildcards: [UInt16: [(frontend: Int, isV6: Bool?)]] = [:]
    /// Ports of each frontend, for servers that take the client's.
    private(set) var ports: [[UInt16]] = []

    /// - Parameter places: the addresses of each frontend.
    init(_ places: [[BindPlace]]) {
        for (frontend, places) in places.enumerated() {
            ports.append(places.compactMap { $0.address?.port })
            for place in places {
                guard let address = place.address else { continue }
                if case .ip(let ip, let port) = address, ip.isAny {
                    let isV6 = ip == .anyV6
                    let takesBoth = isV6 && place.options.takesBothVersions != false
                    wildcards[port, default: []].append((frontend, takesBoth ? nil : isV6))
                } else {
                    exact[address] = frontend
                }
            }
        }
    }

    /// The frontend that a connection to the address reaches; nil if it leaves Portico.
    func frontend(at address: SocketAddress) -> Int? {
        if let found = exact[address] { return found }
        guard case .ip(let ip, let port) = address, let candidates = wildcards[port] else { return nil }
        let isV6 = if case .v6 = ip { true } else { false }
        let found = candidates.first { $0.isV6 == nil || $0.isV6 == isV6 }
        guard let found, Self.isOurs(ip) else { return nil }
        return found.frontend
    }

    /// Whether this machine has the address: it can be bound then.
    private static func isOurs(_ ip: IPAddress) -> Bool {
        if case .v4(let word) = ip, word >> 24 == 127 { return true }
        var options = ListenOptions()
        options.sharesPort = false
        guard let socket = try? ListeningSocket.bind(.ip(ip, port: 0), options) else { return false }
        ListeningSocket.close(socket)
        return true
    }
}

extension PlanBuilder {
    /// From one frontend to another, or to itself, by a server.
    private struct Step {
        let target: Int
        let server: ServerDraft
        let backend: String
        /// Whether nothing on the way may send a request elsewhere.
        let isCertain: Bool
    }

    /// Reports servers that lead back to the frontend they are reached through.
    mutating func checkLoops(_ fronts: [Draft], _ backs: [Draft], _ revisions: [BackendRevision]) {
        let listeners = OwnListeners(fronts.map { $0[ProxySettings.self].binds })
        let indices = Dictionary(backs.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        // Which of a backend's servers lead to an own listener is the same for all frontends, but for those that take the
        // client's port.
        let fixed = revisions.enumerated().map { index, revision in
            zip(revision.filed, backs[index][BalancingSettings.self].servers).compactMap { server, line in
                Self.target(of: server, line, listeners, port: nil).map { (line, $0) }
            }
        }
        let following = revisions.enumerated().map { index, revision in
            zip(revision.filed, backs[index][BalancingSettings.self].servers).filter { server, _ in
                server.configuration.portOffset != nil
            }
        }
        if fixed.allSatisfy(\.isEmpty) && following.allSatisfy(\.isEmpty) { return }
        var steps: [[Step]] = []
        for (place, front) in fronts.enumerated() {
            let rules = front[RulesSettings.self]
            var names = Set(rules.backendNames.map(\.text))
            if front.kind == .listen { names.insert(front.name) }
            let isOnlyWay =
                names.count == 1 && !rules.choosesBackends && !rules.computesBackends && !rules.answersRequests
            var own: [Step] = []
            for name in names.sorted() {
                guard let index = indices[name] else { continue }
                let back = backs[index]
                let backRules = back[RulesSettings.self]
                let servers = revisions[index].filed.count
                let isCertain =
                    isOnlyWay && servers == 1 && !backRules.answersRequests
                    && back[BalancingSettings.self].servers.count == 1
                own += fixed[index].map { Step(target: $1, server: $0, backend: name, isCertain: isCertain) }
                if backRules.changesDestinations || rules.changesDestinations { continue }
                for (server, line) in following[index] {
                    for port in listeners.ports[place] {
                        guard let target = Self.target(of: server, line, listeners, port: port, from: place) else {
                            continue
                        }
                        own.append(Step(target: target, server: line, backend: name, isCertain: isCertain))
                    }
                }
            }
            steps.append(own)
        }
        report(loops: steps, fronts)
    }

    /// The frontend that the server's connections reach, those of clients of `port` if it takes theirs.
    private static func target(
        of server: FiledServer, _ line: ServerDraft, _ listeners: OwnListeners, port: UInt16?, from frontend: Int? = nil
    ) -> Int? {
        if line.isDisabled { return nil }
        guard let address = server.address else { return nil }
        guard case .ip(let ip, let ownPort) = address else { return listeners.frontend(at: address) }
        if let offset = server.configuration.portOffset {
            guard let port, let shifted = UInt16(exactly: Int(port) + offset) else { return nil }
            // The address the client came to, and its port: where it came from, whatever that is.
            if ip.isAny { return offset == 0 ? frontend : nil }
            return listeners.frontend(at: .ip(ip, port: shifted))
        }
        return ip.isAny ? nil : listeners.frontend(at: .ip(ip, port: ownPort))
    }

    /// Follows the steps from each frontend; what comes back to it is reported at the server that makes the first step.
    private mutating func report(loops steps: [[Step]], _ fronts: [Draft]) {
        for start in steps.indices {
            for first in steps[start] {
                guard let certain = Self.isLoop(from: start, first, steps) else { continue }
                let way = first.target == start ? "itself" : "itself by way of '\(fronts[first.target].name)'"
                report(
                    "server '\(first.backend)/\(first.server.name.text)' leads frontend '\(fronts[start].name)' back to \(way)"
                        + (certain ? ": each request would go round until no connection is left" : ""),
                    at: first.server.addressWord.range,
                    expected: certain ? "the address and port of the application" : nil,
                    severity: certain ? .error : .warning)
            }
        }
    }

    /// Whether the step leads back to where it begins, and if so whether for certain; nil if it does not.
    private static func isLoop(from start: Int, _ first: Step, _ steps: [[Step]]) -> Bool? {
        var found = false
        // By certain steps first.
        for onlyCertain in [true, false] {
            if onlyCertain && !first.isCertain { continue }
            var seen: Set<Int> = []
            var open = [first.target]
            while let place = open.popLast() {
                if place == start {
                    found = true
                    break
                }
                guard seen.insert(place).inserted else { continue }
                open += steps[place].filter { $0.isCertain || !onlyCertain }.map(\.target)
            }
            if found { return onlyCertain }
        }
        return nil
    }
}
