// `auth`: asks for a name and a password (manual, `http-request auth`). Whether they are right, a condition says:
// `http-request auth unless { http_auth(people) }`.

internal import Configuration

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
