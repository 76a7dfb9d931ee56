// What of a section has a table of rules: its lines and its log formats. Names of things that the file says elsewhere,
// and of other files, are resolved in all of them when everything was read.

internal import Configuration

extension Draft {
    /// Changes each table of the section.
    mutating func updateTables(_ change: (inout RuleTable) -> Void) {
        change(&self[RulesSettings.self].table)
        change(&self[UniqueIDSettings.self].table)
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
