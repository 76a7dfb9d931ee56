// `reject`, `silent-drop`, `accept`, `close`: end a connection without an answer, or let it pass (manual, `tcp-request connection`,
// `tcp-request content`, `http-request reject`). `auth`: answers 401, so that the client authenticates; a condition checks the
// credentials: `http-request auth unless { http_auth(people) }` (manual, `http-request auth`).

internal import Configuration

enum Rejection {
    static let rows = [
        ActionRow("accept", in: RuleFamily.tcp, summary: "Goes on: the rules behind it are not looked at.") {
            (_, _, _) throws(ConfigProblem) in .allow
        },
        ActionRow(
            "reject", in: RuleFamily.tcp + [.httpRequest],
            summary: "Closes the connection without an answer." + ActionRow.undecidedIsMatch
        ) { (_, _, _) throws(ConfigProblem) in .reject },
        ActionRow(
            "close", in: [.responseContent],
            summary:
                "Closes the connection to the server at once. The client gets what the server has said so far, and then the "
                + "end; in HTTP mode it gets 502."
        ) { (_, _, _) throws(ConfigProblem) in .closeServer },
        ActionRow(
            "silent-drop", in: RuleFamily.tcp + [.httpRequest, .httpResponse],
            summary:
                "Forgets the connection without telling the client, which waits until it gives up: for those who attack. "
                + "Firewalls on the way remember the connection too." + ActionRow.undecidedIsMatch
        ) { (_, _, _) throws(ConfigProblem) in .silentDrop },
    ]
}

enum Challenge {
    static let row = ActionRow(
        "auth", in: [.httpRequest, .statsRequest], "[realm <realm>]",
        summary:
            "Answers with 401, so that the browser asks for a name and a password: for this realm, or the section's name."
    ) { (arguments, _, table) throws(ConfigProblem) in
        var realm: String?
        if arguments.skip("realm") {
            let word = try arguments.next("a realm")
            guard word.text.isFieldValue, !word.text.contains("\""), !word.text.contains("\\") else {
                throw arguments.problem("'\(word.text)' cannot be a realm", at: word, expected: "a text without quotes")
            }
            realm = word.text
        }
        table.realms.append(realm)
        return .challenge(table.realms.count - 1)
    }
}
