// `do-resolve`: the rules on a request wait until the name they want an address for was looked up, or time is over.
//
// The names of a resolvers section are in a table that all workers share (`NameTable`): what is known is known at once; what is
// not, the control thread looks up, and leaves the answer in the worker's mailbox, addressed to the stream.

internal import Basics
internal import Expressions
internal import Resolvers

extension ProxyStream {
    /// Asks for the address that a rule wants. The rules go on at once if it is known, or cannot be known.
    final func beginResolving(_ rules: NameWait.Rules, _ worker: Worker) {
        let wanted = context.wantedName
        let resolvers = client.bind.scope.resolvers[wanted.resolvers]
        let waiter = NameWaiter(worker: worker.index, owner: handle.packed, ticket: worker.nextTicket())
        let wait = NameWait(rules: rules, ticket: waiter.ticket)
        guard worker.nameKey.set(wanted.name, wanted.prefersIPv4 ? .v4 : .v6) else {
            return resolved(wait, to: nil, worker)
        }
        switch resolvers.names.ask(worker.nameKey, for: waiter, now: worker.now) {
        case .known(let address): resolved(wait, to: address, worker)
        case .unknown: resolved(wait, to: nil, worker)
        case .waits:
            if client.codec.speaksHTTP { context.timers.requestDone = nil }
            enter(.resolving(wait), until: endOfResolving(wait, resolvers, worker), worker)
            watchClient(worker)
        }
    }

    /// The control thread gives up before that, unless it has a great deal to do. Rules on content wait for no longer than
    /// `inspect-delay`, if there is one.
    private func endOfResolving(_ wait: NameWait, _ resolvers: ResolversPlan, _ worker: Worker) -> Instant {
        let end = worker.now + resolvers.longestWait + Limits.resolutionSlack
        guard case .content(let inspection) = wait.rules, let section = self.rules(of: inspection.step),
            section.requestInspectDelay > .zero
        else { return end }
        return min(end, inspection.end)
    }

    /// The rules go on, without an address if there is none.
    final func resolved(_ wait: NameWait, to address: IPAddress?, _ worker: Worker) {
        context.found(address)
        if client.codec.speaksHTTP { context.timers.requestDone = worker.now }
        switch wait.rules {
        case .content(let inspection): inspect(inspection, worker)
        case .request(let bookmark): requestRulesGoOn(bookmark, worker)
        }
    }
}
