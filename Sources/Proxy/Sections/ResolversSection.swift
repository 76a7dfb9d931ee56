// `resolvers` sections: the nameservers that rules and servers name. Names in rules become positions in the list of plans.

internal import Balancing
internal import Configuration
internal import Reactor
internal import Resolvers
internal import Rules

/// The `resolvers` sections, resolved, in the order in which rules refer to them.
struct ResolversPlans: SectionSettings {
    var plans: [ResolversPlan] = []
}

enum ResolversSection: SiteSection {
    static let kind: SectionKind = "resolvers"

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {
        var problems: [ConfigProblem] = []
        site.sections[ResolversPlans.self].plans = makePlans(
            sections, namedBy: &site.drafts, tables: site.site.nameTable, &problems)
        for problem in problems { site.note(problem) }
    }

    /// The sections that are written, and `default`, which need not be, if a rule or a server names it.
    /// - Parameters:
    ///   - proxies: their rules get the positions of the sections that they name.
    ///   - tables: what lives of a section.
    ///   - problems: gets the faults; one in a defaults section once for each section that starts from it.
    private static func makePlans(
        _ sections: [Draft], namedBy proxies: inout [Draft], tables: (String) -> NameTable,
        _ problems: inout [ConfigProblem]
    ) -> [ResolversPlan] {
        var plans = sections.map { draft in
            draft[ResolversSettings.self].makePlan(
                name: draft.name, at: draft.range, names: tables(draft.name), resolve: HostResolver.resolve, &problems)
        }
        let implicit = ResolversSettings.implicitName
        if !plans.contains(where: { $0.name == implicit }),
            let reference = proxies.flatMap(\.references).first(where: { $0.name == implicit }),
            let settings = ResolversSettings.implicit()
        {
            plans.append(
                settings.makePlan(
                    name: implicit, at: reference.range, names: tables(implicit), resolve: { _ in [] }, &problems))
        }
        let names = NameIndex(of: "resolvers section", plans.map(\.name))
        for index in proxies.indices {
            var found = proxies[index].resolve(resolvers: names)
            for reference in proxies[index].resolversOfServers {
                do throws(ConfigProblem) {
                    _ = try names.position(of: reference)
                } catch {
                    found.append(error)
                }
            }
            problems += found
        }
        return plans
    }
}

extension Draft {
    /// All that name a resolvers section.
    fileprivate var references: [Reference] { resolversInRules + resolversOfServers }

    fileprivate var resolversOfServers: [Reference] {
        self[BalancingSettings.self].servers.compactMap { $0.naming.resolvers.map(Reference.init) }
    }
}
