// Header blocks: collected from their frames, and read as what they are, the head of a request or of a response, or trailers.

internal import Basics

extension HTTP2Connection {
    func readBlock(of header: FrameHeader, _ input: inout ByteBuffer) -> HTTP2Event? {
        let count = min(input.count, payloadLeft - padding)
        if count > 0 {
            if block.count + count > headLimits.headBytesMax {
                return fail(.enhanceYourCalm, "a header block of more than \(headLimits.headBytesMax) bytes")
            }
            block.append(input.readable.extracting(0..<count))
            input.consume(count)
            payloadLeft -= count
        }
        if payloadLeft > padding { return .needsInput }
        if payloadLeft > 0, let event = pass(&input) { return event }
        frame = nil
        guard header.flags.contains(.endHeaders) else { return nil }
        return blockIsWhole()
    }

    private func blockIsWhole() -> HTTP2Event? {
        guard let id = blockStream else { preconditionFailure("a header block of no stream") }
        blockStream = nil
        let dependsOnItself = blockDependsOnItself
        blockDependsOnItself = false
        if let slot = streams.slot(of: id) {
            if streams[slot].isReset { return skipBlock() }
            if streams[slot].isAbandoned { return trailersOfUnused(slot) }
            if role == .client && !streams[slot].hasHead { return .head(slot) }
            return readTrailers(slot)
        }
        guard role == .server, id > lastPeerStream else { return skipBlock() }
        // What comes after GOAWAY is not looked at (RFC 9113 section 6.8).
        if let last = lastServedStream, id > last {
            lastIgnoredStream = max(id, lastIgnoredStream)
            return skipBlock()
        }
        lastPeerStream = id
        lateFrames = 0
        if dependsOnItself { return refuseBlock(id, .protocolError, "streams that depend on themselves") }
        if streams.count >= limits.maxConcurrentStreams, !makeRoom() {
            return refuseBlock(id, .refusedStream, "streams beyond the limit of \(limits.maxConcurrentStreams)")
        }
        streamsBegun += 1
        windowUpdatesExpected += 4
        var state = StreamState(id: id, sendWindow: peerInitialWindow, receiveWindow: windowOfNewStream)
        state.hasHead = true
        if let index = prioritiesToCome.firstIndex(where: { $0.stream == id }) {
            state.priority = prioritiesToCome.remove(at: index).priority
        }
        return .head(streams.insert(state))
    }

    /// A stream that nothing uses any more, and whose end the peer has not sent, gives way.
    private func makeRoom() -> Bool {
        guard let slot = streams.oldest(where: { $0.isAbandoned }) else { return false }
        appendReset(streams[slot].id, .noError)
        remove(slot)
        return true
    }

    private func skipBlock() -> HTTP2Event? {
        block.withBytes { decoder.skip($0) } ? nil : undecodable()
    }

    private func refuseBlock(_ id: UInt32, _ code: HTTP2ErrorCode, _ what: String) -> HTTP2Event? {
        appendReset(id, code)
        return skipBlock() ?? glitch(what)
    }

    private func undecodable() -> HTTP2Event { fail(.compressionError, "a header block that cannot be decompressed") }

    private func trailersOfUnused(_ slot: StreamSlot) -> HTTP2Event? {
        if let event = skipBlock() { return event }
        if blockEndsStream {
            remove(slot)
            return nil
        }
        return resetAbandoned(slot, .protocolError)
    }

    private func readTrailers(_ slot: StreamSlot) -> HTTP2Event? {
        var section: [UInt8] = []
        let result = block.withBytes { decoder.readTrailers($0, into: &section) }
        if result == .undecodable { return undecodable() }
        if streams[slot].peerHasEnded { return resetStream(slot, .streamClosed) }
        guard result == .whole, blockEndsStream else { return resetStream(slot, .protocolError) }
        trailers = section
        return end(slot) ?? .ended(slot)
    }

    /// Reads the head that the last event has announced.
    public func readRequest(
        _ slot: StreamSlot, into head: inout RequestHead, facts: inout HTTP2RequestFacts
    ) -> HeadResult {
        let result = block.withBytes { decoder.readRequest($0, limits: headLimits, into: &head, facts: &facts) }
        if result == .undecodable {
            _ = undecodable()
            return result
        }
        if case .malformed = result { _ = glitch("malformed heads") }
        streams[slot].contentLeft = facts.contentLength
        if let index = head.fields.first(named: Self.priorityName), !streams[slot].priority.isTold {
            streams[slot].priority = StreamPriority(head.fields.value(index))
        }
        guard blockEndsStream else {
            // Content is coming: as much of it as there is room for need not wait for the first of it to be taken.
            giveWholeWindow()
            windowsToOpen.append(slot)
            return result
        }
        streams[slot].peerHasEnded = true
        if result == .whole, let length = facts.contentLength, length > 0 { return .malformed(.contentLengthDisagrees) }
        streams[slot].contentLeft = 0
        return result
    }

    private static let priorityName = Array("priority".utf8)

    /// Reads the head that the last event has announced.
    /// - Parameter isToHead: the request was a HEAD: the length in the response is not that of its content.
    public func readResponse(
        _ slot: StreamSlot, into head: inout ResponseHead, contentLength: inout UInt64?, isToHead: Bool
    ) -> HeadResult {
        let result = block.withBytes {
            decoder.readResponse($0, limits: headLimits, into: &head, contentLength: &contentLength)
        }
        if result == .undecodable { _ = undecodable() }
        guard result == .whole else { return result }
        if head.status < 200 { return blockEndsStream ? .malformed(.endsWithInterim) : result }
        streams[slot].hasHead = true
        let hasContent = !isToHead && head.status != 204 && head.status != 304
        streams[slot].contentLeft = hasContent ? contentLength : 0
        if blockEndsStream {
            streams[slot].peerHasEnded = true
            if hasContent, let contentLength, contentLength > 0 { return .malformed(.contentLengthDisagrees) }
            streams[slot].contentLeft = 0
        }
        return result
    }

    /// Passes over the head that the last event has announced. False if that cannot be done: the connection has failed.
    public func skipHead() -> Bool { skipBlock() == nil }
}

extension [UInt8] {
    func withBytes<R>(_ body: (RawSpan) -> R) -> R { unsafe body(span.bytes) }
}
