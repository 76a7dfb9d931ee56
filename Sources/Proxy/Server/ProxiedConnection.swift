// A connection through a SOCKS proxy, which is asked before everything else.

internal import Balancing
internal import Basics
internal import ProxyProtocol
internal import Reactor
internal import SystemPackage
internal import Transport

extension ServerConnection {
    /// Asks the proxy to connect to the server, which has an IPv4 address: the line was refused otherwise, or the server's name has
    /// led elsewhere.
    func askProxy(_ worker: Worker) {
        proxyAnswer = SOCKSAnswer()
        guard let request = SOCKSProxy.request(for: address) else { return }
        output.acquire(from: worker.buffers)
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
        var answer = proxyAnswer ?? SOCKSAnswer()
        defer { proxyAnswer = answer }
        while true {
            switch answer.verdict {
            case .granted?: return .complete
            case .refused(let code)?: return .failed(.proxy(code))
            case nil: break
            }
            var room = [UInt8](repeating: 0, count: answer.missing)
            let received = unsafe room.withUnsafeMutableBytes { unsafe worker.kernel.receive(socket, into: $0) }
            switch received {
            case .bytes(let count): answer.take(room.prefix(count))
            case .wouldBlock: return .pending
            case .endOfStream: return .failed(.proxy(nil))
            case .failed(let reason): return .failed(.system(reason))
            }
        }
    }
}
