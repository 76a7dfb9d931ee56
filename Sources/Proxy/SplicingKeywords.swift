// `nosplice`, `option splice-auto`, `splice-request`, `splice-response`: which bodies the system moves by itself.

internal import Basics
internal import Configuration

enum SplicingKeywords {
    static let table: [Keyword] = [
        Keyword(
            "nosplice", in: .global, usage: "nosplice",
            summary: "Copies every body through Portico's own buffers, whatever sections say."
        ) { (_, draft) in draft[ProcessSettings.self].splices = false },
        option(
            "option splice-auto", .automatic, [\.requestSplicing, \.responseSplicing],
            "Lets the system move bodies by itself where that costs less: the rest of a message with a length of which 64 KiB or more "
                + "are still to come, and in TCP mode what comes in bulk. The default."),
        option(
            "option splice-request", .always, [\.requestSplicing],
            "Lets the system move every request body with a length by itself, and in TCP mode all that clients send."),
        option(
            "option splice-response", .always, [\.responseSplicing],
            "Lets the system move every response body with a length by itself, and in TCP mode all that servers send."),
    ]

    /// A row for an option.
    ///
    /// `no option …` copies the bodies that the option is about.
    private static func option(
        _ name: String, _ splicing: Splicing, _ directions: [any WritableKeyPath<ProxySettings, Splicing> & Sendable],
        _ summary: String
    ) -> Keyword {
        Keyword(
            name, in: .proxies, usage: name,
            summary: summary + " With `no`, they are copied. Chunked and held bodies always are.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            for direction in directions {
                draft[ProxySettings.self][keyPath: direction] = args.isNegated ? .never : splicing
            }
        }
    }
}
