// `strict-mode`, and the one reason for which a change of a message fails for certain: the message has no room for it
// (manual, `http-request strict-mode`).

internal import Configuration
internal import Expressions
internal import HTTP

enum StrictMode {
    static let row = ActionRow(
        "strict-mode", in: RuleFamily.http, "on|off",
        summary:
            "Says whether a change that the rules behind it cannot make fails the message (500), as it is at first, or "
            + "is left out."
    ) { (arguments, _, _) throws(ConfigProblem) in
        .strictMode(try arguments.choice("a mode", of: ["on": true, "off": false]))
    }
}
