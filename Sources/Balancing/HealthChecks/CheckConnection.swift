// `tcp-check connect`, `http-check connect`: the connection that a check opens, where the server's line does not say it. Without
// `default` it has nothing of what the line says but its address.

internal import Basics
internal import Configuration
internal import Expressions
internal import LogFormat
internal import TLS

/// How a check connects.
struct CheckConnection: Sendable {
    /// No line says it: it is as the server's line has it.
    var isImplied = false
    /// What the server's line says holds for what is not said here.
    var takesServersOptions = false
    var port: UInt16?
    /// What makes the port, instead.
    var portExpression: Expression?
    var address: IPAddress?
    var isSecure = false
    /// The name that the server is asked for.
    var requestedName: String?
    var protocols: [[UInt8]]?
    var protocolWord: ProtocolWord?
    /// Requests on it are HTTP/2's, whatever the server's line says.
    var speaksHTTP2 = false
    var sendsProxyHeader = false
    /// Through the server's SOCKS proxy, if it has one.
    var usesProxy = false
    /// Whether it is closed in order, rather than reset.
    var lingers = false

    /// The connection of a check that no line spells out.
    static let implied: CheckConnection = {
        var connection = CheckConnection()
        connection.isImplied = true
        return connection
    }()

    /// What a server's checks are with this connection.
    func apply(to draft: ServerDraft) -> ServerDraft {
        var draft = draft
        draft.checksOverHTTP2 = speaksHTTP2
        if isImplied { return draft }
        if !takesServersOptions {
            draft.tls.encryptsChecks = false
            draft.tls.checkedName = nil
            draft.tls.checkProtocols = nil
            draft.checkProtocolWord = nil
            draft.protocolWord = nil
            draft.sendsProxyHeaderInChecks = false
            draft.usesProxyInChecks = false
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
        if usesProxy { draft.usesProxyInChecks = true }
        if let port { draft.checkPort = port }
        if let address { draft.checkAddress = address }
        return draft
    }

    private static let words = [
        "default", "port", "addr", "send-proxy", "via-socks4", "ssl", "sni", "alpn", "linger", "comment",
    ]

    init() {}

    /// Reads the words of a line.
    /// - Parameters:
    ///   - isHTTP: whether requests go over it.
    ///   - comment: becomes the line's comment, if it has one.
    init(
        _ args: inout Arguments, isHTTP: Bool, comment: inout String?, _ table: inout FormatTable
    ) throws(ConfigProblem) {
        while let word = args.nextIfPresent() {
            switch word.text {
            case "default": takesServersOptions = true
            case "port": try readPort(&args, &table)
            case "addr": try readAddress(&args)
            case "send-proxy": sendsProxyHeader = true
            case "ssl": isSecure = true
            case "sni": requestedName = try args.next("a host name").text
            case "alpn":
                protocols = try TLSProtocolKeywords.protocols(try args.next("protocols with commas between"))
            case "proto" where isHTTP:
                let word = try ProtocolWord(&args, after: "proto")
                if let problem = word.problem(isHTTP: true, place: "a check with a request") { throw problem }
                protocolWord = word
            case "linger": lingers = true
            case "comment": comment = try args.next("a text").text
            case "via-socks4": usesProxy = true
            default:
                let words = Self.words + (isHTTP ? ["proto"] : [])
                throw args.problem(
                    "unknown part '\(word.text)' of a check's connection", at: word,
                    expected: words.joined(separator: ", "), suggestion: nearest(word.text, among: words))
            }
        }
    }

    private mutating func readPort(_ args: inout Arguments, _ table: inout FormatTable) throws(ConfigProblem) {
        let word = try args.next("a port, or an expression")
        if word.text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) {
            port = UInt16(try word.integer("a port", in: 1...65_535))
        } else {
            portExpression = try Expression(word, in: .checks, &table.expressions)
        }
    }

    private mutating func readAddress(_ args: inout Arguments) throws(ConfigProblem) {
        let place = try args.checkPlace()
        address = place.address
        port = port ?? place.port
    }
}

extension Arguments {
    /// Reads where checks go: an IP address, with or without a port.
    mutating func checkPlace() throws(ConfigProblem) -> (address: IPAddress, port: UInt16?) {
        let word = try nextAddress("an IP address")
        if let address = IPAddress(word.text) { return (address, nil) }
        if case .endpoint(.ip(let address), let ports?)? = try? AddressText(word), ports.count == 1,
            ports.lowerBound > 0
        {
            return (address, ports.lowerBound)
        }
        throw problem("'\(word.text)' is not an IP address", at: word)
    }
}
