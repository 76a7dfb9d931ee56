// An example for a row of a keyword table: a line that it accepts, and one that it rejects.
//
// The lines are in the tables of `Examples/`, one file per module, in alphabetical order. A new row of a keyword table
// needs one line there: `LanguageTests` runs all of them, and lists the rows without one.

import Configuration

extension SectionKind {
    static let httpErrors: SectionKind = "http-errors"
    static let userlist: SectionKind = "userlist"
    static let resolvers: SectionKind = "resolvers"
    static let ring: SectionKind = "ring"
    static let logProfile: SectionKind = "log-profile"
    static let mailers: SectionKind = "mailers"
    static let certificateStore: SectionKind = "crt-store"
    static let healthCheck: SectionKind = "healthcheck"
}

struct Example: Sendable {
    /// The row's name: `balance`, `server weight`, `samples path`.
    let row: String
    /// The section of the line; nil for the first one, in the order of `sections`, that allows it.
    let section: SectionKind?
    let accepted: String
    let refused: String
    /// Lines that both examples need above and below them; often none.
    var before: [String] = []
    var after: [String] = []

    /// The sections, those that allow most first.
    static let sections: [SectionKind] = [
        .frontend, .backend, .listen, .global, .defaults, .httpErrors, .userlist, .resolvers, .ring, .logProfile,
        .mailers, .certificateStore, .healthCheck,
    ]
}

// MARK: - The forms of a line in the tables

/// A keyword: valid and invalid arguments. `before` and `after` are lines that both need around them.
///
/// A text that starts with a parenthesis follows the name directly: `set-var(txn.user)`.
///
/// The texts are written as in a file. `${FILE}`, `${FOLDER}`, `${PAGE}` and `${CERTIFICATE}` in double quotes are an
/// existing file, a folder, a complete HTTP response, and a certificate with its key.
func line(
    _ name: String, _ accepted: String = "", not refused: String, in section: SectionKind? = nil,
    before: [String] = [], after: [String] = []
) -> Example {
    func joined(_ text: String) -> String { name + (text.hasPrefix("(") ? "" : " ") + text }
    return Example(
        row: name, section: section, accepted: joined(accepted), refused: joined(refused), before: before, after: after)
}

/// A parameter of `bind`, `server` or `stats socket`: valid and invalid arguments.
func parameter(_ line: String, _ name: String, _ accepted: String = "", not refused: String) -> Example {
    let (text, section): (String, SectionKind) =
        switch line {
        case "bind": ("bind 127.0.0.1:10099", .frontend)
        case "server": ("server example 127.0.0.1:10099", .backend)
        default: ("\(line) \"${FOLDER}/example.socket\"", .global)
        }
    func joined(_ arguments: String) -> String { "\(text) \(name)" + (arguments.hasPrefix("(") ? "" : " ") + arguments }
    return Example(
        row: "\(line) \(name)", section: section, accepted: joined(accepted), refused: joined(refused))
}

/// A sample: a valid expression, and an invalid one with its name. `rule` is the keyword that contains them.
func sample(_ name: String, _ accepted: String = "", not refused: String, in rule: String = "http-request") -> Example {
    let begin = rule == "log-format" ? rule : "\(rule) set-header x-example"
    return Example(
        row: "samples \(name)", section: .frontend, accepted: "\(begin) \"%[\(name)\(accepted)]\"",
        refused: "\(begin) \"%[\(name)\(refused)]\"")
}

/// A converter: an expression that uses it, `str(A),lower`, and one that uses it wrongly.
func converter(_ name: String, _ accepted: String, not refused: String) -> Example {
    Example(
        row: "converters \(name)", section: .frontend,
        accepted: "http-request set-header x-example \"%[\(accepted)]\"",
        refused: "http-request set-header x-example \"%[\(refused)]\"")
}
