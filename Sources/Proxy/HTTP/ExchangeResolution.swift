// `do-resolve`: the rules on a request wait until the name they want an address for was looked up, or time is over.
//
// The names of a resolvers section are in a table that all workers share (`NameTable`): what is known is known at once; what is
// not, the control thread looks up, and leaves the answer in the worker's mailbox.

internal import Basics
internal import Resolvers
internal import Rules

extension Exchange {
    /// Asks for the address that a rule wants. The rules go on at once if it is known, or nobody could know it.
    func beginResolving(before step: Step, _ rules: RequestRules, _ worker: Worker) {
        phase = .resolving(before: step, rules)
        let wanted = facts.wantedName
        let resolvers = worker.plan.resolvers[wanted.resolvers]
        guard worker.nameKey.set(wanted.name, wanted.prefersIPv4 ? .v4 : .v6) else { return resolved(nil, worker) }
        let waiter = NameWaiter(worker: worker.index, owner: client.handle.packed, ticket: worker.nextNameTicket())
        switch resolvers.names.ask(worker.nameKey, for: waiter, now: worker.now) {
        case .known(let address): resolved(address, worker)
        case .unknown: resolved(nil, worker)
        case .waits:
            nameTicket = waiter.ticket
            if client.mode == .http { facts.timers.requestDone = nil }
            client.setDeadline(endOfResolving(before: step, rules, resolvers, worker), worker)
            watchClient(worker)
        }
    }

    /// The control thread gives up before that, unless it has a great deal to do. Rules on content wait for no longer than
    /// `inspect-delay`, if there is one.
    private func endOfResolving(
        before step: Step, _ rules: RequestRules, _ resolvers: ResolversPlan, _ worker: Worker
    ) -> Instant {
        let end = worker.now + resolvers.longestWait + Limits.resolutionSlack
        let section = step == .frontend ? frontend.rules : backend?.rules
        guard rules == .content, let section, section.requestInspectDelay > .zero else { return end }
        return min(end, inspection.end)
    }

    /// The answer to this question, or to one before.
    func nameAnswered(_ answer: NameAnswer, _ worker: Worker) {
        guard case .resolving = phase, answer.waiter.ticket == nameTicket else { return }
        resolved(answer.address, worker)
    }

    /// The rules go on.
    func resolved(_ address: IPAddress?, _ worker: Worker) {
        guard case .resolving(let step, let rules) = phase else { preconditionFailure("nobody waits for an address") }
        facts.found(address)
        if client.mode == .http { facts.timers.requestDone = worker.now }
        client.setDeadline(.never, worker)
        switch rules {
        case .content:
            phase = .inspecting(before: step)
            inspect(before: step, worker)
        case .request: followRequestRules(of: step, from: rulePosition, worker)
        }
    }
}
