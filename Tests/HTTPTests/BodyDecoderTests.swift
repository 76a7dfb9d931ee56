// The decoder step by step, as a connection calls it: what to skip, what is content, where it ends.
// Which bodies are accepted and rejected is tested with Corpus/bodies.

import Testing

@testable import HTTP

@Suite struct BodyDecoderTests {
    @Test func aLengthIsCountedDown() {
        var decoder = BodyDecoder(.length(5))
        #expect(decoder.remainingLength == 5 && !decoder.isComplete)
        #expect(decoder.next(RawSpan()) == .needMore(skip: 0))
        #expect(decoder.next([1, 2, 3].bytes) == .data(skip: 0, count: 3))
        #expect(decoder.remainingLength == 2)
        #expect(decoder.next([4, 5, 6].bytes) == .data(skip: 0, count: 2))
        #expect(decoder.isComplete && decoder.remainingLength == 0)
        #expect(decoder.next([6].bytes) == .end(skip: 0))
        #expect(decoder.next(RawSpan()) == .end(skip: 0))
    }

    @Test func chunksComeWithTheFramingBeforeThem() {
        var decoder = BodyDecoder(.chunked)
        #expect(decoder.remainingLength == nil)
        #expect(decoder.next(unescaped(#"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nX"#).bytes) == .data(skip: 3, count: 3))
        #expect(decoder.next(unescaped(#"\r\n2\r\nde\r\n0\r\n\r\nX"#).bytes) == .data(skip: 5, count: 2))
        #expect(!decoder.isComplete)
        #expect(decoder.next(unescaped(#"\r\n0\r\n\r\nX"#).bytes) == .end(skip: 7))
        #expect(decoder.isComplete)
    }

    @Test func anEndOfInputIsAnEndOrAnAccident() {
        var untilClose = BodyDecoder(.untilClose)
        #expect(untilClose.next([1].bytes) == .data(skip: 0, count: 1))
        #expect(untilClose.next(RawSpan()) == .needMore(skip: 0))
        #expect(!untilClose.isComplete)
        #expect(untilClose.inputEnded() == true)
        #expect(untilClose.isComplete)
        #expect(untilClose.next(RawSpan()) == .end(skip: 0))
        var none = BodyDecoder(.none)
        #expect(none.inputEnded() == true)
        var length = BodyDecoder(.length(1))
        #expect(length.inputEnded() == false)
        var chunked = BodyDecoder(.chunked)
        #expect(chunked.inputEnded() == false)
    }

    @Test func aFaultHasAPlace() {
        var decoder = BodyDecoder(.chunked)
        #expect(decoder.next(unescaped(#"3\r\nabc"#).bytes) == .data(skip: 3, count: 3))
        #expect(decoder.next(unescaped(#"\rX"#).bytes) == .failed(.chunkNotClosed))
        #expect(decoder.faultOffset == 1)
    }

    @Test func theLargestSizeIsCounted() {
        var decoder = BodyDecoder(.chunked)
        #expect(decoder.next(unescaped(#"FFFFFFFFFFFFFFFF\r\nab"#).bytes) == .data(skip: 18, count: 2))
        #expect(decoder.next([1].bytes) == .data(skip: 0, count: 1))
    }
}
