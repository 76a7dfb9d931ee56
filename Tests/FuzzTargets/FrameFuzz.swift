// A whole connection of HTTP/2: frames of a peer, and a user that takes heads and content, answers, releases and ends streams in between.

import Basics
import HTTP

/// The peer's bytes come in pieces, each behind what the user does before it and its length.
struct FrameFuzz: ~Copyable {
    private var bytes: ArraySlice<UInt8>
    private let connection: HTTP2Connection
    private let streamsMax: Int
    private let pool = BufferPool(blockBytes: 4_096)
    private var input = ByteBuffer()
    private var output = ByteBuffer()
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var streams: [StreamSlot: Stream] = [:]
    /// Bytes of what the user has sent that wait, and were no answers to frames.
    private var usersBytes = 0
    private var hasFailed = false

    /// What the user knows of a stream.
    private struct Stream {
        var hasHead = false
        var hasEnded = false
        var wasReset = false
        /// Content that its head has announced.
        var announced: UInt64?
        var received: UInt64 = 0
        /// Content that the user has not taken.
        var waiting = 0
        var isAnswered = false
        /// What the user has still to send, where it has said how much.
        var left = Int.max
    }

    init(_ bytes: [UInt8], _ choice: UInt8) {
        self.bytes = bytes[...]
        var limits = HTTP2Limits()
        limits.maxConcurrentStreams = choice & 2 == 0 ? 100 : 2
        limits.initialWindow = choice & 4 == 0 ? 65_536 : 20
        limits.headerTableSize = choice & 8 == 0 ? 4_096 : 65_536
        limits.glitchesMax = choice & 16 == 0 ? 0 : 5
        limits.resetsAtOnceMax = choice & 32 == 0 ? 0 : 3
        streamsMax = limits.maxConcurrentStreams
        let headLimits = HeadLimits(
            headBytesMax: choice & 64 == 0 ? 15_360 : 200, fieldsMax: 20, acceptInvalid: choice & 128 != 0)
        connection = HTTP2Connection(choice & 1 == 0 ? .server : .client, limits: limits, headLimits: headLimits)
    }

    mutating func run() {
        begin()
        while let act = bytes.popFirst(), let count = bytes.popFirst() {
            let pending = connection.pendingControlBytes
            perform(act)
            usersBytes += max(0, connection.pendingControlBytes - pending)
            let piece = bytes.prefix(Int(count))
            bytes = bytes.dropFirst(Int(count))
            read(Array(piece))
            now = now + .milliseconds(1)
        }
        input.release(to: pool)
        output.release(to: pool)
        precondition(pool.lent == 0, "buffers are left")
    }

    /// What every connection begins with, and towards a server two requests.
    private mutating func begin() {
        var beginning: [UInt8] = []
        if connection.role == .server { beginning.append(HTTP2Connection.preface) }
        beginning += [0, 0, 0, 4, 0, 0, 0, 0, 0]
        read(beginning)
        if connection.role == .client { for _ in 0..<2 { open() } }
        usersBytes = connection.pendingControlBytes
    }

    // MARK: - Reading

    private mutating func read(_ piece: [UInt8]) {
        input.acquire(from: pool)
        input.compact()
        if piece.count > input.room {
            precondition(connection.pendingControlBytes > 0 || hasFailed, "a buffer of 4,096 bytes is too short for it")
            drain()
            understand()
            input.compact()
            if piece.count > input.room { return }
        }
        precondition(input.append(piece))
        understand()
    }

    private mutating func understand() {
        while true {
            let before = input.count
            let event = connection.next(&input, at: now)
            checkBounds()
            if hasFailed, case .failed = event { return }
            precondition(!hasFailed, "something happens on a connection that has failed")
            switch event {
            case .needsInput, .needsRoom: return
            case .head(let slot): headCame(slot)
            case .content(let slot, let count, let isLast):
                precondition(count > 0 && count <= input.count, "content that is not there")
                contentCame(slot, count)
                if isLast { endCame(slot) }
            case .ended(let slot): endCame(slot)
            case .reset(let slot, _, _):
                precondition(streams[slot] != nil, "the reset of a stream that nobody has")
                streams[slot]?.wasReset = true
            case .windowOpened, .progressed, .goAway: precondition(input.count <= before)
            case .failed(let fault):
                precondition(connection.fault == fault && connection.pendingControlBytes > 0, "the peer is not told")
                hasFailed = true
            }
        }
    }

    private func checkBounds() {
        let unanswered = connection.pendingControlBytes - usersBytes
        precondition(unanswered <= 16_384 + 256, "\(unanswered) bytes of answers wait")
        precondition(connection.streamCount <= max(streamsMax, streams.count), "\(connection.streamCount) streams")
    }

    private mutating func headCame(_ slot: StreamSlot) {
        if connection.role == .server { precondition(streams[slot] == nil, "a slot for two streams") }
        var stream = streams[slot] ?? Stream()
        precondition(!stream.hasHead, "a second head")
        let result: HeadResult
        if connection.role == .server {
            var head = RequestHead()
            var facts = HTTP2RequestFacts()
            result = connection.readRequest(slot, into: &head, facts: &facts)
            stream.announced = facts.contentLength
            stream.hasHead = true
        } else {
            var head = ResponseHead()
            result = connection.readResponse(slot, into: &head, contentLength: &stream.announced, isToHead: false)
            stream.hasHead = head.status >= 200
            if head.status == 204 || head.status == 304 { stream.announced = 0 }
        }
        if result == .undecodable {
            precondition(connection.fault != nil)
            hasFailed = true
        }
        stream.hasEnded = connection.peerHasEnded(slot)
        if result == .whole, stream.hasHead, stream.hasEnded, !stream.wasReset {
            precondition(stream.announced ?? 0 == 0, "the end before content that was announced")
        }
        streams[slot] = stream
        if case .malformed = result {
            connection.reset(slot, .protocolError)
            streams[slot]?.wasReset = true
        }
    }

    private mutating func contentCame(_ slot: StreamSlot, _ count: Int) {
        guard var stream = streams[slot] else { preconditionFailure("content of a stream that nobody has") }
        precondition(stream.wasReset || stream.hasHead && !stream.hasEnded, "content where none may be")
        input.consume(count)
        stream.received += UInt64(count)
        stream.waiting += count
        if let announced = stream.announced, !stream.wasReset {
            precondition(stream.received <= announced, "more content than was announced")
        }
        streams[slot] = stream
    }

    private mutating func endCame(_ slot: StreamSlot) {
        guard let stream = streams[slot] else { preconditionFailure("the end of a stream that nobody has") }
        precondition(connection.peerHasEnded(slot) && (stream.wasReset || !stream.hasEnded), "a second end")
        if let announced = stream.announced, !stream.wasReset {
            precondition(stream.received == announced, "less content than was announced")
        }
        streams[slot]?.hasEnded = true
    }

    // MARK: - What the user does

    private mutating func perform(_ act: UInt8) {
        if act & 8 != 0 { drain() }
        let slots = streams.keys.sorted()
        guard !slots.isEmpty, act & 7 > 1 else {
            if act & 7 == 1 { open() }
            return
        }
        let slot = slots[Int(act &>> 4) % slots.count]
        switch act & 7 {
        case 2: answer(slot)
        case 3: connection.end(slot, trailers: act & 128 == 0 ? nil : Array("a: b\r\n\r\n".utf8))
        case 4:
            let waiting = streams[slot]?.waiting ?? 0
            connection.release(slot, code: .cancel)
            connection.giveBack(waiting)
            streams[slot] = nil
        case 5:
            connection.reset(slot, .internalError)
            streams[slot]?.wasReset = true
        case 6:
            connection.took(streams[slot]?.waiting ?? 0, of: slot)
            streams[slot]?.waiting = 0
            connection.openWindows()
        default: connection.goAway("enough", isWarning: act & 128 == 0)
        }
    }

    private mutating func open() {
        guard connection.mayOpen else { return }
        var head = RequestHead()
        precondition(unsafe head.setTarget(Array("/".utf8).span.bytes) && head.fields.append(.host, "a"))
        let slot = connection.open()
        precondition(streams[slot] == nil, "a slot for two streams")
        streams[slot] = Stream()
        _ = connection.send(
            head, content: .unknown, scheme: "http", on: slot, endsStream: false, endsWithContent: true)
    }

    /// Sends a response's head to a client, and content to either.
    private mutating func answer(_ slot: StreamSlot) {
        if connection.role == .server, streams[slot]?.isAnswered == false, !connection.hasEnded(slot) {
            _ = connection.send(
                ResponseHead(), content: .known(39), isTunnel: false, on: slot, endsStream: false,
                endsWithContent: true)
            streams[slot]?.isAnswered = true
            streams[slot]?.left = 39
            return
        }
        if connection.role == .server, streams[slot]?.isAnswered == false { return }
        connection.wait(slot)
        drain()
        guard let next = connection.nextToSend() else { return }
        output.acquire(from: pool)
        let left = streams[next]?.left ?? .max
        let sent = unsafe connection.sendContent(
            [1, 2, 3].span.bytes.extracting(first: min(3, left)), on: next, to: &output)
        streams[next]?.left = left - sent
        output.consume(output.count)
    }

    private mutating func drain() {
        output.acquire(from: pool)
        while connection.pendingControlBytes > 0 {
            connection.drain(into: &output)
            output.consume(output.count)
        }
        usersBytes = 0
    }
}
