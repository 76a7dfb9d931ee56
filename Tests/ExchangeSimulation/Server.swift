// A server's end of one connection in HTTP/1: reads requests, byte for byte, and answers them in pieces.

import Basics
import Chance
import KernelSimulation
import Reactor

final class Server: ServerEnd {
    private var reader = MessageReader(reading: .request)
    /// The request being read or answered.
    private var request: Head?
    private var requestIsWhole = false
    /// The answer begins before the request has ended.
    private var isHasty = false
    private var response: ResponseScript?
    private var responseSent = 0
    private var bytesSent = 0
    private var tunnelLength = 0
    private var tunnelSent = 0

    init(_ peers: Peers, _ wire: Wire, port: UInt16, wantsHeader: Bool) {
        super.init(
            peers, wire, Link(wire, peers.configuration.serverEngine(wire, port: port)), port: port,
            wantsHeader: wantsHeader, mishapOneIn: 8, mishapBytes: 500)
    }

    override var sent: Int { bytesSent }

    // MARK: Reading

    override func read(_ bytes: [UInt8], _ kernel: SimulatedKernel) {
        var at = 0
        while !isOver, let event = reader.next(bytes, &at) {
            switch event {
            case .head(let head): headCame(head, kernel)
            case .end:
                requestIsWhole = true
                if response == nil { respond(kernel) }
                if let response, let length = response.tunnelLength, let id = request?.id {
                    // The client may speak as soon as it has the head.
                    reader.enterTunnel(of: id, .tunnelForth)
                    tunnelLength = length
                    tunnelSent = response.tunnelBegun
                }
                finishExchangeIfDone(kernel)
                // Behind a request for a tunnel come the tunnel's bytes, and not before its answer.
                if at < bytes.count && request != nil {
                    complain("got a request before it had answered the one before")
                }
            case .wrong(let what): complain("got \(what)")
            }
        }
    }

    private func headCame(_ head: Head, _ kernel: SimulatedKernel) {
        guard counts(head) else { return }
        guard request == nil else { return complain("got a request while it was answering another") }
        request = head
        requestIsWhole = false
        pace = Pace.draw(hasFaults: peers.configuration.hasFaults, bytes: 2_000, &kernel.random)
        if head.expectsContinue && !kernel.random.oneIn(4) {
            link.send(Array("HTTP/1.1 100 Continue\r\nX-Id: \(head.id ?? 0)\r\n\r\n".utf8)[...], kernel)
        } else if kernel.random.oneIn(15) {
            // An answer that does not wait for the request's end.
            respond(kernel)
        }
    }

    // MARK: Answering

    private func respond(_ kernel: SimulatedKernel) {
        guard let request else { return }
        let script = ResponseScript.draw(request, closes: kernel.random.oneIn(8), peers.configuration, &kernel.random)
        response = script
        responseSent = 0
        pace.sends = max(pace.sends, script.bytes.count / 60)
    }

    override var isTunnelOpen: Bool { reader.isInTunnel && !hasFinished }

    private var isResponseSent: Bool { response.map { responseSent == $0.bytes.count } ?? false }

    override var canMove: Bool {
        guard !hasFinished else { return false }
        guard isResponseSent else { return response != nil }
        return reader.isInTunnel && (tunnelSent < tunnelLength || wire.weFinished)
    }

    override func work(_ kernel: SimulatedKernel) {
        guard canMove else { return }
        patienceEnds = kernel.now + Self.patience
        if isResponseSent { return sendIntoTunnel(kernel) }
        guard let response else { return }
        var count = min(pace.sends, response.bytes.count - responseSent)
        if let mishap { count = min(count, max(1, mishap.afterSent - sent)) }
        link.send(response.bytes[responseSent..<responseSent + count], kernel)
        responseSent += count
        bytesSent += count
        finishExchangeIfDone(kernel)
    }

    /// On to the next request when this one is read and answered.
    private func finishExchangeIfDone(_ kernel: SimulatedKernel) {
        guard let response, isResponseSent, response.tunnelLength == nil else { return }
        if response.closes {
            // Unread bytes would make a reset of it, and the answer might be lost: a server that behaves reads on.
            if requestIsWhole || peers.configuration.hasFaults { leave(kernel) }
            return
        }
        guard requestIsWhole else { return }
        self.request = nil
        self.response = nil
        if peers.configuration.hasFaults && kernel.random.oneIn(20) {
            // Tired of waiting, or confused.
            if !peers.configuration.isTCP && kernel.random.oneIn(2) {
                link.send(Array("HTTP/1.1 408 x\r\n\r\n".utf8)[...], kernel)
            }
            leave(kernel)
        }
    }

    private func sendIntoTunnel(_ kernel: SimulatedKernel) {
        let count = min(pace.sends, tunnelLength - tunnelSent)
        let body = Pattern.body(of: request?.id ?? 0, .tunnelBack, count: tunnelLength)
        link.send(body[(body.startIndex + tunnelSent)...].prefix(count), kernel)
        tunnelSent += count
        bytesSent += count
        if tunnelSent == tunnelLength && wire.outbound.isEmpty && wire.weFinished {
            if !peers.configuration.hasFaults && reader.contentCount != request?.tunnelLength {
                complain("got \(reader.contentCount) of \(request?.tunnelLength ?? 0) bytes through a tunnel")
            }
            leave(kernel)
        }
    }
}
