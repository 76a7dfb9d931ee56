// A client: sends its requests, in pieces, reads what comes back, byte for byte, and misbehaves if it is told to.

import Basics
import Chance
import KernelSimulation
import Reactor

final class Client: CountedClient {
    private unowned let peers: Peers
    private let wire: Wire
    private let link: Link
    private let requests: [RequestScript]
    private let mishap: Mishap?
    private let pace: Pace
    /// Sends requests without waiting for the answers to those before.
    private let isEager: Bool

    private var current = 0
    private var sentOfCurrent = 0
    private var sent = 0
    private var received = 0
    private var tunnelSent = 0
    private var reader = MessageReader(reading: .response)
    private var head: Head?
    private var tunnelAwaited = 0
    private var hasFinished = false
    /// Silent, by mishap.
    private var isMute = false
    private var isOver = false {
        didSet { if isOver && !oldValue { peers.clientEnded() } }
    }
    private var patienceEnds: Instant
    private var pauseEnds = Instant.never
    private var nextLook = Instant.never
    /// An answer said that it was the last.
    private var wasToldTheEnd = false

    /// The statuses of all final heads it got, to be found in the log.
    private(set) var statuses: [Int] = []
    private(set) var wholeAnswers = 0
    var port: UInt16 { if case .ip(_, let port) = wire.address { port } else { 0 } }
    var bytesSent: Int { sent }
    var bytesReceived: Int { received }
    let isMultiplexed = false

    init(_ peers: Peers, requests: [RequestScript], hasMishap: Bool) {
        self.peers = peers
        wire = peers.network.connectClient()
        link = Link(wire, peers.configuration.isEncrypted ? SecureLink.clientEngine(for: wire) : nil)
        var requests = requests
        if peers.configuration.isBehindProxy {
            let header = ProxyScript.header(of: wire.address, peers.configuration, &peers.kernel.random)
            requests[0] = requests[0].behind(header)
        }
        self.requests = requests
        let length = requests.reduce(0) { $0 + $1.bytes.count }
        mishap = hasMishap ? Mishap.draw(sending: length, receiving: 200 * requests.count, &peers.kernel.random) : nil
        pace = Pace.draw(hasFaults: peers.configuration.hasFaults, bytes: length, &peers.kernel.random)
        isEager = !peers.configuration.isTCP && peers.kernel.random.oneIn(6)
        patienceEnds = peers.kernel.now + Self.patience
    }

    /// Longer than any time-out that a round sets, shorter than for ever.
    private static let patience = TimeSpan.seconds(10_000)

    func act(in kernel: SimulatedKernel) {
        guard !isOver else { return }
        if kernel.now >= nextLook { nextLook = .never }
        if !isMute { link.begin(kernel) }
        read(kernel)
        guard !isOver else { return }
        if let mishap, sent >= mishap.afterSent || received >= mishap.afterReceived, !isMute {
            suffer(mishap.kind, kernel)
            guard !isOver else { return }
        }
        if wire.weReset || wire.weFinished && wire.outbound.isEmpty {
            connectionEnded(kernel)
            return
        }
        send(kernel)
        guard !isOver else { return }
        if kernel.now >= patienceEnds {
            if mishap == nil { peers.complain("client \(port) waited in vain: \(situation)") }
            leave(kernel)
            return
        }
        let mayMove = !wire.outbound.isEmpty && !isMute || canSend(kernel)
        if mayMove {
            kernel.schedule(self, after: .milliseconds(UInt64(kernel.random.number(pace.pause))))
        } else {
            wire.listener = self
            lookAgain(at: patienceEnds, kernel)
            if !isMute, pauseEnds != .never, pauseEnds > kernel.now { lookAgain(at: pauseEnds, kernel) }
        }
    }

    /// One turn for patience's end waits in the kernel, and moves on when it has come up.
    private func lookAgain(at instant: Instant, _ kernel: SimulatedKernel) {
        guard instant < nextLook else { return }
        nextLook = instant
        kernel.schedule(self, after: instant.since(kernel.now))
    }

    private var situation: String {
        "request \(current) of \(requests.count), \(sentOfCurrent) bytes of it sent, \(statuses.count) answers, "
            + "\(wholeAnswers) of them whole\(link.situation), \(wire.weReset ? "reset" : "not reset"), "
            + "it awaits \(requests[min(wholeAnswers, requests.count - 1)].title)"
    }

    // MARK: Sending

    /// Where the bytes that may be sent now end.
    private func sendLimit(_ kernel: SimulatedKernel) -> Int {
        guard current < requests.count, !isMute, !hasFinished else { return 0 }
        guard isEager || wholeAnswers >= current else { return 0 }
        // In TCP mode it is told by the server itself that this was the last answer.
        if wasToldTheEnd && sentOfCurrent == 0 { return 0 }
        if let pause = requests[current].pause, sentOfCurrent <= pause, kernel.now < pauseEnds { return pause }
        return requests[current].bytes.count
    }

    private func canSend(_ kernel: SimulatedKernel) -> Bool {
        if current < requests.count { return sentOfCurrent < sendLimit(kernel) }
        return reader.isInTunnel && !isMute && !hasFinished
    }

    private func send(_ kernel: SimulatedKernel) {
        guard canSend(kernel) else { return }
        if current == requests.count {
            sendIntoTunnel(kernel)
            return
        }
        let request = requests[current]
        var count = min(sendLimit(kernel) - sentOfCurrent, pace.sends)
        if let mishap { count = max(1, min(count, mishap.afterSent - sent)) }
        link.send(request.bytes[sentOfCurrent..<sentOfCurrent + count], kernel)
        if kernel.random.oneIn(300) { kernel.peerSendsUrgently(on: wire) }
        sentOfCurrent += count
        sent += count
        patienceEnds = kernel.now + Self.patience
        if let pause = request.pause, sentOfCurrent == pause {
            pauseEnds = kernel.now + .milliseconds(UInt64(kernel.random.number(10...2_000)))
        }
        if sentOfCurrent == request.bytes.count {
            current += 1
            sentOfCurrent = 0
            pauseEnds = .never
        }
    }

    private func sendIntoTunnel(_ kernel: SimulatedKernel) {
        let request = requests[requests.count - 1]
        let length = request.tunnelLength ?? 0
        let count = min(pace.sends, length - tunnelSent)
        let body = Pattern.body(of: request.id, .tunnelForth, count: length)
        link.send(body[(body.startIndex + tunnelSent)...].prefix(count), kernel)
        tunnelSent += count
        sent += count
        patienceEnds = kernel.now + Self.patience
        if tunnelSent == length {
            link.finish(kernel)
            hasFinished = true
        }
    }

    // MARK: Reading

    private func read(_ kernel: SimulatedKernel) {
        // What a reset overtakes is lost, as far as it was not read before.
        guard !isMute, !wire.weReset || kernel.random.oneIn(2), !wire.outbound.isEmpty else { return }
        var count = min(pace.takes, wire.outbound.count)
        if let mishap { count = max(1, min(count, mishap.afterReceived - received)) }
        let bytes = link.take(count, kernel)
        received += bytes.count
        patienceEnds = kernel.now + Self.patience
        var at = 0
        while !isOver {
            if head == nil, wholeAnswers < requests.count { reader.methodAsked = requests[wholeAnswers].method }
            guard let event = reader.next(bytes, &at) else { break }
            switch event {
            case .head(let head): headCame(head, kernel)
            case .end: answerIsWhole(kernel)
            case .wrong(let what): complain("got \(what)")
            }
        }
    }

    private func headCame(_ head: Head, _ kernel: SimulatedKernel) {
        guard !head.isRequest, wholeAnswers < requests.count else { return complain("got an answer to nothing") }
        let request = requests[wholeAnswers]
        if let id = head.id, id != request.id { return complain("asked \(request.id) and got the answer to \(id)") }
        if head.status == 101 {
            guard request.tunnelLength != nil else { return complain("got a tunnel it had not asked for") }
        } else if head.status < 200 {
            pauseEnds = kernel.now
            return
        }
        pauseEnds = kernel.now
        statuses.append(head.status)
        if !peers.configuration.hasFaults { check(head, request) }
        if head.status == 101 || request.method == .connect && head.status < 300 {
            tunnelAwaited = head.tunnelLength
            reader.enterTunnel(of: head.id ?? 0, .tunnelBack)
            wholeAnswers += 1
            return
        }
        self.head = head
    }

    /// Among peers that behave, everything that is asked is answered by whom it should be.
    private func check(_ head: Head, _ request: RequestScript) {
        if let own = request.ownStatuses, !peers.configuration.isTCP {
            if head.id != nil || !own.contains(head.status) {
                complain("got \(head.status) from \(head.id ?? 0) instead of Portico's \(own)")
            }
        } else if head.id == nil {
            complain(
                "got \(head.status) from Portico instead of a server's answer to \(request.title)"
            )
        }
    }

    private func answerIsWhole(_ kernel: SimulatedKernel) {
        if head?.closes == true { wasToldTheEnd = true }
        head = nil
        wholeAnswers += 1
        if wholeAnswers == requests.count || wasToldTheEnd {
            // Some leave at once, some wait for the end.
            if kernel.random.oneIn(3) || mishap != nil { leave(kernel) }
        }
    }

    // MARK: Ends

    private func connectionEnded(_ kernel: SimulatedKernel) {
        if head != nil && reader.readsUntilClose && !wire.weReset {
            head = nil
            wholeAnswers += 1
            wasToldTheEnd = true
        }
        if !peers.configuration.hasFaults {
            // Behind an answer that is whole it makes no difference.
            if head != nil || reader.isInTunnel, link.isTruncated(kernel), !sentTooMuch {
                complain("was left without close_notify, \(situation)")
            }
            if (wholeAnswers < requests.count && !wasToldTheEnd || head != nil) && !sentTooMuch {
                complain("left without an answer, \(situation)")
            }
            if reader.isInTunnel && reader.contentCount != tunnelAwaited {
                complain("got \(reader.contentCount) of \(tunnelAwaited) bytes through a tunnel")
            }
        }
        leave(kernel)
    }

    /// What comes behind the last request that is answered, or behind a body whose answer did not wait for it, may be
    /// met by a reset, which takes along what was not read yet (RFC 9112 section 9.6).
    private var sentTooMuch: Bool {
        wire.weReset && (isEager || requests[min(wholeAnswers, requests.count - 1)].method.hasBody)
    }

    private func suffer(_ kind: Mishap.Kind, _ kernel: SimulatedKernel) {
        switch kind {
        case .reset:
            kernel.peerResets(wire)
            isOver = true
        case .close: leave(kernel)
        case .finish:
            kernel.peerFinishes(wire)
            hasFinished = true
        case .silence:
            isMute = true
            patienceEnds = kernel.now + .seconds(UInt64(kernel.random.number(0...300)))
        }
    }

    private func leave(_ kernel: SimulatedKernel) {
        kernel.peerCloses(wire)
        isOver = true
    }

    private func complain(_ what: String) {
        peers.complain("client \(port) \(what)")
        isOver = true
        peers.kernel.peerCloses(wire)
    }
}
