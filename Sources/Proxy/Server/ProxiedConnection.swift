// A connection through a SOCKS proxy of version 4: a request of some bytes, and an answer of eight, before everything else.

internal import Balancing
internal import Basics
internal import Reactor
internal import SystemPackage
internal import Transport

extension ServerConnection {
    private static let answerBytes = 8
    /// "Request granted"
    private static let granted: UInt8 = 90

    /// Asks the proxy to connect to the server, which has an IPv4 address: the line was refused otherwise, or the server's name has
    /// led elsewhere.
    func askProxy(_ worker: Worker) {
        proxyAnswer = []
        guard case .ip(.v4(let word), let port) = address else { return }
        output.acquire(from: worker.buffers)
        let request: [UInt8] =
            [4, 1, UInt8(port >> 8), UInt8(port & 255)]
            + stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
            + Array("portico".utf8) + [0]
        let fits = output.append(request)
        precondition(fits, "a request of \(request.count) bytes does not fit into an empty buffer")
    }

    /// Sends the rest of the request and reads the rest of the answer, and no byte that follows it.
    func proxyProgress(_ worker: Worker) -> HandshakeStep {
        guard case .ip(.v4, _) = address else { return .failed(.system(.addressFamilyNotSupported)) }
        switch output.isEmpty ? .all : flush(worker) {
        case .all: break
        case .blocked: return .pending
        case .failed: return .failed(.system(transport.writeFailure ?? .connectionReset))
        }
        var answer = proxyAnswer ?? []
        defer { proxyAnswer = answer }
        while answer.count < Self.answerBytes {
            var room = [UInt8](repeating: 0, count: Self.answerBytes - answer.count)
            let received = unsafe room.withUnsafeMutableBytes { unsafe worker.kernel.receive(socket, into: $0) }
            switch received {
            case .bytes(let count): answer += room.prefix(count)
            case .wouldBlock: return .pending
            case .endOfStream: return .failed(.proxy(nil))
            case .failed(let reason): return .failed(.system(reason))
            }
        }
        return answer[0] == 0 && answer[1] == Self.granted ? .complete : .failed(.proxy(answer[1]))
    }
}
