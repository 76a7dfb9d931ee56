// Persistence of connections and the fields that are meant for one connection only.
// Pairs of a head and what it says about the connection, from RFC 9110 section 7.6.1 and RFC 9112 section 9.3.

import Testing

@testable import HTTP

/// What a head says about its connection, and what of it crosses.
@Suite struct ConnectionTests {
    @Test(arguments: [
        (HTTPVersion.http11, [], true),
        (.http11, ["close"], false),
        (.http11, ["Close"], false),
        (.http11, ["keep-alive"], true),
        (.http11, ["keep-alive, close"], false),
        (.http11, ["close", "keep-alive"], false),
        (.http11, ["closed"], true),
        (.http11, ["x,,close ,"], false),
        (.http11, [""], true),
        (.http11, ["TE"], true),
        (.http11, ["te, CLOSE"], false),
        (.http10, [], false),
        (.http10, ["keep-alive"], true),
        (.http10, ["Keep-Alive, x"], true),
        (.http10, ["x"], false),
        (.http10, ["close, keep-alive"], false),
    ])
    func persists(version: HTTPVersion, connection: [String], expected: Bool) {
        var request = RequestHead()
        var response = ResponseHead()
        request.version = version
        response.version = version
        for value in connection {
            request.fields.append(.connection, value)
            response.fields.append(.connection, value)
        }
        #expect(request.wantsKeepAlive == expected)
        #expect(response.allowsReuse == expected)
    }

    @Test func proxyConnectionSaysNothing() {
        var request = RequestHead()
        request.fields.append(.proxyConnection, "close")
        #expect(request.wantsKeepAlive == true)
    }

    @Test func hopByHopFieldsDoNotCross() {
        var fields = HeaderFields()
        for (name, value) in [
            ("Host", "a"), ("Connection", "keep-alive, X-One"), ("X-One", "1"), ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "keep-alive"), ("TE", "trailers"), ("Trailer", "X"), ("Upgrade", "h2c"),
            ("HTTP2-Settings", "AA"), ("Transfer-Encoding", "chunked"), ("X-Two", "2"),
            ("Connection", "x-TWO ,x-three"),
            ("X-Three", "3"), ("X-Four", "4"), ("x-one", "5"), ("Content-Length", "5"),
        ] {
            fields.append(name: name, value)
        }
        fields.removeHopByHop()
        #expect(fields.lines == ["host: a", "x-four: 4", "content-length: 5"])
        #expect(fields.contains(.connection) == false)
    }

    @Test func nothingToDropIsNothingDropped() {
        var fields = HeaderFields()
        fields.append(.host, "a")
        fields.removeHopByHop()
        #expect(fields.lines == ["host: a"])
    }

    /// A client must not be able to strip what servers rely on.
    @Test(arguments: ["Host", "X-Forwarded-For", "Authorization", "Content-Length", "Cookie", "Forwarded", "Expect"])
    func connectionCannotNameAway(name: String) {
        var fields = HeaderFields()
        fields.append(name: name, "5")
        fields.append(.connection, "close, \(name)")
        fields.removeHopByHop()
        #expect(fields.lines == ["\(name.lowercased()): 5"])
    }

    @Test func anUpgradeCrossesWhenItIsMeantTo() {
        var fields = HeaderFields()
        fields.append(.upgrade, "websocket")
        fields.append(.connection, "Upgrade")
        fields.removeHopByHop(keepingUpgrade: true)
        #expect(fields.lines == ["upgrade: websocket"])
    }
}
