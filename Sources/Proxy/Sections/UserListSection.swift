// `userlist` sections: users with their passwords and groups, which rules name.

internal import Configuration
internal import Expressions
internal import Rules

enum UserListSection: SiteSection {
    static let kind: SectionKind = "userlist"

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {
        let lists = UserLists(sections)
        for problem in lists.problems { site.note(problem) }
        for index in site.drafts.indices {
            for problem in site.drafts[index].resolve(lists, environment: site.environment) { site.note(problem) }
        }
    }
}
