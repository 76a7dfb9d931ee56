// `http-check connect`: the connection that a check opens, where the server's line does not say it. Without `default` it has nothing of
// what the line says but its address.

internal import Basics
internal import Configuration
internal import TLS

/// How a check connects.
public struct CheckConnection: Sendable, Equatable {
    /// What the server's line says holds for what is not said here.
    var takesServersOptions = false
    var port: UInt16?
    var address: IPAddress?
    var isSecure = false
    /// The name that the server is asked for.
    var requestedName: String?
    var protocols: [[UInt8]]?
    var protocolWord: ProtocolWord?
    var sendsProxyHeader = false

    /// What a server's checks are with this connection.
    func apply(to draft: ServerDraft) -> ServerDraft {
        var draft = draft
        if !takesServersOptions {
            draft.tls.encryptsChecks = false
            draft.tls.checkedName = nil
            draft.tls.checkProtocols = nil
            draft.checkProtocolWord = nil
            draft.protocolWord = nil
            draft.sendsProxyHeaderInChecks = false
            draft.sendsProxyLine = false
            draft.sendsProxyBlock = false
        }
        if isSecure { draft.tls.encryptsChecks = true }
        // As in HAProxy the name in a check's request is not asked for here.
        draft.tls.checksAskForHost = false
        if let requestedName { draft.tls.checkedName = Word(requestedName, at: draft.name.range) }
        if let protocols { draft.tls.checkProtocols = protocols }
        if let protocolWord { draft.checkProtocolWord = protocolWord }
        if sendsProxyHeader { draft.sendsProxyHeaderInChecks = true }
        if let port { draft.checkPort = port }
        if let address { draft.checkAddress = address }
        return draft
    }

    private static let words = [
        "default", "port", "addr", "send-proxy", "ssl", "sni", "alpn", "proto", "linger", "comment",
    ]

    init() {}

    init(_ args: inout Arguments) throws(ConfigProblem) {
        while let word = args.nextIfPresent() {
            switch word.text {
            case "default": takesServersOptions = true
            case "port": port = UInt16(try args.integer("a port", in: 1...65_535))
            case "addr":
                let word = try args.nextAddress("an IP address")
                guard let address = IPAddress(word.text) else {
                    throw args.problem("'\(word.text)' is not an IP address", at: word)
                }
                self.address = address
            case "send-proxy": sendsProxyHeader = true
            case "ssl": isSecure = true
            case "sni": requestedName = try args.next("a host name").text
            case "alpn":
                protocols = try TLSProtocolKeywords.protocols(try args.next("protocols with commas between"))
            case "proto":
                let word = try ProtocolWord(&args, after: "proto")
                if let problem = word.problem(isHTTP: true, place: "a check with a request") { throw problem }
                protocolWord = word
            // Checks end with a reset in any case, and say what failed in their own words.
            case "linger": break
            case "comment": _ = try args.next("a text")
            default:
                throw args.problem(
                    "unknown part '\(word.text)' of a check's connection", at: word,
                    expected: Self.words.joined(separator: ", "), suggestion: nearest(word.text, among: Self.words))
            }
        }
    }
}
