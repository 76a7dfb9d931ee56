// `reject`, `silent-drop`, and in rules for connections and bytes `accept` and `close`: they say what becomes of the connection,
// without an answer (manual, `tcp-request connection`, `tcp-request content`, `http-request reject`).

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
