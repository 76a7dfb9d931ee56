// Two sides of HTTP/2 that talk to each other, and peers that say what they must not: what comes of each frame.

import Basics
import Testing

@testable import HTTP

/// One side, with what it has been sent and not read yet, and what it has to send.
final class Side {
    let connection: HTTP2Connection
    private let pool = BufferPool()
    private var input = ByteBuffer()
    /// Bytes that have to go to the other side.
    private(set) var sent: [UInt8] = []
    var now = Instant(nanoseconds: 1_000_000_000)
    var head = RequestHead()
    var response = ResponseHead()
    var facts = HTTP2RequestFacts()

    init(_ role: HTTP2Connection.Role, _ limits: HTTP2Limits = HTTP2Limits()) {
        connection = HTTP2Connection(role, limits: limits, headLimits: HeadLimits())
    }

    deinit { input.release(to: pool) }

    /// What happened, in words.
    var events: [String] = []
    /// Content by stream.
    var content: [StreamSlot: Int] = [:]

    /// Reads bytes of the other side, in pieces of `size`.
    func read(_ bytes: [UInt8], piecesOf size: Int = .max) {
        var rest = bytes[...]
        while !rest.isEmpty {
            input.acquire(from: pool)
            input.compact()
            let piece = rest.prefix(min(size, input.room))
            rest = rest.dropFirst(piece.count)
            let fits = input.append(Array(piece))
            #expect(fits)
            understand()
        }
    }

    private func understand() {
        while true {
            switch connection.next(&input, at: now) {
            case .needsInput, .needsRoom: return
            case .progressed: break
            case .head(let slot):
                if connection.role == .server {
                    let result = connection.readRequest(slot, into: &head, facts: &facts)
                    events.append("request \(connection.number(of: slot)) \(result)")
                } else {
                    var length: UInt64?
                    let result = connection.readResponse(slot, into: &response, contentLength: &length, isToHead: false)
                    events.append("response \(connection.number(of: slot)) \(response.status) \(result)")
                }
            case .content(let slot, let count, let isLast):
                content[slot, default: 0] += count
                input.consume(count)
                if isLast { events.append("last of \(connection.number(of: slot))") }
            case .ended(let slot): events.append("end of \(connection.number(of: slot))")
            case .reset(let slot, let code, _):
                events.append("reset \(connection.number(of: slot)) \(code.name)")
                connection.release(slot, code: .cancel)
            case .windowOpened: events.append("window")
            case .goAway(let last, let code): events.append("goaway \(last) \(code.name)")
            case .failed(let fault):
                events.append("failed \(fault.code.name)")
                return
            }
        }
    }

    /// Takes what is to be sent.
    func take() -> [UInt8] {
        var out = ByteBuffer()
        out.acquire(from: pool)
        defer { out.release(to: pool) }
        var bytes: [UInt8] = []
        while connection.pendingControlBytes > 0 {
            connection.drain(into: &out)
            bytes.append(out.readable)
            out.consume(out.count)
        }
        return bytes
    }

    /// Content in frames, as much as may be sent.
    func frames(of bytes: [UInt8], on slot: StreamSlot) -> [UInt8] {
        var frames = take()
        var out = ByteBuffer()
        out.acquire(from: pool)
        defer { out.release(to: pool) }
        var sent = 0
        while sent < bytes.count {
            let rest = bytes.bytesForTest.extracting(sent..<bytes.count)
            let count = connection.sendContent(rest, on: slot, to: &out)
            if count == 0 { break }
            sent += count
            frames.append(out.readable)
            out.consume(out.count)
        }
        return frames
    }

    /// Begins a request.
    func ask(_ content: ContentLength = .none, method: String = "GET") -> StreamSlot {
        var head = RequestHead()
        head.setMethod(Array(method.utf8).bytesForTest)
        head.setTarget(Array("/".utf8).bytesForTest)
        head.fields.append(.host, "a")
        let slot = connection.open()
        _ = connection.send(
            head, content: content, scheme: "http", on: slot, endsStream: content == .none, endsWithContent: true)
        return slot
    }

    func answer(_ slot: StreamSlot, _ content: ContentLength = .none, status: Int = 200) {
        var head = ResponseHead()
        head.setStatus(status)
        _ = connection.send(
            head, content: content, isTunnel: false, on: slot, endsStream: status >= 200 && content == .none,
            endsWithContent: true)
    }
}

extension [UInt8] {
    var bytesForTest: RawSpan {
        @_lifetime(borrow self)
        get { unsafe span.bytes }
    }
}

/// A frame as bytes.
func frame(_ type: UInt8, _ flags: UInt8 = 0, _ stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(UInt8(payload.count >> 16))
    bytes.append(UInt8(payload.count >> 8 & 255))
    bytes.append(UInt8(payload.count & 255))
    bytes.append(type)
    bytes.append(flags)
    bytes.append(bigEndian: stream)
    return bytes + payload
}

private let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
/// `:method GET`, `:scheme http`, `:path /`, `:authority a`, from the static table.
private let get: [UInt8] = [0x82, 0x86, 0x84, 0x41, 0x01, 0x61]

@Suite struct HTTP2ConnectionTests {
    /// Faults of messages that only their connection can find; the last is its user's word for `undecodable`.
    static let faults = [MessageFault.contentLengthDisagrees, .endsWithInterim, .invalidCompression]

    @Test("A head that promises content, or another head, and ends the stream is malformed")
    func promises() {
        let side = server(frame(1, 5, 1, get + [0x0F, 0x0D, 0x01, 0x31]))
        #expect(side.events.last == "request 1 malformed(\(MessageFault.contentLengthDisagrees))")
        let (client, server) = pair()
        _ = client.ask()
        exchange(client, server)
        // :status 103
        client.read(frame(1, 5, 1, [0x08, 0x03, 0x31, 0x30, 0x33]))
        #expect(client.events.last == "response 1 103 malformed(\(MessageFault.endsWithInterim))")
    }

    /// A client and a server that have told each other their settings.
    private func pair(_ client: HTTP2Limits = HTTP2Limits(), _ server: HTTP2Limits = HTTP2Limits()) -> (Side, Side) {
        let (a, b) = (Side(.client, client), Side(.server, server))
        exchange(a, b)
        return (a, b)
    }

    private func exchange(_ a: Side, _ b: Side, piecesOf size: Int = .max) {
        for _ in 0..<4 {
            b.read(a.take(), piecesOf: size)
            a.read(b.take(), piecesOf: size)
        }
    }

    /// A server that has been sent the preface, settings and `bytes`, and says what happened.
    private func server(_ bytes: [UInt8], _ limits: HTTP2Limits = HTTP2Limits()) -> Side {
        let side = Side(.server, limits)
        side.read(preface + frame(4) + bytes)
        return side
    }

    @Test("A request, its content, the response and trailers cross, in pieces of any size", arguments: [1, 7, .max])
    func crossing(_ size: Int) {
        let (client, server) = pair()
        let slot = client.ask(.known(20), method: "POST")
        server.read(client.take() + client.frames(of: [UInt8](repeating: 0x61, count: 20), on: slot), piecesOf: size)
        #expect(server.events.suffix(2) == ["request 1 whole", "last of 1"])
        #expect(server.content == [0: 20])
        server.answer(0, status: 103)
        server.answer(0, .unknown)
        client.read(server.take() + server.frames(of: [1, 2, 3], on: 0), piecesOf: size)
        server.connection.end(0, trailers: Array("grpc-status: 0\r\n\r\n".utf8))
        client.read(server.take(), piecesOf: size)
        #expect(client.events.suffix(3) == ["response 1 103 whole", "response 1 200 whole", "end of 1"])
        #expect(client.connection.trailers == Array("grpc-status: 0\r\n\r\n".utf8))
        #expect(client.content == [0: 3])
        server.connection.release(0, code: .cancel)
        client.connection.release(0, code: .cancel)
        #expect(server.connection.streamCount == 0 && client.connection.streamCount == 0)
        exchange(client, server)
        #expect(!client.events.contains { $0.hasPrefix("reset") } && !server.events.contains { $0.hasPrefix("failed") })
    }

    @Test("As many streams are opened as both sides allow")
    func capacity() {
        var limits = HTTP2Limits()
        limits.maxConcurrentStreams = 3
        let (client, _) = pair(limits)
        for _ in 0..<3 {
            #expect(client.connection.mayOpen)
            _ = client.ask()
        }
        #expect(!client.connection.mayOpen)
        let (other, server) = pair(HTTP2Limits(), limits)
        for _ in 0..<3 { _ = other.ask() }
        #expect(!other.connection.mayOpen, "the server's settings say three")
        server.read(other.take())
        server.read(frame(1, 5, 7, get))
        #expect(server.connection.streamCount == 3, "the fourth is refused")
        other.read(server.take())
    }

    @Test("Content is bounded by the windows, and goes on when they open")
    func windows() {
        let (client, server) = pair()
        let slot = client.ask(.unknown, method: "POST")
        let bytes = [UInt8](repeating: 0x62, count: 200_000)
        var frames = client.take() + client.frames(of: bytes, on: slot)
        server.read(frames)
        #expect(server.content[0] == 65_535, "the window of a connection at its beginning")
        exchange(client, server)
        server.connection.took(65_535, of: 0)
        server.connection.openWindows()
        client.read(server.take())
        frames = client.frames(of: Array(bytes.dropFirst(65_535)), on: slot)
        server.read(frames)
        #expect(server.content[0] == 200_000, "the stream's window has grown, as there is room")
    }

    @Test("The window of a request with content opens at its head, as far as there is room")
    func windowAtHead() {
        let (client, server) = pair()
        let slot = client.ask(.unknown, method: "POST")
        server.read(client.take())
        server.connection.openWindows()
        client.read(server.take())
        let bytes = [UInt8](repeating: 0x62, count: 200_000)
        server.read(client.frames(of: bytes, on: slot))
        #expect(server.content[0] == 200_000)
        // One without content is told of no window.
        server.read(frame(1, 5, 3, get))
        client.read(server.take())
        server.connection.openWindows()
        #expect(server.connection.pendingControlBytes == 0)
    }

    @Test(
        "A frame that breaks the protocol ends the connection with its code",
        arguments: [
            (frame(0, 0, 0, [1]), "PROTOCOL_ERROR"), (frame(0, 0, 1, [1]), "PROTOCOL_ERROR"),
            (frame(1, 5, 2, get), "PROTOCOL_ERROR"), (frame(1, 5, 0, get), "PROTOCOL_ERROR"),
            (frame(1, 5, 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), "COMPRESSION_ERROR"),
            (frame(1, 5, 3, get) + frame(1, 5, 1, get), "STREAM_CLOSED"),
            (frame(1, 1, 1, get) + frame(6, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]), "PROTOCOL_ERROR"),
            (frame(9, 4, 1, get), "PROTOCOL_ERROR"), (frame(5, 4, 1, [0, 0, 0, 2]), "PROTOCOL_ERROR"),
            (frame(2, 0, 0, [0, 0, 0, 0, 1]), "PROTOCOL_ERROR"), (frame(2, 0, 1, [0, 0, 0, 0]), "FRAME_SIZE_ERROR"),
            (frame(3, 0, 0, [0, 0, 0, 0]), "PROTOCOL_ERROR"), (frame(3, 0, 1, [0, 0, 0, 0]), "PROTOCOL_ERROR"),
            (frame(4, 0, 1), "PROTOCOL_ERROR"), (frame(4, 0, 0, [0]), "FRAME_SIZE_ERROR"),
            (frame(4, 1, 0, [0, 0, 0, 0, 0, 0]), "FRAME_SIZE_ERROR"),
            (frame(4, 0, 0, [0, 2, 0, 0, 0, 2]), "PROTOCOL_ERROR"),
            (frame(4, 0, 0, [0, 4, 0x80, 0, 0, 0]), "FLOW_CONTROL_ERROR"),
            (frame(4, 0, 0, [0, 5, 0, 0, 0, 1]), "PROTOCOL_ERROR"),
            (frame(6, 0, 0, [0]), "FRAME_SIZE_ERROR"), (frame(6, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0]), "PROTOCOL_ERROR"),
            (frame(7, 0, 1, [0, 0, 0, 0, 0, 0, 0, 0]), "PROTOCOL_ERROR"), (frame(7, 0, 0, [0]), "FRAME_SIZE_ERROR"),
            (frame(8, 0, 0, [0, 0, 0, 0]), "PROTOCOL_ERROR"),
            (frame(8, 0, 0, [0x7F, 0xFF, 0xFF, 0xFF]), "FLOW_CONTROL_ERROR"),
            (frame(8, 0, 0, [0, 0, 1]), "FRAME_SIZE_ERROR"), (frame(16, 0, 0, [0, 0, 0, 0]), "PROTOCOL_ERROR"),
            (frame(1, 0x0D, 1, [9] + get), "PROTOCOL_ERROR"),
        ])
    func faults(_ bytes: [UInt8], _ code: String) {
        let side = server(bytes)
        #expect(side.events.last == "failed \(code)")
        #expect(side.connection.fault?.words.isEmpty == false)
        let goAway = Array(side.take().suffix(8 + 9 + (side.connection.fault?.words.utf8.count ?? 0)))
        #expect(goAway[3] == 7, "the last frame is GOAWAY, with the words in it")
    }

    @Test("The first frame has to be SETTINGS, and the preface the preface")
    func beginning() {
        let side = Side(.server)
        side.read(preface + frame(6, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]))
        #expect(side.events == ["failed PROTOCOL_ERROR"])
        let other = Side(.server)
        other.read(Array("GET / HTTP/1.1\r\n".utf8))
        #expect(other.events == ["failed PROTOCOL_ERROR"])
        let found = ["PRI * HT", "PUT / HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0"].map { text in
            HTTP2Connection.isPreface(Array(text.utf8).bytesForTest)
        }
        #expect(found == [nil, false, true])
    }

    @Test(
        "A fault of a stream ends that stream alone",
        arguments: [
            (frame(1, 5, 1, get) + frame(0, 1, 1, [1]), "STREAM_CLOSED"),
            (frame(1, 5, 1, get) + frame(8, 0, 1, [0, 0, 0, 0]), "PROTOCOL_ERROR"),
            (frame(1, 5, 1, get) + frame(8, 0, 1, [0x7F, 0xFF, 0xFF, 0xFF]), "FLOW_CONTROL_ERROR"),
            (frame(1, 4, 1, get) + frame(1, 4, 1, get), "PROTOCOL_ERROR"),
            (frame(1, 4, 1, get) + frame(3, 0, 1, [0, 0, 0, 8]), "CANCEL"),
            // content-length: 1
            (frame(1, 4, 1, get + [0x0F, 0x0D, 0x01, 0x31]) + frame(0, 1, 1, [1, 2]), "PROTOCOL_ERROR"),
            (frame(1, 4, 1, get + [0x0F, 0x0D, 0x01, 0x31]) + frame(0, 1, 1), "PROTOCOL_ERROR"),
            // content-length: 9
            (frame(1, 4, 1, get + [0x0F, 0x0D, 0x01, 0x39]) + frame(0, 1, 1, [1, 2]), "PROTOCOL_ERROR"),
        ])
    func faultsOfStreams(_ bytes: [UInt8], _ code: String) {
        let side = server(bytes + frame(1, 5, 3, get))
        #expect(side.events.suffix(2) == ["reset 1 \(code)", "request 3 whole"])
        #expect(side.connection.fault == nil)
    }

    @Test("A padded frame's padding is no content, and is given back to the windows")
    func padding() {
        let side = server(frame(1, 0x0C, 1, [2] + get + [0, 0]) + frame(0, 0x09, 1, [3, 0x61, 0x62, 0, 0, 0]))
        #expect(side.events.suffix(2) == ["request 1 whole", "end of 1"])
        #expect(side.content == [0: 2])
    }

    @Test(
        "What costs this side work and is of no use ends the connection, once it is too much",
        arguments: [
            (frame(6, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]), 1_001), (frame(4), 1_001),
            (frame(2, 0, 1, [0, 0, 0, 0, 1]), 1_001),
            (frame(8, 0, 0, [0, 0, 0, 1]), 1_200), (frame(16, 0, 0, [0, 0, 0, 1, 0x75]), 1_001),
        ])
    func floods(_ bytes: [UInt8], _ count: Int) {
        let side = server([])
        for _ in 0..<count {
            side.read(bytes)
            _ = side.take()
        }
        #expect(side.events.last == "failed ENHANCE_YOUR_CALM")
        #expect(side.connection.glitches >= 1_000)
    }

    // Regression: the rest of a frame was looked for in a stream that was not there any more.
    @Test("What is still to come of a frame is passed over when its stream is given up", arguments: [false, true])
    func givenUpInTheMiddle(isPadded: Bool) {
        let side = server(frame(1, 4, 1, get))
        let whole =
            isPadded
            ? frame(0, 8, 1, [3] + [UInt8](repeating: 0x61, count: 100) + [0, 0, 0])
            : frame(0, 0, 1, [UInt8](repeating: 0x61, count: 100))
        side.read(Array(whole.prefix(50)))
        side.connection.release(0, code: .cancel)
        side.read(Array(whole.dropFirst(50)) + frame(1, 5, 3, get))
        #expect(side.events.last == "request 3 whole")
        #expect(side.connection.fault == nil)
    }

    @Test("A client that resets each stream it begins is stopped; one that does so now and then is not")
    func rapidReset() {
        let side = server([])
        for i in 0..<1_001 {
            let id = UInt32(2 * i + 1)
            side.read(frame(1, 5, id, get) + frame(3, 0, id, [0, 0, 0, 8]))
        }
        #expect(side.events.last == "failed ENHANCE_YOUR_CALM")
        let patient = server([])
        for i in 0..<3_000 {
            let id = UInt32(2 * i + 1)
            patient.now = patient.now + .milliseconds(10)
            patient.read(frame(1, 5, id, get) + frame(3, 0, id, [0, 0, 0, 8]))
        }
        #expect(patient.connection.fault == nil && patient.connection.streamCount == 0)
    }

    @Test("A header block in many frames, or longer than a head may be, ends the connection")
    func continuationFlood() {
        let side = server(frame(1, 1, 1, get))
        for _ in 0..<40 { side.read(frame(9, 0, 1, [0x40, 1, 0x61, 1, 0x62])) }
        #expect(side.events.last == "failed ENHANCE_YOUR_CALM")
        let long = server(frame(1, 1, 1, [UInt8](repeating: 0x82, count: 16_384)))
        #expect(long.events.last == "failed ENHANCE_YOUR_CALM")
    }

    @Test("Glitches end the connection at the operator's limit")
    func glitches() {
        var limits = HTTP2Limits()
        limits.glitchesMax = 5
        let side = server([], limits)
        for _ in 0..<5 { side.read(frame(6, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0])) }
        #expect(side.events.last == "failed ENHANCE_YOUR_CALM")
        #expect(side.connection.glitches == 5)
    }

    @Test("Streams take turns by urgency, and none starves")
    func order() {
        var order = SendOrder()
        var urgent = StreamPriority()
        urgent.urgency = 0
        for slot in 0..<3 { order.append(slot, StreamPriority()) }
        var inTurn: [StreamSlot?] = []
        for _ in 0..<3 { inTurn.append(order.next()) }
        #expect(inTurn == [0, 1, 2])
        order.append(7, StreamPriority())
        var turns: [StreamSlot] = []
        for _ in 0..<20 {
            order.append(1, urgent)
            turns.append(order.next() ?? -1)
        }
        #expect(turns.first == 1 && turns.contains(7), "the less urgent one has a turn too")
        let told = StreamPriority(Array("u=5, i".utf8).bytesForTest)
        #expect(told.urgency == 5 && told.isIncremental && told.isTold)
    }

    // Regression: trailers of an earlier stream made a later one unknown, and its content a fault.
    @Test("Frames of streams behind GOAWAY are passed over: heads, content and trailers")
    func behindGoAway() {
        let side = server(frame(1, 5, 1, get))
        side.connection.goAway("enough")
        let before = side.events.count
        side.read(frame(1, 4, 3, get) + frame(1, 4, 5, get) + frame(0, 0, 3, [1]))
        side.read(frame(1, 5, 3, [0x40, 1, 0x61, 1, 0x62]) + frame(0, 1, 5, [1]))
        #expect(side.events.count == before && side.connection.fault == nil)
        #expect(side.connection.streamCount == 1)
    }

    // Regression: a second head was told of on a stream whose first was malformed.
    @Test("What was under way on a stream that this side has reset is passed over: heads, content, trailers")
    func resetStream() {
        let (client, server) = pair()
        let slot = client.ask()
        server.read(client.take())
        client.connection.reset(slot, .protocolError)
        let before = client.events.count
        client.read(frame(1, 4, 1, [0x88]) + frame(0, 0, 1, [1, 2]) + frame(1, 5, 1, [0x40, 1, 0x61, 1, 0x62]))
        #expect(client.events.count == before && client.connection.fault == nil)
    }

    // Regression: it was reset, which is an error of the connection where the stream is idle.
    @Test("A stream whose request was not sent is given up without a word, and a server cannot speak on it")
    func unsentRequest() {
        let (client, server) = pair()
        client.connection.release(client.connection.open(), code: .cancel)
        let slot = client.connection.open()
        client.connection.reset(slot, .cancel)
        client.connection.release(slot, code: .cancel)
        _ = client.ask()
        server.read(client.take())
        #expect(server.connection.fault == nil && server.events.last == "request 5 whole")
        _ = client.connection.open()
        client.read(frame(3, 0, 7, [0, 0, 0, 8]))
        #expect(client.connection.fault?.code == .protocolError)
    }

    @Test("Content that is whole by its length needs no reset, although the stream's end is a frame of its own")
    func separateEnd() {
        let side = server(frame(1, 4, 1, get + [0x0F, 0x0D, 0x01, 0x31]) + frame(0, 0, 1, [0x61]))
        side.answer(0)
        side.connection.release(0, code: .noError)
        let sent = side.take()
        #expect(!sent.isEmpty && side.connection.streamCount == 1, "its end is awaited")
        side.read(frame(0, 1, 1))
        #expect(side.connection.streamCount == 0 && side.take().isEmpty)
        #expect(side.connection.fault == nil)
    }

    @Test("A stream that is released while a frame of it comes in leaves the frame's rest to nobody", arguments: 1...12)
    func releasedInFrame(_ cut: Int) {
        let side = server(frame(1, 4, 1, get))
        // Padded by three bytes.
        let content = frame(0, 8, 1, [3, 1, 2, 3, 4, 0, 0, 0])
        side.read(Array(content.prefix(cut)))
        side.connection.release(0, code: .cancel)
        side.read(Array(content.dropFirst(cut)) + frame(1, 5, 3, get))
        #expect(side.events.last == "request 3 whole")
        #expect(side.connection.fault == nil && side.connection.streamCount == 1)
    }

    @Test("The words of a GOAWAY may be longer than a buffer")
    func longGoAway() {
        let side = Side(.client)
        let words = [UInt8](repeating: 0x77, count: 16_000)
        side.read(frame(4) + frame(7, 0, 0, [UInt8](repeating: 0, count: 8) + words), piecesOf: 1_000)
        side.read(frame(6, 0, 0, Array(words.prefix(8))))
        #expect(side.events.last == "goaway 0 NO_ERROR")
        #expect(side.connection.fault == nil && side.connection.lastStreamOfPeer == 0)
        #expect(side.take().suffix(8) == words.prefix(8), "the PING behind it is answered")
    }

    @Test("A PING is answered once, with the same bytes; other answers are glitches")
    func pings() {
        let (client, server) = pair()
        for (asking, asked) in [(client, server), (server, client)] {
            for _ in 1...2 {
                asking.connection.ping()
                #expect(asking.connection.awaitsPong)
                asked.read(asking.take())
                asking.read(asked.take())
                #expect(!asking.connection.awaitsPong)
            }
        }
        client.connection.ping()
        client.read(frame(6, 1, 0, [UInt8](repeating: 9, count: 8)))
        #expect(client.connection.awaitsPong && client.connection.fault == nil)
        client.read(frame(6, 1, 0, [0, 0, 0, 0, 0, 0, 0, 3]))
        #expect(!client.connection.awaitsPong)
    }

    @Test("An urgent stream whose window is shut keeps no other waiting")
    func shutAndUrgent() {
        // :priority u=0 for stream 1, whose window has no byte.
        let side = server(
            frame(16, 0, 0, [0, 0, 0, 1] + Array("u=0".utf8)) + frame(4, 0, 0, [0, 4, 0, 0, 0, 0])
                + frame(1, 5, 1, get) + frame(1, 5, 3, get) + frame(8, 0, 3, [0, 0, 0, 9]))
        side.connection.wait(0)
        side.connection.wait(1)
        #expect(side.connection.nextToSend() == 1)
        #expect(side.connection.nextToSend() == nil && side.connection.waitingCount == 1)
    }

    @Test("A window opens again whatever takes it up: content, or padding", arguments: [1, 4, 408])
    func windowOfPadding(_ initialWindow: Int) {
        var limits = HTTP2Limits()
        limits.initialWindow = initialWindow
        limits.receiveBytesMax = 0
        let side = server(frame(4, 1) + frame(1, 4, 1, get), limits)
        _ = side.take()
        var given = initialWindow
        for _ in 0..<150 {
            guard given >= 1 else { break }
            let padded = given >= 4 ? frame(0, 8, 1, [2, 0x61, 0, 0]) : frame(0, 0, 1, [0x61])
            side.read(padded)
            side.connection.took(1, of: 0)
            given -= padded.count - 9
            side.connection.openWindows()
            let told = side.take()
            if told.count >= 13, told[3] == 8 { given += Int(told[11]) << 8 + Int(told[12]) }
        }
        #expect(given > 0 && side.connection.fault == nil)
    }
}
