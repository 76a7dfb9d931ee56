// What the parameters of a `server` line say of TLS, as written; `TLSUpstream` is made of it.

internal import Basics
public import Configuration

/// The TLS of one `server` line.
public struct TLSUpstreamOptions: Sendable {
    /// `ssl`: connections to the server are encrypted.
    public var isOn = false
    public var `protocol` = TLSProtocolOptions()
    /// The certificate that the server is shown if it asks for one (`crt`).
    public var certificate: Word?
    /// `verifyhost`: the name that the server's certificate must have where a request asks for no name.
    public var verifiedName: Word?
    /// `sni`: an expression that makes the name which a request asks the server for.
    public var requestedName: Word?
    /// `sni-auto`: without `sni` that is the request's host.
    public var asksForHost = true
    /// `ssl-reuse`: a connection goes on with the TLS session of an earlier one.
    public var reusesSessions = true
    /// `renegotiate`: the server may begin the handshake of TLS 1.2 again.
    public var allowsRenegotiation = false

    // Of health checks.

    /// `check-ssl`, `no-check-ssl`; nil for as the connections of requests, if checks go where these go.
    public var encryptsChecks: Bool?
    /// `check-sni`
    public var checkedName: Word?
    /// `check-sni-auto`: without `check-sni` that is the host of the check's request.
    public var checksAskForHost = true
    /// `check-alpn`
    public var checkProtocols: [[UInt8]]?

    public init() {}

    /// Whether connections of requests, or checks, are encrypted.
    public func isNeeded(isChecked: Bool) -> Bool { isOn || (isChecked && encryptsChecks == true) }
}

extension TLSKeywords {
    /// The parameters of `server` and `default-server` about TLS.
    public static let serverParameters: [Parameter<TLSUpstreamOptions>] =
        connections + checks
        + TLSProtocolKeywords.rows(\TLSUpstreamOptions.protocol, for: .server)

    private static let connections: [Parameter<TLSUpstreamOptions>] = [
        Parameter(
            "ssl", usage: "ssl",
            summary: "Encrypts connections to the server, and its checks unless they go elsewhere."
        ) { (args, server) throws(ConfigProblem) in
            server.isOn = true
            // What `global` says further down is for lines below it.
            if let global = args.global, !server.protocol.isFilled {
                server.protocol = server.protocol.filled(from: global[TLSDefaults.self].server)
            }
        },
        switching("no-ssl", \.isOn, false, "Undoes `ssl` of a default-server line."),
        Parameter(
            "crt", usage: "crt <file>",
            summary: "The certificate, with its key, that the server is shown if it asks for one."
        ) { (args, server) throws(ConfigProblem) in server.certificate = try args.next("a file of a certificate") },
        Parameter(
            "verifyhost", usage: "verifyhost <name>",
            summary:
                "The host name, or IP address, that the server's certificate must have where `sni` gives none. A name that "
                + "`sni` gives is the one that it must have."
        ) { (args, server) throws(ConfigProblem) in
            let word = try args.next("a host name")
            guard ServerHelloName(word.text.verbatimBytes) != nil else {
                throw args.problem("'\(word.text)' is no host name", at: word, expected: "at most 255 bytes, no blank")
            }
            server.verifiedName = word
        },
        Parameter("no-verifyhost", usage: "no-verifyhost", summary: "Undoes `verifyhost` of a default-server line.") {
            (_, server) throws(ConfigProblem) in server.verifiedName = nil
        },
        Parameter(
            "sni", usage: "sni <expression>",
            summary:
                "The name that a request's connection asks the server for, and that its certificate must have: "
                + "req.hdr(host), ssl_fc_sni, str(example.org). Requests share connections only if it is the same."
        ) { (args, server) throws(ConfigProblem) in
            server.requestedName = try args.next("an expression that yields a host name")
        },
        switching(
            "sni-auto", \.asksForHost, true,
            "In HTTP mode, the name is that of the request's Host where no `sni` says it. "
                + "The default."),
        switching("no-sni-auto", \.asksForHost, false, "Without `sni`, asks for no name."),
        switching(
            "ssl-reuse", \.reusesSessions, true,
            "Goes on with the TLS session of an earlier connection that asked for the same name; the default."),
        switching("no-ssl-reuse", \.reusesSessions, false, "Makes a whole handshake for each connection."),
        switching(
            "renegotiate", \.allowsRenegotiation, true, "Lets the server begin the handshake again, up to TLS 1.2."),
        switching("no-renegotiate", \.allowsRenegotiation, false, "Does not; the default."),
    ]

    private static let checks: [Parameter<TLSUpstreamOptions>] = [
        Parameter(
            "check-ssl", usage: "check-ssl",
            summary: "Encrypts checks also where they have `port` or `addr`, or the server has no `ssl`."
        ) { (_, server) throws(ConfigProblem) in server.encryptsChecks = true },
        Parameter("no-check-ssl", usage: "no-check-ssl", summary: "Does not encrypt checks.") {
            (_, server) throws(ConfigProblem) in server.encryptsChecks = false
        },
        Parameter("check-sni", usage: "check-sni <name>", summary: "The name that checks ask the server for.") {
            (args, server) throws(ConfigProblem) in
            let word = try args.next("a host name")
            guard ServerHelloName(word.text.verbatimBytes) != nil else {
                throw args.problem("'\(word.text)' is no host name", at: word, expected: "at most 255 bytes, no blank")
            }
            server.checkedName = word
        },
        switching(
            "check-sni-auto", \.checksAskForHost, true,
            "Without `check-sni` that is the name in the Host field of `option httpchk`. The default."),
        switching("no-check-sni-auto", \.checksAskForHost, false, "Without `check-sni`, checks ask for no name."),
        Parameter(
            "check-alpn", usage: "check-alpn <protocol>[,...]",
            summary: "The protocols that checks offer above TLS: those of `alpn` by default."
        ) { (args, server) throws(ConfigProblem) in
            server.checkProtocols = try TLSProtocolKeywords.protocols(try args.next("protocols with commas between"))
        },
    ]

    private static func switching(
        _ name: String, _ field: any (WritableKeyPath<TLSUpstreamOptions, Bool> & Sendable), _ value: Bool,
        _ summary: String
    ) -> Parameter<TLSUpstreamOptions> {
        Parameter(name, usage: name, summary: summary) { (_, server) throws(ConfigProblem) in
            server[keyPath: field] = value
        }
    }
}
