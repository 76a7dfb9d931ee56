// `http-errors` sections, and the pages of each proxy: from `errorfile`, `errorfiles` and `http-error` lines, and what rules
// answer with.

internal import Configuration
internal import HTTP
internal import Rules

/// The `http-errors` sections by name.
struct HTTPErrors: SectionSettings {
    var byName: [String: Draft] = [:]
}

enum HTTPErrorsSection: SiteSection {
    static let kind: SectionKind = "http-errors"

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {
        for draft in sections { site.sections[HTTPErrors.self].byName[draft.name] = draft }
        site.resolveErrorFiles()
    }
}

extension PlanBuilder {
    /// The last line about a status wins, as in HAProxy.
    mutating func errorPages(of draft: Draft) -> ErrorPages {
        var pages = ErrorPages()
        let httpErrorSections = sections[HTTPErrors.self].byName
        for line in draft[ErrorPageSettings.self].lines {
            switch line {
            case .page(let status, let page, let bytes, let file):
                checkSize(bytes, of: file)
                pages[status] = page
            case .answer(let status, let place):
                pages[status] = place.flatMap { draft[RulesSettings.self].errorAnswer($0) }.map { .computed($0) }
            case .section(let name, let statuses):
                guard let section = httpErrorSections[name.text] else {
                    report(
                        "no http-errors section named '\(name.text)'", at: name.range,
                        suggestion: nearest(name.text, among: httpErrorSections.keys))
                    continue
                }
                take(statuses, of: section, into: &pages, for: name)
            }
        }
        return pages
    }

    /// The pages that rules answer with (`errorfiles` of `return` and its like).
    fileprivate mutating func resolveErrorFiles() {
        let httpErrorSections = sections[HTTPErrors.self].byName
        for index in drafts.indices {
            let found = drafts[index].resolveErrorFiles { Self.page($0, in: httpErrorSections) }
            for problem in found { note(problem) }
        }
    }

    private static func page(_ wanted: ErrorFilePage, in sections: [String: Draft]) -> FoundErrorPage {
        let name = wanted.section
        guard let section = sections[name.text] else {
            return .problem(
                ConfigProblem(
                    "no http-errors section named '\(name.text)'", at: name.range,
                    suggestion: nearest(name.text, among: sections.keys)))
        }
        switch section[ErrorPageSettings.self].lines.compactMap({ $0.page(for: wanted.status) }).last {
        case nil, .computed: return .usual
        case .silence: return .response(.silence(status: wanted.status))
        case .response(var response, let closes):
            if closes { response.closes = true }
            return .response(response)
        }
    }

    private mutating func take(_ statuses: [Int], of section: Draft, into pages: inout ErrorPages, for name: Word) {
        let lines = section[ErrorPageSettings.self].lines
        for case .page(let status, let page, let bytes, let file) in lines
        where statuses.isEmpty || statuses.contains(status) {
            checkSize(bytes, of: file)
            pages[status] = page
        }
        for status in statuses where !lines.contains(where: { $0.page(for: status) != nil }) {
            report("http-errors section '\(section.name)' has no page for \(status)", at: name.range)
        }
    }

    private mutating func checkSize(_ bytes: Int, of file: Word) {
        let limit = global[ProcessSettings.self].bufferBytes
        guard bytes > limit else { return }
        report("'\(file.text)' is longer than a buffer (tune.bufsize): more than \(limit) bytes", at: file.range)
    }
}
