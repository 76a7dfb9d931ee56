// From `resolvers` sections to what is asked: names in rules become places.

internal import Balancing
internal import Configuration
internal import Reactor
internal import Resolvers
internal import Rules

enum ResolverSections {
    /// The sections that are written, and the one that need not be, `default`, if a rule or a server names it.
    /// - Parameters:
    ///   - proxies: get to know the places of the sections that they name.
    ///   - problems: takes what is wrong; what a defaults section says, for each section that starts from it.
    static func makePlans(
        _ sections: [Draft], namedBy proxies: inout [Draft], _ problems: inout [ConfigProblem]
    ) -> [ResolversPlan] {
        var plans = sections.map { draft in
            draft[ResolversSettings.self].makePlan(
                name: draft.name, at: draft.range, resolve: HostResolver.resolve, &problems)
        }
        let unwritten = ResolversSettings.unwrittenName
        if !plans.contains(where: { $0.name == unwritten }),
            let reference = proxies.flatMap(\.references).first(where: { $0.name == unwritten }),
            let settings = ResolversSettings.unwritten()
        {
            plans.append(settings.makePlan(name: unwritten, at: reference.range, resolve: { _ in [] }, &problems))
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
