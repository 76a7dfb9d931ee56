// Problems of a configuration as a whole, between sections whose lines are each valid.

internal import Admin
internal import Balancing
internal import Basics
internal import Configuration
internal import Rules
internal import StaticFiles

extension PlanBuilder {
    /// Names each time-out that no file sets, once, with the sections it concerns.
    mutating func reportDefaultTimeouts() {
        let fronts = drafts.filter { $0.kind != .backend }
        let backs = drafts.filter { $0.kind != .frontend && !$0[BalancingSettings.self].servers.isEmpty }
        let kinds: [(String, [Draft], (ProxySettings) -> Bool, TimeSpan)] = [
            ("client", fronts, { $0.client == nil }, DefaultTimeouts.client),
            (
                "http-request", fronts,
                {
                    $0.mode == .http && $0.httpRequest == nil
                        && $0.client ?? DefaultTimeouts.client > DefaultTimeouts.httpRequest
                }, DefaultTimeouts.httpRequest
            ),
            ("connect", backs, { $0.connect == nil }, DefaultTimeouts.connect),
            ("server", backs, { $0.server == nil }, DefaultTimeouts.server),
        ]
        for (name, drafts, isUnset, value) in kinds {
            let names = drafts.filter { isUnset($0[ProxySettings.self]) }.map { "'\($0.name)'" }
            guard let first = names.first else { continue }
            let others = names.count > 1 ? " and \(names.count - 1) more" : ""
            report(
                "no 'timeout \(name)' is set for \(first)\(others): \(value.wholeMilliseconds / 1_000)s applies",
                at: nil,
                // HAProxy warns of the other three, without which it would wait for ever.
                severity: name == "http-request" ? .notice : .warning)
        }
    }

    /// Reports addresses that two lines bind. IP addresses share their connections at random, which may be intended; a socket's file
    /// or name can be bound only once.
    mutating func checkAddresses(_ binds: [BindPlan]) {
        var seen: [SocketAddress: Word] = [:]
        for place in binds.map(\.place) {
            guard let address = place.address else { continue }
            if let first = seen[address] {
                let isShared = if case .ip = address { true } else { false }
                report(
                    "\(address) is bound already, at \(first.range.file):\(first.range.line)"
                        + (isShared ? ": each of the two gets some of the connections" : ""), at: place.word.range,
                    severity: isShared ? .notice : .error)
            } else {
                seen[address] = place.word
            }
        }
    }

    /// Reports a `guid` that two sections, servers or bind lines have.
    mutating func checkGlobalIDs(_ drafts: [Draft]) {
        var seen: [String: Word] = [:]
        for draft in drafts {
            let settings = draft[ProxySettings.self]
            let servers = draft[BalancingSettings.self].servers.compactMap(\.globalID)
            let places = settings.binds.compactMap { place in
                place.options.globalIDPrefix.map { Word("\($0.text)-\(place.position)", at: $0.range) }
            }
            for id in [settings.globalID].compactMap({ $0 }) + servers + places {
                if let first = seen[id.text] {
                    report(
                        "the ID '\(id.text)' is taken already, at \(first.range.file):\(first.range.line)", at: id.range
                    )
                } else {
                    seen[id.text] = id
                }
            }
        }
    }

    /// The sections with their numbers: those of `id`, and for the others the next free ones. Reports numbers that two sections have.
    mutating func numberDrafts() -> [NumberedDraft] {
        var taken: [Int: Word] = [:]
        for word in drafts.compactMap({ $0[ProxySettings.self].number }) {
            guard let number = Int(word.text) else { continue }
            if let first = taken[number] {
                report(
                    "the number \(number) is taken already, at \(first.range.file):\(first.range.line)", at: word.range)
            } else {
                taken[number] = word
            }
        }
        var next = 2
        return drafts.map { draft in
            defer { next += 1 }
            if let number = draft[ProxySettings.self].number.flatMap({ Int($0.text) }) {
                return NumberedDraft(id: number, draft: draft)
            }
            while taken[next] != nil { next += 1 }
            return NumberedDraft(id: next, draft: draft)
        }
    }

    /// Reports backends that no frontend uses, and frontends that use no backend and whose rules answer nothing.
    mutating func checkReach(_ fronts: [Draft], _ backs: [Draft]) {
        let reached = Set(fronts.flatMap { $0[RulesSettings.self].backendNames.map(\.text) })
        let isAnyReached = fronts.contains { $0[RulesSettings.self].computesBackends }
        if !isAnyReached && !fronts.isEmpty {
            for back in backs where back.kind == .backend && !reached.contains(back.name) {
                report("nothing leads to backend '\(back.name)'", at: back.range, severity: .notice)
            }
        }
        // A frontend without addresses already has a warning.
        for front in fronts where !front[ProxySettings.self].binds.isEmpty && leadsNowhere(front) {
            report(
                "\(front.kind.name) '\(front.name)' leads nowhere, and none of its rules answers: "
                    + (front[ProxySettings.self].mode == .http
                        ? "every request gets 503" : "every connection is closed"),
                at: front.range,
                expected: front.kind == .listen ? "a server line, or a default_backend" : "a default_backend",
                severity: .notice)
        }
    }

    private func leadsNowhere(_ front: Draft) -> Bool {
        let rules = front[RulesSettings.self]
        if !rules.backendNames.isEmpty || rules.computesBackends || rules.answersRequests || rules.monitor() != nil {
            return false
        }
        if front[StatsPageSettings.self].isEnabled { return false }
        return front.kind == .frontend
            || front[BalancingSettings.self].servers.isEmpty && front[StaticFilesSettings.self].root == nil
    }
}

// MARK: - What a `balance` line needs of the section around it

extension PlanBuilder {
    /// Compiles what balancing hashes, and has bodies awaited that it looks into. Before patterns and names in expressions are
    /// resolved.
    mutating func compileBalanceKeys() {
        for i in drafts.indices where drafts[i].kind != .frontend {
            let settings = drafts[i][BalancingSettings.self]
            let needs = settings.algorithm.needs
            if needs.body, drafts[i][ProxySettings.self].mode == .http {
                drafts[i][ProxySettings.self].buffersRequests = true
                drafts[i][RulesSettings.self].noteBodyForBalancing()
            }
            guard let expression = needs.expression else { continue }
            do throws(ConfigProblem) {
                try drafts[i][RulesSettings.self].setBalanceKey(
                    expression, asText: settings.hashing.function == .none)
            } catch { note(error) }
        }
    }

    /// Reports servers that cannot be observed as their lines want, or whose state before their first check is another server's.
    mutating func checkServerStates() {
        for draft in drafts where draft.kind != .frontend {
            for line in draft[BalancingSettings.self].servers {
                if line.observedLayer != nil, !line.isChecked {
                    report(
                        "'observe' has no effect on '\(line.name.text)', which has no checks", at: line.name.range,
                        severity: .warning)
                }
                if line.observedLayer == .responses, draft[ProxySettings.self].mode == .tcp {
                    report("'observe layer7' needs mode http", at: line.name.range, expected: "observe layer4")
                }
                if line.initialState != nil, let tracked = line.tracked {
                    report("'init-state' and 'track' exclude each other", at: tracked.range)
                }
            }
        }
    }

    /// Reports algorithms that go by a request's head where no requests are read.
    mutating func checkBalancing() {
        for draft in drafts where draft.kind != .frontend && draft[ProxySettings.self].mode == .tcp {
            let algorithm = draft[BalancingSettings.self].algorithm
            guard algorithm.needs.head else { continue }
            report(
                "'balance \(algorithm.name)' needs mode http: in \(draft.kind.name) '\(draft.name)', which is in tcp mode, servers "
                    + "take turns", at: algorithm.range, severity: .warning)
        }
    }
}

// MARK: - What checks of servers need

extension PlanBuilder {
    /// What programs that check servers are told of this section; nil if none may be started.
    func externalCheckPlace(of numbered: NumberedDraft) -> ExternalCheckPlace? {
        let permission = global[ExternalCheckPermission.self]
        guard permission.isGiven else { return nil }
        let settings = numbered.draft[ProxySettings.self]
        return ExternalCheckPlace(
            proxyID: numbered.id, listener: settings.binds.first { $0.address != nil }?.address,
            isHTTP: settings.mode == .http,
            environment: permission.keepsEnvironment ? environment.map { "\($0.key)=\($0.value)" }.sorted() : [])
    }
}
