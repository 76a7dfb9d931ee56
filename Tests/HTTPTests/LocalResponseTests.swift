// Responses that Portico generates: HAProxy's pages, to the byte, and the head made from a response.
// Writing heads is tested in MessageWriterTests.

import Testing

@testable import HTTP

@Suite struct LocalResponseTests {
    @Test func errorsHaveShortPages() {
        let response = LocalResponse.error(503)
        #expect(response.status == 503)
        #expect(
            response.fields.map { "\($0.name): \($0.value)" } == ["cache-control: no-cache", "content-type: text/html"])
        #expect(
            escaped(response.body)
                == #"<html><body><h1>503 Service Unavailable</h1>\n"#
                + #"No server is available to handle this request.\n</body></html>\n"#
        )
    }

    @Test func aDetailIsAFurtherSentence() {
        #expect(
            escaped(LocalResponse.error(413, detail: "It has 2 bytes.").body)
                == #"<html><body><h1>413 Payload Too Large</h1>\n"#
                + #"The request entity exceeds the maximum allowed.\nIt has 2 bytes.\n</body></html>\n"#
        )
    }

    /// The lengths of HAProxy's own pages, which monitoring scripts compare.
    @Test(arguments: [
        (400, 90), (401, 112), (403, 93), (404, 83), (405, 146), (408, 110), (410, 114), (413, 106), (421, 104),
        (422, 116), (425, 80), (429, 117), (500, 97), (502, 107), (503, 107), (504, 92),
    ])
    func pagesAreThoseOfHAProxy(status: Int, count: Int) {
        #expect(LocalResponse.error(status).body.count == count)
    }

    @Test func anyStatusHasAPage() {
        for status in 100...999 { #expect(!LocalResponse.error(status).body.isEmpty) }
    }

    @Test func becomesAHead() {
        var head = ResponseHead()
        head.fields.append(.server, "left over")
        LocalResponse(status: 302, fields: [("Location", "/x"), ("X-Bad", "a\r\nb")], body: []).apply(to: &head)
        #expect(head.status == 302)
        #expect(escaped(head.reason.copy) == "Found")
        #expect(head.fields.lines == ["location: /x", "content-length: 0"])
    }

    /// RFC 9110 section 8.6: 1xx and 204 never have a length; in a 304 it would be that of the content not sent.
    @Test(arguments: [103, 204, 304])
    func hasNoLengthWhereNothingCanFollow(status: Int) {
        var head = ResponseHead()
        LocalResponse(status: status, fields: [("ETag", "\"x\"")]).apply(to: &head)
        #expect(head.status == status)
        #expect(head.fields.lines == ["etag: \"x\""])
    }
}
