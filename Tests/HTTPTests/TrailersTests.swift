// Which fields may be forwarded as trailers, and how the end of a body with trailers is written.

import Testing

@testable import HTTP

@Suite struct TrailersTests {
    private func end(with section: String) -> String {
        var out: [UInt8] = []
        Trailers.appendLastChunk(with: Array(section.utf8), to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func fieldsOfTheBodyPassInOrder() {
        #expect(
            end(with: "X-Checksum:  1 \r\nServer-Timing: db;dur=1\r\nEmpty:\r\nEtag:\t\"a\"\t\r\n\r\n")
                == "0\r\nx-checksum: 1\r\nserver-timing: db;dur=1\r\nempty: \r\netag: \"a\"\r\n\r\n")
    }

    @Test(
        "Fields of framing, routing, authentication, control and content do not",
        arguments: [
            "Content-Length", "Transfer-Encoding", "Trailer", "TE", "Connection", "Keep-Alive", "Upgrade", "Host",
            "Expect",
            "Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization", "WWW-Authenticate", "Content-Type",
            "Content-Encoding", "Content-Range", "Range", "If-Match", "If-Anything", "Cache-Control", "Age", "Location",
            "X-Forwarded-For", "X-Forwarded-User", "Forwarded", "X-Real-IP", "Sec-WebSocket-Key", "X-Original-URL",
        ])
    func othersDoNot(name: String) {
        #expect(end(with: "\(name): 1\r\nX-A: 2\r\n\r\n") == "0\r\nx-a: 2\r\n\r\n")
    }

    @Test func linesThatEndWithLineFeedsAloneAreWrittenStrictly() {
        #expect(end(with: "X-A: 1\nHost: b\r\nX-B: 2 \n\n") == "0\r\nx-a: 1\r\nx-b: 2\r\n\r\n")
    }

    @Test func nothingIsLeftOfASectionOfSuchFields() { #expect(end(with: "Host: a\r\n\r\n") == "0\r\n\r\n") }
}
