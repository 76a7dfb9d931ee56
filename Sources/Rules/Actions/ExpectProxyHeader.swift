// `expect-proxy layer4`: the connection begins with a PROXY protocol header, as with `accept-proxy` on its bind line (manual,
// `tcp-request connection expect-proxy`). The Proxy reads it when the rules have run.

internal import Configuration
internal import Expressions

enum ExpectProxyHeader {
    static func run(on facts: ExchangeFacts) -> ActionResult {
        facts.directives.expectsProxyHeader = true
        return .next
    }

    static let row = ActionRow(
        "expect-proxy", in: [.connection], "layer4",
        summary: "Takes a PROXY protocol header from this client, as accept-proxy of bind does from all."
    ) { (arguments, _, _) throws(ConfigProblem) in
        try arguments.choice("the layer", of: ["layer4": .expectProxyHeader])
    }
}
