// Writing heads and chunks: compared byte for byte where the bytes matter, and parsed again where only
// the meaning does.

import Basics
import Testing

@testable import HTTP

@Suite struct MessageWriterTests {
    private let pool = BufferPool(blockBytes: 4_096)

    /// The bytes that `write` puts into a buffer of `room` bytes; nil if they do not fit.
    private func written(room: Int = 4_096, _ write: (inout ByteBuffer) -> Bool) -> String? {
        var out = ByteBuffer()
        out.acquire(from: pool)
        _ = out.append([UInt8](repeating: 0x20, count: out.room - room))
        let before = out.count
        let fits = write(&out)
        let bytes = Array(out.readable.copy.dropFirst(before))
        out.release(to: pool)
        if !fits { #expect(bytes.isEmpty, "something was written all the same") }
        return fits ? escaped(bytes) : nil
    }

    private func request(_ text: String, _ limits: HeadLimits = HeadLimits()) -> RequestHead {
        var head = RequestHead()
        var consumed = 0
        var parser = RequestParser(limits: limits)
        #expect(parser.parse(unescaped(text).bytes, into: &head, consumed: &consumed) == .complete)
        return head
    }

    @Test func aRequestWithItsFraming() {
        let head = request(#"POST /a?b HTTP/1.1\r\nHost:  a\r\nContent-Length: 5\r\nX-Y:z\r\n\r\n"#)
        #expect(
            written { MessageWriter.write(head, framing: .length(5), connection: .none, to: &$0) }
                == #"POST /a?b HTTP/1.1\r\nhost: a\r\nx-y: z\r\ncontent-length: 5\r\n\r\n"#)
        #expect(
            written { MessageWriter.write(head, framing: .chunked, connection: .close, to: &$0) }
                == #"POST /a?b HTTP/1.1\r\nhost: a\r\nx-y: z\r\n"#
                + #"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"#
        )
        #expect(
            written { MessageWriter.write(head, framing: .none, connection: .keepAlive, to: &$0) }
                == #"POST /a?b HTTP/1.1\r\nhost: a\r\nx-y: z\r\nconnection: keep-alive\r\n\r\n"#)
    }

    @Test func targetsAreWrittenInOriginForm() {
        for (target, expected) in [
            ("GET http://a/b?c", "GET /b?c"), ("GET http://a", "GET /"), ("GET http://a?c", "GET /?c"),
            ("OPTIONS http://a", "OPTIONS *"), ("OPTIONS http://a/", "OPTIONS /"), ("OPTIONS *", "OPTIONS *"),
            ("PURGE /x", "PURGE /x"),
        ] {
            let head = request(#"\#(target) HTTP/1.1\r\nHost: a\r\n\r\n"#)
            #expect(
                written { MessageWriter.write(head, framing: .none, connection: .none, to: &$0) }
                    == #"\#(expected) HTTP/1.1\r\nhost: a\r\n\r\n"#)
        }
        let tunnel = request(#"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"#)
        #expect(
            written { MessageWriter.write(tunnel, framing: .none, connection: .none, to: &$0) }
                == #"CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n"#)
    }

    /// Messages are written as HTTP/1.1, which requires a Host that an HTTP/1.0 request may lack.
    @Test func aRequestWithoutHostGetsOne() {
        for (target, host) in [("/", ""), ("http://a:81/", "a:81")] {
            let head = request(#"GET \#(target) HTTP/1.0\r\n\r\n"#)
            #expect(
                written { MessageWriter.write(head, framing: .none, connection: .none, to: &$0) }
                    == #"GET / HTTP/1.1\r\nhost: \#(host)\r\n\r\n"#)
        }
    }

    @Test func anUpgradeKeepsItsField() {
        var head = request(#"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"#)
        head.fields.removeHopByHop(keepingUpgrade: true)
        #expect(
            written { MessageWriter.write(head, framing: .none, connection: .upgrade, to: &$0) }
                == #"GET / HTTP/1.1\r\nhost: a\r\nupgrade: chat\r\nconnection: upgrade\r\n\r\n"#)
    }

    @Test(
        arguments: [
            ([.close, .upgrade], "close, upgrade"), ([.keepAlive, .te], "keep-alive, te"), (.te, "te"),
        ] as [(MessageWriter.ConnectionHeader, String)])
    func theOptionsOfAConnectionAreOneList(options: MessageWriter.ConnectionHeader, expected: String) {
        let head = ResponseHead()
        #expect(
            written { MessageWriter.write(head, framing: .none, connection: options, to: &$0) }
                == #"HTTP/1.1 200 \r\nconnection: \#(expected)\r\n\r\n"#)
    }

    @Test func aFragmentBehindAnAuthorityIsWrittenBehindASlash() {
        let head = request(#"GET http://a#b HTTP/1.1\r\nHost: a\r\n\r\n"#, HeadLimits(acceptInvalid: true))
        #expect(
            written { MessageWriter.write(head, framing: .none, connection: .none, to: &$0) }
                == #"GET /#b HTTP/1.1\r\nhost: a\r\n\r\n"#)
    }

    @Test func aResponseWithItsFraming() {
        var head = ResponseHead()
        head.setStatus(404)
        head.fields.append(.contentLength, "7")
        head.fields.append(.server, "s")
        for (framing, expected) in [
            (BodyFraming.length(3), #"server: s\r\ncontent-length: 3\r\n"#), (.untilClose, #"server: s\r\n"#),
            (.chunked, #"server: s\r\ntransfer-encoding: chunked\r\n"#),
            (.none, #"content-length: 7\r\nserver: s\r\n"#),
            (.length(UInt64.max), #"server: s\r\ncontent-length: 18446744073709551615\r\n"#),
            (.length(0), #"server: s\r\ncontent-length: 0\r\n"#),
            (.length(10), #"server: s\r\ncontent-length: 10\r\n"#),
        ] {
            #expect(
                written { MessageWriter.write(head, framing: framing, connection: .none, to: &$0) }
                    == #"HTTP/1.1 404 Not Found\r\n\#(expected)\r\n"#)
        }
    }

    /// RFC 9110 section 8.6: no Content-Length in 1xx and 204.
    @Test(arguments: [100, 103, 204])
    func aResponseThatNeverHasABodyHasNoLength(status: Int) {
        var head = ResponseHead()
        head.status = status
        head.fields.append(.contentLength, "0")
        #expect(
            written { MessageWriter.write(head, framing: .none, connection: .none, to: &$0) }
                == #"HTTP/1.1 \#(status) \r\n\r\n"#)
    }

    @Test func removedAndReplacedFieldsAreNotWritten() {
        var head = request(#"GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nC: 2\r\nD: 3\r\nE: 4\r\n\r\n"#)
        head.fields.remove(named: [0x62])
        head.fields.remove(named: [0x64])
        head.fields.replaceValue(1, with: Array("new".utf8).bytes)
        head.fields.append(.xForwardedFor, "1.2.3.4")
        #expect(
            written { MessageWriter.write(head, framing: .none, connection: .none, to: &$0) }
                == #"GET / HTTP/1.1\r\nhost: a\r\nc: new\r\ne: 4\r\nx-forwarded-for: 1.2.3.4\r\n\r\n"#)
    }

    /// A head is written completely or not at all.
    @Test func whatDoesNotFitIsNotWritten() {
        let head = request(#"GET /path HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"#)
        let full = written { MessageWriter.write(head, framing: .length(12), connection: .close, to: &$0) }
        let count = unescaped(full ?? "").count
        for room in 0..<count {
            #expect(
                written(room: room) { MessageWriter.write(head, framing: .length(12), connection: .close, to: &$0) }
                    == nil)
        }
        #expect(
            written(room: count) { MessageWriter.write(head, framing: .length(12), connection: .close, to: &$0) }
                == full)
    }

    @Test func chunks() {
        let data = [UInt8](repeating: 0x61, count: 255)
        #expect(
            written { MessageWriter.chunk(data.bytes.extracting(0..<1), to: &$0) } == #"1\r\na\r\n"#)
        #expect(
            written { MessageWriter.chunk(data.bytes.extracting(0..<16), to: &$0) }
                == #"10\r\naaaaaaaaaaaaaaaa\r\n"#)
        #expect(
            written { MessageWriter.chunk(data.bytes, to: &$0) }
                == #"ff\r\n\#(String(repeating: "a", count: 255))\r\n"#)
        #expect(written { MessageWriter.lastChunk(to: &$0) } == #"0\r\n\r\n"#)
        #expect(written(room: 5) { MessageWriter.chunk(data.bytes.extracting(0..<1), to: &$0) } == nil)
        #expect(written(room: 4) { MessageWriter.lastChunk(to: &$0) } == nil)
        #expect(
            written(room: 255 + MessageWriter.chunkOverheadMax) { MessageWriter.chunk(data.bytes, to: &$0) } != nil)
    }

    /// Any accepted message, written and parsed again, is the same message, in both directions.
    @Test(arguments: CorpusCase.everything.filter { $0.name.contains("/accepted/") && !$0.name.hasPrefix("bodies") })
    func whatIsWrittenReadsTheSame(_ file: CorpusCase) {
        var consumed = 0
        let text: String?
        let expected: [(name: String, value: String)]
        if case .response(let method) = file.kind {
            var head = ResponseHead()
            var parser = ResponseParser(limits: file.limits)
            #expect(parser.parse(file.message.bytes, into: &head, consumed: &consumed) == .complete)
            guard case .success(let framing) = head.bodyFraming(requestMethod: method) else { return }
            head.fields.removeHopByHop()
            text = written { MessageWriter.write(head, framing: framing, connection: .none, to: &$0) }
            head.fields.remove(.contentLength)
            expected = head.fields.pairs
        } else {
            var head = RequestHead()
            var parser = RequestParser(limits: file.limits)
            #expect(parser.parse(file.message.bytes, into: &head, consumed: &consumed) == .complete)
            guard case .success(let framing) = head.bodyFraming() else { return }
            head.fields.removeHopByHop()
            text = written { MessageWriter.write(head, framing: framing, connection: .none, to: &$0) }
            head.fields.remove(.contentLength)
            let authority = head.authority.copy
            if head.version == .http10, !head.fields.contains(.host) { head.fields.append(.host, authority) }
            expected = head.fields.pairs
        }
        guard let text else { return }
        let limits = HeadLimits(acceptInvalid: file.limits.acceptInvalid)
        let first = read(file.kind, file.message, limits: file.limits)
        let second = read(file.kind, unescaped(text), limits: limits)
        for key in ["method", "path", "query", "status", "reason", "framing"] { #expect(first[key] == second[key]) }
        for pair in expected { #expect(second["field \(pair.name)"]?.contains(pair.value) == true) }
    }
}
