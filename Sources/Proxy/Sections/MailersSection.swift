// `mailers` sections: mail servers. They are only checked to be there, since no mail is sent.

internal import Configuration
internal import Logging

enum MailersSection: SiteSection {
    static let kind: SectionKind = "mailers"

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {
        let names = NameIndex(of: "mailers section", sections.map(\.name))
        for reference in ([site.global] + site.drafts).flatMap({ $0[MailSettings.self].references }) {
            do throws(ConfigProblem) {
                _ = try names.position(of: reference)
            } catch {
                site.note(error)
            }
        }
    }
}
