// Heads of responses and trailers of HTTP/2, in both directions.

import Basics
import Testing

@testable import HTTP

/// The fields of a block, as `name=value`, read by a decoder that does not look at what they mean.
func fields(of block: [UInt8]) -> [String] {
    var names: [String] = []
    let isDecoded = HeaderDecoder().decode(block.bytes) { name, value in
        names.append("\(escaped(name.copy))=\(escaped(value.copy))")
    }
    #expect(isDecoded)
    return names
}

@Suite struct HTTP2ResponseTests {
    private let decoder = HeaderDecoder()

    private func sent(
        _ status: Int, _ fields: [String], _ content: ContentLength = .none, isTunnel: Bool = false
    ) -> [String] {
        var head = ResponseHead()
        head.setStatus(status)
        for field in fields {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            head.fields.append(name: String(parts[0]), String(parts[1]))
        }
        var block: [UInt8] = []
        HeaderEncoder().append(head, content: content, isTunnel: isTunnel, to: &block)
        return HTTPTests.fields(of: block)
    }

    // MARK: - Reading

    @Test func aResponseLooksLikeOneOfHTTP1() {
        #expect(
            decoder.response([":status=404", "date=x", "set-cookie=a", "set-cookie=b"])
                == ["404 Not Found", "date: x", "set-cookie: a", "set-cookie: b"])
        #expect(decoder.response([":status=103", "link=x"]) == ["103 Early Hints", "link: x"])
        #expect(decoder.response([":status=999"]).count == 1)
    }

    @Test func theLengthOfTheContentIsTold() {
        for (fields, expected) in [
            ([], nil), (["content-length=0"], 0), (["content-length=5", "content-length=5"], 5),
        ] as [([String], UInt64?)] {
            var length: UInt64? = 1
            #expect(decoder.response(HeaderBlock.of([":status=200"] + fields), length: &length).first == "200 OK")
            #expect(length == expected)
        }
    }

    @Test func limits() {
        let fields = [":status=200", "a=\(String(repeating: "x", count: 200))", "b=1"]
        #expect(decoder.response(fields, limits: HeadLimits(headBytesMax: 300, fieldsMax: 2)).count == 3)
        #expect(
            decoder.response(fields, limits: HeadLimits(headBytesMax: 200))
                == ["\(HeadResult.malformed(.headTooLarge))"])
        #expect(
            decoder.response(fields, limits: HeadLimits(fieldsMax: 1)) == ["\(HeadResult.malformed(.tooManyFields))"])
    }

    @Test func trailersLookLikeThoseOfHTTP1() {
        #expect(decoder.trailers(HeaderBlock.of(["x-a=1", "x-b="])) == #"x-a: 1\r\nx-b: \r\n\r\n"#)
        #expect(decoder.trailers([]) == #"\r\n"#)
        var section = Array("before".utf8)
        #expect(decoder.readTrailers(HeaderBlock.of(["x=1"]).bytes, into: &section) == .whole)
        #expect(
            decoder.readTrailers(HeaderBlock.of(["x=1", "Y=1"]).bytes, into: &section)
                == .malformed(.upperCaseFieldName))
        #expect(escaped(section) == #"beforex: 1\r\n\r\n"#)
        // The largest section that a body of HTTP/1 may have, with its empty line.
        let largest = "a=\(String(repeating: "b", count: BodyDecoder.trailerBytesMax - 7))"
        #expect(decoder.trailers(HeaderBlock.of([largest])).hasPrefix("a: b"))
        #expect(decoder.trailers(HeaderBlock.of([largest + "b"])) == "\(HeadResult.malformed(.trailersTooLarge))")
    }

    // MARK: - Writing

    @Test func fieldsOfTheConnectionAreLeftOut() {
        #expect(
            sent(
                200,
                [
                    "date=x", "connection=close", "keep-alive=5", "proxy-connection=x", "upgrade=h3", "te=x",
                    "transfer-encoding=chunked", "set-cookie=a; b", "set-cookie=c", "trailer=x",
                ]) == [":status=200", "date=x", "set-cookie=a; b", "set-cookie=c", "trailer=x"])
    }

    @Test func theContentDecidesOnItsLength() {
        let length = ["content-length=7"]
        for (status, fields, content, expected) in [
            (200, length, .none, length), (304, length, .none, length), (204, length, .none, []),
            (103, length, .none, []),
            (200, length, .known(5), ["content-length=5"]), (200, [], .known(0), ["content-length=0"]),
            (200, length, .unknown, []), (200, [], .none, []),
        ] as [(Int, [String], ContentLength, [String])] {
            #expect(sent(status, fields, content) == [":status=\(status)"] + expected)
        }
    }

    @Test func aSwitchOfProtocolsBecomesATunnel() {
        let fields = [
            "connection=upgrade", "upgrade=websocket", "sec-websocket-accept=x", "sec-websocket-protocol=chat",
            "content-length=0",
        ]
        #expect(sent(101, fields, isTunnel: true) == [":status=200", "sec-websocket-protocol=chat"])
        #expect(sent(200, ["x=1"], isTunnel: true) == [":status=200", "x=1"])
        #expect(sent(200, ["sec-websocket-accept=x"]) == [":status=200", "sec-websocket-accept=x"])
    }

    @Test func onlyForwardableTrailersAreSent() {
        var block: [UInt8] = []
        HeaderEncoder().append(
            trailers: unescaped(#"X-Sum:  1 \r\nHost: b\r\nContent-Length: 5\nETag: "a"\r\n\r\n"#), to: &block)
        #expect(HTTPTests.fields(of: block) == ["x-sum=1", #"etag="a""#])
        block.removeAll()
        HeaderEncoder().append(trailers: unescaped(#"Host: b\r\n\r\n"#), to: &block)
        #expect(block.isEmpty)
    }

    @Test func aResponseOfHTTP2IsSentAsOneOfHTTP1() {
        var head = ResponseHead()
        var length: UInt64?
        let block = HeaderBlock.of([":status=404", "x=1"])
        #expect(decoder.readResponse(block.bytes, limits: HeadLimits(), into: &head, contentLength: &length) == .whole)
        #expect(head.allowsReuse == true)
        let pool = BufferPool(blockBytes: 4_096)
        var out = ByteBuffer()
        out.acquire(from: pool)
        #expect(MessageWriter.write(head, framing: .chunked, connection: .close, to: &out))
        #expect(
            escaped(out.readable.copy)
                == #"HTTP/1.1 404 Not Found\r\nx: 1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"#)
        out.release(to: pool)
        head.clear()
        #expect(head.version == .http11)
    }
}
