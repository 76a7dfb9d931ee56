// A plan between being built and counting. Building one reads what lives and changes none of it, so a plan that is refused, or never put
// in force, leaves no trace. All that a plan changes of what lives is here as values.

public import Balancing
public import Basics
internal import Logging
internal import Rules

/// A plan that can be put in force. Not sent to workers before that.
public struct PlanCandidate {
    public let plan: Plan
    /// What it says of the servers of each backend, in the order of its backends.
    let revisions: [BackendRevision]
    /// What files have of servers, by backends.
    let states: [(backend: Backend, servers: [SavedServer])]
    let trackers: [Tracker]
    /// Those that the logger does not have.
    let rings: [EventRing]
    /// The `set-var` lines.
    let variables: RulesSettings
    let environment: [String: String]

    /// Puts the plan in force as far as what lives is concerned; workers and the control plane have to be told of it. Servers that were
    /// there before keep what was changed of them while they ran, where the files say the same of it as before.
    ///
    /// - Returns: servers that the plan before had and this one does not have.
    @discardableResult
    public func activate(now: Instant) -> [Server] {
        let site = plan.site
        for ring in rings where !site.logger.hasRing(named: ring.name) { site.logger.add(ring) }
        let before = site.liveBackends.map(\.backend)
        let serversBefore = before.flatMap(\.servers)
        let livedBefore = Set(before.map(ObjectIdentifier.init))
        site.adopt(plan)
        let backends = plan.backends.map(\.backend)
        for (backend, revision) in zip(backends, revisions) where livedBefore.contains(ObjectIdentifier(backend)) {
            backend.apply(revision, now: now)
        }
        let known = Set(serversBefore.map(ObjectIdentifier.init))
        for (backend, saved) in states {
            let fresh = backend.servers.filter { !known.contains(ObjectIdentifier($0)) }
            backend.restore(saved, of: fresh, now: now)
        }
        let living = Set(backends.map(ObjectIdentifier.init))
        let gone = before.filter { !living.contains(ObjectIdentifier($0)) }
        Backend.setTrackers(trackers, among: backends + gone, now: now)
        setVariables(of: site)
        let kept = Set(backends.flatMap(\.servers).map(ObjectIdentifier.init))
        return serversBefore.filter { !kept.contains(ObjectIdentifier($0)) }
    }

    /// A line that the plan before had as well is not obeyed again: rules may have changed the variable since.
    private func setVariables(of site: Site) {
        let lines = variables.variableLines
        let before = site.variableLines.withLock { before in
            defer { before = lines }
            return before
        }
        variables.setVariables(of: site.variables, environment: environment, except: before)
    }
}
