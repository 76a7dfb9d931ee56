// Reading frames: what each may say, where, and what follows from it (RFC 9113 sections 4 to 6).

public import Basics

/// What the rest of the present frame is.
enum Payload: Sendable {
    case skipped
    /// Of no stream that is there: passed over, and given back to the connection's window.
    case dropped
    /// The lengths that precede a header block or content.
    case prologue
    case content(StreamSlot)
    case block
    case settings
    /// Short frames, which are read whole.
    case whole
    /// The two numbers of GOAWAY; what follows them is passed over.
    case goAway
}

extension HTTP2Connection {
    /// Reads on. What was understood is consumed from `input`, but for content, which the user takes.
    public func next(_ input: inout ByteBuffer, at now: Instant) -> HTTP2Event {
        if let fault { return .failed(fault) }
        allowance.refill(at: now)
        for _ in 0..<Self.framesPerCall {
            if pendingControlBytes > Self.controlBytesMax { return .needsRoom }
            if prefaceLeft > 0 {
                if let event = readPreface(&input) { return event }
                continue
            }
            guard let frame else {
                guard input.count >= FrameHeader.byteCount else { return .needsInput }
                let header = FrameHeader(input.readable)
                input.consume(FrameHeader.byteCount)
                if let event = begin(header) { return event }
                continue
            }
            if let event = readPayload(of: frame, &input) { return event }
        }
        return .progressed
    }

    /// Frames without an event after which the user has a say: others wait for their turn too.
    private static let framesPerCall = 256

    /// Bytes to be sent beside content, above which nothing more is read.
    private static let controlBytesMax = 16_384

    /// Whether `bytes`, all that have come so far, may be the beginning of a client's preface: nil if they are too few to tell.
    public static func isPreface(_ bytes: RawSpan) -> Bool? {
        let known = preface.bytes
        for i in 0..<min(bytes.byteCount, known.byteCount) where bytes[i] != known[i] { return false }
        return bytes.byteCount >= known.byteCount ? true : nil
    }

    private func readPreface(_ input: inout ByteBuffer) -> HTTP2Event? {
        let known = Self.preface.bytes
        let count = min(input.count, prefaceLeft)
        let seen = known.byteCount - prefaceLeft
        for i in 0..<count where input.readable[i] != known[seen + i] {
            return fail(.protocolError, "the connection does not begin with the preface of HTTP/2")
        }
        input.consume(count)
        prefaceLeft -= count
        return prefaceLeft > 0 ? .needsInput : nil
    }

    // MARK: The beginning of a frame

    private func begin(_ header: FrameHeader) -> HTTP2Event? {
        if header.length > limits.maxFrameSize {
            return fail(.frameSizeError, "a frame of \(header.length) bytes, where \(limits.maxFrameSize) are allowed")
        }
        let type = FrameType(rawValue: header.type)
        if !hasPeerSettings, type != .settings || header.flags.contains(.ack) {
            return fail(.protocolError, "the first frame is not SETTINGS")
        }
        if let blockStream, type != .continuation || header.stream != blockStream {
            return fail(.protocolError, "a header block of stream \(blockStream) is not continued")
        }
        frame = header
        payloadLeft = header.length
        padding = 0
        switch type {
        case .data:
            counts.dataReceived += 1
            return beginData(header)
        case .headers:
            counts.headersReceived += 1
            return beginHeaders(header)
        case .continuation: return beginContinuation(header)
        case .settings: return beginSettings(header)
        case .pushPromise: return fail(.protocolError, "PUSH_PROMISE, which this side has not allowed")
        case .ping: return beginWhole(header, length: 8, onStream: false)
        case .windowUpdate: return beginWhole(header, length: 4, onStream: nil)
        case .resetStream: return beginWhole(header, length: 4, onStream: true)
        case .priority: return beginWhole(header, length: 5, onStream: true)
        case .goAway:
            if header.stream != 0 { return fail(.protocolError, "GOAWAY on stream \(header.stream)") }
            if header.length < 8 { return fail(.frameSizeError, "GOAWAY of \(header.length) bytes") }
            payload = .goAway
        case .priorityUpdate:
            if header.stream != 0 { return fail(.protocolError, "PRIORITY_UPDATE on stream \(header.stream)") }
            if header.length < 4 { return fail(.frameSizeError, "PRIORITY_UPDATE of \(header.length) bytes") }
            payload = header.length <= Self.priorityUpdateBytesMax ? .whole : .skipped
        case nil:
            payload = .skipped
            return glitch("frames of unknown types", isAbuse: false)
        }
        return nil
    }

    private static let priorityUpdateBytesMax = 256

    private func beginWhole(_ header: FrameHeader, length: Int, onStream: Bool?) -> HTTP2Event? {
        if let onStream, onStream != (header.stream != 0) {
            return fail(.protocolError, "\(header.name) on stream \(header.stream)")
        }
        if header.length != length { return fail(.frameSizeError, "\(header.name) of \(header.length) bytes") }
        payload = .whole
        return nil
    }

    /// Whether no stream of this number was begun yet.
    func isIdle(_ id: UInt32) -> Bool {
        let isPeers = (id % 2 == 1) == (role == .server)
        if isPeers { return id > max(lastPeerStream, lastIgnoredStream) }
        return id >= nextOwnStream || streams.slot(of: id).map { !streams[$0].hasBegun } ?? false
    }

    private func beginData(_ header: FrameHeader) -> HTTP2Event? {
        let id = header.stream
        if id == 0 { return fail(.protocolError, "DATA on stream 0") }
        if isIdle(id) { return fail(.protocolError, "DATA on stream \(id), which has not begun") }
        if header.length > receiveWindow {
            return fail(.flowControlError, "DATA beyond the connection's window")
        }
        receiveWindow -= header.length
        if windowToGive > 0 { giveWholeWindow() }
        payload = .dropped
        let isEmpty = header.length == 0 && !header.flags.contains(.endStream)
        if isEmpty, let event = glitch("empty DATA frames") { return event }
        guard let slot = streams.slot(of: id) else { return dataOnClosedStream(id) }
        let state = streams[slot]
        if state.isReset { return nil }
        if state.isAbandoned {
            if header.length > 0 { return resetAbandoned(slot, .protocolError) }
        } else if state.peerHasEnded {
            return resetStream(slot, .streamClosed)
        } else if !state.hasHead && role == .client {
            return resetStream(slot, .protocolError)
        } else if header.length > state.receiveWindow {
            return resetStream(slot, .flowControlError)
        }
        streams[slot].receiveWindow -= header.length
        payload = header.flags.contains(.padded) ? .prologue : .content(slot)
        return nil
    }

    private func dataOnClosedStream(_ id: UInt32) -> HTTP2Event? {
        if let last = lastServedStream, id > last { return nil }
        lateFrames += 1
        // What was under way when the stream was reset is no fault; more than a window lets pass is an attack.
        if resetLately.contains(id), lateFrames <= Self.lateFramesMax { return nil }
        appendReset(id, .streamClosed)
        return glitch("DATA on closed streams")
    }

    /// Frames on streams that were reset which may still be under way, since the last stream began.
    private static let lateFramesMax = 1_000

    private func beginHeaders(_ header: FrameHeader) -> HTTP2Event? {
        let id = header.stream
        if id == 0 { return fail(.protocolError, "HEADERS on stream 0") }
        if role == .server, id % 2 == 0 {
            return fail(.protocolError, "HEADERS on stream \(id), which is not a client's")
        }
        if role == .client, isIdle(id) {
            return fail(.protocolError, "HEADERS on stream \(id), which has not begun")
        }
        let isIgnored = lastServedStream.map { id > $0 } ?? false
        if !isIgnored, !isIdle(id), streams.slot(of: id) == nil, !resetLately.contains(id) {
            if role == .server { return fail(.streamClosed, "HEADERS on stream \(id), which has ended") }
            if let event = glitch("HEADERS on closed streams") { return event }
        }
        blockStream = id
        blockEndsStream = header.flags.contains(.endStream)
        blockFrames = 1
        block.removeAll(keepingCapacity: true)
        payload = header.flags.isDisjoint(with: [.padded, .priority]) ? .block : .prologue
        return nil
    }

    private func beginContinuation(_ header: FrameHeader) -> HTTP2Event? {
        guard blockStream != nil else { return fail(.protocolError, "CONTINUATION behind no header block") }
        blockFrames += 1
        if blockFrames > Self.blockFramesMax {
            return fail(.enhanceYourCalm, "a header block in more than \(Self.blockFramesMax) frames")
        }
        payload = .block
        return header.length == 0 ? glitch("empty CONTINUATION frames") : nil
    }

    /// More frames than any head needs that is allowed.
    private static let blockFramesMax = 32

    private func beginSettings(_ header: FrameHeader) -> HTTP2Event? {
        if header.stream != 0 { return fail(.protocolError, "SETTINGS on stream \(header.stream)") }
        if header.flags.contains(.ack) {
            if header.length != 0 { return fail(.frameSizeError, "an acknowledgement of SETTINGS with content") }
            if settingsAreKnown, let event = glitch("acknowledgements of no SETTINGS") { return event }
            settingsTakeEffect()
        } else {
            if header.length % 6 != 0 { return fail(.frameSizeError, "SETTINGS of \(header.length) bytes") }
            if hasPeerSettings, let event = glitch("SETTINGS frames") { return event }
            hasPeerSettings = true
            counts.settingsReceived += 1
        }
        payload = .settings
        return nil
    }

    // MARK: The rest of a frame

    private func readPayload(of header: FrameHeader, _ input: inout ByteBuffer) -> HTTP2Event? {
        switch payload {
        case .skipped: return pass(&input)
        case .dropped:
            let before = payloadLeft
            let event = pass(&input)
            giveBack(before - payloadLeft)
            return event
        case .prologue: return readPrologue(of: header, &input)
        case .content(let slot): return readContent(of: slot, header, &input)
        case .block: return readBlock(of: header, &input)
        case .settings: return readSettings(header, &input)
        case .whole:
            guard input.count >= payloadLeft else { return .needsInput }
            let length = payloadLeft
            frame = nil
            defer { input.consume(length) }
            return obey(header, input.readable.extracting(0..<length))
        case .goAway:
            guard input.count >= 8 else { return .needsInput }
            payload = .skipped
            payloadLeft -= 8
            defer { input.consume(8) }
            return obey(header, input.readable.extracting(0..<8))
        }
    }

    /// Consumes what is here of the frame; nil if all of it was.
    func pass(_ input: inout ByteBuffer) -> HTTP2Event? {
        let count = min(input.count, payloadLeft)
        input.consume(count)
        payloadLeft -= count
        if payloadLeft > 0 { return .needsInput }
        frame = nil
        return nil
    }

    /// The length of the padding, and in HEADERS the priority of RFC 7540.
    private func readPrologue(of header: FrameHeader, _ input: inout ByteBuffer) -> HTTP2Event? {
        let hasPadding = header.flags.contains(.padded)
        let isBlock = header.type == FrameType.headers.rawValue
        let hasPriority = isBlock && header.flags.contains(.priority)
        let count = (hasPadding ? 1 : 0) + (hasPriority ? 5 : 0)
        if header.length < count { return fail(.frameSizeError, "a frame shorter than what its flags announce") }
        guard input.count >= count else { return .needsInput }
        padding = hasPadding ? Int(input.readable[0]) : 0
        if hasPriority {
            let parent = input.readable.bigEndian(at: count - 5) & 0x7FFF_FFFF
            if parent == header.stream { blockDependsOnItself = true }
        }
        input.consume(count)
        payloadLeft -= count
        if padding > payloadLeft { return fail(.protocolError, "padding longer than its frame") }
        if isBlock {
            payload = .block
            return nil
        }
        guard let slot = streams.slot(of: header.stream) else {
            giveBack(count)
            payload = .dropped
            return nil
        }
        took(count, of: slot)
        payload = .content(slot)
        let isEmpty = padding == payloadLeft && !header.flags.contains(.endStream)
        return isEmpty ? glitch("DATA frames of padding alone") : nil
    }

    private func readContent(of slot: StreamSlot, _ header: FrameHeader, _ input: inout ByteBuffer) -> HTTP2Event? {
        let contentLeft = payloadLeft - padding
        if contentLeft > 0 {
            guard !input.isEmpty else { return .needsInput }
            let count = min(input.count, contentLeft)
            if let expected = streams[slot].contentLeft {
                guard UInt64(contentLeft) <= expected else { return tooMuchContent(slot) }
                streams[slot].contentLeft = expected - UInt64(count)
            }
            payloadLeft -= count
            let isLast = payloadLeft == 0 && header.flags.contains(.endStream)
            if payloadLeft == 0 { frame = nil }
            if isLast, let event = end(slot) {
                // The stream's user does not get it any more.
                input.consume(count)
                giveBack(count)
                return event
            }
            return .content(slot, count: count, isLast: isLast)
        }
        if payloadLeft > 0, let event = passPadding(of: slot, &input) { return event }
        frame = nil
        guard header.flags.contains(.endStream) else { return nil }
        trailers = nil
        if let event = end(slot) { return event }
        return endOfUnused(slot) ? nil : .ended(slot)
    }

    private func passPadding(of slot: StreamSlot, _ input: inout ByteBuffer) -> HTTP2Event? {
        let before = payloadLeft
        let event = pass(&input)
        took(before - payloadLeft, of: slot)
        return event
    }

    private func tooMuchContent(_ slot: StreamSlot) -> HTTP2Event? {
        payload = .dropped
        return streams[slot].isAbandoned ? resetAbandoned(slot, .protocolError) : resetStream(slot, .protocolError)
    }

    /// The peer sends no more on the stream; an event if what it has sent is too little.
    func end(_ slot: StreamSlot) -> HTTP2Event? {
        streams[slot].peerHasEnded = true
        if let left = streams[slot].contentLeft, left > 0 { return resetStream(slot, .protocolError) }
        return nil
    }

    /// Forgets a stream that nothing uses any more, of which only the end was awaited.
    private func endOfUnused(_ slot: StreamSlot) -> Bool {
        guard streams[slot].isAbandoned else { return false }
        remove(slot)
        return true
    }
}
