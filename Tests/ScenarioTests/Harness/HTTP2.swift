// Peers that speak HTTP/2: a client and a server in Python whose every step the test decides. See Peers/h2_client.py and
// Peers/h2_server.py.

import Foundation
import Testing

/// A request of the client.
struct HTTP2Request: Encodable {
    var method: String
    var path: String
    /// `example.test` by default.
    var authority: String?
    var `protocol`: String?
    /// Names and values, as they are sent.
    var fields: [[String]]
    /// The body, each piece in a frame of its own.
    var pieces: [String]
    var trailers: [[String]]
    /// Pseudo-header fields that are not sent, without their colons.
    var omit: [String]
    /// Whether it is cancelled when the answer's head has come.
    var cancel: Bool
    /// Whether the client never ends the stream.
    var open: Bool

    init(
        _ path: String, method: String = "GET", protocol: String? = nil, fields: [[String]] = [], pieces: [String] = [],
        trailers: [[String]] = [], omit: [String] = [], cancel: Bool = false,
        open: Bool = false
    ) {
        self.path = path
        self.method = method
        self.protocol = `protocol`
        self.fields = fields
        self.pieces = pieces
        self.trailers = trailers
        self.omit = omit
        self.cancel = cancel
        self.open = open
    }
}

/// What came on a stream of the client.
struct HTTP2Answer: Decodable {
    /// The heads of interim answers, `:status` first.
    let interim: [[[String]]]
    let status: Int?
    let fields: [[String]]
    let body: String
    let trailers: [[String]]
    /// The code of the RST_STREAM frame that ended the stream, the client's own too.
    let reset: Int?

    /// The value of the first field of this name.
    subscript(_ name: String) -> String? { fields.first { $0[0] == name }?[1] }
    /// The values of all fields of this name.
    func all(_ name: String) -> [String] { fields.filter { $0[0] == name }.map { $0[1] } }

    /// What Peers/h2_server.py tells of the request.
    func facts() throws -> HTTP2Facts { try HTTP2Facts(body) }
}

/// What Peers/h2_server.py tells of a request.
struct HTTP2Facts: Decodable {
    /// Counted from 1, as is the stream on it.
    let connection: Int
    let stream: Int
    let method: String?
    let scheme: String?
    let authority: String?
    let path: String?
    let `protocol`: String?
    let fields: [[String]]
    let body: String
    let trailers: [[String]]

    init(_ text: String) throws {
        do {
            self = try JSONDecoder().decode(HTTP2Facts.self, from: Data(text.utf8))
        } catch {
            throw StageFault("the server did not answer: \(text.prefix(300).debugDescription)")
        }
    }

    func all(_ name: String) -> [String] { fields.filter { $0[0] == name }.map { $0[1] } }
}

/// One connection of the client, from the first request to the last answer.
struct HTTP2Conversation: Decodable {
    struct Goaway: Decodable {
        let code: Int
        let last: Int
        let text: String
    }

    let alpn: String?
    /// By their numbers.
    let settings: [String: Int]
    let goaway: Goaway?
    /// What Portico did wrong, as the client's library sees it.
    let fault: String?
    /// Whether Portico ended the connection.
    let ended: Bool
    /// One for each request.
    let answers: [HTTP2Answer]

    /// What the client is told.
    fileprivate struct Script: Encodable {
        var certificate: String?
        var alpn: [String]
        var settings: [String: Int]
        var inTurn: Bool
        var untilEnd: Bool
        var requests: [HTTP2Request]
    }
}

/// A client that runs beside the test.
struct HTTP2Client {
    let child: Child

    /// Connects and sends the requests.
    /// - Parameters:
    ///   - authority: whose certificates it trusts; nil for no TLS.
    ///   - settings: by their numbers.
    ///   - inTurn: whether it waits for each answer before it asks again.
    ///   - untilEnd: whether it then waits until Portico ends the connection.
    init(
        _ port: Int, authority: TestAuthority? = nil, alpn: [String] = ["h2"], settings: [String: Int] = [:],
        inTurn: Bool = false, untilEnd: Bool = false, _ requests: [HTTP2Request]
    ) throws {
        let script = HTTP2Conversation.Script(
            certificate: authority?.certificate, alpn: alpn, settings: settings, inTurn: inTurn, untilEnd: untilEnd,
            requests: requests)
        let name = "h2-\(UUID().uuidString.prefix(8))"
        let file = try Stage.current.file("\(name).json", bytes: Array(JSONEncoder().encode(script)))
        let child = try Child(
            ["/usr/bin/python3", "-B", peer("h2_client.py"), "\(port)", file], named: name, in: Stage.current.folder)
        Stage.current.atTheEnd { child.stop(patience: 0.5) }
        self.child = child
    }

    /// What came of it.
    func conversation(_ place: SourceLocation = #_sourceLocation) throws -> HTTP2Conversation {
        let exit = child.end(within: 120)
        try #require(exit == .status(0), "h2_client.py: \(child.errors)", sourceLocation: place)
        return try JSONDecoder().decode(HTTP2Conversation.self, from: Data(child.output.utf8))
    }
}

/// Sends requests over one connection of HTTP/2 and reads the answers.
func converse(
    _ port: Int, authority: TestAuthority? = nil, alpn: [String] = ["h2"], settings: [String: Int] = [:],
    inTurn: Bool = false, untilEnd: Bool = false, _ requests: [HTTP2Request], _ place: SourceLocation = #_sourceLocation
) throws -> HTTP2Conversation {
    let conversation = try HTTP2Client(
        port, authority: authority, alpn: alpn, settings: settings, inTurn: inTurn, untilEnd: untilEnd, requests
    ).conversation(place)
    #expect(conversation.fault == nil, sourceLocation: place)
    return conversation
}

/// Sends one request over a connection of HTTP/2 of its own.
func ask(_ port: Int, _ request: HTTP2Request, _ place: SourceLocation = #_sourceLocation) throws -> HTTP2Answer {
    try #require(converse(port, [request], place).answers.first, sourceLocation: place)
}

/// Peers/h2_server.py, for the duration of a test.
struct HTTP2Server {
    let port: Int

    /// What it has seen.
    struct Counts: Decodable {
        let connections: Int
        let requests: Int
        /// Streams at once on one connection.
        let most: Int
        /// The codes of the RST_STREAM frames that came.
        let resets: [Int]
        /// Requests behind a GOAWAY frame.
        let late: Int
        let goaways: Int
        /// Connections that have ended.
        let closed: Int
    }

    init(_ options: String...) throws {
        port = try freePort()
        try startPeer(["/usr/bin/python3", "-B", peer("h2_server.py"), "\(port)"] + options, on: port)
    }

    /// What it has seen so far, this question too. Servers without TLS only.
    func counts() throws -> Counts {
        try JSONDecoder().decode(Counts.self, from: Data(ask(port, HTTP2Request("/counts")).body.utf8))
    }
}

/// A front door for HTTP/2 before a server of HTTP/1 that answers with `respond`.
func frontOfHTTP2(
    global: String = "", defaults: String = "", frontend: String = "", bind: String = "proto h2",
    respond: @escaping @Sendable (Request) -> String
) throws -> (FrontDoor, ScriptedServer) {
    let server = try ScriptedServer(respond: respond)
    let front = try FrontDoor(
        before: server.port, global: global, defaults: defaults, frontend: frontend, bind: bind)
    return (front, server)
}
