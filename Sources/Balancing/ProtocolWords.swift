// Which version of HTTP a connection speaks, where a line says so: `proto` and `check-proto`, and `ws` for WebSockets.

public import Configuration
internal import HTTP
public import TLS

/// What a listener's or a server's connections speak in HTTP mode.
public enum ProtocolChoice: Sendable, Equatable {
    /// What ALPN chooses, on encrypted connections; else HTTP/1, unless a client's first bytes are the preface of HTTP/2.
    case negotiated
    case http1
    case http2

    /// Whether a connection speaks HTTP/2 from its first byte on.
    /// - Parameter engine: what encrypts the connection, after its handshake; nil if it is plain.
    public func isHTTP2(over engine: TLSEngine?) -> Bool {
        switch self {
        case .http1: false
        case .http2: true
        case .negotiated: engine?.hasSelected(HTTP2Connection.protocolName) == true
        }
    }
}

/// What carries WebSockets to a server (`ws`).
public enum WebSocketProtocol: Sendable, Equatable {
    /// As other requests; where ALPN offers both versions, HTTP/1.1.
    case automatic
    case http1
    case http2
}

/// The name of a protocol as a line has it.
public struct ProtocolWord: Sendable, Equatable {
    public let word: Word
    /// Nil for `none`, the bytes of TCP mode.
    public let choice: ProtocolChoice?
    /// The keyword before it.
    private let keyword: String

    init(_ args: inout Arguments, after keyword: String) throws(ConfigProblem) {
        let word = try args.next("a protocol")
        let spoken = "h1 or h2, and in mode tcp none"
        // HAProxy's other multiplexers.
        if ["quic", "qmux", "fcgi", "spop"].contains(word.text) {
            throw args.problem("Portico does not speak '\(word.text)' yet", at: word, expected: spoken)
        }
        self.word = word
        self.keyword = keyword
        choice = try word.choice("a protocol", of: ["h1": .http1, "h2": .http2, "none": nil])
    }

    /// What is wrong with the word, or nil.
    /// - Parameters:
    ///   - isHTTP: whether messages are read here, rather than bytes passed on.
    ///   - place: what says so: "mode tcp".
    public func problem(isHTTP: Bool, place: String) -> ConfigProblem? {
        guard isHTTP == (choice == nil) else { return nil }
        return isHTTP
            ? ConfigProblem(
                "'\(keyword) none' passes bytes on, and \(place) reads them as HTTP", at: word.range,
                expected: "\(keyword) h1 or \(keyword) h2")
            : ConfigProblem(
                "'\(keyword) \(word.text)' reads HTTP, and \(place) does not", at: word.range,
                expected: "\(keyword) none, or HTTP")
    }

    /// A parameter that takes the name of a protocol.
    public static func parameter<Target>(
        _ name: String, _ field: any (WritableKeyPath<Target, ProtocolWord?> & Sendable), _ summary: String
    ) -> Parameter<Target> {
        Parameter(name, usage: "\(name) h1|h2|none", summary: summary) { (args, target) throws(ConfigProblem) in
            target[keyPath: field] = try ProtocolWord(&args, after: name)
        }
    }
}

extension BalancingKeywords {
    static let protocolParameters: [Parameter<ServerDraft>] = [
        ProtocolWord.parameter(
            "proto", \.protocolWord,
            "What is spoken with the server in HTTP mode: h1 for HTTP/1.1, h2 for HTTP/2, also in clear. By default what `alpn` "
                + "negotiates, and HTTP/1.1 without. none is the default in TCP mode."),
        ProtocolWord.parameter(
            "check-proto", \.checkProtocolWord,
            "The same for checks: that of `proto` by default. none is for checks that send no request."),
        Parameter(
            "ws", usage: "ws auto|h1|h2",
            summary:
                "What carries WebSockets to the server. auto, the default: what carries other requests, and HTTP/1.1 where `alpn` "
                + "offers both versions. h2: the server has to take extended CONNECT (RFC 8441)."
        ) { (args, server) throws(ConfigProblem) in
            server.webSocketProtocol = try args.choice(
                "a protocol", of: ["auto": .automatic, "h1": .http1, "h2": .http2])
        },
    ]
}
