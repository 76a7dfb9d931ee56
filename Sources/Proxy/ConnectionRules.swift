// `tcp-request connection` and `tcp-request session`: rules about a connection that has just come in. They run before
// there is an exchange, on facts that the worker lends, so that a connection that is let in costs nothing more.

internal import Balancing
internal import Basics
internal import Reactor
internal import Rules

extension ClientConnection {
    /// Runs the rules; false if they have closed the connection.
    func followConnectionRules(_ worker: Worker) -> Bool {
        let rules = frontend.rules
        if rules.connection.isEmpty && rules.session.isEmpty { return true }
        let facts = worker.connectionFacts
        facts.clear()
        introduce(to: facts)
        facts.timers.acceptDate = WallTime.now()
        defer {
            variables = facts.sessionVariables
            facts.sessionVariables = nil
        }
        guard follow(rules.connection, facts, .deniedConnections, worker),
            follow(rules.session, facts, .deniedSessions, worker)
        else { return false }
        take(ends: facts)
        return true
    }

    /// Gives the packets to the client what rules want. Where the system refuses, they go without, as with HAProxy.
    func mark(_ marks: PacketMarks, _ worker: Worker) {
        if let value = marks.typeOfService { worker.kernel.setTypeOfService(socket, value) }
        if let value = marks.mark { worker.kernel.setMark(socket, value) }
    }

    private func follow(
        _ rules: RuleSet, _ facts: ExchangeFacts, _ denied: TrafficCounter, _ worker: Worker
    ) -> Bool {
        let outcome = rules.run(on: facts)
        if let marks = facts.directives.takePacketMarks() { mark(marks, worker) }
        switch outcome {
        case .proceed: return true
        case .reject:
            frontend.traffic.add(denied, worker: worker.index)
            turnAway(silently: false, worker)
        case .silentDrop:
            frontend.traffic.add(denied, worker: worker.index)
            turnAway(silently: true, worker)
        case .answer, .answerStatus, .deny, .denyStatus, .tarpit, .tarpitStatus, .rewriteFailed, .refused, .challenge,
            .closeServer, .wait:
            preconditionFailure("rules about connections do not answer and do not wait")
        }
        return false
    }
}
