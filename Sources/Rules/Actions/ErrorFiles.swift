// `errorfiles <name>` of `return`, `deny`, `tarpit` and `http-error`: the answer is the page of an `http-errors` section
// for the status. Sections are known when the whole file was read; until then the answer has only the section's name.

public import Configuration
public import HTTP
internal import Patterns

/// A page of an `http-errors` section that a rule answers with.
public struct ErrorFilePage: Sendable {
    public let section: Word
    public let status: Int
}

/// What such a page is.
public enum FoundErrorPage: Sendable {
    case response(LocalResponse)
    /// The section has none for the status: the usual page is sent.
    case usual
    case problem(ConfigProblem)
}

extension Draft {
    /// Finds the pages that the section's rules answer with; returns what is wrong with them.
    public mutating func resolveErrorFiles(_ find: (ErrorFilePage) -> FoundErrorPage) -> [ConfigProblem] {
        self[RulesSettings.self].table.resolveErrorFiles(find)
    }
}

extension RuleTable {
    fileprivate mutating func resolveErrorFiles(_ find: (ErrorFilePage) -> FoundErrorPage) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        for place in answers.indices {
            guard let section = answers[place].errorSection else { continue }
            let page = ErrorFilePage(section: section, status: answers[place].status)
            switch find(page) {
            case .response(let response): answers[place].fixed = response
            case .usual:
                answers[place].usesPage = true
                problems.append(
                    ConfigProblem(
                        "http-errors section '\(section.text)' has no page for \(page.status): the usual one is sent",
                        at: section.range, severity: .warning))
            case .problem(let problem): problems.append(problem)
            }
        }
        return problems
    }
}
