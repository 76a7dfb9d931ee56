// From `ring`, `log-profile` and `mailers` sections to what other lines name.

internal import Configuration
internal import Logging
internal import Rules

struct LogSections {
    private let ringDrafts: [Draft]
    /// What the `ring` sections say, by name.
    let rings: [String: RingSettings]
    private let mailers: NameIndex
    private let profiles: [String: Draft]
    private let profileLogging: [String: LoggingSettings]

    /// - Parameter drafts: of `ring`, `log-profile` and `mailers` sections, in any order.
    init(_ drafts: [Draft]) {
        ringDrafts = drafts.filter { $0.kind == .ring }
        rings = Dictionary(ringDrafts.map { ($0.name, $0[RingSettings.self]) }) { first, _ in first }
        profiles = Dictionary(drafts.filter { $0.kind == .logProfile }.map { ($0.name, $0) }) { first, _ in first }
        profileLogging = profiles.mapValues { $0[LoggingSettings.self] }
        mailers = NameIndex(of: "mailers section", drafts.filter { $0.kind == .mailers }.map(\.name))
    }

    /// Gives the logger its rings, before any destination is registered.
    func makeRings(in logger: Logger, _ problems: inout [ConfigProblem]) {
        for draft in ringDrafts {
            logger.add(draft[RingSettings.self].makeRing(named: draft.name, &problems))
        }
    }

    /// All destinations of a section.
    func destinations(of draft: Draft, _ global: Draft) -> [LogDestination] {
        draft[LoggingSettings.self].destinations(
            global: global[LoggingSettings.self], rings: rings, profiles: profileLogging)
    }

    /// The profiles that a section's destinations have, in their order; none that is not there.
    private func profiles(of draft: Draft, _ global: Draft) -> [String] {
        var names: [String] = []
        for case let name? in destinations(of: draft, global).map(\.profile)
        where !names.contains(name) && profiles[name] != nil {
            names.append(name)
        }
        return names
    }

    /// Gives a section the formats of its profiles, so that names in them are looked up as those of its own.
    func giveProfiles(to draft: inout Draft, _ global: Draft) {
        let settings = profiles(of: draft, global).compactMap { profiles[$0]?[LogProfileSettings.self] }
        if !settings.isEmpty { draft[ExchangeLogSettings.self].profiles = settings }
    }

    /// Where the lines of a section's exchanges go: those of no profile, and those of each.
    func lineTargets(of draft: Draft, _ global: Draft, in logger: Logger) -> LineTargets {
        let all = destinations(of: draft, global)
        return LineTargets(
            plain: logger.register(all.filter { $0.profile == nil }),
            profiled: profiles(of: draft, global).map { name in logger.register(all.filter { $0.profile == name }) })
    }

    /// Reports what a section's log lines name in vain.
    func check(_ draft: Draft, _ problems: inout [ConfigProblem]) {
        draft[LoggingSettings.self].check(rings: rings, profiles: profileLogging, &problems)
        for reference in draft[MailSettings.self].references {
            do throws(ConfigProblem) {
                _ = try mailers.position(of: reference)
            } catch {
                if !problems.contains(error) { problems.append(error) }
            }
        }
    }
}
