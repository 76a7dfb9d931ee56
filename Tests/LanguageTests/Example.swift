// An example for a row of a keyword table: a line that it accepts, and one that it refuses.
//
// The lines stand in the tables of `Examples/`, one file a room, in alphabetical order: whoever adds a row to the
// language adds one line there. `LanguageTests` runs them all, and names the rows that have none.

import Configuration

extension SectionKind {
    static let httpErrors: SectionKind = "http-errors"
    static let userlist: SectionKind = "userlist"
    static let resolvers: SectionKind = "resolvers"
    static let ring: SectionKind = "ring"
    static let logProfile: SectionKind = "log-profile"
    static let mailers: SectionKind = "mailers"
}

struct Example: Sendable {
    /// What the row is called: `balance`, `server weight`, `samples path`.
    let row: String
    /// Where the line stands; nil for the first section, in the order of `sections`, that may have it.
    let section: SectionKind?
    let accepted: String
    let refused: String
    /// Lines that both need above and below them; often none.
    var before: [String] = []
    var after: [String] = []

    /// The sections, those first in which most is possible.
    static let sections: [SectionKind] = [
        .frontend, .backend, .listen, .global, .defaults, .httpErrors, .userlist, .resolvers, .ring, .logProfile,
        .mailers,
    ]
}

// MARK: - The forms of a line in the tables

/// A keyword: what stands behind it, and what may not. `before` and `after` are lines that the two need around them.
///
/// A text that begins with a parenthesis stands right behind the name: `set-var(txn.user)`.
///
/// The texts are written as in a file. `${FILE}`, `${FOLDER}` and `${PAGE}` in double quotes are a file, a folder and a
/// whole HTTP response that are there.
func line(
    _ name: String, _ accepted: String = "", not refused: String, in section: SectionKind? = nil,
    before: [String] = [], after: [String] = []
) -> Example {
    func joined(_ text: String) -> String { name + (text.hasPrefix("(") ? "" : " ") + text }
    return Example(
        row: name, section: section, accepted: joined(accepted), refused: joined(refused), before: before, after: after)
}

/// A parameter of `bind`, `server` or `stats socket`: what stands behind its name, and what may not.
func parameter(_ line: String, _ name: String, _ accepted: String = "", not refused: String) -> Example {
    let (text, section): (String, SectionKind) =
        switch line {
        case "bind": ("bind 127.0.0.1:10099", .frontend)
        case "server": ("server example 127.0.0.1:10099", .backend)
        default: ("\(line) \"${FOLDER}/example.socket\"", .global)
        }
    return Example(
        row: "\(line) \(name)", section: section, accepted: "\(text) \(name) \(accepted)",
        refused: "\(text) \(name) \(refused)")
}

/// A sample: its whole expression, and one of its name that is wrong. `rule` is the keyword in which they stand.
func sample(_ name: String, _ accepted: String = "", not refused: String, in rule: String = "http-request") -> Example {
    let begin = rule == "log-format" ? rule : "\(rule) set-header x-example"
    return Example(
        row: "samples \(name)", section: .frontend, accepted: "\(begin) \"%[\(name)\(accepted)]\"",
        refused: "\(begin) \"%[\(name)\(refused)]\"")
}

/// A converter: what stands before it with it, `str(A),lower`, and an expression in which it is wrong.
func converter(_ name: String, _ accepted: String, not refused: String) -> Example {
    Example(
        row: "converters \(name)", section: .frontend,
        accepted: "http-request set-header x-example \"%[\(accepted)]\"",
        refused: "http-request set-header x-example \"%[\(refused)]\"")
}
