// Parsers on a connection: several messages, partial lines, limits.
// Single messages are tested with the corpus.

import Testing

@testable import HTTP

/// What the corpus does not cover: several messages on one connection, and buffers that are released in between.
@Suite struct ParserTests {
    @Test func takesWholeLinesAndLeavesTheRest() {
        var parser = RequestParser(limits: HeadLimits())
        var head = RequestHead()
        var consumed = 0
        #expect(
            parser.parse(unescaped(#"GET / HTTP/1.1\r\nHost: a\r\nX: ha"#).bytes, into: &head, consumed: &consumed)
                == .needMore)
        #expect(consumed == 25)
        #expect(parser.parse(unescaped(#"X: half\r"#).bytes, into: &head, consumed: &consumed) == .needMore)
        #expect(consumed == 0)
        #expect(parser.parse(unescaped(#"X: half\r\n\r\nrest"#).bytes, into: &head, consumed: &consumed) == .complete)
        #expect(consumed == 11)
        #expect(head.fields.lines == ["host: a", "x: half"])
    }

    @Test func readsOneRequestAfterTheOther() {
        let stream = unescaped(#"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n"#)
        var parser = RequestParser(limits: HeadLimits())
        var head = RequestHead()
        var place = 0
        for (path, host) in [("/1", "a"), ("/2", "b")] {
            var consumed = 0
            head.clear()
            #expect(
                parser.parse(stream.bytes.extracting(place..<stream.count), into: &head, consumed: &consumed)
                    == .complete)
            place += consumed
            #expect(escaped(head.path.copy) == path)
            #expect(escaped(head.host.copy) == host)
            parser.reset()
        }
        #expect(place == stream.count)
    }

    /// Empty lines between two requests do not start the request time-out.
    @Test func emptyLinesBeforeARequestArePassedOver() {
        for (input, hasMore, expected) in [
            ("", false, 0), (#"\r"#, false, 0), (#"\r\n"#, false, 2), (#"\r\n\r\n\r"#, false, 4), (#"\r\nG"#, true, 2),
            ("G", true, 0), (#"\rG"#, true, 0), (#"\n"#, true, 0), (#"\r\n\r\n\r\n\r\n\r\n"#, true, 8),
        ] {
            var parser = RequestParser(limits: HeadLimits())
            var consumed = 0
            #expect(parser.skipEmptyLines(unescaped(input).bytes, consumed: &consumed) == hasMore, "\(input)")
            #expect(consumed == expected && !parser.hasBegun, "\(input)")
        }
        var lenient = RequestParser(limits: HeadLimits(acceptInvalid: true))
        var consumed = 0
        #expect(lenient.skipEmptyLines(unescaped(#"\n\r\n\nG"#).bytes, consumed: &consumed) == true)
        #expect(consumed == 4)
    }

    @Test func emptyLinesThatWerePassedOverCount() {
        var parser = RequestParser(limits: HeadLimits())
        var head = RequestHead()
        var consumed = 0
        #expect(parser.skipEmptyLines(unescaped(#"\r\n\r\n\r\n"#).bytes, consumed: &consumed) == false)
        #expect(
            parser.parse(unescaped(#"\r\n\r\n"#).bytes, into: &head, consumed: &consumed)
                == .failed(.tooManyEmptyLines))
    }

    /// A connection is idle until a request has begun; empty lines do not begin one.
    @Test func aRequestBeginsWithItsFirstByte() {
        var parser = RequestParser(limits: HeadLimits())
        var head = RequestHead()
        var consumed = 0
        for (input, hasBegun) in [("", false), (#"\r"#, false), (#"\r\n"#, false), (#"\r\nG"#, true), ("G", true)] {
            #expect(parser.parse(unescaped(input).bytes, into: &head, consumed: &consumed) == .needMore)
            #expect(parser.hasBegun == hasBegun)
        }
        parser.reset()
        #expect(!parser.hasBegun)
    }

    @Test func readsInterimResponsesBeforeTheFinalOne() {
        let stream = unescaped(
            #"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"#)
        var parser = ResponseParser(limits: HeadLimits())
        var head = ResponseHead()
        var place = 0
        for status in [100, 103, 200] {
            var consumed = 0
            head.clear()
            #expect(
                parser.parse(stream.bytes.extracting(place..<stream.count), into: &head, consumed: &consumed)
                    == .complete)
            #expect(head.status == status)
            place += consumed
            parser.reset()
        }
    }

    /// The status tells the client which part was too long.
    @Test func limitsHaveTheirOwnStatuses() {
        #expect(MessageFault.requestLineTooLong.status == 414)
        #expect(MessageFault.headTooLarge.status == 431)
        #expect(MessageFault.tooManyFields.status == 431)
        #expect(MessageFault.unsupportedVersion.status == 505)
        #expect(MessageFault.unknownTransferCoding.status == 501)
        #expect(MessageFault.lengthAndTransferEncoding.status == 400)
    }

    @Test func theLargestHeadOfTheDefaultLimitsIsRead() {
        let start = #"GET / HTTP/1.1\r\nHost: a\r\nX: "#
        let room = HeadLimits().headBytesMax - unescaped(start).count - 4
        for (count, end) in [(room, "complete"), (room + 1, nil)] as [(Int, String?)] {
            let outcome = readInEveryWay(.request, unescaped(start + #"\rep{\#(count)}{x}\r\n\r\n"#))
            #expect(outcome["end"] == end)
            #expect(outcome["fault"] == (end == nil ? "headTooLarge" : nil))
        }
    }

    @Test func aHundredAndOneFieldsAreRead() {
        let start = #"GET / HTTP/1.1\r\nHost: a\r\n"#
        for (count, fault) in [(100, nil), (101, "tooManyFields")] as [(Int, String?)] {
            let outcome = read(.request, unescaped(start + #"\rep{\#(count)}{x: y\r\n}\r\n"#))
            #expect(outcome["fault"] == fault)
        }
    }
}
