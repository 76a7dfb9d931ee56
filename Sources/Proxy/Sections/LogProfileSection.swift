// `log-profile` sections: how the lines for a destination look.

internal import Configuration
internal import LogFormat
internal import Logging

/// What the `log-profile` sections say, by name.
struct LogProfiles: SectionSettings {
    var formats: [String: LogProfileSettings] = [:]
    var logging: [String: LoggingSettings] = [:]
}

enum LogProfileSection: SiteSection {
    static let kind: SectionKind = "log-profile"

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {
        for draft in sections {
            site.sections[LogProfiles.self].formats[draft.name] = draft[LogProfileSettings.self]
            site.sections[LogProfiles.self].logging[draft.name] = draft[LoggingSettings.self]
        }
        // Each proxy gets the formats of its profiles, so that names in them are looked up as those of its own formats are.
        for index in site.drafts.indices {
            let formats = site.profiles(of: site.drafts[index]).compactMap {
                site.sections[LogProfiles.self].formats[$0]
            }
            if !formats.isEmpty { site.drafts[index][ExchangeLogSettings.self].profiles = formats }
        }
    }
}
