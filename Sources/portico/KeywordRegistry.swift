// The list of all keyword tables, which make up Portico's configuration language.

internal import Admin
internal import Balancing
internal import Configuration
internal import Logging
internal import Proxy
internal import Resolvers
internal import Rules
internal import StaticFiles
internal import TLS

/// The configuration language of this program.
enum KeywordRegistry {
    static let language = Language(
        sections: SiteSections.kinds,
        keywords: SectionLines.noted(
            ProcessKeywords.table + ProxyKeywords.table + BalancingKeywords.table + RulesKeywords.table
                + ResolversKeywords.table + StaticFilesKeywords.table + LoggingKeywords.table + TLSKeywords.table
                + AdminKeywords.table
                + ConfigurationKeywords.table + SiteSections.keywords),
        parameterGroups: [
            ParameterGroup(of: "bind", ProxyKeywords.bindParameters),
            ParameterGroup(of: "server", BalancingKeywords.serverParameters),
        ] + AdminKeywords.parameterGroups + RulesKeywords.expressionHelp + ConfigurationKeywords.parameterGroups,
        program: Version.facts
    )
}
