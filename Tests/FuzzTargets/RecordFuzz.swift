// TLS records of a hostile peer: bytes by chance to either side, and a genuine connection whose records a third party drops, doubles,
// cuts, changes and shuffles. No engine traps, what is read is the beginning of what was sent, an end that is no truncation comes only
// when all was read, and nothing stays behind.

import Basics
import Configuration
import Foundation
import KernelSimulation
import Reactor
import TLS
import TLSTesting

struct RecordFuzz {
    private let choice: UInt8
    private var script: Script

    init(_ bytes: [UInt8], _ choice: UInt8) {
        self.choice = choice
        script = Script(bytes: bytes)
    }

    mutating func run() {
        weak var engine: TLSEngine?
        var kernel: SimulatedKernel?
        do {
            let play = Play(seed: UInt64(choice))
            engine = play.server.engine
            kernel = play.kernel
            switch choice & 3 {
            case 0: play.say(script.rest(), to: play.server)
            case 1: play.say(script.rest(), to: play.client)
            default: play.carry(altering: choice & 3 == 2 ? play.client : play.server, &script)
            }
            play.finish()
        }
        precondition(engine == nil, "an engine stays behind")
        precondition(kernel?.openCount == 0, "a descriptor stays open")
    }
}

/// What is done, one byte for each decision; zeros when it is at its end.
private struct Script {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> UInt8 {
        guard position < bytes.count else { return 0 }
        position += 1
        return bytes[position - 1]
    }

    mutating func take(_ count: Int) -> [UInt8] {
        let taken = bytes[position..<min(bytes.count, position + count)]
        position += taken.count
        return Array(taken)
    }

    mutating func rest() -> [UInt8] { take(bytes.count) }
}

/// One side: an engine over a simulated descriptor, and what it sends and reads.
private final class End {
    let engine: TLSEngine
    let wire: Wire
    let content: [UInt8]
    private let kernel: SimulatedKernel
    private let pool = BufferPool(blockBytes: 16_384)
    private(set) var received: [UInt8] = []
    private(set) var progress = HandshakeProgress.pending
    private(set) var written = 0
    private(set) var hasEnded = false
    private var hasFinished = false

    init(_ engine: TLSEngine, _ wire: Wire, _ kernel: SimulatedKernel, content: [UInt8]) {
        self.engine = engine
        self.wire = wire
        self.kernel = kernel
        self.content = content
    }

    /// Does what it can with what has come.
    func turn() {
        lend()
        if progress == .failed {
            precondition(engine.handshake() == .failed && engine.fault != nil, "a failed handshake goes on")
            return
        }
        if progress == .pending { progress = engine.handshake() }
        guard progress == .complete else { return }
        write()
        read()
    }

    private func lend() { engine.lend(kernel, canReceive: true, canSend: true) }

    private func write() {
        while written < content.count {
            lend()
            let rest = Array(content[written...])
            guard case .bytes(let count) = unsafe engine.write(rest.span.bytes, more: false) else { return }
            written += count
        }
        guard !hasFinished else { return }
        lend()
        _ = engine.finishSending()
        hasFinished = true
    }

    private func read() {
        while !hasEnded {
            var buffer = ByteBuffer()
            buffer.acquire(from: pool)
            defer { buffer.release(to: pool) }
            lend()
            switch engine.read(into: &buffer) {
            case .bytes: received.append(buffer.readable)
            case .wouldBlock: return
            case .endOfStream, .failed: hasEnded = true
            }
        }
    }

    /// Whether the peer has said that all was sent.
    var hasWhole: Bool { hasEnded && !engine.isTruncated && engine.fault == nil }
}

/// A server and a client, and who carries their bytes.
private final class Play {
    let kernel: SimulatedKernel
    let server: End
    let client: End

    init(seed: UInt64) {
        kernel = SimulatedKernel(seed: seed)
        let content = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        let clientWire = kernel.connectClient()
        guard case .connection(let accepted, _) = kernel.accept(on: kernel.listener) else {
            preconditionFailure("the simulated client is not there")
        }
        server = End(Certified.listener.makeEngine(accepted), clientWire, kernel, content: content)
        let address = SocketAddress.ip(.loopbackV4, port: 443)
        var serverWire: Wire?
        kernel.servers[address] = { _, wire in
            serverWire = wire
            return true
        }
        guard case .started(let opened) = kernel.connect(to: address, from: nil, marks: SocketMarks(), options: nil),
            let serverWire
        else { preconditionFailure("the simulated server is not there") }
        kernel.accept(serverWire)
        client = End(TLSEngine(Certified.client, opened), serverWire, kernel, content: content.reversed())
    }

    /// Bytes by chance, in two pieces, then the end.
    func say(_ bytes: [UInt8], to end: End) {
        end.turn()
        let middle = bytes.count / 2
        for piece in [bytes[..<middle], bytes[middle...]] {
            kernel.peerSends(piece, on: end.wire)
            end.turn()
        }
        kernel.peerFinishes(end.wire)
        end.turn()
        precondition(end.progress != .complete, "a handshake by chance is complete")
        precondition(end.received.isEmpty, "content by chance")
    }

    /// Lets both talk; what `altered` sends is carried as the script says.
    func carry(altering altered: End, _ script: inout Script) {
        let other = altered === server ? client : server
        var carrier = Carrier()
        for _ in 0..<40 {
            client.turn()
            server.turn()
            kernel.peerSends(kernel.peerTakes(.max, from: other.wire), on: altered.wire)
            kernel.peerSends(carrier.carry(kernel.peerTakes(.max, from: altered.wire), &script), on: other.wire)
        }
        kernel.peerFinishes(altered.wire)
        kernel.peerFinishes(other.wire)
        client.turn()
        server.turn()
    }

    func finish() {
        for (reader, writer) in [(server, client), (client, server)] {
            precondition(writer.content.starts(with: reader.received), "other content was read than was sent")
            precondition(
                !reader.hasWhole || reader.received.count == writer.content.count, "a truncation is taken for the whole"
            )
        }
        for end in [server, client] { kernel.close(end.engine.socket, reset: false) }
    }
}

/// Carries records from one side to the other.
private struct Carrier {
    /// What is kept back, to come later than what was sent after it.
    private var held: [UInt8] = []

    mutating func carry(_ bytes: [UInt8], _ script: inout Script) -> [UInt8] {
        var out: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            // Records are told by their headers; what is no whole one is carried as it is.
            let length =
                rest.count < 5 ? rest.count : 5 + Int(rest[rest.startIndex + 3]) << 8 + Int(rest[rest.startIndex + 4])
            var record = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            switch script.next() {
            case 0..<128: out += record
            case 128..<144: break
            case 144..<160: out += record + record
            case 160..<176: out += record.prefix(Int(script.next()))
            case 176..<208:
                let place = (Int(script.next()) << 8 | Int(script.next())) % record.count
                record[place] ^= max(1, script.next())
                out += record
            case 208..<224:
                out += held
                held = record
            case 224..<240: out += record.prefix(5) + record.dropFirst(5).reversed()
            default:
                let count = Int(script.next())
                out += script.take(count) + record
            }
        }
        return out
    }
}

/// What all plays share: a listener with a certificate made for the process, and a client that takes any.
private enum Certified {
    static let client = TLSContext(.client)

    static let listener: TLSListener = {
        let file = FileManager.default.temporaryDirectory.appending(path: "portico-fuzz-\(UUID().uuidString).pem")
        defer { try? FileManager.default.removeItem(at: file) }
        do {
            try TestCertificate("localhost").bundle.write(to: file, atomically: true, encoding: .utf8)
            let word = Word(file.path, at: SourceRange(file: "fuzz", line: 1))
            var options = TLSListenerOptions()
            options.isOn = true
            options.sources = [.certificate(word)]
            return try TLSListener(options, at: word, defaults: TLSDefaults(), certificates: CertificateStore())
        } catch {
            preconditionFailure("the certificate of the fuzz target: \(error)")
        }
    }()
}
