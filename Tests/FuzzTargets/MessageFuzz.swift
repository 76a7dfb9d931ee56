// Heads of requests and responses: parsed at once and in pieces, written, and parsed again by a strict parser.

import Basics
import HTTP

/// A head, parsed in three slicings, then written and parsed again.
struct MessageFuzz {
    private let bytes: [UInt8]
    private let isRequest: Bool
    private let limits: HeadLimits
    private let methodAsked: Method

    /// The result of parsing.
    private struct Reading: Equatable {
        var progress = ParseProgress.needMore
        var consumed = 0
        var framing: BodyFraming?
        /// The head as Portico would forward it.
        var written: [UInt8] = []
    }

    init(_ bytes: [UInt8], _ choice: UInt8, isRequest: Bool) {
        self.bytes = bytes
        self.isRequest = isRequest
        limits = HeadLimits(
            headBytesMax: choice & 1 == 0 ? 15_360 : 200, fieldsMax: choice & 2 == 0 ? 101 : 3,
            acceptInvalid: choice & 4 != 0)
        methodAsked = [.get, .head, .connect, .post][Int(choice >> 3 & 3)]
    }

    func run() {
        let whole = read(bytes, piece: max(1, bytes.count), limits)
        precondition(read(bytes, piece: 1, limits) == whole, "byte by byte it reads differently")
        precondition(read(bytes, piece: 7, limits) == whole, "in pieces it reads differently")
        guard whole.framing != nil else { return }
        precondition(whole.progress == .complete)
        // A forwarded head must be unambiguous for the next hop. Fields added by Portico may
        // have made it a little longer.
        let roomy = HeadLimits(headBytesMax: 30_000, fieldsMax: 110, acceptInvalid: limits.acceptInvalid)
        let again = read(whole.written, piece: whole.written.count, roomy)
        precondition(again.progress == .complete && again.consumed == whole.written.count, "\(again.progress)")
        precondition(
            again.framing == whole.framing, "sent on, it has another end: \(String(describing: again.framing))")
        precondition(again.written == whole.written, "sent on twice, it is another message")
    }

    private func read(_ input: [UInt8], piece: Int, _ limits: HeadLimits) -> Reading {
        isRequest ? readRequest(input, piece, limits) : readResponse(input, piece, limits)
    }

    /// Feeds `parse` as a connection would: unconsumed bytes are passed again, followed by more.
    private func feed(
        _ input: [UInt8], _ piece: Int, _ parse: (_ window: [UInt8], _ consumed: inout Int) -> ParseProgress
    ) -> Reading {
        var reading = Reading()
        var available = 0
        while available < input.count && reading.progress == .needMore {
            available = min(input.count, available + piece)
            var consumed = 0
            reading.progress = parse(Array(input[reading.consumed..<available]), &consumed)
            precondition(consumed >= 0 && consumed <= available - reading.consumed, "\(consumed) bytes used up")
            reading.consumed += consumed
        }
        return reading
    }

    private func readRequest(_ input: [UInt8], _ piece: Int, _ limits: HeadLimits) -> Reading {
        var parser = RequestParser(limits: limits)
        var head = RequestHead()
        var reading = feed(input, piece) { window, consumed in
            unsafe parser.parse(window.span.bytes, into: &head, consumed: &consumed)
        }
        guard reading.progress == .complete, case .success(let framing) = head.bodyFraming() else { return reading }
        reading.framing = framing
        let switches = head.upgradeRequested
        head.fields.removeHopByHop(keepingUpgrade: switches)
        if head.version == .http10, !head.fields.contains(.host),
            head.targetForm == .origin || head.targetForm == .asterisk
        {
            head.fields.append(.host, "portico")
        }
        reading.written = written {
            MessageWriter.write(head, framing: framing, connection: switches ? .upgrade : .none, to: &$0)
        }
        return reading
    }

    private func readResponse(_ input: [UInt8], _ piece: Int, _ limits: HeadLimits) -> Reading {
        var parser = ResponseParser(limits: limits)
        var head = ResponseHead()
        var reading = feed(input, piece) { window, consumed in
            unsafe parser.parse(window.span.bytes, into: &head, consumed: &consumed)
        }
        guard reading.progress == .complete, case .success(let framing) = head.bodyFraming(requestMethod: methodAsked)
        else { return reading }
        reading.framing = framing
        head.fields.removeHopByHop()
        if methodAsked == .connect && head.status < 300 { head.fields.remove(.contentLength) }
        reading.written = written { MessageWriter.write(head, framing: framing, connection: .none, to: &$0) }
        return reading
    }
}
