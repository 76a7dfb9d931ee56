// Frames that concern the connection, or the state of a stream: SETTINGS, PING, WINDOW_UPDATE, RST_STREAM, GOAWAY, priorities.

internal import Basics

extension HTTP2Connection {
    // MARK: SETTINGS

    /// The peer has acknowledged this side's settings: from now on they hold for it.
    func settingsTakeEffect() {
        guard !settingsAreKnown else { return }
        settingsAreKnown = true
        let excess = Self.windowOfProtocol - limits.initialWindow
        if excess > 0 { streams.forEach { $0.receiveWindow -= excess } }
    }

    func readSettings(_ header: FrameHeader, _ input: inout ByteBuffer) -> HTTP2Event? {
        var grown = false
        while payloadLeft > 0 {
            guard input.count >= 6 else { return .needsInput }
            let name = UInt16(input.readable[0]) &<< 8 | UInt16(input.readable[1])
            let value = Int(input.readable.bigEndian(at: 2))
            input.consume(6)
            payloadLeft -= 6
            if let event = take(name, value, &grown) { return event }
        }
        frame = nil
        guard !header.flags.contains(.ack) else { return nil }
        if let window = announcedWindow, let event = changeInitialWindow(to: window) { return event }
        announcedWindow = nil
        FrameHeader(.settings, .ack, stream: 0, length: 0).append(to: &outbox)
        return .windowOpened
    }

    private func take(_ name: UInt16, _ value: Int, _ grown: inout Bool) -> HTTP2Event? {
        switch SettingName(rawValue: name) {
        case .headerTableSize: encoder.setTableLimit(value)
        case .enablePush:
            if value > 1 || role == .client && value == 1 {
                return fail(.protocolError, "SETTINGS_ENABLE_PUSH of \(value)")
            }
        case .maxConcurrentStreams: peerStreamsMax = value
        case .initialWindowSize:
            if value > Self.windowMax { return fail(.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE of \(value)") }
            announcedWindow = value
        case .maxFrameSize:
            guard FrameHeader.payloadBytesMin...0xFF_FFFF ~= value else {
                return fail(.protocolError, "SETTINGS_MAX_FRAME_SIZE of \(value)")
            }
            peerFrameBytes = value
        case .enableConnectProtocol:
            if value > 1 { return fail(.protocolError, "SETTINGS_ENABLE_CONNECT_PROTOCOL of \(value)") }
            peerTakesExtendedConnect = value == 1
        case .noRFC7540Priorities:
            if value > 1 { return fail(.protocolError, "SETTINGS_NO_RFC7540_PRIORITIES of \(value)") }
        case .maxHeaderListSize, nil: break
        }
        return nil
    }

    private func changeInitialWindow(to value: Int) -> HTTP2Event? {
        let change = value - peerInitialWindow
        peerInitialWindow = value
        var overflows = false
        streams.forEach { state in
            state.sendWindow += change
            if state.sendWindow > Self.windowMax { overflows = true }
        }
        return overflows ? fail(.flowControlError, "a setting that makes a stream's window too large") : nil
    }

    // MARK: Short frames

    /// Does what a frame says whose payload is here as a whole.
    func obey(_ header: FrameHeader, _ payload: RawSpan) -> HTTP2Event? {
        switch FrameType(rawValue: header.type) {
        case .ping: return answerPing(header, payload)
        case .windowUpdate: return openWindow(header.stream, by: Int(payload.bigEndian(at: 0) & 0x7FFF_FFFF))
        case .resetStream: return endStream(header.stream, payload.bigEndian(at: 0))
        case .priority: return checkPriority(header.stream, payload)
        case .goAway:
            let last = payload.bigEndian(at: 0) & 0x7FFF_FFFF
            counts.goAwaysReceived += 1
            lastStreamOfPeer = min(last, lastStreamOfPeer ?? last)
            return .goAway(
                lastStream: last, HTTP2ErrorCode(rawValue: payload.bigEndian(at: 4)) ?? .internalError)
        case .priorityUpdate: return updatePriority(payload)
        default: preconditionFailure("a frame of type \(header.type) is not read whole")
        }
    }

    private func answerPing(_ header: FrameHeader, _ payload: RawSpan) -> HTTP2Event? {
        if header.flags.contains(.ack) { return takePong(payload) ? nil : glitch("answers to no PING") }
        if let event = glitch("PING frames") { return event }
        FrameHeader(.ping, .ack, stream: 0, length: 8).append(to: &outbox)
        outbox.append(payload)
        return nil
    }

    private func openWindow(_ id: UInt32, by increment: Int) -> HTTP2Event? {
        windowUpdatesExpected -= 1
        if windowUpdatesExpected < 0 {
            windowUpdatesExpected = 0
            if let event = glitch("WINDOW_UPDATE frames without reason") { return event }
        }
        if id == 0 {
            if increment == 0 { return fail(.protocolError, "WINDOW_UPDATE of 0 for the connection") }
            let isShut = sendWindow <= 0
            sendWindow += increment
            if sendWindow > Self.windowMax { return fail(.flowControlError, "the connection's window is too large") }
            return isShut ? .windowOpened : nil
        }
        if isIdle(id) { return fail(.protocolError, "WINDOW_UPDATE on stream \(id), which has not begun") }
        guard let slot = streams.slot(of: id), !streams[slot].isAbandoned else { return nil }
        if increment == 0 { return resetStream(slot, .protocolError) }
        let isShut = streams[slot].sendWindow <= 0
        streams[slot].sendWindow += increment
        if streams[slot].sendWindow > Self.windowMax { return resetStream(slot, .flowControlError) }
        return isShut && streams[slot].sendWindow > 0 ? .windowOpened : nil
    }

    private func endStream(_ id: UInt32, _ code: UInt32) -> HTTP2Event? {
        if isIdle(id) { return fail(.protocolError, "RST_STREAM on stream \(id), which has not begun") }
        guard let slot = streams.slot(of: id) else { return glitch("RST_STREAM on closed streams") }
        if streams[slot].isAbandoned {
            remove(slot)
            return nil
        }
        streams[slot].peerHasEnded = true
        streams[slot].hasEnded = true
        counts.resetsReceived += 1
        if role == .server {
            resetsAtOnce += 1
            if let event = glitch("streams given up") { return event }
        }
        return .reset(slot, HTTP2ErrorCode(rawValue: code) ?? .internalError, byPeer: true)
    }

    // MARK: Priorities

    /// RFC 7540's, which has no effect.
    private func checkPriority(_ id: UInt32, _ payload: RawSpan) -> HTTP2Event? {
        if payload.bigEndian(at: 0) & 0x7FFF_FFFF == id {
            guard let slot = streams.slot(of: id), !streams[slot].isAbandoned else {
                return fail(.protocolError, "stream \(id) depends on itself")
            }
            return resetStream(slot, .protocolError)
        }
        return glitch("PRIORITY frames")
    }

    /// RFC 9218 section 7.1.
    private func updatePriority(_ payload: RawSpan) -> HTTP2Event? {
        let id = payload.bigEndian(at: 0) & 0x7FFF_FFFF
        if role == .client || id == 0 || id % 2 == 0 { return fail(.protocolError, "PRIORITY_UPDATE for stream \(id)") }
        let priority = StreamPriority(payload.extracting(4..<payload.byteCount))
        if let slot = streams.slot(of: id) {
            if streams[slot].isWaiting {
                order.remove(slot, streams[slot].priority)
                order.append(slot, priority)
            }
            streams[slot].priority = priority
        } else if id > lastPeerStream {
            prioritiesToCome.removeAll { $0.stream == id }
            // As many as there can be streams to come.
            if prioritiesToCome.count >= min(limits.maxConcurrentStreams, 100) { prioritiesToCome.removeFirst() }
            prioritiesToCome.append((id, priority))
        }
        return glitch("PRIORITY_UPDATE frames")
    }
}
