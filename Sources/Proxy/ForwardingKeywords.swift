// `option forwardfor`, `option originalto`, `option forwarded-headers`: what servers are told of the client.

internal import Basics
internal import Configuration
internal import HTTP

enum ForwardingKeywords {
    static let table: [Keyword] = [
        Keyword(
            "option forwardfor", in: .proxies,
            usage: "option forwardfor [except <range>] [header <name>] [if-none]",
            summary: "Tells the server the client's address in X-Forwarded-For, added behind what is there. Where both "
                + "sections say it, the backend's name is taken, and if-none only counts if both have it.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            let field = args.isNegated ? nil : try addressField(.forClient, ["except", "header", "if-none"], &args)
            draft[ProxySettings.self].forwarding.clientAddress = field
        },
        Keyword(
            "option originalto", in: .proxies, usage: "option originalto [except <range>] [header <name>]",
            summary: "Tells the server in X-Original-To the address that the client connected to, added behind what is "
                + "there.", negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            let field = args.isNegated ? nil : try addressField(.forOriginal, ["except", "header"], &args)
            draft[ProxySettings.self].forwarding.originalAddress = field
        },
        Keyword(
            "option forwarded-headers", in: .proxies, usage: "option forwarded-headers [trust { <range> | unix }...]",
            summary: """
                Sets X-Forwarded-For, -Proto, -Host and -Port, each exactly once, before any rule is run, dropping what the \
                client sent: what applications behind one proxy need. From the trusted networks, or those who come over \
                a unix socket, what is said is kept, and their own address is added to X-Forwarded-For. A field that a \
                rule writes stays as it is.
                """,
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].forwarding.headers = args.isNegated ? nil : try forwardedHeaders(&args)
        },
    ]

    private static func forwardedHeaders(_ args: inout Arguments) throws(ConfigProblem) -> ForwardedHeaders {
        var headers = ForwardedHeaders()
        guard let word = args.nextIfPresent() else { return headers }
        guard word.text == "trust" else {
            throw args.problem(
                "unexpected '\(word.text)'", at: word, expected: "trust <range>...",
                suggestion: nearest(word.text, among: ["trust"]))
        }
        repeat {
            let network = try args.next("an address range, or unix")
            if network.text == "unix" {
                headers.trustsUnixSockets = true
            } else {
                headers.trusted.append(try IPNetwork(network))
            }
        } while !args.isAtEnd
        return headers
    }

    private static func addressField(
        _ usual: AddressField, _ words: [String], _ args: inout Arguments
    ) throws(ConfigProblem) -> AddressField {
        var header = usual.header
        var exceptions: [IPNetwork] = []
        var onlyIfNone = false
        while let word = args.nextIfPresent() {
            switch word.text {
            case "except": exceptions.append(try IPNetwork(try args.next("an address range")))
            case "header": header = try Self.header(&args)
            case "if-none" where words.contains("if-none"): onlyIfNone = true
            default:
                throw args.problem(
                    "unexpected '\(word.text)'", at: word, expected: words.joined(separator: ", "),
                    suggestion: nearest(word.text, among: words))
            }
        }
        return AddressField(header: header, exceptions: exceptions, onlyIfNone: onlyIfNone)
    }

    private static func header(_ args: inout Arguments) throws(ConfigProblem) -> [UInt8] {
        let word = try args.nextFieldName("a header name")
        let name = Array(word.text.lowercased().utf8)
        guard unsafe HeaderFields.isToken(name.span.bytes) else {
            throw args.problem("'\(word.text)' cannot be a field name", at: word)
        }
        return name
    }
}

extension IPNetwork {
    /// Parses a network in a configuration.
    init(_ word: Word) throws(ConfigProblem) {
        guard let network = IPNetwork(word.text) else {
            let parts = word.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let address = IPAddress(parts[0]) else {
                throw ConfigProblem(
                    "'\(word.text)' is not an address range", at: word.range, expected: "like 10.0.0.0/8")
            }
            throw ConfigProblem(
                "'\(parts[1])' is not a prefix length", at: word.range, expected: "0 to \(address.bitCount)")
        }
        self = network
    }
}
