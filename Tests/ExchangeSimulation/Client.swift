// A client in HTTP/1: sends its requests, in pieces, and reads what comes back, byte for byte.

import Basics
import Chance
import KernelSimulation
import Reactor

final class Client: ClientEnd {
    private let requests: [RequestScript]
    /// Sends requests without waiting for the answers to those before.
    private let isEager: Bool

    private var current = 0
    private var sentOfCurrent = 0
    private var sentBytes = 0
    private var tunnelSent = 0
    private var reader = MessageReader(reading: .response)
    private var head: Head?
    private var tunnelAwaited = 0
    private var pauseEnds = Instant.never
    /// An answer said that it was the last.
    private var wasToldTheEnd = false

    private var wholeAnswers = 0

    init(_ peers: Peers, requests: [RequestScript], hasMishap: Bool) {
        let kernel = peers.kernel
        let wire = peers.network.connectClient()
        let link = Link(wire, peers.configuration.isEncrypted ? SecureLink.clientEngine(for: wire) : nil)
        var requests = requests
        if peers.configuration.isBehindProxy {
            let header = ProxyScript.header(of: wire.address, peers.configuration, &kernel.random)
            requests[0] = requests[0].behind(header)
        }
        self.requests = requests
        isEager = !peers.configuration.isTCP && kernel.random.oneIn(6)
        let length = requests.reduce(0) { $0 + $1.bytes.count }
        super.init(peers, wire, link, sending: length, receiving: 200 * requests.count, hasMishap: hasMishap)
    }

    override var sent: Int { sentBytes }
    override func movesAt(_ kernel: SimulatedKernel) -> Instant { pauseEnds }

    override var situation: String {
        "request \(current) of \(requests.count), \(sentOfCurrent) bytes of it sent, \(statuses.count) answers, "
            + "\(wholeAnswers) of them whole\(link.situation), \(wire.weReset ? "reset" : "not reset"), "
            + "it awaits \(requests[min(wholeAnswers, requests.count - 1)].title)"
    }

    // MARK: Sending

    /// Where the bytes that may be sent now end.
    private func sendLimit(_ kernel: SimulatedKernel) -> Int {
        guard current < requests.count, !hasFinished else { return 0 }
        guard isEager || wholeAnswers >= current else { return 0 }
        // In TCP mode it is told by the server itself that this was the last answer.
        if wasToldTheEnd && sentOfCurrent == 0 { return 0 }
        if let pause = requests[current].pause, sentOfCurrent <= pause, kernel.now < pauseEnds { return pause }
        return requests[current].bytes.count
    }

    override func canMove(_ kernel: SimulatedKernel) -> Bool {
        if current < requests.count { return sentOfCurrent < sendLimit(kernel) }
        return reader.isInTunnel && !hasFinished
    }

    override func work(_ kernel: SimulatedKernel) {
        guard canMove(kernel) else { return }
        if current == requests.count {
            sendIntoTunnel(kernel)
            return
        }
        let request = requests[current]
        let count = paced(sendLimit(kernel) - sentOfCurrent)
        link.send(request.bytes[sentOfCurrent..<sentOfCurrent + count], kernel)
        if kernel.random.oneIn(300) { kernel.peerSendsUrgently(on: wire) }
        sentOfCurrent += count
        sentBytes += count
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
        sentBytes += count
        patienceEnds = kernel.now + Self.patience
        if tunnelSent == length {
            link.finish(kernel)
            hasFinished = true
        }
    }

    // MARK: Reading

    override func read(_ bytes: [UInt8], _ kernel: SimulatedKernel) {
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

    override func connectionEnded(_ kernel: SimulatedKernel) {
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
}
