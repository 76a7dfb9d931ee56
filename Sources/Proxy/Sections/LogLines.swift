// Where the log lines of a section go, and what they look like: `log` lines with the rings and profiles that they name.

internal import Configuration
internal import Logging

extension PlanBuilder {
    /// All destinations of a section.
    func destinations(of draft: Draft) -> [LogDestination] {
        draft[LoggingSettings.self].destinations(
            global: global[LoggingSettings.self], rings: sections[Rings.self].byName,
            profiles: sections[LogProfiles.self].logging)
    }

    /// Where events that concern a section are logged.
    func logTargets(of draft: Draft) -> LogTargets { logger.register(destinations(of: draft)) }

    /// The profiles that a section's destinations have, in their order, without those that no section declares.
    func profiles(of draft: Draft) -> [String] {
        var names: [String] = []
        for case let name? in destinations(of: draft).map(\.profile)
        where !names.contains(name) && sections[LogProfiles.self].formats[name] != nil {
            names.append(name)
        }
        return names
    }

    /// Where the lines of a section's exchanges go: those without a profile, and those of each profile.
    func lineTargets(of draft: Draft) -> LineTargets {
        let all = destinations(of: draft)
        return LineTargets(
            plain: logger.register(all.filter { $0.profile == nil }),
            profiled: profiles(of: draft).map { name in logger.register(all.filter { $0.profile == name }) })
    }

    /// Reports rings and profiles that `log` lines name and no section declares.
    mutating func checkLogLines() {
        var problems: [ConfigProblem] = []
        for draft in [global] + drafts {
            draft[LoggingSettings.self].check(
                rings: sections[Rings.self].byName, profiles: sections[LogProfiles.self].logging, &problems)
        }
        for problem in problems { note(problem) }
    }
}
