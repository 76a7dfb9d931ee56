// A connection that carries many streams: reads its frames and hands content to the streams, and sends what they write. Who waits for
// its turn to send is `HTTP2Connection`'s; here each gets it.
//
// What is written in a turn of the worker leaves at its end, in few system calls. Back-pressure: a stream that cannot send (its window
// is shut, the connection's buffer is full, others are first) is told when it can; a stream whose content nothing reads keeps its window
// shut, and the others go on.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import SystemPackage
internal import Transport

class Multiplexer {
    let worker: Worker
    /// The connection that has the descriptor.
    let connection: Connection
    let http2: HTTP2Connection
    /// What rules and logs may know of the connection.
    let facts = SharedConnectionFacts()
    /// Of the frontend, or of the backend.
    let counters: HTTP2Counters
    /// Those that the connection began with.
    final let limits: HTTP2Limits
    /// While its worker is less busy than this, in percent, the connection may have too many glitches; 0: at no time.
    private let glitchesBusyPercent: Int
    /// By slot.
    @safe @exclusivity(unchecked) private var members: [HTTP2Stream?] = []
    @safe @exclusivity(unchecked) final private(set) var memberCount = 0
    /// It is about to close: nothing more is read and no stream begins.
    @safe @exclusivity(unchecked) final private(set) var isClosed = false
    /// The connection has nothing to do with it any more.
    @safe @exclusivity(unchecked) private var isFinished = false
    /// The worker sends what is here at the end of its turn.
    @safe @exclusivity(unchecked) private var awaitsFlush = false
    /// The stream whose turn it is to send, until it has sent a frame.
    @safe @exclusivity(unchecked) private var turn: HTTP2Stream?
    /// Reading stopped, since answers to what was read do not leave.
    @safe @exclusivity(unchecked) private var awaitsRoom = false
    /// When bytes have last come.
    @safe @exclusivity(unchecked) final private(set) var heardAt: Instant
    /// Whether the peer is there while nothing is asked for.
    @safe @exclusivity(unchecked) final var pings = IdlePings()
    /// The peer's side takes nothing.
    @safe @exclusivity(unchecked) final private(set) var isBlocked = false

    init(
        _ http2: HTTP2Connection, _ limits: HTTP2Limits, _ settings: PlanSettings, _ counters: HTTP2Counters,
        on connection: Connection, _ worker: Worker
    ) {
        self.http2 = http2
        self.limits = limits
        glitchesBusyPercent = settings.http2.glitchesBusyPercent
        self.counters = counters
        counters.openConnection(worker: worker.index)
        self.connection = connection
        self.worker = worker
        heardAt = worker.now
    }

    // MARK: What clients' and servers' connections do each in their way

    /// A head has come.
    func headArrived(_ slot: StreamSlot) { preconditionFailure("\(type(of: self)) reads no heads") }
    /// The peer takes no more streams; those above `last` were not looked at.
    func peerGoesAway(lastStream last: UInt32, _ code: HTTP2ErrorCode) {}
    /// The peer has given the stream up.
    func noteReset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {}
    /// The connection breaks the protocol.
    func failed(_ fault: HTTP2Fault) { preconditionFailure("\(type(of: self)) does not fail") }
    /// The peer has closed the connection, or it broke.
    func peerLeft() { preconditionFailure("\(type(of: self)) is not left") }
    /// The peer's settings have come.
    func settingsArrived() {}
    /// A stream has ended; another may begin.
    func streamLeft() {}
    /// The deadline of the connection is to be set anew.
    func keepTime(progressed: Bool) {}

    // MARK: Streams

    final func add(_ stream: HTTP2Stream, at slot: StreamSlot) {
        while members.count <= slot { members.append(nil) }
        precondition(members[slot] == nil, "two streams at slot \(slot)")
        members[slot] = stream
        memberCount += 1
        facts.streams = memberCount
        facts.streamsMax = http2.role == .client ? http2.streamsMax : limits.maxConcurrentStreams
        counters.openStream(worker: worker.index)
    }

    final func member(_ slot: StreamSlot) -> HTTP2Stream? { slot < members.count ? members[slot] : nil }

    /// The stream's user has done with it.
    final func leave(_ stream: HTTP2Stream, _ mode: CloseMode) {
        let slot = stream.slot
        if turn === stream { turn = nil }
        members[slot] = nil
        memberCount -= 1
        facts.streams = memberCount
        counters.closeStream()
        http2.release(slot, code: code(for: stream, mode), insists: stream.wasRefused)
        let unread = stream.release()
        if unread > 0 { http2.giveBack(unread) }
        flushLater()
        if mode == .silent { return closeSilently() }
        streamLeft()
    }

    /// What the peer of a stream that has not ended is told.
    func code(for stream: HTTP2Stream, _ mode: CloseMode) -> HTTP2ErrorCode { .cancel }

    private func closeSilently() {
        endMembers(.cancel)
        finish(.silent)
    }

    /// Lets go of the connection, of which no stream is left.
    final func finish(_ mode: CloseMode) {
        guard !isFinished else { return }
        isFinished = true
        isClosed = true
        takeCounts()
        counters.closeConnection()
        close(mode)
    }

    /// Hands what was counted to the statistics.
    private func takeCounts() {
        guard let counts = http2.takeCounts() else { return }
        facts.glitches = http2.glitches
        for (counter, count) in [
            (.headersReceived, counts.headersReceived), (.dataReceived, counts.dataReceived),
            (.settingsReceived, counts.settingsReceived), (.resetsReceived, counts.resetsReceived),
            (.goAwaysReceived, counts.goAwaysReceived), (.connectionErrors, counts.connectionErrors),
            (.streamErrors, counts.streamErrors), (.resetsSent, counts.resetsSent),
            (.goAwaysSent, counts.goAwaysSent), (.glitches, counts.glitches),
        ] as [(HTTP2Counter, Int)] where count > 0 {
            counters.add(counter, UInt64(count), worker: worker.index)
        }
    }

    /// Closes the connection.
    func close(_ mode: CloseMode) { preconditionFailure("\(type(of: self)) does not close") }

    /// All streams end, since their connection does.
    final func endMembers(_ code: HTTP2ErrorCode) {
        isClosed = true
        for slot in members.indices { member(slot).map { tell($0, resetBy: code) } }
    }

    final func tell(_ stream: HTTP2Stream, resetBy code: HTTP2ErrorCode) {
        stream.wasReset(code)
        stream.owner.ready(.broken, worker)
    }

    /// Streams that satisfy `condition` end, since the server has not looked at them.
    final func endUnprocessed(above last: UInt32) {
        for slot in members.indices {
            guard let stream = member(slot), http2.number(of: slot) > last else { continue }
            stream.wasNotProcessed = true
            http2.reset(slot, .cancel)
            tell(stream, resetBy: .refusedStream)
        }
    }

    // MARK: Reading

    /// The descriptor became ready, or it is the connection's turn again.
    final func ready() {
        receive()
        // What is still here of a connection that is about to close leaves too.
        if http2.hasWaiting || http2.pendingControlBytes > 0 || !connection.output.isEmpty || isBlocked { flushLater() }
    }

    private func receive() {
        http2.resetsAtOnce = 0
        if glitchesBusyPercent > 0 {
            http2.toleratesGlitches = 100 - (worker.shared.counters.idlePercent ?? 100) < glitchesBusyPercent
        }
        awaitsRoom = false
        defer { takeCounts() }
        let most = limits.framesAtOnceMax > 0 ? min(limits.framesAtOnceMax, Limits.framesPerTurn) : Limits.framesPerTurn
        for _ in 0..<most {
            guard !isClosed else { return }
            if limits.resetsAtOnceMax > 0, http2.resetsAtOnce >= limits.resetsAtOnceMax { break }
            switch http2.next(&connection.input, at: worker.now) {
            case .needsInput: if !readMore() { return }
            case .needsRoom:
                awaitsRoom = true
                return flushLater()
            case .progressed: return worker.resumeLater(connection)
            case let event: obey(event)
            }
        }
        if !isClosed { worker.resumeLater(connection) }
    }

    private func readMore() -> Bool {
        switch connection.fill(worker) {
        case .progressed:
            heardAt = worker.now
            return true
        case .blocked:
            if !isClosed { keepTime(progressed: false) }
        case .full: preconditionFailure("frames that are read whole are shorter than a buffer")
        case .ended, .failed: peerLeft()
        }
        return false
    }

    private func obey(_ event: HTTP2Event) {
        switch event {
        case .needsInput, .needsRoom, .progressed: break
        case .head(let slot): headArrived(slot)
        case .content(let slot, let count, let isLast):
            guard let stream = member(slot) else { preconditionFailure("content of a stream that is not there") }
            stream.receive(count, from: &connection.input)
            if isLast { stream.peerHasEnded = true }
            stream.owner.ready(.readable, worker)
        case .ended(let slot):
            guard let stream = member(slot) else { preconditionFailure("the end of a stream that is not there") }
            stream.trailers = http2.trailers
            stream.peerHasEnded = true
            stream.owner.ready(.readable, worker)
        case .reset(let slot, let code, let byPeer):
            guard let stream = member(slot) else { return }
            if byPeer { noteReset(stream, code) }
            stream.wasNotProcessed = code == .refusedStream
            tell(stream, resetBy: code)
        case .windowOpened:
            flushLater()
            if http2.hasPeerSettings { settingsArrived() }
        case .goAway(let last, let code): peerGoesAway(lastStream: last, code)
        case .failed(let fault): failed(fault)
        }
        if !isClosed, http2.pendingControlBytes > 0 { flushLater() }
    }

    /// The user of `stream` has read `count` bytes: its window opens again.
    final func took(_ count: Int, of stream: HTTP2Stream) {
        guard !isClosed else { return }
        http2.took(count, of: stream.slot)
        flushLater()
    }

    // MARK: Sending

    /// Frames as much of `bytes` as may be sent now; 0 if the stream has to wait, and will be told.
    final func send(_ bytes: RawSpan, on stream: HTTP2Stream) -> Int {
        guard !isClosed else { return 0 }
        flushLater()
        // Others were first.
        if turn !== stream, http2.hasWaiting {
            http2.wait(stream.slot)
            return 0
        }
        turn = nil
        let count = frame(bytes, on: stream)
        if count == 0 { http2.wait(stream.slot) }
        return count
    }

    private func frame(_ bytes: RawSpan, on stream: HTTP2Stream) -> Int {
        if !hasRoom, connection.output.count > 0, flush(more: true) != .all { return 0 }
        connection.output.acquire(from: worker.buffers)
        http2.drain(into: &connection.output)
        return http2.sendContent(bytes, on: stream.slot, to: &connection.output)
    }

    /// Whether another frame of a sensible size fits into the buffer.
    private var hasRoom: Bool {
        !connection.output.holdsBlock || connection.output.room > Limits.frameRoomMin
    }

    /// What is here leaves at the end of this turn.
    final func flushLater() {
        guard !awaitsFlush else { return }
        awaitsFlush = true
        worker.flushLater(self)
    }

    private func flush(more: Bool) -> WriteResult {
        let result = connection.flush(worker, more: more)
        isBlocked = result == .blocked
        return result
    }

    /// Sends what there is, and lets the streams that wait have their turns. Called by the worker at the end of its turn.
    final func flushNow() {
        awaitsFlush = false
        guard !isFinished else { return }
        http2.openWindows()
        for _ in 0..<Limits.movesPerTurn {
            if http2.pendingControlBytes > 0 {
                connection.output.acquire(from: worker.buffers)
                http2.drain(into: &connection.output)
            }
            let before = connection.output.count
            switch flush(more: http2.hasWaiting && !isClosed) {
            case .all: break
            case .blocked: return keepTime(progressed: connection.output.count < before)
            case .failed: return isClosed ? finish(.close) : peerLeft()
            }
            if http2.pendingControlBytes > 0 { continue }
            if isClosed { return flushed() }
            if awaitsRoom { receive() }
            let goesOn = !isClosed && giveTurns()
            // With its last stream the connection may have closed.
            if isFinished { return }
            if !goesOn {
                connection.push(worker)
                return isClosed ? flushLater() : keepTime(progressed: true)
            }
        }
        if !isClosed { worker.resumeLater(connection) }
    }

    /// Everything has left of a connection that is to close.
    func flushed() {}

    /// Lets streams that wait send until the buffer is full; false if none can.
    private func giveTurns() -> Bool {
        var given = false
        for _ in 0..<http2.waitingCount {
            guard hasRoom, let slot = http2.nextToSend() else { break }
            guard let stream = member(slot) else { continue }
            given = true
            turn = stream
            stream.owner.ready(.writable, worker)
            turn = nil
            if isClosed { break }
        }
        return given || !connection.output.isEmpty || http2.pendingControlBytes > 0
    }
}
