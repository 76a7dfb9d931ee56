// The kinds of sections beside `global`, `defaults` and the proxies: each is a file of this folder with a type of its own, and
// a line in `SiteSections.all`.

public import Configuration

/// A kind of section that other lines refer to: what it is called, and what becomes of the sections of a file.
public protocol SiteSection: SendableMetatype {
    /// The word that begins such a section.
    static var kind: SectionKind { get }

    /// The rows for its lines that are in no room's table.
    static var keywords: [Keyword] { get }

    /// Resolves the sections of this kind, in file order; there may be none.
    ///
    /// Called once, after all files were read and before the plans of proxies are made. What later steps and the plan need is kept
    /// in `site.sections` under a type of its own; faults go to `site.note`.
    static func resolve(_ sections: [Draft], in site: inout PlanBuilder)
}

extension SiteSection {
    public static var keywords: [Keyword] { [] }
}

/// Every kind of section beside `global`, `defaults` and the proxies.
public enum SiteSections {
    /// In the order in which they are resolved: log profiles name rings, and bring formats that name user lists and the like.
    public static let all: [any SiteSection.Type] = [
        CertificateStoreSection.self, RingSection.self, LogProfileSection.self, MailersSection.self,
        HTTPErrorsSection.self, UserListSection.self, HealthCheckSection.self,
        ResolversSection.self,
    ]

    public static let kinds = all.map { $0.kind }

    public static let keywords = all.flatMap { $0.keywords }
}
