// From drafts to the plan: names become references, and what does not fit together is reported, all of it.

internal import Admin
internal import Balancing
public import Basics
public import Configuration
internal import HTTP
public import Logging
internal import Reactor
internal import Rules
internal import StaticFiles

/// Resolves one configuration.
public struct PlanBuilder {
    private var global: Draft
    private var drafts: [Draft]
    /// The names of disabled backends and listens: a line may lead there, and is passed over.
    private let disabledBackends: Set<String>
    private let httpErrors: [Draft]
    private let userlists: [Draft]
    private let resolverDrafts: [Draft]
    private let logSections: LogSections
    private let environment: [String: String]
    private let logger: Logger
    private let workers: Int
    private let facts: ProcessFacts
    private let now: Instant
    private var patterns = PatternSets()
    /// What is wrong, or worth knowing. With an error among them there is no plan.
    public private(set) var problems: [ConfigProblem] = []

    /// - Parameters:
    ///   - proxies: frontend, backend and listen drafts in file order.
    ///   - httpErrors: drafts of `http-errors` sections.
    ///   - userlists: drafts of `userlist` sections.
    ///   - resolvers: drafts of `resolvers` sections.
    ///   - logging: drafts of `ring`, `log-profile` and `mailers` sections.
    ///   - environment: the variables as the configuration left them.
    ///   - facts: what the process is; its `descriptorsLimit` bounds `maxconn`.
    public init(
        global: Draft, proxies: [Draft], httpErrors: [Draft], userlists: [Draft] = [], resolvers: [Draft] = [],
        logging: [Draft] = [], environment: [String: String] = [:], logger: Logger, workers: Int, facts: ProcessFacts,
        now: Instant
    ) {
        self.global = global
        (drafts, disabledBackends) = proxies.withoutDisabled
        self.httpErrors = httpErrors
        self.userlists = userlists
        resolverDrafts = resolvers
        logSections = LogSections(logging)
        self.environment = environment
        self.logger = logger
        self.workers = workers
        self.facts = facts
        self.now = now
    }

    /// The plan, or nil if `problems` holds an error.
    /// - Parameter maxConnections: overrides what the file says.
    public mutating func build(maxConnections override: Int? = nil) -> Plan? {
        var process = global[ProcessSettings.self]
        if let override { process.maxConnections = override }
        let maxConnections = resolveMaxConnections(process)
        checkBuffers(process)
        reportDefaultTimeouts()
        for index in drafts.indices { logSections.giveProfiles(to: &drafts[index], global) }
        resolveUserLists()
        resolveErrorFiles()
        resolvePatterns()
        logSections.makeRings(in: logger, &problems)
        for draft in [global] + drafts { logSections.check(draft, &problems) }
        let resolvers = ResolverSections.makePlans(resolverDrafts, namedBy: &drafts, &problems)

        let backDrafts = drafts.filter { $0.kind == .backend || $0.kind == .listen }
        let frontDrafts = drafts.filter { $0.kind == .frontend || $0.kind == .listen }
        if frontDrafts.isEmpty {
            // With a runtime socket it can be asked, which is how Debian's own file starts; without one it will not start.
            report(
                "there is no frontend: nothing listens", at: nil,
                expected: "a frontend or listen section with a bind line", severity: .notice)
        }
        let backends = backDrafts.enumerated().map { index, draft in
            makeBackend(
                draft, index: index, frontends: frontDrafts.filter { $0.mayLead(to: draft) },
                maxConnections: maxConnections)
        }
        let frontends = frontDrafts.enumerated().compactMap { index, draft in
            makeFrontend(draft, index: index, backends: backDrafts, maxConnections: maxConnections)
        }
        checkAddresses(frontends)
        checkReferences()
        checkGlobalIDs(drafts)
        guard !problems.contains(where: { $0.severity == .error }) else { return nil }
        let variables = ProcessVariables()
        global[RulesSettings.self].setVariables(of: variables, environment: environment)
        return Plan(
            frontends: frontends, backends: backends, patterns: patterns, resolvers: resolvers,
            logTargets: logTargets(of: global),
            maxConnections: maxConnections, process: facts, variables: variables,
            bufferBytes: process.bufferBytes,
            headLimits: headLimits(process), caseAdjustments: process.allCaseAdjustments,
            regularStepsMax: UInt32(process.regularStepsMax), logger: logger)
    }

    mutating func report(
        _ message: String, at range: SourceRange?, expected: String? = nil, suggestion: String? = nil,
        severity: ConfigProblem.Severity = .error
    ) {
        problems.append(
            ConfigProblem(message, at: range, expected: expected, suggestion: suggestion, severity: severity))
    }

    private mutating func resolveUserLists() {
        let lists = UserLists(userlists)
        problems += lists.problems
        for index in drafts.indices { problems += drafts[index].resolve(lists, environment: environment) }
    }

    private mutating func resolvePatterns() {
        var all = [global] + drafts
        // What a defaults section says is wrong in each section that starts from it.
        for problem in patterns.resolve(&all) where !problems.contains(problem) { problems.append(problem) }
        global = all.removeFirst()
        drafts = all
    }

    private func logTargets(of draft: Draft) -> LogTargets {
        logger.register(logSections.destinations(of: draft, global))
    }

    /// HAProxy's `iid`: the section's number in the file, from 2.
    private func id(of draft: Draft) -> Int {
        (drafts.firstIndex { $0.range == draft.range && $0.kind == draft.kind } ?? 0) + 2
    }

    private mutating func checkReferences() {
        for draft in drafts where draft[ProxySettings.self].mode == .http {
            for sample in draft.payloadSamples {
                let problem = ConfigProblem(
                    "'\(sample.name)' looks at bytes as they come, of which there are none in mode http: it yields nothing",
                    at: sample.range, expected: "mode tcp, or a sample of the request or response", severity: .warning)
                if !problems.contains(problem) { problems.append(problem) }
            }
        }
        let names = SiteNames(drafts)
        for draft in drafts {
            for problem in draft.ruleReferences.compactMap({ names.problem(with: $0, in: draft) })
            where !problems.contains(problem) {
                problems.append(problem)
            }
        }
    }

    // MARK: Limits

    /// Two descriptors for each connection, and a hundred for everything else.
    private mutating func resolveMaxConnections(_ process: ProcessSettings) -> Int {
        let possible = max(10, (facts.descriptorsLimit - 100) / 2)
        guard let wanted = process.maxConnections else { return possible }
        if wanted > possible {
            report(
                "maxconn \(wanted) needs more open files than the system allows (\(facts.descriptorsLimit)); "
                    + "beyond about \(possible) connections accepting will pause", at: global.range, severity: .warning)
        }
        return wanted
    }

    /// A whole line has to fit into a buffer with room to spare, whatever the file keeps free for rules.
    private func headBytesMax(_ process: ProcessSettings) -> Int {
        process.bufferBytes - max(64, min(process.rewriteBytes, process.bufferBytes / 2))
    }

    private func headLimits(_ process: ProcessSettings, acceptInvalid: Bool = false) -> HeadLimits {
        // Backends are made before sizes that leave no room for a head end the start.
        HeadLimits(
            headBytesMax: max(512, headBytesMax(process)), fieldsMax: process.fieldsMax, acceptInvalid: acceptInvalid)
    }

    private mutating func checkBuffers(_ process: ProcessSettings) {
        // As in HAProxy, rules get at most half of a buffer.
        if process.bufferBytes / 2 < process.rewriteBytes {
            report(
                "tune.maxrewrite (\(process.rewriteBytes)) is more than half of tune.bufsize (\(process.bufferBytes)): it is that half",
                at: global.range, severity: .warning)
        }
    }

    /// Names each time-out that no file sets, once, with the sections it concerns.
    private mutating func reportDefaultTimeouts() {
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
                severity: .notice)
        }
    }

    // MARK: Backends

    private mutating func makeBackend(
        _ draft: Draft, index: Int, frontends: [Draft], maxConnections: Int
    ) -> BackendPlan {
        let proxy = ProxyDraft(draft, processMaxConnections: maxConnections)
        let isListen = draft.kind == .listen
        let files = draft[StaticFilesSettings.self]
        let backend = draft[BalancingSettings.self].makeBackend(
            name: draft.name, connectTimeout: proxy.serverTimeouts.connect,
            loadAtFull: Self.loadAtFull(from: frontends, maxConnections: maxConnections),
            headLimits: headLimits(
                global[ProcessSettings.self], acceptInvalid: draft[ProxySettings.self].acceptsInvalidResponses),
            workers: workers, now: now, resolve: HostResolver.resolve)
        for (server, line) in zip(backend.servers, draft[BalancingSettings.self].servers)
        where server.address == nil && !line.naming.startsNowhere {
            report(
                "no address for the host name '\(server.hostName ?? server.name)' yet: server '\(draft.name)/\(server.name)' "
                    + "is down until it has one", at: line.addressWord.range, severity: .warning)
        }
        // The rules of a listen section run once, in its front half.
        return BackendPlan(
            draft: proxy, index: index, id: id(of: draft), isListen: isListen, backend: backend,
            rules: isListen ? SectionRules(backHalfOf: draft) : SectionRules(draft),
            serverRules: draft[RulesSettings.self].serverRules(
                Dictionary(backend.servers.map { ($0.name, $0.index) }, uniquingKeysWith: { first, _ in first })),
            forwardedField: draft[RulesSettings.self].forwardedField,
            statsPage: isListen ? nil : statsPage(of: draft),
            files: files.root.map { FileService(root: $0, missGoesToServers: files.missGoesToServers) },
            errorPages: errorPages(of: draft),
            logTargets: logTargets(of: draft))
    }

    /// `fullconn` where it is not said: a tenth of what the frontends let in that lead to the backend, as in HAProxy.
    private static func loadAtFull(from frontends: [Draft], maxConnections: Int) -> Int {
        let most = frontends.map { ProxyDraft($0, processMaxConnections: maxConnections).maxConnections }.reduce(0, +)
        return max(1, (most + 9) / 10)
    }

    private func statsPage(of draft: Draft) -> StatsPageSettings? {
        let page = draft[StatsPageSettings.self]
        return page.isEnabled ? page : nil
    }

    // MARK: Error pages

    /// The last line about a status wins, as in HAProxy.
    private mutating func errorPages(of draft: Draft) -> ErrorPages {
        var pages = ErrorPages()
        for line in draft[ErrorPageSettings.self].lines {
            switch line {
            case .page(let status, let page, let bytes, let file):
                checkSize(bytes, of: file)
                pages[status] = page
            case .answer(let status, let place):
                pages[status] = place.flatMap { draft[RulesSettings.self].errorAnswer($0) }.map { .computed($0) }
            case .section(let name, let statuses):
                guard let section = httpErrors.first(where: { $0.name == name.text }) else {
                    reportOnce(
                        "no http-errors section named '\(name.text)'", at: name.range,
                        suggestion: nearest(name.text, among: httpErrors.map(\.name)))
                    continue
                }
                take(statuses, of: section, into: &pages, for: name)
            }
        }
        return pages
    }

    /// The pages that rules answer with (`errorfiles` of `return` and its like).
    private mutating func resolveErrorFiles() {
        for index in drafts.indices {
            let found = drafts[index].resolveErrorFiles { [httpErrors] in Self.page($0, in: httpErrors) }
            for problem in found where !problems.contains(problem) { problems.append(problem) }
        }
    }

    private static func page(_ wanted: ErrorFilePage, in sections: [Draft]) -> FoundErrorPage {
        let name = wanted.section
        guard let section = sections.first(where: { $0.name == name.text }) else {
            return .problem(
                ConfigProblem(
                    "no http-errors section named '\(name.text)'", at: name.range,
                    suggestion: nearest(name.text, among: sections.map(\.name))))
        }
        switch section[ErrorPageSettings.self].lines.compactMap({ $0.page(for: wanted.status) }).last {
        case nil, .computed: return .usual
        case .silence: return .response(.silence(status: wanted.status))
        case .response(var response, let closes):
            if closes { response.closes = true }
            return .response(response)
        }
    }

    private mutating func take(_ statuses: [Int], of section: Draft, into pages: inout ErrorPages, for name: Word) {
        let lines = section[ErrorPageSettings.self].lines
        for case .page(let status, let page, let bytes, let file) in lines
        where statuses.isEmpty || statuses.contains(status) {
            checkSize(bytes, of: file)
            pages[status] = page
        }
        for status in statuses where !lines.contains(where: { $0.page(for: status) != nil }) {
            reportOnce("http-errors section '\(section.name)' has no page for \(status)", at: name.range)
        }
    }

    private mutating func checkSize(_ bytes: Int, of file: Word) {
        let limit = global[ProcessSettings.self].bufferBytes
        guard bytes > limit else { return }
        reportOnce("'\(file.text)' is longer than a buffer (tune.bufsize): more than \(limit) bytes", at: file.range)
    }

    /// A line of a defaults section concerns many proxies, and is wrong once.
    private mutating func reportOnce(_ message: String, at range: SourceRange, suggestion: String? = nil) {
        guard !problems.contains(where: { $0.range == range && $0.message == message }) else { return }
        report(message, at: range, suggestion: suggestion)
    }

    // MARK: Frontends

    /// Nil if a backend it names does not exist.
    private mutating func makeFrontend(_ draft: Draft, index: Int, backends: [Draft], maxConnections: Int)
        -> FrontendPlan?
    {
        let proxy = ProxyDraft(draft, processMaxConnections: maxConnections)
        let rules = draft[RulesSettings.self]
        if proxy.settings.binds.isEmpty && !proxy.settings.hasBindLine {
            report(
                "\(draft.kind.rawValue) '\(draft.name)' has no bind line: it would never get a connection",
                at: draft.range, expected: "bind <address>:<port>", severity: .warning)
        }
        let names = Dictionary(
            backends.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { a, _ in a })
        var allExist = true
        for word in rules.backendNames where !isBackend(word, for: draft, among: backends, names) {
            allExist = false
        }
        guard allExist else { return nil }
        let frontend = FrontendPlan(
            draft: proxy, index: index, id: id(of: draft), rules: SectionRules(draft),
            routing: rules.routing(
                orElse: draft.kind == .listen ? names[draft.name] : nil, indices: names,
                disabled: disabledBackends),
            statsPage: statsPage(of: draft), errorPages: errorPages(of: draft),
            monitor: rules.monitor(), uniqueID: draft.uniqueID,
            log: draft[ExchangeLogSettings.self].exchangeLog(isHTTP: proxy.settings.mode == .http),
            logTargets: logTargets(of: draft), lineTargets: logSections.lineTargets(of: draft, global, in: logger),
            // A backend's rules may ask for what the frontend captured.
            keepsCaptures: drafts.contains(where: \.looksAtCaptures), workers: workers)
        frontend.setBinds(
            proxy.settings.binds.enumerated().map {
                BindPlan(
                    frontend: frontend, number: $0 + 1, place: $1,
                    countsConnections: drafts.contains(where: \.asksForSocketConnections))
            })
        return frontend
    }

    /// Whether there is a backend of that name; reports it if not, or if it is of another mode.
    private mutating func isBackend(
        _ word: Word, for frontend: Draft, among backends: [Draft], _ names: [String: Int]
    ) -> Bool {
        guard let index = names[word.text] else {
            if disabledBackends.contains(word.text) { return true }
            report(
                "no backend named '\(word.text)'", at: word.range, expected: "the name of a backend or listen section",
                suggestion: nearest(word.text, among: names.keys.sorted()))
            return false
        }
        switch (frontend[ProxySettings.self].mode, backends[index][ProxySettings.self].mode) {
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

extension Draft {
    /// Whether a frontend has a line that sends requests to the backend.
    fileprivate func mayLead(to backend: Draft) -> Bool {
        kind == .listen && backend.kind == .listen && name == backend.name
            || self[RulesSettings.self].backendNames.contains { $0.text == backend.name }
    }
}
