// A client that speaks HTTP/2: sends requests at once, and reads what comes back on each stream, byte for byte.

import Basics
import Chance
import HTTP
import KernelSimulation
import Reactor

final class MultiplexedClient: ClientEnd {
    private let frames: FrameLink
    /// Gives up streams, and the connection, in the middle.
    private let isFickle: Bool
    /// Requests at a time.
    private let atOnce: Int

    /// Requests that were not sent yet.
    private var waiting: [RequestScript]
    private var asked: [StreamSlot: Ask] = [:]
    private var contentReceived = 0
    /// The first bytes that came, as far as they tell whether they are HTTP/1.
    private var beginning: [UInt8] = []
    private let staysToTheEnd: Bool

    private let headerCount: Int

    /// A request on its stream.
    private struct Ask {
        let script: RequestScript
        /// When its content may follow.
        var contentMayBegin = Instant.never
        var contentSent = 0
        var hasSentAll = false
        var head: Head?
        var received = 0
        var isTunnel = false
        var isWhole = false

        /// Content to be sent: of the request, or into the tunnel.
        var length: Int {
            if script.tunnelLength == nil { return script.contentLength }
            return isTunnel ? script.tunnelLength ?? 0 : 0
        }
    }

    init(_ peers: Peers, requests: [RequestScript], hasMishap: Bool) {
        let kernel = peers.kernel
        let wire = peers.network.connectClient()
        let link = Link(wire, peers.configuration.isEncrypted ? SecureLink.multiplexedClientEngine(for: wire) : nil)
        frames = FrameLink(
            .client, over: link, limits: FrameLink.drawLimits(&kernel.random), &kernel.random)
        waiting = requests
        isFickle = peers.configuration.hasFaults && kernel.random.oneIn(3)
        atOnce = kernel.random.oneIn(3) ? kernel.random.number(1...5) : 100
        staysToTheEnd = !kernel.random.oneIn(3)
        let header =
            peers.configuration.isBehindProxy
            ? ProxyScript.header(of: wire.address, peers.configuration, &kernel.random) : []
        headerCount = header.count
        let length = requests.reduce(0) { $0 + $1.bytes.count }
        super.init(peers, wire, link, sending: length, receiving: 300 * requests.count, hasMishap: hasMishap)
        if !header.isEmpty { link.send(header[...], kernel) }
    }

    override var isMultiplexed: Bool { true }
    override var sent: Int { frames.sent }
    override var bytesSent: Int { frames.sent + headerCount }
    override var bytesReceived: Int { contentReceived }

    override func movesAt(_ kernel: SimulatedKernel) -> Instant {
        asked.values.map(\.contentMayBegin).filter { $0 > kernel.now }.min() ?? .never
    }

    override func canMove(_ kernel: SimulatedKernel) -> Bool {
        if hasFinished { return frames.holdsContent }
        if frames.hasOutgoing || frames.holdsContent || mayAsk { return true }
        return asked.contains { maySend($0.value, on: $0.key, kernel) }
    }

    override var situation: String {
        let open = asked.values.map {
            "\($0.script.title): \($0.contentSent) of \($0.length) sent, \($0.received) received"
        }
        return "\(statuses.count) answers, open: \(open), \(waiting.count) not sent\(link.situation)"
    }

    // MARK: Sending

    private var mayAsk: Bool { !hasFinished && !waiting.isEmpty && asked.count < atOnce && frames.http2.mayOpen }

    override func work(_ kernel: SimulatedKernel) {
        while mayAsk { ask(waiting.removeFirst(), kernel) }
        for slot in asked.keys.sorted() { sendContent(on: slot, kernel) }
        if isFickle, kernel.random.oneIn(30) { changeMind(kernel) }
        frames.openWindows(&kernel.random)
        frames.pingNowAndThen(&kernel.random)
        if !hasFinished, frames.hasOutgoing {
            frames.flush(atMost: paced(.max), kernel)
            patienceEnds = kernel.now + Self.patience
            if kernel.random.oneIn(300) { kernel.peerSendsUrgently(on: wire) }
        }
        if asked.isEmpty, waiting.isEmpty || !frames.http2.mayOpen, !staysToTheEnd || mishap != nil { leave(kernel) }
    }

    private func ask(_ script: RequestScript, _ kernel: SimulatedKernel) {
        guard script.id > 0 else { return sendNonsense(kernel) }
        var parser = RequestParser(limits: HeadLimits(headBytesMax: 60_000, fieldsMax: 200))
        var head = RequestHead()
        var consumed = 0
        let progress = unsafe parser.parse(script.bytes.span.bytes, into: &head, consumed: &consumed)
        precondition(progress == .complete, "a request of the simulation is \(progress)")
        if !head.fields.contains(.host) { precondition(head.fields.append(.host, "site.test")) }
        let slot = frames.http2.open()
        var ask = Ask(script: script)
        let hasContent = script.contentLength > 0 || script.isChunked
        let content: ContentLength =
            script.isChunked ? .unknown : script.method.hasBody ? .known(UInt64(script.contentLength)) : .none
        ask.hasSentAll = script.tunnelLength == nil && !hasContent
        ask.contentMayBegin =
            script.pause == nil ? kernel.now : kernel.now + .milliseconds(UInt64(kernel.random.number(10...2_000)))
        _ = frames.http2.send(
            head, content: content, scheme: "http", on: slot, endsStream: ask.hasSentAll, endsWithContent: true)
        asked[slot] = ask
    }

    /// What ends the connection, whatever else is on it.
    private func sendNonsense(_ kernel: SimulatedKernel) {
        frames.send(raw: Self.nonsense.randomElement(using: &kernel.random) ?? [])
    }

    private static let nonsense: [[UInt8]] = [
        [0, 0, 1, 0, 0, 0, 0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1], [0, 0, 0, 9, 4, 0, 0, 0, 1],
        [0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF], Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8),
    ]

    private func maySend(_ ask: Ask, on slot: StreamSlot, _ kernel: SimulatedKernel) -> Bool {
        guard !ask.hasSentAll, ask.isTunnel || ask.script.tunnelLength == nil, ask.contentMayBegin <= kernel.now else {
            return false
        }
        return ask.contentSent == ask.length || frames.http2.mayShare(slot)
    }

    private func sendContent(on slot: StreamSlot, _ kernel: SimulatedKernel) {
        guard var ask = asked[slot], !hasFinished, maySend(ask, on: slot, kernel) else { return }
        let direction = ask.isTunnel ? Direction.tunnelForth : .request
        let body = Pattern.body(of: ask.script.id, direction, count: ask.length)
        if ask.contentSent < ask.length {
            let piece = body[(body.startIndex + ask.contentSent)...].prefix(pace.sends)
            ask.contentSent += frames.send(piece, on: slot)
        }
        if ask.contentSent == ask.length {
            ask.hasSentAll = true
            let trailers = kernel.random.oneIn(20) && ask.script.isChunked ? Array("x-trailer: yes\r\n\r\n".utf8) : nil
            frames.http2.end(slot, trailers: trailers)
        }
        asked[slot] = ask
        releaseIfDone(slot)
    }

    private func changeMind(_ kernel: SimulatedKernel) {
        if kernel.random.oneIn(4) {
            frames.http2.goAway("enough", isWarning: false)
            waiting = []
        } else if let slot = asked.keys.sorted().randomElement(using: &kernel.random) {
            asked[slot] = nil
            frames.release(slot, code: kernel.random.oneIn(4) ? .internalError : .cancel)
        }
    }

    // MARK: Reading

    override func read(_ bytes: [UInt8], _ kernel: SimulatedKernel) {
        if beginning.count < Self.refusal.count {
            beginning += bytes
            if mayBeAnsweredAsHTTP1, beginning.starts(with: Self.refusal) { return leave(kernel) }
        }
        frames.receive(bytes, at: kernel.now) { event in
            guard !isOver else { return }
            obey(event, kernel)
        }
    }

    /// A preface that has come in part, or a header that is none, is answered as a request whose head does not come.
    private var mayBeAnsweredAsHTTP1: Bool { peers.configuration.hasFaults && !peers.configuration.isEncrypted }

    private static let refusal = Array("HTTP/1.1 40".utf8)

    private func obey(_ event: FrameLink.Event, _ kernel: SimulatedKernel) {
        switch event {
        case .head(let slot): headCame(slot, kernel)
        case .content(let slot, let bytes): contentCame(slot, bytes)
        case .ended(let slot): endCame(slot, kernel)
        case .reset(let slot, let code): resetCame(slot, code)
        case .goAway(let last): goAwayCame(last)
        case .failed where mayBeAnsweredAsHTTP1 && Self.refusal.starts(with: beginning.prefix(Self.refusal.count)):
            // What it is has come in part.
            break
        case .failed(let fault): complain("got what HTTP/2 does not allow: \(fault.words)")
        }
    }

    private func headCame(_ slot: StreamSlot, _ kernel: SimulatedKernel) {
        guard let script = asked[slot]?.script else {
            _ = frames.http2.skipHead()
            return
        }
        var response = ResponseHead()
        var length: UInt64?
        contentReceived += frames.http2.blockByteCount
        let result = frames.http2.readResponse(
            slot, into: &response, contentLength: &length, isToHead: script.method == .head)
        guard result == .whole else { return complain("got a head that is \(result)") }
        let head = Head(response)
        if let id = head.id, id != script.id { return complain("asked \(script.id) and got the answer to \(id)") }
        asked[slot]?.contentMayBegin = kernel.now
        if head.status < 200 { return }
        // To Portico an extended CONNECT is an Upgrade.
        let isUpgrade = script.tunnelLength != nil && script.method == .get && head.status == 200
        statuses.append(isUpgrade ? 101 : head.status)
        asked[slot]?.head = head
        if !peers.configuration.hasFaults { check(head, script) }
        if script.tunnelLength != nil, 200..<300 ~= head.status {
            // Of a server that answers badly nothing is known.
            guard head.tunnelLength >= 0 || head.id == nil && peers.configuration.hasFaults else {
                return complain("got a tunnel by a \(head.status) of \(head.id ?? 0), which is none")
            }
            asked[slot]?.isTunnel = true
        }
        if frames.http2.peerHasEnded(slot) { endCame(slot, kernel) }
    }

    private func check(_ head: Head, _ script: RequestScript) {
        if let own = script.ownStatuses {
            if head.id != nil || !own.contains(head.status) {
                complain("got \(head.status) from \(head.id ?? 0) instead of Portico's \(own)")
            }
        } else if head.id == nil {
            complain("got \(head.status) from Portico instead of a server's answer to \(script.id)")
        }
    }

    private func contentCame(_ slot: StreamSlot, _ bytes: [UInt8]) {
        contentReceived += bytes.count
        guard let ask = asked[slot], let head = ask.head else { return }
        asked[slot]?.received += bytes.count
        guard let id = head.id, id > 0 else { return }
        let direction = ask.isTunnel ? Direction.tunnelBack : .response
        if !Pattern.matches(bytes[...], id, direction, offset: ask.received) {
            complain("got a wrong byte (exchange \(id), from offset \(ask.received))")
        }
    }

    private func endCame(_ slot: StreamSlot, _ kernel: SimulatedKernel) {
        guard let ask = asked[slot], let head = ask.head else { return }
        if ask.isTunnel, !peers.configuration.hasFaults, ask.received != head.tunnelLength {
            complain("got \(ask.received) of \(head.tunnelLength) bytes through a tunnel")
        }
        asked[slot]?.isWhole = true
        if ask.script.tunnelLength != nil, !ask.isTunnel { asked[slot]?.hasSentAll = true }
        // Some do not send what nobody waits for.
        if asked[slot]?.hasSentAll == true || peers.configuration.hasFaults && kernel.random.oneIn(2) {
            asked[slot] = nil
            frames.release(slot, code: .cancel)
        }
    }

    private func releaseIfDone(_ slot: StreamSlot) {
        guard let ask = asked[slot], ask.isWhole, ask.hasSentAll else { return }
        asked[slot] = nil
        frames.release(slot, code: .cancel)
    }

    private func resetCame(_ slot: StreamSlot, _ code: HTTP2ErrorCode) {
        let ask = asked.removeValue(forKey: slot)
        frames.release(slot, code: .cancel)
        guard let ask else { return }
        if code == .refusedStream, ask.head == nil {
            waiting.append(ask.script)
        } else if !ask.isWhole, !peers.configuration.hasFaults {
            complain("asked \(ask.script.id) and got \(code.name) after \(ask.received) bytes")
        }
    }

    /// What was not looked at is given up.
    private func goAwayCame(_ last: UInt32) {
        for slot in asked.keys.sorted() where frames.http2.number(of: slot) > last {
            asked[slot] = nil
            frames.release(slot, code: .cancel)
        }
        waiting = []
    }

    // MARK: Ends

    override func connectionEnded(_ kernel: SimulatedKernel) {
        if !peers.configuration.hasFaults {
            if !asked.isEmpty { complain("left without an answer, \(situation)") }
            if !waiting.isEmpty { complain("left without a word, \(situation)") }
        }
        leave(kernel)
    }
}
