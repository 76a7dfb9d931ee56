// A server's end of one connection: reads requests, byte for byte, answers them in pieces, and misbehaves if it is
// told to.

import Basics
import Chance
import KernelSimulation
import ProxyProtocol
import Reactor

final class Server: SimulatedPeer {
    private unowned let peers: Peers
    private let wire: Wire
    private let link: Link
    private let port: UInt16
    private let mishap: Mishap?
    private var pace = Pace()
    private let isLoath: Bool
    private var isAccepted = false

    /// What of a header has come; nil if none is awaited, or any more.
    private var header: [UInt8]?
    /// The client's port that it named.
    private var announcedPort: UInt16?
    private var reader = MessageReader(reading: .request)
    /// The request being read or answered.
    private var request: Head?
    private var requestIsWhole = false
    /// The answer begins before the request has ended.
    private var isHasty = false
    private var response: ResponseScript?
    private var responseSent = 0
    private var sent = 0
    private var received = 0
    private var tunnelLength = 0
    private var tunnelSent = 0
    private var hasFinished = false
    private var isMute = false
    private var isOver = false
    private var patienceEnds: Instant
    private var nextLook = Instant.never

    init(_ peers: Peers, _ wire: Wire, port: UInt16, wantsHeader: Bool) {
        self.peers = peers
        header = wantsHeader ? [] : nil
        self.wire = wire
        link = Link(wire, peers.configuration.serverEngine(wire, port: port))
        self.port = port
        let kernel = peers.kernel
        let hasFaults = peers.configuration.hasFaults
        isLoath = hasFaults && kernel.random.oneIn(25)
        mishap = hasFaults && kernel.random.oneIn(8) ? Mishap.draw(sending: 500, receiving: 500, &kernel.random) : nil
        patienceEnds = kernel.now + Self.patience
        kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(0...3))))
    }

    private static let patience = TimeSpan.seconds(20_000)

    func act(in kernel: SimulatedKernel) {
        guard !isOver else { return }
        if kernel.now >= nextLook { nextLook = .never }
        guard isAccepted || decideToAccept(kernel) else { return }
        read(kernel)
        if let mishap, sent >= mishap.afterSent || received >= mishap.afterReceived, !isMute {
            suffer(mishap.kind, kernel)
        }
        guard !isOver else { return }
        if wire.weClosed || wire.weFinished && wire.outbound.isEmpty && !isTunnelOpen {
            leave(kernel)
            return
        }
        send(kernel)
        guard !isOver else { return }
        if kernel.now >= patienceEnds {
            leave(kernel)
            return
        }
        if !wire.outbound.isEmpty && !isMute || canSend {
            kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(pace.pause))))
        } else {
            wire.listener = self
            if nextLook == .never {
                nextLook = patienceEnds
                kernel.schedule(self, after: patienceEnds.since(kernel.now))
            }
        }
    }

    private func decideToAccept(_ kernel: SimulatedKernel) -> Bool {
        if isLoath {
            // Refused, or never answered.
            if kernel.random.oneIn(2) { kernel.refuse(wire) } else if kernel.random.oneIn(2) { kernel.peerResets(wire) }
            isOver = true
            return false
        }
        isAccepted = true
        kernel.accept(wire)
        return true
    }

    // MARK: Reading

    private func read(_ kernel: SimulatedKernel) {
        guard !isMute, !wire.outbound.isEmpty else { return }
        var count = min(pace.takes, wire.outbound.count)
        if let mishap { count = max(1, min(count, mishap.afterReceived - received)) }
        var bytes = link.take(count, kernel)
        received += bytes.count
        patienceEnds = kernel.now + Self.patience
        guard takeHeader(from: &bytes) else { return }
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

    /// Takes the header off the first bytes; false while it is not whole.
    private func takeHeader(from bytes: inout [UInt8]) -> Bool {
        guard let begun = header else { return true }
        let all = begun + bytes
        switch unsafe ProxyHeaderParser.parse(all.span.bytes, bytesMax: 1_000) {
        case .needMore:
            header = all
            return false
        case .failed(let fault):
            complain("got a header with \(fault)")
            return false
        case .complete(let said, let count):
            header = nil
            announcedPort = said.ends?.source.port
            bytes = Array(all[count...])
            return true
        }
    }

    private func headCame(_ head: Head, _ kernel: SimulatedKernel) {
        peers.requestCame(to: port)
        guard request == nil else { return complain("got a request while it was answering another") }
        if head.hosts != 1 && !peers.configuration.isTCP { return complain("got \(head.hosts) Host fields") }
        if let announcedPort, let id = head.id, announcedPort != peers.port(ofRequest: id) {
            return complain("is announced as that of \(announcedPort) and got request \(id) of another client")
        }
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

    private var isTunnelOpen: Bool { reader.isInTunnel && !hasFinished }

    private var isResponseSent: Bool { response.map { responseSent == $0.bytes.count } ?? false }

    private var canSend: Bool {
        guard !isMute, !hasFinished else { return false }
        guard isResponseSent else { return response != nil }
        return reader.isInTunnel && (tunnelSent < tunnelLength || wire.weFinished)
    }

    private func send(_ kernel: SimulatedKernel) {
        guard canSend else { return }
        patienceEnds = kernel.now + Self.patience
        if isResponseSent { return sendIntoTunnel(kernel) }
        guard let response else { return }
        var count = min(pace.sends, response.bytes.count - responseSent)
        if let mishap { count = min(count, max(1, mishap.afterSent - sent)) }
        link.send(response.bytes[responseSent..<responseSent + count], kernel)
        responseSent += count
        sent += count
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
        sent += count
        if tunnelSent == tunnelLength && wire.outbound.isEmpty && wire.weFinished {
            if !peers.configuration.hasFaults && reader.contentCount != request?.tunnelLength {
                complain("got \(reader.contentCount) of \(request?.tunnelLength ?? 0) bytes through a tunnel")
            }
            leave(kernel)
        }
    }

    // MARK: Ends

    private func suffer(_ kind: Mishap.Kind, _ kernel: SimulatedKernel) {
        switch kind {
        case .reset:
            kernel.peerResets(wire)
            isOver = true
        case .close:
            // Without a word, if it is encrypted: what it sent cannot be taken for whole.
            kernel.peerCloses(wire)
            isOver = true
        case .finish:
            link.finish(kernel)
            hasFinished = true
        case .silence: isMute = true
        }
    }

    private func leave(_ kernel: SimulatedKernel) {
        link.close(kernel)
        isOver = true
    }

    private func complain(_ what: String) {
        peers.complain("a server's connection \(wire.number) \(what)")
        isOver = true
        peers.kernel.peerCloses(wire)
    }
}
