// A server's end of one connection in HTTP/2: reads requests on its streams, byte for byte, answers them in pieces, at once and in any
// order.

import Basics
import Chance
import HTTP
import KernelSimulation
import Reactor

final class MultiplexedServer: ServerEnd {
    private let frames: FrameLink
    private var served: [StreamSlot: Serve] = [:]
    /// It has said that it goes away, and when it means it.
    private var goesAt = Instant.never

    /// A request on its stream.
    private struct Serve {
        let request: Head
        var received = 0
        var isWhole = false
        var answer: StreamAnswer?
        var hasSentHead = false
        var contentSent = 0
        var hasSentAll = false

        /// For complaints.
        var situation: String {
            "\(received) bytes of it came, \(isWhole ? "all" : "and not all"), of the answer "
                + (hasSentHead ? "\(contentSent) of \(answer?.contentLength ?? 0) were sent" : "nothing was sent")
        }
    }

    init(_ peers: Peers, _ wire: Wire, port: UInt16, wantsHeader: Bool) {
        let kernel = peers.kernel
        let hasFaults = peers.configuration.hasFaults
        let link = Link(wire, peers.configuration.serverEngine(wire, port: port))
        var limits = FrameLink.drawLimits(&kernel.random)
        // What is opened before it is known that it is too much is refused.
        if hasFaults { limits.maxConcurrentStreams = kernel.random.number(1...(kernel.random.oneIn(2) ? 5 : 100)) }
        frames = FrameLink(.server, over: link, limits: limits, &kernel.random)
        super.init(peers, wire, link, port: port, wantsHeader: wantsHeader, mishapOneIn: 6, mishapBytes: 2_000)
        pace = Pace.draw(hasFaults: hasFaults, bytes: 20_000, &kernel.random)
    }

    override var sent: Int { frames.sent }
    override var movesAt: Instant { goesAt }

    // MARK: Reading

    override func read(_ bytes: [UInt8], _ kernel: SimulatedKernel) {
        frames.receive(bytes, at: kernel.now) { event in
            guard !isOver else { return }
            obey(event, kernel)
        }
    }

    private func obey(_ event: FrameLink.Event, _ kernel: SimulatedKernel) {
        switch event {
        case .head(let slot): headCame(slot, kernel)
        case .content(let slot, let bytes): contentCame(slot, bytes)
        case .ended(let slot): endCame(slot, kernel)
        case .reset(let slot, let code):
            // A 404 there is not wanted (`retry-on`).
            let mayBeUnwanted = Route.retried.ports.contains(port)
            if let serve = served.removeValue(forKey: slot), !peers.configuration.hasFaults, !serve.hasSentAll,
                !mayBeUnwanted
            {
                complain("to port \(port) was answering \(serve.request.id ?? 0), got \(code.name): \(serve.situation)")
            }
            frames.release(slot, code: .cancel)
        case .goAway: break
        case .failed(let fault): complain("got what HTTP/2 does not allow: \(fault.words)")
        }
    }

    private func headCame(_ slot: StreamSlot, _ kernel: SimulatedKernel) {
        var request = RequestHead()
        var facts = HTTP2RequestFacts()
        let result = frames.http2.readRequest(slot, into: &request, facts: &facts)
        guard result == .whole, let head = Head(request), head.id != nil else {
            return complain("got a head that is \(result)")
        }
        if peers.configuration.hasFaults, kernel.random.oneIn(30) {
            return frames.release(slot, code: .refusedStream)
        }
        guard counts(head) else { return }
        served[slot] = Serve(request: head)
        if head.expectsContinue, !kernel.random.oneIn(4) {
            sendInterim(100, on: slot, head)
        } else if head.asksForUpgrade || head.method == .connect || kernel.random.oneIn(15) {
            // An answer that does not wait for the request's end, which one for a tunnel does not have.
            answer(slot, kernel)
        }
        if frames.http2.peerHasEnded(slot) { endCame(slot, kernel) }
    }

    private func contentCame(_ slot: StreamSlot, _ bytes: [UInt8]) {
        guard let serve = served[slot] else { return }
        served[slot]?.received += bytes.count
        let id = serve.request.id ?? 0
        let direction = serve.answer?.isTunnel == true ? Direction.tunnelForth : .request
        if id > 0, !Pattern.matches(bytes[...], id, direction, offset: serve.received) {
            complain("got a wrong byte (exchange \(id), from offset \(serve.received))")
        }
    }

    private func endCame(_ slot: StreamSlot, _ kernel: SimulatedKernel) {
        guard let serve = served[slot] else { return }
        served[slot]?.isWhole = true
        if serve.answer == nil { answer(slot, kernel) }
        if serve.answer?.isTunnel == true, !peers.configuration.hasFaults,
            serve.received != serve.request.tunnelLength
        {
            return complain("got \(serve.received) of \(serve.request.tunnelLength) bytes through a tunnel")
        }
        releaseIfDone(slot)
    }

    // MARK: Answering

    private func answer(_ slot: StreamSlot, _ kernel: SimulatedKernel) {
        guard let serve = served[slot] else { return }
        served[slot]?.answer = StreamAnswer.draw(serve.request, peers.configuration, &kernel.random)
    }

    private func sendInterim(_ status: Int, on slot: StreamSlot, _ request: Head) {
        var head = ResponseHead()
        head.setStatus(status)
        precondition(head.fields.append(name: "x-id", "\(request.id ?? 0)"))
        _ = frames.http2.send(
            head, content: .none, isTunnel: false, on: slot, endsStream: false, endsWithContent: false)
    }

    override var canMove: Bool {
        if hasFinished { return frames.holdsContent }
        if frames.hasOutgoing || frames.holdsContent { return true }
        return served.contains { maySend($0.value, on: $0.key) }
    }

    private func maySend(_ serve: Serve, on slot: StreamSlot) -> Bool {
        guard let answer = serve.answer, !serve.hasSentAll else { return false }
        if !serve.hasSentHead { return true }
        if answer.isTunnel, serve.contentSent == answer.contentLength { return serve.isWhole }
        return serve.contentSent == answer.contentLength || frames.http2.mayShare(slot)
    }

    override func work(_ kernel: SimulatedKernel) {
        for slot in served.keys.sorted() { move(on: slot, kernel) }
        frames.openWindows(&kernel.random)
        frames.pingNowAndThen(&kernel.random)
        if goesAt == .never, kernel.random.oneIn(100) {
            // In faith: nothing is lost by it. Without a warning, requests on their way are not served.
            let warns = !peers.configuration.hasFaults || kernel.random.oneIn(2)
            frames.http2.goAway("the server has enough", isWarning: warns)
            goesAt = kernel.now + .seconds(5)
        } else if goesAt <= kernel.now {
            frames.http2.goAway("the server has enough")
        }
        if !hasFinished, frames.hasOutgoing {
            let count = mishap.map { max(1, min(pace.sends, $0.afterSent - frames.sent)) } ?? pace.sends
            frames.flush(atMost: count, kernel)
            patienceEnds = kernel.now + Self.patience
        }
        if goesAt <= kernel.now, served.isEmpty, !frames.hasOutgoing { leave(kernel) }
    }

    /// Sends on in the answer on a stream.
    private func move(on slot: StreamSlot, _ kernel: SimulatedKernel) {
        guard var serve = served[slot], let answer = serve.answer, !hasFinished, maySend(serve, on: slot) else {
            return
        }
        if let after = answer.resetAfter, serve.contentSent >= after, after < 0 || serve.hasSentHead {
            served[slot] = nil
            return frames.release(slot, code: answer.resetCode)
        }
        if !serve.hasSentHead {
            serve.hasSentHead = true
            serve.hasSentAll = sendHead(answer, on: slot, serve.request)
        } else if serve.contentSent < answer.contentLength ?? 0 {
            let length = answer.contentLength ?? 0
            let body = Pattern.body(of: serve.request.id ?? 0, answer.isTunnel ? .tunnelBack : .response, count: length)
            let limit = min(pace.sends, answer.resetAfter.map { max(1, $0 - serve.contentSent) } ?? .max)
            serve.contentSent += frames.send(
                body[(body.startIndex + serve.contentSent)...].prefix(limit), on: slot)
            serve.hasSentAll = answer.isLengthTold && !answer.isTunnel && serve.contentSent == length
        } else {
            frames.http2.end(slot, trailers: answer.hasTrailers ? Array("x-trailer: yes\r\n\r\n".utf8) : nil)
            serve.hasSentAll = true
        }
        served[slot] = serve
        if serve.hasSentAll, !serve.isWhole, peers.configuration.hasFaults, kernel.random.oneIn(2) {
            // The rest of the request is not wanted.
            served[slot] = nil
            return frames.release(slot, code: .noError)
        }
        releaseIfDone(slot)
    }

    /// Whether nothing follows it.
    private func sendHead(_ answer: StreamAnswer, on slot: StreamSlot, _ request: Head) -> Bool {
        if answer.hasInterim { sendInterim(103, on: slot, request) }
        var head = ResponseHead()
        answer.fill(&head)
        let length = answer.contentLength
        let isAll = length == nil || length == 0 && answer.isLengthTold && !answer.isTunnel
        let content: ContentLength =
            length == nil || answer.isTunnel ? .none : answer.isLengthTold ? .known(UInt64(length ?? 0)) : .unknown
        _ = frames.http2.send(
            head, content: content, isTunnel: answer.isTunnel, on: slot, endsStream: isAll, endsWithContent: true)
        return isAll
    }

    private func releaseIfDone(_ slot: StreamSlot) {
        guard let serve = served[slot], serve.isWhole, serve.hasSentAll else { return }
        served[slot] = nil
        frames.release(slot, code: .noError)
    }
}
