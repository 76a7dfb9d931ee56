// Parsers and buffers brought together: what was understood is consumed.

internal import Basics
internal import HTTP

extension RequestParser {
    mutating func parse(_ input: inout ByteBuffer, into head: inout RequestHead) -> ParseProgress {
        var consumed = 0
        let progress = parse(input.readable, into: &head, consumed: &consumed)
        input.consume(consumed)
        return progress
    }

    /// As `skipEmptyLines` of the bytes.
    mutating func skipEmptyLines(_ input: inout ByteBuffer) -> Bool {
        var consumed = 0
        let hasMore = skipEmptyLines(input.readable, consumed: &consumed)
        input.consume(consumed)
        return hasMore
    }
}

extension ResponseParser {
    mutating func parse(_ input: inout ByteBuffer, into head: inout ResponseHead) -> ParseProgress {
        var consumed = 0
        let progress = parse(input.readable, into: &head, consumed: &consumed)
        input.consume(consumed)
        return progress
    }
}
