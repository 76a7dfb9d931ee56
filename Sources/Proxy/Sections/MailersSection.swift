// `mailers` sections: mail servers, which Portico does not use, since it sends no mail.

internal import Configuration

enum MailersSection: SiteSection {
    static let kind: SectionKind = "mailers"

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {}
}
