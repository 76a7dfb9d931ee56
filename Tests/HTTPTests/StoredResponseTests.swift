// Error pages in files: a complete response, strictly parsed.

import Testing

@testable import HTTP

@Suite struct StoredResponseTests {
    private func read(_ text: String) throws(StoredResponse.Fault) -> StoredResponse {
        try StoredResponse(Array(text.utf8))
    }

    @Test("Status, reason, fields and body are taken; what concerns one connection is not")
    func whole() throws {
        let stored = try read(
            "HTTP/1.0 503 Back soon\r\nCache-Control: no-cache\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n<h1>\n"
        )
        #expect(stored.response.status == 503)
        #expect(stored.response.reason == "Back soon")
        #expect(
            stored.response.fields.map { "\($0.name): \($0.value)" }
                == ["cache-control: no-cache", "content-type: text/html"])
        #expect(stored.response.body == Array("<h1>\n".utf8))
        #expect(stored.closes)
        #expect(try !read("HTTP/1.1 200 OK\r\n\r\n").closes)
    }

    @Test("The reason goes into the head")
    func reason() throws {
        var head = ResponseHead()
        try read("HTTP/1.1 503 Back soon\r\n\r\nx").response.apply(to: &head)
        #expect(escaped(head.reason.copy) == "Back soon")
        #expect(head.fields.lines == ["content-length: 1"])
    }

    @Test("Lines may end as an editor ends them")
    func bareLineFeeds() throws {
        let stored = try read("HTTP/1.0 404 None\nX-A: 1\n\nline\n")
        #expect(stored.response.fields.map(\.value) == ["1"])
        #expect(stored.response.body == Array("line\n".utf8))
    }

    @Test(
        "What is no whole response is refused, with the reason",
        arguments: [
            ("<html>503</html>", "has no empty line between head and body"),
            ("HTTP/1.1 503 No\r\nX-A: 1\r\n", "has no empty line between head and body"),
            ("hello\n\nbody", "has no valid head: first byte cannot begin an HTTP/1 message, at byte 0"),
            ("HTTP/1.1 503 No\r\nX A: 1\r\n\r\n", "has no valid head: field name is not a token, at byte 18"),
            ("HTTP/1.1 100 Continue\r\n\r\n", "is an interim response: its status is 100"),
            (
                "HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nhello",
                "announces a body of 3 bytes and has one of 5"
            ),
            (
                "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "has a chunked body: write the body without chunks"
            ),
            ("HTTP/1.1 204 No\r\n\r\nhello", "has a body, and a status that allows none"),
        ])
    func refused(text: String, why: String) {
        #expect(throws: StoredResponse.Fault(description: why)) { try read(text) }
    }
}
