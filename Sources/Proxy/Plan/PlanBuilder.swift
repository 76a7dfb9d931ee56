// From drafts to the plan: names become references, and all problems between lines are reported.

internal import Admin
internal import Balancing
public import Basics
public import Configuration
internal import Expressions
internal import HTTP
internal import LogFormat
public import Logging
internal import Patterns
internal import Reactor
internal import Rules
internal import StaticFiles
internal import TLS

/// Resolves one configuration.
public struct PlanBuilder {
    var global: Draft
    var drafts: [Draft]
    /// The names of disabled backends and listens: lines may name them, and have no effect.
    private let disabledBackends: Set<String>
    /// What sections beside the proxies came to, by its type.
    var sections = SettingsByType()
    private let sectionDrafts: [Draft]
    private let sectionKinds: [any SiteSection.Type]
    let environment: [String: String]
    /// What the plan will refer to of what lives.
    let site: Site
    /// Everything that `global` says of TLS is known before the first certificate is read.
    let certificates: CertificateStore
    let now: Instant
    private var patterns: PatternSets
    /// Of `ring` sections that the logger has no ring of.
    var rings: [EventRing] = []
    /// Errors, warnings and notices, each once. With an error among them there is no plan.
    public private(set) var problems: [ConfigProblem] = []
    private var known: Set<ConfigProblem> = []

    /// - Parameters:
    ///   - proxies: frontend, backend and listen drafts in file order.
    ///   - sections: drafts of the sections beside the proxies, in file order.
    ///   - kinds: the kinds of sections that these may be of.
    ///   - environment: the variables as the configuration left them.
    ///   - site: what lives already. Building a plan changes nothing of it.
    public init(
        global: Draft, proxies: [Draft], sections: [Draft] = [], kinds: [any SiteSection.Type] = SiteSections.all,
        environment: [String: String] = [:], site: Site, now: Instant
    ) {
        self.global = global
        self.global[ProcessSettings.self].bufferBytes = site.bufferBytes
        (drafts, disabledBackends) = proxies.withoutDisabled
        sectionDrafts = sections
        sectionKinds = kinds
        self.environment = environment
        self.site = site
        patterns = PatternSets(keeping: site.patternSets.withLock { $0 })
        self.now = now
        (certificates, problems) = Self.certificates(global, of: site)
    }

    /// The same for the first plan of a process.
    /// - Parameter facts: what the process is; its `descriptorsLimit` bounds `maxconn`.
    public init(
        global: Draft, proxies: [Draft], sections: [Draft] = [], kinds: [any SiteSection.Type] = SiteSections.all,
        environment: [String: String] = [:], logger: Logger, workers: Int, facts: ProcessFacts, now: Instant
    ) {
        var facts = facts
        facts.threads = workers
        self.init(
            global: global, proxies: proxies, sections: sections, kinds: kinds, environment: environment,
            site: Site(facts, bufferBytes: global[ProcessSettings.self].bufferBytes, logger: logger), now: now)
    }

    var logger: Logger { site.logger }
    var facts: ProcessFacts { site.process }
    var workers: Int { site.process.threads }

    /// The plan, in force; nil if `problems` holds an error.
    /// - Parameter maxConnections: overrides what the file says.
    public mutating func build(maxConnections override: Int? = nil) -> Plan? {
        guard let candidate = buildCandidate(maxConnections: override) else { return nil }
        candidate.activate(now: now)
        return candidate.plan
    }

    /// The plan, which does not count before it is put in force; nil if `problems` holds an error.
    /// - Parameter maxConnections: overrides what the file says.
    public mutating func buildCandidate(maxConnections override: Int? = nil) -> PlanCandidate? {
        SuggestionBudget.limit { makePlan(maxConnections: override) }
    }

    private mutating func makePlan(maxConnections override: Int?) -> PlanCandidate? {
        var process = global[ProcessSettings.self]
        if let override { process.maxConnections = override }
        let maxConnections = resolveMaxConnections(process)
        checkBuffers(process)
        reportDefaultTimeouts()
        compileRequestedNames()
        compileBalanceKeys()
        for section in sectionKinds { section.resolve(sectionDrafts.filter { $0.kind == section.kind }, in: &self) }
        checkLogLines()
        resolvePatterns()

        let numbered = numberDrafts()
        let backDrafts = numbered.filter { $0.draft.kind != .frontend }
        let frontDrafts = numbered.filter { $0.draft.kind != .backend }
        if frontDrafts.isEmpty {
            // With a runtime socket the process still has a use, as with Debian's default file; without one it does not start.
            report(
                "there is no frontend: nothing listens", at: nil,
                expected: "a frontend or listen section with a bind line", severity: .notice)
        }
        let settings = PlanSettings(
            process, global[HTTP2Settings.self], generation: site.nextGeneration(),
            headLimits: headLimits(process),
            looksAtServerTLS: drafts.contains(where: \.looksAtServerTLS))
        let loads = Self.loadsAtFull(frontDrafts.map(\.draft), maxConnections: maxConnections)
        let drafted = backDrafts.enumerated().map { index, draft in
            makeBackend(
                draft, index: index, loadAtFull: loads[draft.draft.name] ?? 1, settings, maxConnections: maxConnections)
        }
        let backends = drafted.map(\.plan)
        let states = savedStates(backDrafts.map(\.draft), backends)
        let trackers = trackers(backDrafts.map(\.draft), backends)
        let surroundings = Surroundings(backDrafts.map(\.draft), of: drafts)
        let fronts = frontDrafts.enumerated().compactMap { index, draft in
            makeFrontend(draft, index: index, surroundings, settings, maxConnections: maxConnections)
        }
        let scope = PlanScope(
            site: site, frontends: fronts.map(\.frontend), backends: backends,
            resolvers: sections[ResolversPlans.self].plans, logTargets: logTargets(of: global),
            limits: ProcessLimits(process, connections: maxConnections), settings: settings)
        let binds = fronts.flatMap { frontend, binds in
            binds.map { BindPlan($0, of: frontend, in: scope) }
        }
        checkAddresses(binds)
        checkSections(frontDrafts.map(\.draft), backDrafts.map(\.draft), drafted.map(\.revision))
        certificates.finishAdopting()
        guard !problems.contains(where: { $0.severity == .error }) else { return nil }
        let plan = Plan(
            scope, binds: binds, patterns: patterns, sections: sections,
            encryption: EncryptionState(certificates, Self.encryptedPlaces(binds)),
            checkTiming: global[CheckTiming.self])
        return PlanCandidate(
            plan: plan, revisions: drafted.map(\.revision), states: states, trackers: trackers, rings: rings,
            variables: global[RulesSettings.self], environment: environment)
    }

    private mutating func checkSections(_ fronts: [Draft], _ backs: [Draft], _ revisions: [BackendRevision]) {
        checkReferences()
        checkGlobalIDs(drafts)
        checkModes()
        checkBalancing()
        checkServerStates()
        checkProtocols()
        checkReach(fronts, backs)
        checkLoops(fronts, backs, revisions)
    }

    mutating func report(
        _ message: String, at range: SourceRange?, expected: String? = nil, suggestion: String? = nil,
        severity: ConfigProblem.Severity = .error
    ) {
        note(ConfigProblem(message, at: range, expected: expected, suggestion: suggestion, severity: severity))
    }

    /// Keeps a problem. One in a defaults section shows in each section that starts from it, and is reported once.
    mutating func note(_ problem: ConfigProblem) {
        guard known.insert(problem).inserted else { return }
        problems.append(problem)
        SuggestionBudget.note(problem)
    }

    private mutating func resolvePatterns() {
        var all = [global] + drafts
        for problem in patterns.resolve(&all) { note(problem) }
        global = all.removeFirst()
        drafts = all
    }

    private mutating func checkReferences() {
        for draft in drafts where draft[ProxySettings.self].mode == .http {
            for sample in draft.payloadSamples {
                let problem = ConfigProblem(
                    "'\(sample.name)' looks at bytes as they come, of which there are none in mode http: it yields nothing",
                    at: sample.range, expected: "mode tcp, or a sample of the request or response", severity: .warning)
                note(problem)
            }
        }
        let names = SiteNames(drafts)
        for draft in drafts {
            for reference in draft.ruleReferences {
                if let problem = names.problem(with: reference, in: draft) { note(problem) }
            }
        }
    }

    // MARK: Backends

    private mutating func makeBackend(
        _ numbered: NumberedDraft, index: Int, loadAtFull: Int, _ settings: PlanSettings, maxConnections: Int
    ) -> (plan: BackendPlan, revision: BackendRevision) {
        let draft = numbered.draft
        let proxy = ProxyDraft(draft, processMaxConnections: maxConnections)
        let isListen = draft.kind == .listen
        let files = draft[StaticFilesSettings.self]
        let requestedNames = draft[RulesSettings.self].namesOfServers
        let names = KnownNames()
        let filed = draft[BalancingSettings.self].filedServers(
            connectTimeout: proxy.serverTimeouts.connect, cookieKey: draft[PersistenceSettings.self].keyOfServers,
            headLimits: settings.headLimits(acceptInvalid: proxy.settings.acceptsInvalidResponses),
            uniqueID: draft.uniqueID, externalCheckPlace: externalCheckPlace(of: numbered),
            secure: { makeTLS(of: $0, in: draft) },
            hasNamedConnections: requestedNames.concerns,
            resolve: names.resolve)
        let known = site.backend(draft.name)
        let revision = draft[BalancingSettings.self].revision(
            filed, of: known?.backend, named: draft.name, loadAtFull: loadAtFull, workers: workers, now: now)
        let servers = revision.roster.servers
        let live =
            known
            ?? LiveBackend(
                Backend(name: draft.name, roster: revision.roster, workers: workers, now: now),
                deliveringTo: site.workers, count: workers)
        if let problem = draft[BalancingSettings.self].problemWithExternalCheck(global[ExternalCheckPermission.self]) {
            note(problem)
        }
        reportMissingAddresses(filed, draft)
        // The rules of a listen section run once, in its front half.
        let plan = BackendPlan(
            draft: proxy, index: index, id: numbered.id, isListen: isListen, live: live, servers: servers,
            settings: settings,
            rules: isListen ? SectionRules(backHalfOf: draft) : SectionRules(draft),
            serverRules: draft[RulesSettings.self].serverRules(
                Dictionary(
                    servers.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })),
            persistenceRules: draft[RulesSettings.self].persistence,
            persistence: draft[PersistenceSettings.self].persistence(
                among: draft[BalancingSettings.self].servers, servers, mode: proxy.settings.mode),
            requestedNames: requestedNames, serverValues: draft[RulesSettings.self].valuesForServers,
            balanceKey: draft[RulesSettings.self].balanceKey,
            forwardedField: draft[RulesSettings.self].forwardedField,
            statsPage: isListen ? nil : statsPage(of: draft),
            files: files.root.map {
                FileService(
                    root: $0, missGoesToServers: files.missGoesToServers, keepsFilesOpen: files.keepsFilesOpen)
            },
            errorPages: errorPages(of: draft),
            logTargets: logTargets(of: draft))
        return (plan, revision)
    }

    /// `fullconn` by the backend's name where no line sets it: a tenth of the `maxconn` of the frontends that use it, as in HAProxy.
    private static func loadsAtFull(_ frontends: [Draft], maxConnections: Int) -> [String: Int] {
        var most: [String: Int] = [:]
        for frontend in frontends {
            var names = Set(frontend[RulesSettings.self].backendNames.map(\.text))
            if frontend.kind == .listen { names.insert(frontend.name) }
            let connections = ProxyDraft(frontend, processMaxConnections: maxConnections).maxConnections
            for name in names { most[name, default: 0] += connections }
        }
        return most.mapValues { max(1, ($0 + 9) / 10) }
    }

    private func statsPage(of draft: Draft) -> StatsPageSettings? {
        let page = draft[StatsPageSettings.self]
        return page.isEnabled ? page : nil
    }

    // MARK: Frontends

    /// Returns nil if the frontend names a backend that does not exist.
    private mutating func makeFrontend(
        _ numbered: NumberedDraft, index: Int, _ surroundings: Surroundings, _ settings: PlanSettings,
        maxConnections: Int
    ) -> (frontend: FrontendPlan, binds: [BindDraft])? {
        let draft = numbered.draft
        let proxy = ProxyDraft(draft, processMaxConnections: maxConnections)
        let rules = draft[RulesSettings.self]
        if proxy.settings.binds.isEmpty && !proxy.settings.hasBindLine {
            report(
                "\(draft.kind.name) '\(draft.name)' has no bind line: it would never get a connection",
                at: draft.range, expected: "bind <address>:<port>", severity: .warning)
        }
        let names = surroundings.backendIndices
        var allExist = true
        for word in rules.backendNames where !isBackend(word, for: draft, surroundings) {
            allExist = false
        }
        guard allExist else { return nil }
        let live = site.frontend(draft.name)
        let binds = makeBinds(draft, live)
        let frontend = FrontendPlan(
            draft: proxy, index: index, id: numbered.id, live: live, addresses: binds, settings: settings,
            rules: SectionRules(draft),
            routing: rules.routing(
                orElse: draft.kind == .listen ? names[draft.name] : nil, indices: names,
                disabled: disabledBackends),
            statsPage: statsPage(of: draft), errorPages: errorPages(of: draft),
            monitor: rules.monitor(), uniqueID: draft.uniqueID,
            log: draft[ExchangeLogSettings.self].exchangeLog(isHTTP: proxy.settings.mode == .http),
            logTargets: logTargets(of: draft), lineTargets: lineTargets(of: draft),
            keepsCaptures: surroundings.looksAtCaptures)
        return (frontend, binds)
    }

    /// Returns whether there is a backend of that name. Reports a missing one, and one of another mode.
    private mutating func isBackend(
        _ word: Word, for frontend: Draft, _ surroundings: Surroundings
    ) -> Bool {
        guard let index = surroundings.backendIndices[word.text] else {
            if disabledBackends.contains(word.text) { return true }
            report(
                "no backend named '\(word.text)'", at: word.range, expected: "the name of a backend or listen section",
                suggestion: nearest(word.text, among: surroundings.backendIndices.keys))
            return false
        }
        switch (frontend[ProxySettings.self].mode, surroundings.backendModes[index]) {
        case (.http, .tcp):
            report(
                "'\(frontend.name)' is in http mode and backend '\(word.text)' in tcp mode", at: word.range,
                expected: "the same mode on both sides")
        case (.tcp, .http):
            report(
                "'\(frontend.name)' is in tcp mode and backend '\(word.text)' in http mode: connections that go there are "
                    + "read as HTTP, and all their requests go there", at: word.range, severity: .notice)
        case (.http, .http), (.tcp, .tcp): break
        }
        return true
    }
}
