// A peer's end of an encrypted connection: an engine of its own, whose records go over the wire. The peer speaks to it in plain bytes, as to a
// wire; how many bytes it takes or sends at a time cuts the records anywhere.

import Basics
import Configuration
import Glibc
import KernelSimulation
import Reactor
import SystemPackage
import TLS
import TLSTesting

/// What the peers of encrypted rounds have in common.
enum SecureLink {
    private static let client = TLSContext(.client)

    static func clientEngine(for wire: Wire) -> TLSEngine { TLSEngine(client, Socket(wire.number)) }

    /// For a client that offers HTTP/2 alone.
    static func multiplexedClientEngine(for wire: Wire) -> TLSEngine {
        multiplexedClient.makeEngine(Socket(wire.number), serverName: nil, worker: 0)
    }

    private static let multiplexedClient: TLSUpstream = {
        var options = TLSUpstreamOptions()
        options.isOn = true
        options.reusesSessions = false
        options.protocol.verification = TLSVerification.none
        options.protocol.applicationProtocols = [SpokenProtocols.http2]
        do throws(ConfigProblem) {
            return try TLSUpstream(
                options, certificates: CertificateStore(), workers: 1,
                at: SourceRange(file: "clients of the simulation", line: 1))
        } catch { preconditionFailure("simulated clients have no TLS: \(error.message)") }
    }()

    /// What servers show, from the file that Portico shows too.
    /// - Parameter protocols: those that they choose among by ALPN; nil for none.
    static func makeServers(in folder: String, protocols: [[UInt8]]? = nil) -> TLSListener {
        let place = SourceRange(file: "servers of the simulation", line: 1)
        var options = TLSListenerOptions()
        options.protocol.applicationProtocols = protocols
        options.sources = [.certificate(Word(folder + "/" + fileName, at: place))]
        do throws(ConfigProblem) {
            return try TLSListener(
                options, at: Word("servers", at: place), defaults: TLSDefaults(), certificates: CertificateStore())
        } catch { preconditionFailure("simulated servers have no certificate: \(error.message)") }
    }

    static let fileName = "site.pem"
    private static let certificate = TestCertificate("www.example.org", key: .ed25519)

    /// Writes the certificate that Portico is to show, unless it is there.
    static func writeCertificate(to folder: String) {
        let path = folder + "/" + fileName
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard file >= 0 else { return }
        let text = Array(certificate.bundle.utf8)
        precondition(unsafe write(file, text, text.count) == text.count, "no file in \(folder)")
        close(file)
    }
}

/// The bytes of one connection as its peer sends and reads them: encrypted or not.
final class Link {
    private let wire: Wire
    private let engine: TLSEngine?
    private let records: RecordWire
    private let pool = BufferPool(blockBytes: 16_384)
    /// To be sent when the handshake is complete.
    private var waiting: [UInt8] = []
    private(set) var hasFailed = false

    /// - Parameter engine: what encrypts it; nil for a plain connection.
    init(_ wire: Wire, _ engine: TLSEngine?) {
        self.wire = wire
        records = RecordWire(wire)
        self.engine = engine
    }

    /// Whether the peer has nothing to read.
    var isEmpty: Bool { wire.outbound.isEmpty }

    /// For complaints.
    var situation: String {
        guard let engine else { return "" }
        return ", \(records.arrived.count) bytes of records and \(waiting.count) of content wait, "
            + (engine.fault.map { "TLS failed: \($0.words)" } ?? "TLS goes on")
    }

    /// Begins the handshake, where it is the peer's to begin.
    func begin(_ kernel: SimulatedKernel) { if engine != nil { advance(kernel) } }

    func send(_ bytes: ArraySlice<UInt8>, _ kernel: SimulatedKernel) {
        guard let engine else { return kernel.peerSends(bytes, on: wire) }
        waiting += bytes
        if engine.isHandshakeComplete { sendWaiting(kernel) } else { advance(kernel) }
    }

    /// Takes what Portico has sent, at most `count` bytes of it as they are on the wire, and returns what they say.
    func take(_ count: Int, _ kernel: SimulatedKernel) -> [UInt8] {
        let bytes = kernel.peerTakes(count, from: wire)
        guard let engine else { return bytes }
        records.arrived += bytes
        advance(kernel)
        guard engine.isHandshakeComplete else { return [] }
        var content: [UInt8] = []
        var input = ByteBuffer()
        input.acquire(from: pool)
        defer { input.release(to: pool) }
        while true {
            engine.lend(records, canReceive: true, canSend: true)
            guard case .bytes(let count) = engine.read(into: &input) else { break }
            for i in 0..<count { content.append(input.readable[i]) }
            input.consume(count)
        }
        if engine.fault != nil { hasFailed = true }
        return content
    }

    /// Says that nothing more comes.
    func finish(_ kernel: SimulatedKernel) {
        sayGoodbye()
        kernel.peerFinishes(wire)
    }

    /// Leaves as one who has said everything.
    func close(_ kernel: SimulatedKernel) {
        if !wire.weReset { sayGoodbye() }
        kernel.peerCloses(wire)
    }

    private func sayGoodbye() {
        guard let engine, engine.isHandshakeComplete else { return }
        engine.lend(records, canReceive: true, canSend: true)
        _ = engine.finishSending()
    }

    /// Whether Portico has closed without saying that nothing more follows.
    func isTruncated(_ kernel: SimulatedKernel) -> Bool {
        guard let engine, engine.isHandshakeComplete, engine.fault == nil else { return false }
        var input = ByteBuffer()
        input.acquire(from: pool)
        defer { input.release(to: pool) }
        engine.lend(records, canReceive: true, canSend: true)
        _ = engine.read(into: &input)
        return engine.isTruncated
    }

    private func advance(_ kernel: SimulatedKernel) {
        guard let engine, !engine.isHandshakeComplete, !hasFailed else { return }
        engine.lend(records, canReceive: true, canSend: true)
        switch engine.handshake() {
        case .complete: sendWaiting(kernel)
        case .pending: break
        case .failed: hasFailed = true
        }
    }

    private func sendWaiting(_ kernel: SimulatedKernel) {
        guard let engine else { return }
        while !waiting.isEmpty {
            engine.lend(records, canReceive: true, canSend: true)
            guard case .bytes(let count) = unsafe engine.write(waiting.span.bytes, more: false) else { return }
            waiting.removeFirst(count)
        }
    }
}

/// The wire as the peer's engine sees it: what was taken can be received, and what is sent has arrived.
private final class RecordWire: ByteCarrier {
    private let wire: Wire
    var arrived: [UInt8] = []

    init(_ wire: Wire) { self.wire = wire }

    var now: Instant { wire.kernel.now }

    func receive(_ socket: Socket, into memory: UnsafeMutableRawBufferPointer) -> Received {
        guard !arrived.isEmpty else {
            // What is on its way comes before the end.
            return wire.outbound.isEmpty && (wire.weFinished || wire.weClosed) ? .endOfStream : .wouldBlock
        }
        let count = min(arrived.count, memory.count)
        unsafe arrived.withUnsafeBytes {
            unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
        arrived.removeFirst(count)
        return .bytes(count)
    }

    func send(_ socket: Socket, _ bytes: RawSpan, more: Bool) -> Sent {
        unsafe bytes.withUnsafeBytes { wire.kernel.peerSends(unsafe Array($0)[...], on: wire) }
        return .bytes(bytes.byteCount)
    }
}
