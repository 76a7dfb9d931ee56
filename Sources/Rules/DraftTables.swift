// The tables of a section: that of its rules and those of its log formats. Names of other sections and of pattern files are
// resolved in all of them when the whole configuration is read.

internal import Balancing
public import Configuration
public import Expressions
internal import LogFormat
public import Patterns

extension Draft {
    /// Changes each table of the section.
    mutating func updateTables(_ change: (inout ExpressionTable) -> Void) {
        change(&self[RulesSettings.self].table.expressions)
        change(&self[UniqueIDSettings.self].table.expressions)
        change(&self[BalancingSettings.self].checkFormats.expressions)
        for name in self[BalancingSettings.self].namedChecks.keys {
            guard var check = self[BalancingSettings.self].namedChecks[name] else { continue }
            change(&check.formats.expressions)
            self[BalancingSettings.self].namedChecks[name] = check
        }
        if case .custom(var format) = self[ExchangeLogSettings.self].format {
            format.update(change)
            self[ExchangeLogSettings.self].format = .custom(format)
        }
        if var format = self[ExchangeLogSettings.self].errorFormat {
            format.update(change)
            self[ExchangeLogSettings.self].errorFormat = format
        }
        self[ExchangeLogSettings.self].structuredData?.update(change)
        for i in self[ExchangeLogSettings.self].profiles.indices {
            self[ExchangeLogSettings.self].profiles[i].update(change)
        }
    }
}

/// What was found out about the section when all of it was read.
extension Draft {
    /// Whether rules or log formats of this section look into requests' bodies.
    public var looksIntoRequestBodies: Bool { anyTable { $0.usesRequestBody } }

    /// Whether they look into responses' bodies.
    public var looksIntoResponseBodies: Bool { anyTable { $0.usesResponseBody } }

    /// Whether rules of this section look at requests' heads: in TCP mode the client's bytes are only then searched for one.
    public var looksAtRequestHeads: Bool { self[RulesSettings.self].table.expressions.usesRequestHead }

    /// Whether rules or log formats of this section look at what was captured.
    public var looksAtCaptures: Bool { anyTable { $0.usesCaptures } }

    /// Whether they look at TLS on connections to servers.
    public var looksAtServerTLS: Bool { anyTable { $0.usesServerTLS } }

    /// Whether they ask how many connections an address has.
    public var asksForSocketConnections: Bool { anyTable { $0.usesSocketConnections } }

    /// Whether they ask for the fingerprint of TLS clients.
    public var asksForFingerprints: Bool { anyTable { $0.usesFingerprint } }

    private func anyTable(_ isSo: (ExpressionTable) -> Bool) -> Bool {
        isSo(self[RulesSettings.self].table.expressions) || isSo(self[UniqueIDSettings.self].table.expressions)
            || self[ExchangeLogSettings.self].anyTable(isSo)
    }

    /// The samples in rules of this section that read raw bytes: there are none in HTTP
    /// mode.
    public var payloadSamples: [Reference] {
        self[RulesSettings.self].table.expressions.payloadSamples.filter { $0.range.file != PredefinedLists.file }
    }

    /// The names that rules and log formats of this section refer to: each has to exist.
    public var ruleReferences: [SiteReference] {
        let checks = self[BalancingSettings.self]
        let named = checks.namedChecks.values.flatMap { $0.formats.expressions.references }
        let own = self[RulesSettings.self].table.expressions.references
        let ids = self[UniqueIDSettings.self].table.expressions.references
        return own + ids + checks.checkFormats.expressions.references + named
            + self[ExchangeLogSettings.self].references
    }
}

extension Draft {
    /// Lets the section's lines know the conditions and userlists they name, and what the variables of the environment are that they
    /// name; returns what is wrong with the names, and with the numbers of captures.
    public mutating func resolve(_ lists: UserLists, environment: [String: String] = [:]) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        let names = self[RulesSettings.self].names
        updateTables { table in
            table.resolveLists(names, &problems)
            table.resolve(lists, &problems)
            table.resolve(environment: environment)
        }
        return problems + checkCaptureNumbers()
    }
}

extension PatternSets {
    /// Reads the files that the sections name, and lets their rules know the sets. Returns what is wrong with them.
    public mutating func resolve(_ drafts: inout [Draft]) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        for i in drafts.indices { drafts[i].updateTables { note($0.patterns) } }
        for i in drafts.indices { drafts[i].updateTables { read($0.patterns, &problems) } }
        for i in drafts.indices { drafts[i].updateTables { markChanges(&$0.patterns, &problems) } }
        for i in drafts.indices { drafts[i].updateTables { resolve(&$0.patterns, &problems) } }
        finish()
        return problems
    }
}
