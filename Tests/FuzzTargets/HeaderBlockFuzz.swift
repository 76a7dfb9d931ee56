// Compressed heads of HTTP/2, one after the other on one connection: what is accepted can be sent on, in HTTP/2 and in HTTP/1.1, and
// says the same there.

import Basics
import HTTP

/// Blocks that a peer sends, each with its kind and length before it, and the heads that they become.
struct HeaderBlockFuzz {
    private var bytes: ArraySlice<UInt8>
    private let limits: HeadLimits
    private let decoder: HeaderDecoder

    init(_ bytes: [UInt8], _ choice: UInt8) {
        self.bytes = bytes[...]
        limits = HeadLimits(
            headBytesMax: choice & 1 == 0 ? 15_360 : 200, fieldsMax: choice & 2 == 0 ? 101 : 3,
            acceptInvalid: choice & 4 != 0)
        decoder = HeaderDecoder(tableBytes: choice & 8 == 0 ? 4_096 : 65_536)
    }

    /// The head of a request, with what HTTP/1.1 says beside it.
    private struct Request: ~Copyable {
        var head = RequestHead()
        var facts = HTTP2RequestFacts()

        /// In HTTP/2, for a peer that knows nothing yet.
        func sent() -> [UInt8] {
            var block: [UInt8] = []
            let content = facts.contentLength.map { ContentLength.known($0) } ?? .unknown
            HeaderEncoder().append(head, content: content, scheme: "https", to: &block)
            return block
        }
    }

    mutating func run() {
        while let kind = bytes.popFirst(), let count = bytes.popFirst() {
            let block = Array(bytes.prefix(Int(count)))
            bytes = bytes.dropFirst(Int(count))
            let isDecodable =
                switch kind & 3 {
                case 0: readRequest(block)
                case 1: readResponse(block)
                case 2: readTrailers(block)
                default: unsafe decoder.skip(block.span.bytes)
                }
            if isDecodable { continue }
            precondition(unsafe !decoder.skip(block.span.bytes), "it reads on with a table that is not the peer's")
            return
        }
    }

    // MARK: - Requests

    private func readRequest(_ block: [UInt8]) -> Bool {
        var request = Request()
        let result = unsafe decoder.readRequest(
            block.span.bytes, limits: limits, into: &request.head, facts: &request.facts)
        guard result == .whole else { return result != .undecodable }
        let size = request.head.fields.byteCount + request.head.target.byteCount + request.head.methodName.byteCount
        precondition(
            request.facts.isExtendedConnect || size + 14 <= limits.headBytesMax, "\(size) bytes are more than allowed")
        // The listener's address is added to a request that names no host.
        if !request.head.fields.contains(.host) { request.head.fields.append(.host, "127.0.0.1") }
        let sent = request.sent()
        var again = Request()
        let next = HeaderDecoder()
        let isWhole =
            unsafe next.readRequest(sent.span.bytes, limits: roomy, into: &again.head, facts: &again.facts) == .whole
        precondition(isWhole, "sent on, it is refused")
        precondition(again.facts == request.facts, "sent on, it is another request: \(again.facts)")
        precondition(again.sent() == sent, "sent on twice, it is another message")
        expectSameInHTTP1(&request)
        return true
    }

    /// Fields that were added, and each line's end, may have made a head a little longer.
    private var roomy: HeadLimits {
        HeadLimits(headBytesMax: 30_000, fieldsMax: 1_000, acceptInvalid: limits.acceptInvalid)
    }

    private func expectSameInHTTP1(_ request: inout Request) {
        let switches = request.head.upgradeRequested
        precondition(switches == request.facts.isExtendedConnect)
        request.head.fields.removeHopByHop(keepingUpgrade: switches)
        guard case .success(let framing) = request.head.bodyFraming() else {
            preconditionFailure("the end of its content is not clear")
        }
        let text = written {
            MessageWriter.write(request.head, framing: framing, connection: switches ? .upgrade : .none, to: &$0)
        }
        var parser = RequestParser(limits: roomy)
        var head = RequestHead()
        var consumed = 0
        let progress = unsafe parser.parse(text.span.bytes, into: &head, consumed: &consumed)
        precondition(progress == .complete && consumed == text.count, "in HTTP/1.1 it is \(progress)")
        precondition(head.bodyFraming() == .success(framing), "in HTTP/1.1 it has another end")
    }

    // MARK: - Responses and trailers

    private func readResponse(_ block: [UInt8]) -> Bool {
        var head = ResponseHead()
        var length: UInt64?
        let result = unsafe decoder.readResponse(block.span.bytes, limits: limits, into: &head, contentLength: &length)
        guard result == .whole else { return result != .undecodable }
        let sent = Self.sent(head, length)
        var again = ResponseHead()
        var lengthAgain: UInt64?
        let isWhole =
            unsafe HeaderDecoder().readResponse(
                sent.span.bytes, limits: roomy, into: &again, contentLength: &lengthAgain) == .whole
        precondition(isWhole && lengthAgain == length, "sent on, it is refused")
        precondition(Self.sent(again, length) == sent, "sent on twice, it is another message")
        let framing = length.map { BodyFraming.length($0) } ?? .none
        let text = written { MessageWriter.write(head, framing: framing, connection: .none, to: &$0) }
        var parser = ResponseParser(limits: roomy)
        var consumed = 0
        let progress = unsafe parser.parse(text.span.bytes, into: &again, consumed: &consumed)
        precondition(progress == .complete && consumed == text.count, "in HTTP/1.1 it is \(progress)")
        return true
    }

    private static func sent(_ head: borrowing ResponseHead, _ length: UInt64?) -> [UInt8] {
        var block: [UInt8] = []
        let content = length.map { ContentLength.known($0) } ?? .unknown
        HeaderEncoder().append(head, content: content, isTunnel: false, to: &block)
        return block
    }

    private func readTrailers(_ block: [UInt8]) -> Bool {
        var section: [UInt8] = []
        let result = unsafe decoder.readTrailers(block.span.bytes, into: &section)
        guard result == .whole else { return result != .undecodable }
        let body = Array("0\r\n".utf8) + section
        var decoder = BodyDecoder(.chunked)
        _ = unsafe decoder.next(body.span.bytes)
        precondition(decoder.isComplete, "in HTTP/1.1 they are no trailers")
        var sent: [UInt8] = []
        HeaderEncoder().append(trailers: section, to: &sent)
        var again: [UInt8] = []
        precondition(unsafe HeaderDecoder().readTrailers(sent.span.bytes, into: &again) == .whole)
        return true
    }
}
