// From `resolvers` sections to what is asked: names in rules become places.

internal import Configuration
internal import Reactor
internal import Resolvers
internal import Rules

enum ResolverSections {
    /// The sections that are written, and the one that need not be, `default`, if a rule names it.
    /// - Parameters:
    ///   - proxies: get to know the places of the sections that they name.
    ///   - problems: takes what is wrong, once.
    static func makePlans(
        _ sections: [Draft], namedBy proxies: inout [Draft], _ problems: inout [ConfigProblem]
    ) -> [ResolversPlan] {
        var plans = sections.map { draft in
            draft[ResolversSettings.self].makePlan(
                name: draft.name, at: draft.range, resolve: HostResolver.resolve, &problems)
        }
        let unwritten = ResolversSettings.unwrittenName
        if !plans.contains(where: { $0.name == unwritten }),
            let reference = proxies.flatMap(\.resolversInRules).first(where: { $0.name == unwritten }),
            let settings = ResolversSettings.unwritten()
        {
            plans.append(settings.makePlan(name: unwritten, at: reference.range, resolve: { _ in [] }, &problems))
        }
        let names = NameIndex(of: "resolvers section", plans.map(\.name))
        for index in proxies.indices {
            for problem in proxies[index].resolve(resolvers: names) where !problems.contains(problem) {
                problems.append(problem)
            }
        }
        return plans
    }
}
