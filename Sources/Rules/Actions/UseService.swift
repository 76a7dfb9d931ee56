// `use-service`: an answer that a service of Portico's own makes (manual, `http-request use-service`).

internal import Configuration
internal import HTTP

enum UseService {
    static let row = ActionRow(
        "use-service", in: [.httpRequest], "prometheus-exporter",
        summary:
            "Answers with what a service makes. Known is prometheus-exporter, which is not there yet: its answer is 503."
    ) { (arguments, _, table) throws(ConfigProblem) in
        let word = try arguments.next("a service's name")
        guard word.text == exporter else {
            throw arguments.problem(
                "there is no service '\(word.text)'", at: word, expected: exporter,
                suggestion: nearest(word.text, among: [exporter]))
        }
        arguments.warn(
            "'\(exporter)' is not there yet: until it is, the answer is 503 with a text that says so", at: word)
        var content = AnswerContent(status: 503)
        content.isCustom = true
        content.fixed = LocalResponse(
            status: 503, fields: [("cache-control", "no-cache"), ("content-type", "text/plain")],
            body: Array("Portico has no Prometheus exporter yet.\n".utf8))
        table.answers.append(content)
        return .answer(table.answers.count - 1)
    }

    private static let exporter = "prometheus-exporter"
}
