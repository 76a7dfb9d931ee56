// `ring` sections: they keep log lines and send them on.

internal import Configuration
internal import Logging

/// What the `ring` sections say, by name.
struct Rings: SectionSettings {
    var byName: [String: RingSettings] = [:]
}

enum RingSection: SiteSection {
    static let kind: SectionKind = "ring"

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {
        var problems: [ConfigProblem] = []
        for draft in sections {
            let settings = draft[RingSettings.self]
            site.sections[Rings.self].byName[draft.name] = settings
            // One that exists goes on as it is.
            if !site.logger.hasRing(named: draft.name) {
                site.rings.append(settings.makeRing(named: draft.name, &problems))
            }
        }
        for problem in problems { site.note(problem) }
    }
}
