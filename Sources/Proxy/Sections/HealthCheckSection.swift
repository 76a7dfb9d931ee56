// `healthcheck` sections: their checks become those of the servers that name them.

internal import Balancing
internal import Configuration

enum HealthCheckSection: SiteSection {
    static let kind: SectionKind = "healthcheck"

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {
        var checks: [NamedCheck?] = []
        for draft in sections {
            let check = draft[BalancingSettings.self].namedCheck
            if check == nil {
                site.report(
                    "the healthcheck section '\(draft.name)' does not say of which type it is", at: draft.range,
                    expected: "type <check>")
            }
            checks.append(check)
        }
        let names = NameIndex(of: "healthcheck section", sections.map(\.name))
        for index in site.drafts.indices {
            // Each backend gets its own copy, so that names in its formats are looked up as those of its own lines are.
            for reference in site.drafts[index][BalancingSettings.self].checkReferences {
                do throws(ConfigProblem) {
                    let check = checks[try names.position(of: reference)]
                    site.drafts[index][BalancingSettings.self].namedChecks[reference.name] = check
                } catch {
                    site.note(error)
                }
            }
        }
    }
}
