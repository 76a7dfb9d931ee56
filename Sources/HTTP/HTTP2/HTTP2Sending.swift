// Sending: heads, content and what answers the peer. All but content waits in the outbox, which leaves before more content does, so that
// heads and content are in order.

public import Basics

extension HTTP2Connection {
    // MARK: Everything but content

    /// Bytes of control frames and heads that are to be sent.
    public var pendingControlBytes: Int { outbox.count - outboxSent }

    /// Moves control frames and heads into `output`, as far as there is room. Content may follow only if all of them left.
    public func drain(into output: inout ByteBuffer) {
        let count = min(pendingControlBytes, output.room)
        guard count > 0 else { return }
        let fits = unsafe output.append(outbox.span.bytes.extracting(outboxSent..<outboxSent + count))
        precondition(fits, "\(count) bytes did not fit")
        outboxSent += count
        if outboxSent == outbox.count {
            if outbox.capacity > Self.outboxBytesKept { outbox = [] } else { outbox.removeAll(keepingCapacity: true) }
            outboxSent = 0
        }
    }

    private static let outboxBytesKept = 4_096

    func appendSettings() {
        var settings: [(SettingName, Int)] = []
        if role == .server {
            settings.append((.maxConcurrentStreams, limits.maxConcurrentStreams))
            if announcesWebSockets { settings.append((.enableConnectProtocol, 1)) }
            settings.append((.noRFC7540Priorities, 1))
        } else {
            settings.append((.enablePush, 0))
        }
        if limits.headerTableSize != 4_096 { settings.append((.headerTableSize, limits.headerTableSize)) }
        if limits.initialWindow != Self.windowOfProtocol { settings.append((.initialWindowSize, limits.initialWindow)) }
        if limits.maxFrameSize != FrameHeader.payloadBytesMin { settings.append((.maxFrameSize, limits.maxFrameSize)) }
        settings.append((.maxHeaderListSize, headLimits.headBytesMax))
        FrameHeader(.settings, stream: 0, length: settings.count * 6).append(to: &outbox)
        for (name, value) in settings {
            outbox.append(UInt8(truncatingIfNeeded: name.rawValue &>> 8))
            outbox.append(UInt8(truncatingIfNeeded: name.rawValue))
            outbox.append(bigEndian: UInt32(value))
        }
    }

    /// Opens the connection's window to what the limits allow.
    func giveWholeWindow() {
        if windowToGive > 0 { appendWindowUpdate(0, windowToGive) }
        receiveWindow += windowToGive
        windowToGive = 0
    }

    private func appendWindowUpdate(_ stream: UInt32, _ increment: Int) {
        FrameHeader(.windowUpdate, stream: stream, length: 4).append(to: &outbox)
        outbox.append(bigEndian: UInt32(increment))
    }

    func appendReset(_ stream: UInt32, _ code: HTTP2ErrorCode) {
        noteReset(stream)
        if code != .noError, code != .cancel { counts.resetsSent += 1 }
        FrameHeader(.resetStream, stream: stream, length: 4).append(to: &outbox)
        outbox.append(bigEndian: code.rawValue)
    }

    func appendGoAway(_ code: HTTP2ErrorCode, _ words: String, lastStream: UInt32? = nil) {
        if code != .noError { counts.goAwaysSent += 1 }
        let text = Array(words.utf8)
        FrameHeader(.goAway, stream: 0, length: 8 + text.count).append(to: &outbox)
        outbox.append(bigEndian: lastStream ?? min(lastServedStream ?? lastPeerStream, lastPeerStream))
        outbox.append(bigEndian: code.rawValue)
        outbox.append(contentsOf: text)
    }

    /// Tells the peer that the connection ends behind its present streams; or, with `warning`, that it will soon (RFC 9113 section 6.8).
    public func goAway(_ words: String, isWarning: Bool = false) {
        guard fault == nil else { return }
        if isWarning {
            appendGoAway(.noError, words, lastStream: 0x7FFF_FFFF)
        } else if lastServedStream == nil {
            lastServedStream = lastPeerStream
            appendGoAway(.noError, words)
        }
    }

    // MARK: Heads

    /// Sends a request's head.
    /// - Parameters:
    ///   - endsStream: nothing follows it.
    ///   - endsWithContent: the stream ends with the last byte of content, whose length is known.
    public func send(
        _ head: borrowing RequestHead, content: ContentLength, scheme: StaticString, on slot: StreamSlot,
        endsStream: Bool, endsWithContent: Bool
    ) -> Int {
        scratch.removeAll(keepingCapacity: true)
        encoder.append(head, content: content, scheme: scheme, to: &scratch)
        streams[slot].hasBegun = true
        return appendBlock(slot, content, endsStream: endsStream, endsWithContent: endsWithContent)
    }

    /// Sends a response's head: an interim one, or the final. Parameters as for requests.
    public func send(
        _ head: borrowing ResponseHead, content: ContentLength, isTunnel: Bool, on slot: StreamSlot, endsStream: Bool,
        endsWithContent: Bool
    ) -> Int {
        allowance.earn()
        scratch.removeAll(keepingCapacity: true)
        encoder.append(head, content: content, isTunnel: isTunnel, to: &scratch)
        return appendBlock(slot, content, endsStream: endsStream, endsWithContent: endsWithContent)
    }

    private func appendBlock(
        _ slot: StreamSlot, _ content: ContentLength, endsStream: Bool, endsWithContent: Bool
    ) -> Int {
        if endsWithContent, case .known(let length) = content { streams[slot].contentToSend = length }
        return appendBlock(of: streams[slot].id, slot, endsStream: endsStream)
    }

    /// Sends what is in `scratch` as a header block; the number of bytes that it takes.
    private func appendBlock(of id: UInt32, _ slot: StreamSlot, endsStream: Bool) -> Int {
        let before = outbox.count
        var sent = 0
        repeat {
            let count = min(scratch.count - sent, peerFrameBytes)
            var flags: FrameFlags = sent + count == scratch.count ? .endHeaders : []
            if sent == 0, endsStream { flags.insert(.endStream) }
            FrameHeader(sent == 0 ? .headers : .continuation, flags, stream: id, length: count).append(to: &outbox)
            unsafe outbox.append(scratch.span.bytes.extracting(sent..<sent + count))
            sent += count
        } while sent < scratch.count
        if endsStream { streams[slot].hasEnded = true }
        return outbox.count - before
    }

    /// Ends the stream, if it has not ended with its content, and sends trailers if there are any.
    public func end(_ slot: StreamSlot, trailers section: [UInt8]?) {
        guard !streams[slot].hasEnded else { return }
        let id = streams[slot].id
        if let section {
            scratch.removeAll(keepingCapacity: true)
            encoder.append(trailers: section, to: &scratch)
            if !scratch.isEmpty {
                _ = appendBlock(of: id, slot, endsStream: true)
                return
            }
        }
        FrameHeader(.data, .endStream, stream: id, length: 0).append(to: &outbox)
        streams[slot].hasEnded = true
    }

    /// Ends the stream before its end.
    public func reset(_ slot: StreamSlot, _ code: HTTP2ErrorCode) {
        guard !(streams[slot].hasEnded && streams[slot].peerHasEnded) else { return }
        if !streams[slot].hasBegun { return forgo(slot) }
        appendReset(streams[slot].id, code)
        streams[slot].isReset = true
        streams[slot].hasEnded = true
        streams[slot].peerHasEnded = true
    }

    // MARK: Content

    /// Puts as much of `bytes` as may be sent now into `output`, as one frame.
    /// - Returns: how much that was; 0 if the windows are shut, `output` is full, or other frames have to leave first.
    public func sendContent(_ bytes: RawSpan, on slot: StreamSlot, to output: inout ByteBuffer) -> Int {
        guard pendingControlBytes == 0, !streams[slot].hasEnded else { return 0 }
        let open = min(streams[slot].sendWindow, sendWindow, peerFrameBytes, output.room - FrameHeader.byteCount)
        let count = min(open, bytes.byteCount)
        guard count > 0 else { return 0 }
        var flags: FrameFlags = []
        if let left = streams[slot].contentToSend {
            precondition(UInt64(count) <= left, "more content is sent than was announced")
            streams[slot].contentToSend = left - UInt64(count)
            if left == UInt64(count) {
                flags = .endStream
                streams[slot].hasEnded = true
            }
        }
        FrameHeader(.data, flags, stream: streams[slot].id, length: count).append(to: &output)
        let fits = output.append(bytes.extracting(0..<count))
        precondition(fits, "\(count) bytes did not fit")
        streams[slot].sendWindow -= count
        sendWindow -= count
        windowUpdatesExpected += 4
        return count
    }

    /// Whether the windows let the stream send.
    public func mayShare(_ slot: StreamSlot) -> Bool { streams[slot].sendWindow > 0 && sendWindow > 0 }

    /// The stream has content to send, and waits for its turn.
    public func wait(_ slot: StreamSlot) {
        guard !streams[slot].isWaiting else { return }
        streams[slot].isWaiting = true
        order.append(slot, streams[slot].priority)
    }

    /// Whether a stream waits for its turn.
    public var hasWaiting: Bool { !order.isEmpty }
    /// Streams that wait for their turn.
    public var waitingCount: Int { order.count }

    /// The stream whose turn it is: it waits no more. Nil if none can send now.
    public func nextToSend() -> StreamSlot? {
        guard sendWindow > 0 else { return nil }
        // Those whose own window is shut go to the end, but not before a less urgent one was found that can send.
        var shut: [StreamSlot] = []
        defer { for slot in shut { order.append(slot, streams[slot].priority) } }
        while let slot = order.next() {
            if streams[slot].sendWindow > 0 {
                streams[slot].isWaiting = false
                return slot
            }
            shut.append(slot)
        }
        return nil
    }

    // MARK: Content that was received

    /// The stream's user has taken so much of its content.
    public func took(_ count: Int, of slot: StreamSlot) {
        giveBack(count)
        guard !streams[slot].peerHasEnded else { return }
        let before = streams[slot].consumed
        streams[slot].consumed += count
        let enough = max(limits.initialWindow / 4, 1)
        if before < enough, before + count >= enough { windowsToOpen.append(slot) }
    }

    /// Opens the windows of streams that have begun since the last call, or of which much content was taken.
    public func openWindows() {
        if windowsToOpen.isEmpty { return }
        for slot in windowsToOpen where streams.holds(slot) {
            let state = streams[slot]
            guard !state.peerHasEnded, !state.isAbandoned else { continue }
            // Windows grow while there is room: all streams together are bounded by the connection's window.
            let window = max(limits.initialWindow, limits.receiveBytesMax / (2 * streams.count))
            let count = max(state.consumed, window - state.receiveWindow)
            guard count > 0 else { continue }
            appendWindowUpdate(state.id, count)
            streams[slot].receiveWindow += count
            streams[slot].consumed = 0
        }
        windowsToOpen.removeAll(keepingCapacity: true)
    }

    /// Received content occupies no memory any more.
    public func giveBack(_ count: Int) {
        consumed += count
        guard consumed >= max(limits.receiveBytesMax, Self.windowOfProtocol) / 4 else { return }
        receiveWindow += consumed
        appendWindowUpdate(0, consumed)
        consumed = 0
    }
}
