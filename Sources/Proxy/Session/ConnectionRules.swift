// `tcp-request connection` and `tcp-request session`: rules about a connection that has just come in, before and behind its
// PROXY protocol header if it has one. They run before there is an exchange, on a context that the worker lends, so that a
// connection that is let in costs nothing more.

internal import Balancing
internal import Basics
internal import Expressions
internal import Reactor
internal import Rules
internal import Transport

extension ClientConnection {
    /// Runs the first of them; nil if they have closed the connection, else whether a header is to come.
    func followConnectionRules(_ worker: Worker) -> Bool? {
        let rules = frontend.rules.connection
        if rules.isEmpty { return bind.acceptsProxyHeader }
        let context = lend(worker)
        guard follow(rules, context, .deniedConnections, worker) else { return nil }
        session.take(ends: context.client, context.local, keepsOwn: false)
        return bind.acceptsProxyHeader || context.directives.expectsProxyHeader
    }

    /// Runs the others; false if they have closed the connection.
    func followSessionRules(_ worker: Worker) -> Bool {
        let rules = frontend.rules.session
        if rules.isEmpty { return true }
        let context = lend(worker)
        guard follow(rules, context, .deniedSessions, worker) else { return false }
        if context.directives.hasOtherEnds {
            // These rules are not about the connection itself (`fc_src`).
            session.take(ends: context.client, context.local, keepsOwn: true)
        }
        return true
    }

    /// The worker's context, about this connection.
    func lend(_ worker: Worker) -> ExchangeContext {
        let context = worker.connectionContext(of: bind)
        context.clear()
        introduce(to: context)
        context.timers.accepted = idleSince
        context.timers.acceptDate = worker.kernel.wallTime() - worker.now.since(idleSince)
        return context
    }

    /// Gives the packets to the client what rules want. Where the system refuses, they go without, as with HAProxy.
    func mark(_ marks: PacketMarks, _ worker: Worker) {
        if let value = marks.typeOfService { worker.kernel.setTypeOfService(socket, value) }
        if let value = marks.mark { worker.kernel.setMark(socket, value) }
    }

    private func follow(
        _ rules: RuleSet, _ context: ExchangeContext, _ denied: TrafficCounter, _ worker: Worker
    ) -> Bool {
        let outcome = rules.run(on: context)
        context.forgetConnection()
        if let marks = context.directives.consumePacketMarks() { mark(marks, worker) }
        switch outcome {
        case .proceed: return true
        case .reject:
            frontend.traffic.add(denied, worker: worker.index)
            turnAway(.close, worker)
        case .silentDrop:
            frontend.traffic.add(denied, worker: worker.index)
            turnAway(.silent, worker)
        case .answer, .answerStatus, .deny, .denyStatus, .tarpit, .tarpitStatus, .rewriteFailed, .refused, .challenge,
            .closeServer, .wait:
            preconditionFailure("rules about connections do not answer and do not wait")
        }
        return false
    }
}
