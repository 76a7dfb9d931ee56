// One connection of HTTP/2 (RFC 9113): bytes in, events out; and frames, written for what its user sends. Sans I/O: it sees
// buffers, neither sockets nor timers. The same for both roles.
//
// Reading is in `HTTP2Reading`, sending in `HTTP2Sending`, what a peer may not do too often in `HTTP2Defences`.

internal import Basics

/// What the next bytes of a connection say.
public enum HTTP2Event: Sendable {
    /// Everything in the input was understood: more is needed.
    case needsInput
    /// Many frames were understood, and nothing follows for the user.
    case progressed
    /// What there is to be answered does not leave: it has to be sent before anything else is read.
    case needsRoom
    /// A head has come. The user calls `readRequest` or `readResponse`, or `skipHead`, before the next event.
    case head(StreamSlot)
    /// The next `count` bytes of the input are content: the user takes them out of it before the next event.
    /// - `isLast`: nothing of the stream follows.
    case content(StreamSlot, count: Int, isLast: Bool)
    /// Nothing of the stream follows. `trailers` has what its end said.
    case ended(StreamSlot)
    /// The stream has ended before its end: by the peer, or because of what the peer has sent. The user releases it.
    /// - `byPeer`: the peer has said so.
    case reset(StreamSlot, HTTP2ErrorCode, byPeer: Bool)
    /// Content can be sent that could not be.
    case windowOpened
    /// The peer takes no more streams; those above `lastStream` were not looked at.
    case goAway(lastStream: UInt32, HTTP2ErrorCode)
    /// The connection cannot go on. The peer is told, in what is to be sent last.
    case failed(HTTP2Fault)
}

/// What statistics count of a connection's frames.
public struct HTTP2FrameCounts: Sendable, Equatable {
    /// Frames of the peer.
    public var headersReceived = 0
    public var dataReceived = 0
    public var settingsReceived = 0
    public var resetsReceived = 0
    public var goAwaysReceived = 0
    /// Faults of the peer that ended the connection, or a stream, and the frames that told it so.
    public var connectionErrors = 0
    public var streamErrors = 0
    public var resetsSent = 0
    public var goAwaysSent = 0
    public var glitches = 0
}

/// One side's state of a connection.
public final class HTTP2Connection {
    /// Which side Portico is.
    public enum Role: Sendable { case server, client }

    /// What a client's first bytes are (RFC 9113 section 3.4).
    public static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    /// Its name in ALPN.
    public static let protocolName: StaticString = "h2"

    public let role: Role
    let limits: HTTP2Limits
    let headLimits: HeadLimits
    let announcesWebSockets: Bool
    let decoder: HeaderDecoder
    let encoder = HeaderEncoder()
    @safe @exclusivity(unchecked) var streams = StreamTable()
    @safe @exclusivity(unchecked) var order = SendOrder()

    // What the peer has said of itself.
    @safe @exclusivity(unchecked) var peerInitialWindow = HTTP2Connection.windowOfProtocol
    @safe @exclusivity(unchecked) var peerFrameBytes = FrameHeader.payloadBytesMin
    /// Streams that the peer takes at a time.
    @safe @exclusivity(unchecked) var peerStreamsMax = 100
    /// The server takes extended CONNECT (RFC 8441).
    @safe @exclusivity(unchecked) public internal(set) var peerTakesExtendedConnect = false
    /// The peer's settings have come.
    @safe @exclusivity(unchecked) public internal(set) var hasPeerSettings = false

    // Windows of the connection.
    @safe @exclusivity(unchecked) var sendWindow = HTTP2Connection.windowOfProtocol
    @safe @exclusivity(unchecked) var receiveWindow = HTTP2Connection.windowOfProtocol
    /// What the peer may send beyond the window that every connection begins with; it is told when its first request with content
    /// begins, or its first content comes.
    @safe @exclusivity(unchecked) var windowToGive: Int
    @safe @exclusivity(unchecked) var consumed = 0
    /// The peer has taken note of this side's settings.
    @safe @exclusivity(unchecked) var settingsAreKnown = false

    // Streams.
    /// The highest number that the peer has used, and the next of this side.
    @safe @exclusivity(unchecked) public internal(set) var lastPeerStream: UInt32 = 0
    @safe @exclusivity(unchecked) var nextOwnStream: UInt32 = 1
    /// The highest number of a stream that came behind GOAWAY and was passed over.
    @safe @exclusivity(unchecked) var lastIgnoredStream: UInt32 = 0
    /// Streams whose windows are to be opened again.
    @safe @exclusivity(unchecked) var windowsToOpen: [StreamSlot] = []
    /// Streams that were begun so far.
    @safe @exclusivity(unchecked) public internal(set) var streamsBegun = 0
    /// Streams that this side has reset lately: what was under way to them is passed over.
    @safe @exclusivity(unchecked) var resetLately: [UInt32] = []
    @safe @exclusivity(unchecked) var resetLatelyNext = 0
    @safe @exclusivity(unchecked) var lateFrames = 0
    /// What the present SETTINGS frame says of new windows: what it says last holds.
    @safe @exclusivity(unchecked) var announcedWindow: Int?
    static let resetLatelyMax = 128

    // Ending.
    /// The last stream that the peer was told will be served; nil while no GOAWAY was sent.
    @safe @exclusivity(unchecked) public internal(set) var lastServedStream: UInt32?
    /// The last stream that the peer serves; nil while it has not said that it goes away.
    @safe @exclusivity(unchecked) public internal(set) var lastStreamOfPeer: UInt32?
    @safe @exclusivity(unchecked) public internal(set) var fault: HTTP2Fault?

    // Reading.
    @safe @exclusivity(unchecked) var prefaceLeft: Int
    @safe @exclusivity(unchecked) var frame: FrameHeader?
    @safe @exclusivity(unchecked) var payload = Payload.skipped
    /// Bytes of the frame's payload that are still to come; the last `padding` of them are padding.
    @safe @exclusivity(unchecked) var payloadLeft = 0
    @safe @exclusivity(unchecked) var padding = 0
    /// A header block that is coming in, or that waits for its user.
    @safe @exclusivity(unchecked) var block: [UInt8] = []
    @safe @exclusivity(unchecked) var blockStream: UInt32?
    @safe @exclusivity(unchecked) var blockEndsStream = false
    @safe @exclusivity(unchecked) var blockFrames = 0
    /// Its HEADERS frame says that the stream depends on itself, which RFC 7540 section 5.3.1 forbids.
    @safe @exclusivity(unchecked) var blockDependsOnItself = false
    /// Trailers of the stream that has ended last: lines and the empty line, as in HTTP/1; nil for none.
    @safe @exclusivity(unchecked) public internal(set) var trailers: [UInt8]?
    /// Priorities that clients have told of streams to come.
    @safe @exclusivity(unchecked) var prioritiesToCome: [(stream: UInt32, priority: StreamPriority)] = []

    // Sending.
    @safe @exclusivity(unchecked) var outbox: [UInt8] = []
    @safe @exclusivity(unchecked) var outboxSent = 0
    @safe @exclusivity(unchecked) var scratch: [UInt8] = []

    /// What was seen and sent since they were last taken (`takeCounts`).
    @safe @exclusivity(unchecked) var counts = HTTP2FrameCounts()

    // Defences.
    /// What the peer has done that no sensible peer does.
    @safe @exclusivity(unchecked) public internal(set) var glitches = 0
    /// More of them do not end the connection now, whatever `glitchesMax` says.
    @safe @exclusivity(unchecked) public var toleratesGlitches = false
    @safe @exclusivity(unchecked) var allowance = Allowance()
    /// Streams that the peer has reset since the connection was last read to its end.
    @safe @exclusivity(unchecked) public var resetsAtOnce = 0
    /// WINDOW_UPDATE frames that have a reason.
    @safe @exclusivity(unchecked) var windowUpdatesExpected = 128

    /// PING frames sent, and the number of the one that is not answered yet; nil for none.
    @safe @exclusivity(unchecked) private var pingsSent: UInt64 = 0
    @safe @exclusivity(unchecked) private var openPing: UInt64?

    /// The window that every stream and connection begins with (RFC 9113 section 6.9.2).
    static let windowOfProtocol = 65_535
    static let windowMax = 0x7FFF_FFFF

    /// - Parameters:
    ///   - limits: what the peer may do.
    ///   - headLimits: of the heads that the peer sends.
    ///   - announcesWebSockets: whether clients are told that they may open them (RFC 8441).
    public init(
        _ role: Role, limits: HTTP2Limits, headLimits: HeadLimits, announcesWebSockets: Bool = true
    ) {
        self.announcesWebSockets = announcesWebSockets
        self.role = role
        self.limits = limits
        self.headLimits = headLimits
        decoder = HeaderDecoder(tableBytes: limits.headerTableSize)
        windowToGive = max(limits.receiveBytesMax - Self.windowOfProtocol, 0)
        prefaceLeft = role == .server ? Self.preface.utf8CodeUnitCount : 0
        if role == .client { outbox.append(Self.preface) }
        appendSettings()
    }

    /// Whether a PING of this side is not answered yet.
    public var awaitsPong: Bool { openPing != nil }

    /// Asks whether the peer is there (RFC 9113 section 6.7).
    public func ping() {
        pingsSent += 1
        openPing = pingsSent
        FrameHeader(.ping, [], stream: 0, length: 8).append(to: &outbox)
        for shift in stride(from: 56, through: 0, by: -8) {
            outbox.append(UInt8(truncatingIfNeeded: pingsSent >> UInt64(shift)))
        }
    }

    /// The answer to a PING has come; false if none is awaited, or it is another's.
    func takePong(_ payload: RawSpan) -> Bool {
        guard let openPing else { return false }
        for i in 0..<8 where payload[i] != UInt8(truncatingIfNeeded: openPing >> UInt64(56 - 8 * i)) { return false }
        self.openPing = nil
        return true
    }

    /// What was counted since the last call; nil for nothing.
    public func takeCounts() -> HTTP2FrameCounts? {
        if counts == HTTP2FrameCounts() { return nil }
        defer { counts = HTTP2FrameCounts() }
        return counts
    }

    // MARK: Streams

    /// Streams that are there.
    public var streamCount: Int { streams.count }

    /// Bytes of the header block that waits for its user.
    public var blockByteCount: Int { block.count }

    /// Slots of the streams whose user is still there, the oldest first.
    public var slotsInUse: [StreamSlot] { streams.all.filter { !streams[$0].isAbandoned } }

    /// The stream's number.
    public func number(of slot: StreamSlot) -> UInt32 { streams[slot].id }

    /// Whether the peer sends no more on the stream.
    public func peerHasEnded(_ slot: StreamSlot) -> Bool { streams[slot].peerHasEnded }

    /// Whether this side sends no more on it.
    public func hasEnded(_ slot: StreamSlot) -> Bool { streams[slot].hasEnded }

    /// Streams that the peer takes at a time, and this side opens.
    public var streamsMax: Int { min(limits.maxConcurrentStreams, peerStreamsMax) }

    /// Whether another stream can be begun towards the server.
    public var mayOpen: Bool {
        role == .client && fault == nil && lastStreamOfPeer == nil && lastServedStream == nil
            && streams.count < streamsMax && nextOwnStream < 0x7FFF_FFFF
    }

    /// Begins a stream towards the server.
    public func open() -> StreamSlot {
        precondition(mayOpen, "no stream can be begun on this connection")
        var state = StreamState(
            id: nextOwnStream, sendWindow: peerInitialWindow, receiveWindow: windowOfNewStream)
        state.hasBegun = false
        nextOwnStream += 2
        streamsBegun += 1
        windowUpdatesExpected += 4
        return streams.insert(state)
    }

    /// Nothing is sent on a stream that was opened: its number is passed over.
    public func forgo(_ slot: StreamSlot) {
        streams[slot].hasEnded = true
        streams[slot].peerHasEnded = true
    }

    var windowOfNewStream: Int {
        settingsAreKnown ? limits.initialWindow : max(limits.initialWindow, Self.windowOfProtocol)
    }

    /// The user has done with the stream. If it has not ended, the peer is told with `code`; if only its end is still to come, that is
    /// waited for.
    /// - Parameter insists: the peer is told `code` even if both sides have ended.
    public func release(_ slot: StreamSlot, code: HTTP2ErrorCode, insists: Bool = false) {
        if streams[slot].isWaiting {
            streams[slot].isWaiting = false
            order.remove(slot, streams[slot].priority)
        }
        let state = streams[slot]
        if state.hasEnded && state.peerHasEnded && !insists || !state.hasBegun { return remove(slot) }
        if state.hasEnded, state.contentLeft == 0, !insists {
            streams[slot].isAbandoned = true
            return
        }
        appendReset(state.id, code)
        remove(slot)
    }

    /// Forgets a stream. What is still to come of the frame that is being read has no recipient any more.
    func remove(_ slot: StreamSlot) {
        if case .content(slot) = payload { payload = .dropped }
        streams.remove(slot)
    }

    /// A stream of the given number was reset by this side: frames that were under way to it have no meaning.
    func noteReset(_ id: UInt32) {
        if resetLately.count < Self.resetLatelyMax {
            resetLately.append(id)
        } else {
            resetLately[resetLatelyNext] = id
            resetLatelyNext = (resetLatelyNext + 1) % Self.resetLatelyMax
        }
    }

    /// The connection cannot go on: the peer is told why.
    func fail(_ code: HTTP2ErrorCode, _ words: String) -> HTTP2Event {
        let fault = HTTP2Fault(code, words)
        self.fault = fault
        counts.connectionErrors += 1
        appendGoAway(code, words)
        return .failed(fault)
    }
}
